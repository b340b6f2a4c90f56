"""The scenarios keep to the grammar of docs/writing-scenarios.md, and say what people say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_bdd import parsers
from pytest_bdd.parser import ScenarioTemplate, Step

from touchstone.gherkin.feature_file import _parse

ROOT = Path(__file__).parents[3]
FEATURES = {
    path.relative_to(ROOT).as_posix(): path
    for folder in ("features", "docs/example/features")
    for path in sorted((ROOT / folder).rglob("*.feature"))
}
STEPS = {
    "features": ROOT / "fixtures" / "steps",
    "docs/example": ROOT / "docs" / "example" / "fixtures",
}

MEANWHILE = {"en": "meanwhile ", "ru": "тем временем "}
AT_ONCE = {"en": "at the same moment", "ru": "одновременно"}
LOOKS = {"can", "finds", "gets", "has", "is", "reads", "sees", "still", "watches"}
ROLES = {"инженер", "оператор", "партнёр", "покупатель", "продавец", "читательница"}
MOST_WORDS = 18
SAID_OTHERWISE = {
    r"номер\w* для отслеживания": "трек-номер",
    r"отложенн\w+ событи": "недоставленное событие",
    r"\bсдал(ся|ась|ись)\b": "прекратил попытки",
    r"на другой день": "на следующий день",
    r"до посылки": "до отправки",
    r"реплик\w* (\w+ )*(стоит|идёт)": "не применяет изменения, догоняет основную базу",
    r"replica (\w+ )*(stands still|goes on)": "has stopped applying changes, catches up",
}


@dataclass(frozen=True)
class Phrase:
    """How a step is said; `place` is where it is declared."""

    kind: str
    en: str
    ru: str
    place: str

    def said(self, language: str) -> str:
        return self.ru if language == "ru" else self.en


def declared(folder: Path) -> list[Phrase]:
    """The steps that the modules of a folder declare in both languages."""
    found = []
    for file in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            for call in getattr(node, "decorator_list", ()):
                said = {word.arg: word.value for word in getattr(call, "keywords", ())}
                if {"en", "ru"} <= said.keys():
                    en, ru = (ast.literal_eval(said[language]) for language in ("en", "ru"))
                    place = f"{file.relative_to(ROOT)}:{call.lineno}"
                    found.append(Phrase(call.func.id, en, ru, place))
    return found


PHRASES = {where: declared(folder) for where, folder in STEPS.items()}
ALL_PHRASES = [phrase for phrases in PHRASES.values() for phrase in phrases]


def faults_of_phrase(phrase: Phrase) -> list[str]:
    """What is against the rules in how a step is said."""
    return [
        *_faults_of_kind(phrase),
        *_faults_of_names(phrase.ru),
        *_faults_of_numbers(phrase.ru),
        *_faults_of_length(phrase),
        *_said_otherwise(f"{phrase.en} {phrase.ru}"),
    ]


def _faults_of_kind(phrase: Phrase) -> Iterator[str]:
    """A When is an act of one person or an event that nobody brings about; a Then looks."""
    is_event = {each: phrase.said(each).startswith(MEANWHILE[each]) for each in MEANWHILE}
    if is_event["en"] != is_event["ru"]:
        yield "is an event in one language and not in the other"
    actor = re.match(r"\{\w+\} the (\w+|\{role:w\}) (?P<verb>\w+)", phrase.en)
    if phrase.kind != "when":
        if any(is_event.values()):
            yield "is an event, and so a When"
        if phrase.kind == "then" and actor and actor["verb"] not in LOOKS:
            yield f"is a Then in which somebody acts: {actor['verb']}"
    elif all(AT_ONCE[each] in phrase.said(each) for each in AT_ONCE):
        return
    elif not any(is_event.values()):
        if actor is None or actor["verb"] == "and":
            yield "is a When without one person who acts"
        if not re.match(rf"({'|'.join(ROLES)}) {{\w+}} ", phrase.ru):
            yield "is a When whose Russian phrase does not begin with who acts"


def _faults_of_names(ru: str) -> Iterator[str]:
    """Names are never declined, so what stands with them is not either. A company's is a title."""
    people = {
        name
        for phrase in ALL_PHRASES
        for name in re.findall(r"\{(\w+)\} the \w+", phrase.en)
        if name != "partner"
    } | {"author", "holder", "other"}
    stands_well = rf"(^|\W)({'|'.join(ROLES)}|операторы( \{{\w+\}} и)?|по имени|автор —) $"
    for name in re.finditer(r"\{(\w+)\}", ru):
        if name[1] in people and not re.search(stands_well, ru[: name.start()]):
            yield f"declines what stands before {name[0]}: {ru!r}"


