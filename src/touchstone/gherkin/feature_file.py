"""What a feature file says, and on which line it says it.

pytest-bdd's parser does the reading; here it also notes where each scenario and each row of its
examples stands, and what is wrong with a file is said for the person who wrote it.

Parsing is the slow part of collecting many scenarios. What was read is kept in pytest's cache
folder, under a name made of the file's path, its text and the versions of the parsers.
"""

from __future__ import annotations

import gc
import hashlib
import os
import pickle
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

from gherkin.errors import CompositeParserException, ParserError
from gherkin.parser import Parser
from pytest_bdd import parser
from pytest_bdd.exceptions import GherkinParseError
from pytest_bdd.gherkin_parser import GherkinDocument
from pytest_bdd.types import STEP_TYPE_BY_PARSER_KEYWORD

from touchstone.gherkin.said import MESSAGES, language_of, quoted, say
from touchstone.gherkin.swallowed import Description, descriptions, meant

ANY = "any"
"""The type of a step that begins with `*`, which stands for any keyword."""

_VERSIONS = "\0".join(
    ["3", *(version(name) for name in ("pytest-bdd", "gherkin-official"))]  # 3: of `Source`
)
_ENCODING = "utf-8-sig"  # with the mark that editors on Windows put first, or without it
_WRONG_LINE = re.compile(r"(?:unexpected end of file, )?expected: (.*?)(?:, got '.*')?$", re.DOTALL)
# What stands between “< 5 g and > 2 g” is text.
_COLUMN = re.compile(r"<([^<>\s](?:[^<>]*[^<>\s])?)>")
_TOKENS = [about for about in MESSAGES if about.startswith("#")]


class FeatureError(Exception):
    """A feature file cannot be used as it stands; the text says where and why."""

    def __init__(self, file: Path | str, line: int, problem: str) -> None:
        super().__init__(f"{file}:{line}: {problem}")


@dataclass(eq=False)
class Placed:
    """A scenario, the line of its first tag or of its title, and the lines of its rows."""

    template: parser.ScenarioTemplate
    line: int
    rows: Sequence[int]

    @property
    def title(self) -> str:
        """Its name without what separates the parts of a node id."""
        title = " ".join(self.template.name.split()).replace("::", ":")
        title = title.replace("[", "(").replace("]", ")")
        return title or f"line {self.template.line_number}"

    @property
    def tests(self) -> Sequence[int]:
        """A line for each test that it makes."""
        return self.rows or [self.template.line_number]


@dataclass(eq=False)
class Source:
    """A feature file that has been read; `length` is its number of lines, `prose` what is read as
    description, with the scenarios that it may have been meant as a step of."""

    feature: parser.Feature
    scenarios: Sequence[Placed]
    sections: Sequence[tuple[int, Sequence[Placed]]]
    length: int
    prose: Sequence[Description] = ()

    def at(self, line: int) -> set[int]:
        """The tests that a line belongs to, by their own lines: that of a row to its test, any
        other of a scenario to all of its tests, the head of a rule or of the file to all below."""
        inside = self.scenarios
        for start, section in self.sections:
            if start <= line:
                inside = section
        tests = {test for scenario in inside for test in scenario.tests}
        return {line} if line in tests else tests


