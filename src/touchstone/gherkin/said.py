"""What is said about a feature, in the feature's own language: in Russian where it is Russian, in
English otherwise."""

from __future__ import annotations

import re
from typing import Final

LANGUAGES: Final = ("en", "ru")
"""The languages that messages, and the steps of a project, are in."""

_LANGUAGE: Final = re.compile(r"^\s*#\s*language\s*:\s*(\S+)", re.MULTILINE)

MESSAGES: Final[dict[str, dict[str, str]]] = {
    "encoding": {
        "en": "the file must be saved as UTF-8",
        "ru": "сохраните файл в кодировке UTF-8",
    },
    "no feature": {
        "en": "the file holds no feature: it should start with “Feature: …”",
        "ru": "в файле не описано ни одной функции: начните его со строки «Функция: …»",
    },
    "no scenario": {"en": "“{name}” has no scenario", "ru": "в «{name}» нет ни одного сценария"},
    "no steps": {"en": "“{name}” has no steps", "ru": "в сценарии «{name}» нет шагов"},
    "no rows": {
        "en": "“{name}” has examples without a row, so it would never run",
        "ru": "в примерах к «{name}» нет ни одной строки, поэтому сценарий никогда не выполнится",
    },
    "no name": {
        "en": "this scenario has no name: say after the colon what it shows",
        "ru": "у сценария нет названия: напишите после двоеточия, что он показывает",
    },
    "no then": {
        "en": "“{name}” does something and looks at nothing: it has a When and no Then",
        "ru": "сценарий «{name}» что-то делает, но ничего не проверяет: есть «Когда», но нет "
        "«Тогда»",
    },
    "first step": {
        "en": "the first step starts with “{keyword}”, which follows another step: start with "
        "Given, When or Then",
        "ru": "первый шаг начинается со слова «{keyword}», которое продолжает другой шаг: начните "
        "с «Дано», «Когда» или «Тогда»",
    },
    "same name": {
        "en": "“{name}” is already the name of the scenario on line {first}",
        "ru": "сценарий с названием «{name}» уже есть в строке {first}",
    },
    "no column": {
        "en": "“<{word}>” is no column of the examples, which have {columns}",
        "ru": "в примерах нет столбца «<{word}>», есть только {columns}",
    },
    "unused column": {
        "en": "no step uses the column “{word}”: write <{word}> where its values belong, or take "
        "the column out",
        "ru": "столбец «{word}» не используется ни в одном шаге: напишите <{word}> там, где нужны "
        "его значения, или уберите столбец",
    },
    "same column": {
        "en": "the examples have two columns “{word}”",
        "ru": "в примерах два столбца «{word}»",
    },
    "swallowed": {
        "en": "“{found}” would be read as a description, and not be run",
        "ru": "строка «{found}» будет прочитана как описание и не выполнится",
    },
    "swallowed step": {
        "en": "“{found}” is a step without its keyword: it would be read as a description, and not "
        "be run; write Given, When or Then before it",
        "ru": "«{found}» — шаг без ключевого слова: строка будет прочитана как описание и не "
        "выполнится; напишите перед ней «Дано», «Когда» или «Тогда»",
    },
    "other language": {
        "en": "“{keyword}” is a keyword of another language",
        "ru": "«{keyword}» — ключевое слово другого языка",
    },
    "did you mean": {
        "en": " – did you mean “{near}”?",
        "ru": " — возможно, имелось в виду «{near}»?",
    },
    "language missing": {
        "en": " – is “# language: ru” missing in the first line?",
        "ru": " — возможно, в первой строке не хватает «# language: ru»?",
    },
    "cells": {
        "en": "this row has more or fewer cells than the first row of its table",
        "ru": "в этой строке больше или меньше ячеек, чем в первой строке таблицы",
    },
    "expected": {"en": "expected {wanted}", "ru": "здесь может быть {wanted}"},
    "found": {"en": "{wanted}, found “{found}”", "ru": "{wanted}, а написано «{found}»"},
    "ends early": {
        "en": "the file ends too early: {wanted}",
        "ru": "файл обрывается слишком рано: {wanted}",
    },
    "or": {"en": " or ", "ru": " или "},
    "few lines": {"en": "it has only {count} lines", "ru": "всего строк в файле: {count}"},
    "unknown tag": {
        "en": "the tag @{tag} is not among the `markers` of pytest's configuration",
        "ru": "тега @{tag} нет среди `markers` в настройках pytest",
    },
    "new tags": {
        "en": "; new ones are registered there",
        "ru": "; новые теги добавляют туда",
    },
    "no definition": {
        "en": "No step definition fits",
        "ru": "Ни одно определение не подходит к шагу",
    },
    "other kind": {
        "en": "The phrase is defined, but for another kind of step:",
        "ru": "Такая фраза определена, но для шага другого вида:",
    },
    "meant": {"en": "Did you mean", "ru": "Возможно, имелось в виду"},
    "define": {
        "en": "To define it, write among the step definitions or in a conftest.py:",
        "ru": "Чтобы определить шаг, добавьте к определениям шагов или в conftest.py:",
    },
    "unseen": {
        "en": "What cannot be seen in it: {what}",
        "ru": "Что в нём не видно на глаз: {what}",
    },
    "takes no table": {
        "en": "there is a table under this step, and the step takes none: {step}",
        "ru": "под этим шагом есть таблица, а шаг её не принимает: {step}",
    },
    "takes no text": {
        "en": "there is a doc string under this step, and the step takes none: {step}",
        "ru": "под этим шагом есть текст в тройных кавычках, а шаг его не принимает: {step}",
    },
    "async": {
        "en": "the step is defined as a coroutine, which nobody awaits, so it would not run: "
        "{step} ({place}). Write `def` instead of `async def`.",
        "ru": "шаг определён как корутина, которую никто не дожидается, поэтому он бы не "
        "выполнился: "
        "{step} ({place}). Напишите `def` вместо `async def`.",
    },
    "never run": {
        "en": "the step has returned {what}, which nobody runs: {step} ({place})",
        "ru": "шаг вернул {what}, и выполнить это некому: {step} ({place})",
    },
    "no-break space": {"en": "a no-break space", "ru": "неразрывный пробел"},
    "zero width": {"en": "a character without width", "ru": "символ нулевой ширины"},
    "soft hyphen": {"en": "a soft hyphen", "ru": "мягкий перенос"},
    "decomposed": {
        "en": "letters put together from parts (NFD)",
        "ru": "буквы, составленные из частей (NFD)",
    },
    "look-alike": {
        "en": "“{letter}” in “{word}” is a {script} letter",
        "ru": "«{letter}» в слове «{word}» — {script} буква",
    },
    "Latin": {"en": "Latin", "ru": "латинская"},
    "Cyrillic": {"en": "Cyrillic", "ru": "русская"},
    "Greek": {"en": "Greek", "ru": "греческая"},
    "quotes": {
        "en": "the quotation mark {mark}, where the phrase has {other}",
        "ru": "кавычка {mark}, а во фразе {other}",
    },
    "dash": {
        "en": "the dash {mark}, where the phrase has {other}",
        "ru": "тире {mark}, а во фразе {other}",
    },
    "button": {"en": "button", "ru": "кнопки"},
    "link": {"en": "link", "ru": "ссылки"},
    "textbox": {"en": "field", "ru": "поля"},
    "searchbox": {"en": "search field", "ru": "поля поиска"},
    "combobox": {"en": "list", "ru": "списка"},
    "checkbox": {"en": "checkbox", "ru": "флажка"},
    "radio": {"en": "choice", "ru": "варианта"},
    "tab": {"en": "tab", "ru": "вкладки"},
    "field": {"en": "field", "ru": "поля"},
    "buttons": {"en": "Buttons there", "ru": "Кнопки"},
    "links": {"en": "Links there", "ru": "Ссылки"},
    "textboxs": {"en": "Fields there", "ru": "Поля"},
    "searchboxs": {"en": "Search fields there", "ru": "Поля поиска"},
    "comboboxs": {"en": "Lists there", "ru": "Списки"},
    "checkboxs": {"en": "Checkboxes there", "ru": "Флажки"},
    "radios": {"en": "Choices there", "ru": "Варианты"},
    "tabs": {"en": "Tabs there", "ru": "Вкладки"},
    "no controls": {
        "en": "There is no control at all.",
        "ru": "На странице нет ни одного элемента управления.",
    },
    "no control": {
        "en": "There is no {wanted} on the page {page}.",
        "ru": "На странице {page} нет {wanted}.",
    },
    "no option": {
        "en": "The list {wanted} does not have this option. It has: {options}.",
        "ru": "У {wanted} нет такого значения. Есть: {options}.",
    },
    "unusable": {
        "en": "The {wanted} is on the page {page}, and cannot be used: {why}.",
        "ru": "На странице {page} не добраться до {wanted}: {why}.",
    },
    "hidden": {"en": "it is not visible", "ru": "элемент не виден"},
    "disabled": {"en": "it is switched off", "ru": "элемент отключён"},
    "covered": {
        "en": "something lies over it, or it never stands still",
        "ru": "элемент чем-то закрыт или всё время движется",
    },
    "#FeatureLine": {"en": "a feature", "ru": "функция"},
    "#RuleLine": {"en": "a rule", "ru": "правило"},
    "#BackgroundLine": {"en": "a background", "ru": "предыстория"},
    "#ScenarioLine": {"en": "a scenario", "ru": "сценарий"},
    "#ExamplesLine": {"en": "examples", "ru": "примеры"},
    "#StepLine": {"en": "a step", "ru": "шаг"},
    "#TableRow": {"en": "a table row", "ru": "строка таблицы"},
    "#DocStringSeparator": {"en": 'a doc string (""")', "ru": 'текст в тройных кавычках (""")'},
    "#TagLine": {"en": "tags", "ru": "теги"},
    "#EOF": {"en": "the end of the file", "ru": "конец файла"},
}
"""By what they are about, in each language."""


def say(language: str, about: str, **values: object) -> str:
    """The message in this language; in English where it is in neither."""
    words = MESSAGES[about]
    return words.get(language, words["en"]).format(**values)


def quoted(language: str, text: str) -> str:
    return f"«{text}»" if language == "ru" else f"“{text}”"


def language_of(text: str) -> str:
    """What the first lines of a feature file name, or English."""
    named = _LANGUAGE.search(text)
    return named[1] if named else "en"