def _faults_of_numbers(ru: str) -> Iterator[str]:
    """A noun after a number has another form after 1, 3 and 5; a unit has one."""
    for number in re.finditer(r"\{(count|\w+:d)\}(?P<next> \w+)?", ru):
        if (number["next"] or "").strip() not in {"", "за", "мин", "мм", "на", "с"}:
            yield f"has a noun after a number: {number[0]!r}"


def _faults_of_length(phrase: Phrase) -> Iterator[str]:
    for text in (phrase.en, phrase.ru):
        if len(text.split()) > MOST_WORDS:
            yield f"has more than {MOST_WORDS} words: {text!r}"


def _said_otherwise(text: str) -> Iterator[str]:
    for words, better in SAID_OTHERWISE.items():
        if found := re.search(words, text):
            yield f"says {found[0]!r} for {better!r}"


def faults_of_feature(text: str, phrases: Iterable[Phrase]) -> list[str]:
    """What is against the rules in a feature file, with its lines."""
    source = _parse(Path("/x.feature"), "x.feature", text)
    language = source.feature.language
    found = [
        f"{line}: {fault}"
        for line, words in enumerate(text.splitlines(), start=1)
        for fault in _said_otherwise(words)
    ]
    known = {
        kind: [parsers.parse(each.said(language)) for each in phrases if each.kind == kind]
        for kind in ("given", "when", "then")
    }
    for placed in source.scenarios:
        found += _faults_of_order(placed.template, language)
        for step in _as_run(placed.template):
            fitting = sum(parser.is_matching(step.name) for parser in known.get(step.type, ()))
            if fitting != 1:
                number = "several" if fitting else "no"
                found.append(f"{step.line_number}: {number} {step.type} says {step.name!r}")
    return found


def _as_run(template: ScenarioTemplate) -> Iterator[Step]:
    rows = [row for table in template.examples for row in table.as_contexts()]
    for row in rows or [{}]:
        yield from template.render(row).steps


def _faults_of_order(template: ScenarioTemplate, language: str) -> Iterator[str]:
    for step in template.all_background_steps:
        if step.type != "given":
            yield f"{step.line_number}: a Background says what is so: {step.name}"
    seen = ["given"]
    for step in template.steps:
        if step.type == "given" and seen[-1] != "given":
            yield f"{step.line_number}: a Given comes after what was done: {step.name}"
        if step.type == "then" and "when" not in seen:
            yield f"{step.line_number}: a Then looks before anybody has acted: {step.name}"
        seen.append(step.type)
    acts = [
        step
        for step in template.steps
        if step.type == "when" and not step.name.startswith(MEANWHILE[language])
    ]
    if not acts:
        yield f"{template.line_number}: nobody acts in {template.name!r}"
    if seen[-1] != "then":
        yield f"{template.line_number}: {template.name!r} does not end with a look"


@pytest.mark.parametrize("phrase", ALL_PHRASES, ids=lambda phrase: phrase.place)
def test_a_step_is_said_by_the_rules(phrase: Phrase) -> None:
    assert faults_of_phrase(phrase) == []


@pytest.mark.parametrize("name", FEATURES)
def test_a_feature_is_written_by_the_rules(name: str) -> None:
    phrases = next(said for where, said in PHRASES.items() if name.startswith(where))

    assert faults_of_feature(FEATURES[name].read_text(), phrases) == []