def read(path: Path, name: str | Path, cache: Path | None = None) -> Source:
    """Read a feature file; `name` is what it is called in errors, `cache` a folder.

    Raises:
        FeatureError: it is not Gherkin, or nothing could be run as it is meant.
    """
    with _without_garbage_collection():
        return _read(path, name, cache)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """A file becomes a hundred thousand objects, none of which is garbage: looking for it meanwhile
    takes a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _read(path: Path, name: str | Path, cache: Path | None) -> Source:
    try:
        text = path.read_text(_ENCODING)
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        language = language_of(path.read_bytes().decode(errors="replace"))
        raise FeatureError(name, line, say(language, "encoding")) from None
    if cache is None:
        return _parse(path, name, text)
    kept = cache / hashlib.blake2b(str(path).encode(), digest_size=12).hexdigest()
    key = hashlib.blake2b(f"{_VERSIONS}\0{path}\0{text}".encode()).digest()
    # Whatever is wrong with what was kept, the file itself is right.
    with suppress(Exception):
        content = kept.read_bytes()
        if content.startswith(key):
            known: Source = pickle.loads(content[len(key) :])
            return known
    source = _parse(path, name, text)
    with suppress(OSError):
        # Another worker may be reading it now.
        fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
        fresh.write_bytes(key + pickle.dumps(source, pickle.HIGHEST_PROTOCOL))
        fresh.replace(kept)
    return source


def _parse(path: Path, name: str | Path, text: str) -> Source:
    reader = _Reader(path, text)
    try:
        feature = reader.parse()
        reader.check(feature)
    except GherkinParseError as error:
        line, problem = _explain(error, "\n".join(reader.lines))
        raise FeatureError(name, line, problem) from None
    sections = sorted(reader.sections, key=lambda section: section[0])
    return Source(feature, reader.scenarios, sections, len(reader.lines), reader.prose)


class _Reader(parser.FeatureParser):
    def __init__(self, path: Path, text: str) -> None:
        super().__init__(str(path.parent), path.name, _ENCODING)
        self.lines = _lines(unicodedata.normalize("NFC", text))
        self.language = language_of(text)
        self.prose: list[Description] = []
        self._backgrounds: dict[int, Any] = {}
        self.scenarios: list[Placed] = []
        self.sections: list[tuple[int, Sequence[Placed]]] = []

    def parse(self) -> parser.Feature:
        if all(not line.strip() or line.lstrip().startswith("#") for line in self.lines):
            raise self._error(1, self._say("no feature"))
        return super().parse()

    def _parse_feature_file(self) -> Any:
        # From the text that was read, and not from the file once more: letters that are put
        # together from parts are the same letters.
        try:
            document = GherkinDocument.from_dict(dict(Parser().parse("\n".join(self.lines) + "\n")))
        except CompositeParserException as error:
            line = error.errors[0].location["line"]
            raise GherkinParseError(str(error), line, "", self.abs_filename) from error
        self.language = document.feature.language
        for found in descriptions(self.lines, self.language):
            if hint := meant(found, self.language):
                raise self._error(found.line, self._say("swallowed", found=found.text) + hint)
            self.prose.append(found)
        return document

    def parse_steps(self, steps_data: list[Any]) -> list[parser.Step]:
        """As pytest-bdd does it, but that `*` may be any kind of step, also the first."""
        steps, current = [], ""
        for step in steps_data:
            if step.keyword.strip() == "*":
                current = ANY
            else:
                current = STEP_TYPE_BY_PARSER_KEYWORD.get(step.keyword_type, current)
            if not current:
                raise self._error(
                    step.location.line, self._say("first step", keyword=step.keyword.strip())
                )
            steps.append(
                parser.Step(
                    name=step.text,
                    type=current,
                    indent=step.location.column - 1,
                    line_number=step.location.line,
                    keyword=step.keyword,
                    datatable=step.datatable,
                    docstring=step.docstring.content if step.docstring else None,
                )
            )
        return steps

    def parse_background(self, background_data: Any) -> parser.Background:
        background = super().parse_background(background_data)
        self._backgrounds[background.line_number] = background_data
        return background

    def parse_scenario(
        self, scenario_data: Any, feature: parser.Feature, rule: parser.Rule | None = None
    ) -> parser.ScenarioTemplate:
        template = super().parse_scenario(scenario_data, feature, rule)
        line, title = template.line_number, template.name
        if not title:
            raise self._error(line, self._say("no name"))
        if not scenario_data.steps:
            raise self._error(line, self._say("no steps", name=title))
        tables = [table.table_body or () for table in scenario_data.examples]
        rows = tuple(row.location.line for row in chain(*tables))
        if template.templated and not rows:
            raise self._error(line, self._say("no rows", name=title))
        if rows:
            self._check_columns(scenario_data, template)
        kinds = {step.type for step in template.steps}
        if "when" in kinds and not kinds & {"then", ANY}:
            raise self._error(line, self._say("no then", name=title))
        placed = Placed(template, _first_line(scenario_data), rows)
        self.scenarios.append(placed)
        self.sections.append((placed.line, [placed]))
        return template

    def _check_columns(self, outline: Any, template: parser.ScenarioTemplate) -> None:
        """Each <word> that is in no table's head would stay as it is, and a column that is in no
        text would change nothing."""
        texts = [(outline.location.line, outline.name)]
        rule = template.rule.background if template.rule else None
        steps = [*outline.steps]
        for background in filter(None, (template.feature.background, rule)):
            steps += self._backgrounds[background.line_number].steps
        texts += chain.from_iterable(_texts(step) for step in steps)
        used = {word for _, text in texts for word in _COLUMN.findall(text)}
        for table in filter(lambda each: each.table_header, outline.examples):
            columns = [cell.value for cell in table.table_header.cells]
            head = table.table_header.location.line
            for line, text in texts:
                for word in _COLUMN.findall(text):
                    if word not in columns:
                        raise self._error(line, self._no_column(word, columns))
            for column in columns:
                if columns.count(column) > 1:
                    raise self._error(head, self._say("same column", word=column))
                if column not in used:
                    raise self._error(head, self._say("unused column", word=column))

    def _no_column(self, word: str, columns: Sequence[str]) -> str:
        has = ", ".join(quoted(self.language, column) for column in columns)
        near = get_close_matches(word, columns, n=1)
        hint = self._say("did you mean", near=near[0]) if near else ""
        return self._say("no column", word=word, columns=has) + hint

    def _say(self, about: str, **values: object) -> str:
        return say(self.language, about, **values)

    def _parse_and_add_rule(self, rule_data: Any, feature: parser.Feature) -> None:
        before = len(self.scenarios)
        super()._parse_and_add_rule(rule_data, feature)
        self.sections.append((_first_line(rule_data), self.scenarios[before:]))

    def check(self, feature: parser.Feature) -> None:
        if not self.scenarios:
            problem = self._say("no scenario", name=feature.name)
            raise self._error(feature.line_number, problem)
        seen: dict[str, int] = {}
        for placed in self.scenarios:
            line = placed.template.line_number
            first = seen.setdefault(placed.title, line)
            if first != line:
                problem = self._say("same name", name=placed.title, first=first)
                raise self._error(line, problem)

    def _error(self, line: int, problem: str) -> GherkinParseError:
        return GherkinParseError(problem, line, "", self.abs_filename)


def _texts(step: Any) -> list[tuple[int, str]]:
    """All that a step says, with its lines."""
    texts = [(step.location.line, step.text)]
    for row in step.datatable.rows if step.datatable else ():
        texts += [(row.location.line, cell.value or "") for cell in row.cells]
    if step.docstring:
        content = step.docstring.content.split("\n")
        texts += enumerate(content, start=step.docstring.location.line + 1)
    return texts


def _lines(text: str) -> list[str]:
    """As the parser counts them: `str.splitlines` knows more ends of a line."""
    return text.removesuffix("\n").split("\n")


def _first_line(node: Any) -> int:
    lines: list[int] = [part.location.line for part in (node, *node.tags)]
    return min(lines)


def _explain(error: GherkinParseError, text: str) -> tuple[int, str]:
    """The line and, in words, the first thing that is wrong; what follows is often only its
    consequence."""
    cause = error.__cause__
    language = language_of(text)
    if not isinstance(cause, CompositeParserException):
        return error.line, error.message
    first: ParserError = cause.errors[0]
    line = cause.errors[0].location["line"]
    problem = str(first).partition("): ")[2]
    if problem == "inconsistent cell count within the table":
        return line, say(language, "cells")
    wrong = _WRONG_LINE.fullmatch(problem)
    if wrong is None:
        return line, problem[:1].lower() + problem[1:]
    names = wrong[1].split(", ")
    expected = [say(language, token) for token in _TOKENS if token in names]
    either = say(language, "or").join(filter(None, [", ".join(expected[:-1]), expected[-1]]))
    wanted = say(language, "expected", wanted=either)
    lines = _lines(text)
    if line > len(lines):
        return len(lines), say(language, "ends early", wanted=wanted)
    found = Description(line, lines[line - 1].strip(), below_scenario=True)
    said = say(language, "found", wanted=wanted, found=found.text)
    return line, said + meant(found, language)