@pytest.mark.parametrize(
    ("kind", "en", "ru", "fault"),
    [
        ("when", "the sun shines", "светит солнце", "without one person"),
        (
            "when",
            "{seller} the seller and {other} the seller wait",
            "продавец {seller} и продавец {other} ждут",
            "without one person",
        ),
        ("when", "{seller} the seller waits", "ждёт продавец {seller}", "begin with who acts"),
        ("when", "meanwhile the sun shines", "светит солнце", "an event in one language"),
        ("given", "meanwhile it rains", "тем временем идёт дождь", "and so a When"),
        ("then", "{seller} the seller closes it", "продавец {seller} закрывает", "somebody acts"),
        ("then", "{seller} the seller sees it", "продавцу {seller} видно", "declines"),
        ("then", "{seller} the seller sees it", "на странице клиента {seller}", "declines"),
        ("then", "the note is by {author}", "заметку сделал {author}", "declines"),
        ("then", "there are {count} pieces", "есть {count} изделий", "after a number"),
        ("given", "{minutes:d} minutes pass", "прошло {minutes:d} минут", "after a number"),
        ("given", f"it {'rains and ' * 9}snows", "снег", "more than 18 words"),
        ("given", "an event", "есть отложенное событие", "недоставленное"),
    ],
)
def test_a_phrase_against_a_rule_is_found(kind: str, en: str, ru: str, fault: str) -> None:
    assert any(fault in found for found in faults_of_phrase(Phrase(kind, en, ru, "")))


@pytest.mark.parametrize(
    ("kind", "en", "ru"),
    [
        ("when", "meanwhile the sun shines", "тем временем светит солнце"),
        (
            "when",
            "{seller} the seller and {other} the seller call at the same moment",
            "продавец {seller} и продавец {other} одновременно звонят",
        ),
        ("then", "{seller} the seller is told", "клиент видит страницу по имени {seller}"),
        ("then", "there are {count} pieces", "изделий: {count}"),
        ("given", "{minutes:d} minutes pass", "прошло {minutes:d} мин"),
        ("given", "{partner} the partner is down", "сервер партнёра {partner} не отвечает"),
    ],
)
def test_a_phrase_by_the_rules_is_left_alone(kind: str, en: str, ru: str) -> None:
    assert faults_of_phrase(Phrase(kind, en, ru, "")) == []


SAID = [
    Phrase("given", "a shop", "магазин", ""),
    Phrase("when", "{seller} the seller waits", "продавец {seller} ждёт", ""),
    Phrase("when", "meanwhile it rains", "тем временем идёт дождь", ""),
    Phrase("then", "it is late", "поздно", ""),
    Phrase("then", "it is dark", "темно", ""),
    Phrase("then", "{what} is dark", "{what} тёмный", ""),
]


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        ("Given a shop\nThen it is late", "nobody acts"),
        ("Given a shop\nWhen meanwhile it rains\nThen it is late", "nobody acts"),
        ("Given a shop\nThen it is late\nWhen Boris the seller waits", "before anybody has acted"),
        ("Given a shop\nThen it is late\nWhen Boris the seller waits", "does not end with a look"),
        ("When Boris the seller waits\nGiven a shop\nThen it is late", "after what was done"),
        ("When Boris the seller sings\nThen it is late", "no when says 'Boris the seller sings'"),
        ("When Boris the seller waits\nThen a shop", "no then says 'a shop'"),
        ("* a shop\nWhen Boris the seller waits\nThen it is late", "no any says 'a shop'"),
        ("When Boris the seller waits\nThen it is dark", "several then says 'it is dark'"),
        ("When <who> the seller waits\nThen it's <when>", 'no then says "it\'s late"'),
    ],
)
def test_a_scenario_against_a_rule_is_found(steps: str, fault: str) -> None:
    rows = "\nExamples:\n|who|when|\n|Boris|late|" if "<" in steps else ""
    text = f"Feature: A\nScenario Outline: B\n{steps}{rows}\n"

    assert any(fault in found for found in faults_of_feature(text, SAID))


def test_a_background_that_acts_is_found() -> None:
    steps = "When Boris the seller waits\nThen it is late\n"
    text = f"Feature: A\nBackground:\n{steps}Scenario: B\n{steps}"

    assert [found for found in faults_of_feature(text, SAID) if "Background" in found] == [
        "3: a Background says what is so: Boris the seller waits",
        "4: a Background says what is so: it is late",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Feature: A\nBackground:\nGiven a shop\nScenario: B\nWhen Boris the seller waits\n"
        "And meanwhile it rains\nThen it is late\nWhen meanwhile it rains\nThen it is late\n",
        "# language: ru\nФункция: А\nСценарий: Б\nДано магазин\nКогда продавец Борис ждёт\n"
        "И тем временем идёт дождь\nТогда поздно\n",
    ],
)
def test_a_feature_by_the_rules_is_left_alone(text: str) -> None:
    assert faults_of_feature(text, SAID) == []
