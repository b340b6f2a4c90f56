"""What a feature file says, and on which line it says it.

pytest-bdd's parser does the reading; here it also notes where each scenario and each row of its
examples stands, and what is wrong with a file is said for the person who wrote it.

Parsing is the slow part of collecting many scenarios. What was read is kept in pytest's cache
folder, under a name made of the file's path, its text and the versions of the parsers.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

from gherkin.dialect import Dialect
from gherkin.errors import CompositeParserException, ParserError
from pytest_bdd import parser
from pytest_bdd.exceptions import GherkinParseError

_VERSIONS = "\0".join(
    ["2", *(version(name) for name in ("pytest-bdd", "gherkin-official"))]  # 2: of `Source`
)
_ENCODING = "utf-8-sig"  # with the mark that editors on Windows put first, or without it
_LANGUAGE = re.compile(r"^\s*#\s*language\s*:\s*(\S+)", re.MULTILINE)
_WRONG_LINE = re.compile(r"(?:unexpected end of file, )?expected: (.*?)(?:, got '.*')?$", re.DOTALL)
_COLUMN = re.compile(r"<([^<>]+)>")
_TOKENS = {
    "#FeatureLine": "a feature",
    "#RuleLine": "a rule",
    "#BackgroundLine": "a background",
    "#ScenarioLine": "a scenario",
    "#ExamplesLine": "examples",
    "#StepLine": "a step",
    "#TableRow": "a table row",
    "#DocStringSeparator": 'a doc string (""")',
    "#TagLine": "tags",
    "#EOF": "the end of the file",
}
_TITLES = {"feature", "rule", "background", "scenario", "scenarioOutline", "examples"}


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
    """A feature file that has been read; `length` is its number of lines."""

    feature: parser.Feature
    scenarios: Sequence[Placed]
    sections: Sequence[tuple[int, Sequence[Placed]]]
    length: int

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
    try:
        text = path.read_text(_ENCODING)
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise FeatureError(name, line, "the file must be saved as UTF-8") from None
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
        line, problem = _explain(error, text)
        raise FeatureError(name, line, problem) from None
    sections = sorted(reader.sections, key=lambda section: section[0])
    return Source(feature, reader.scenarios, sections, len(reader.lines))


class _Reader(parser.FeatureParser):
    def __init__(self, path: Path, text: str) -> None:
        super().__init__(str(path.parent), path.name, _ENCODING)
        self.lines = _lines(text)
        self.scenarios: list[Placed] = []
        self.sections: list[tuple[int, Sequence[Placed]]] = []

    def parse(self) -> parser.Feature:
        if all(not line.strip() or line.lstrip().startswith("#") for line in self.lines):
            raise self._error(1, "the file holds no feature: it should start with “Feature: …”")
        return super().parse()

    def parse_scenario(
        self, scenario_data: Any, feature: parser.Feature, rule: parser.Rule | None = None
    ) -> parser.ScenarioTemplate:
        template = super().parse_scenario(scenario_data, feature, rule)
        line, title = template.line_number, template.name
        if not scenario_data.steps:
            raise self._error(line, f"“{title}” has no steps", template, feature)
        tables = [table.table_body or () for table in scenario_data.examples]
        rows = tuple(row.location.line for row in chain(*tables))
        if template.templated and not rows:
            raise self._error(line, f"“{title}” has examples without a row, so it would never run")
        if rows:
            self._check_columns(scenario_data)
        placed = Placed(template, _first_line(scenario_data), rows)
        self.scenarios.append(placed)
        self.sections.append((placed.line, [placed]))
        return template

    def _check_columns(self, outline: Any) -> None:
        """Each <word> of a step that is in no table's head would stay as it is."""
        for table in filter(lambda each: each.table_header, outline.examples):
            columns = [cell.value for cell in table.table_header.cells]
            for step in outline.steps:
                for word in _COLUMN.findall(step.text):
                    if word not in columns:
                        has = ", ".join(f"“{column}”" for column in columns)
                        near = get_close_matches(word, columns, n=1)
                        hint = f" – did you mean “{near[0]}”?" if near else ""
                        problem = f"“<{word}>” is no column of the examples, which have {has}{hint}"
                        raise self._error(step.location.line, problem)

    def _parse_and_add_rule(self, rule_data: Any, feature: parser.Feature) -> None:
        before = len(self.scenarios)
        super()._parse_and_add_rule(rule_data, feature)
        self.sections.append((_first_line(rule_data), self.scenarios[before:]))

    def check(self, feature: parser.Feature) -> None:
        if not self.scenarios:
            problem = f"“{feature.name}” has no scenario"
            raise self._error(feature.line_number, problem, feature, feature)
        seen: dict[str, int] = {}
        for placed in self.scenarios:
            line = placed.template.line_number
            first = seen.setdefault(placed.title, line)
            if first != line:
                problem = f"“{placed.title}” is already the name of the scenario on line {first}"
                raise self._error(line, problem)

    def _error(
        self,
        line: int,
        problem: str,
        empty: parser.Feature | parser.ScenarioTemplate | None = None,
        feature: parser.Feature | None = None,
    ) -> GherkinParseError:
        """When something is empty, what should be in it may have been taken for its description,
        which is any text that starts with no keyword."""
        if empty and feature:
            for number, text in enumerate(self.lines[line:], start=line + 1):
                if text.strip() not in empty.description or not text.strip():
                    continue
                if hint := _did_you_mean(text.strip(), feature.language):
                    line, problem = number, f"{problem}; found “{text.strip()}”{hint}"
                    break
        return GherkinParseError(problem, line, "", self.abs_filename)


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
    if not isinstance(cause, CompositeParserException):
        return error.line, error.message[:1].lower() + error.message[1:]
    first: ParserError = cause.errors[0]
    line = cause.errors[0].location["line"]
    problem = str(first).partition("): ")[2]
    if problem == "inconsistent cell count within the table":
        return line, "this row has more or fewer cells than the first row of its table"
    wrong = _WRONG_LINE.fullmatch(problem)
    if wrong is None:
        return line, problem[:1].lower() + problem[1:]
    expected = [word for token, word in _TOKENS.items() if token in wrong[1].split(", ")]
    wanted = "expected " + " or ".join(filter(None, [", ".join(expected[:-1]), expected[-1]]))
    lines = _lines(text)
    if line > len(lines):
        return len(lines), f"the file ends too early: {wanted}"
    found = lines[line - 1].strip()
    named = _LANGUAGE.search(text)
    hint = _did_you_mean(found, named[1] if named else "en")
    return line, f"{wanted}, found “{found}”{hint}"


def _did_you_mean(found: str, language: str) -> str:
    """A keyword that the line may have been meant to start with."""
    keywords = _keywords(language)
    start = found.partition(":")[0] if ":" in found else found.split()[0]
    if start in keywords:
        return ""
    if language == "en" and start in _keywords("ru"):
        return " – is “# language: ru” missing in the first line?"
    near = get_close_matches(start, keywords, n=1, cutoff=0.7)
    return f" – did you mean “{near[0]}{keywords[near[0]]}”?" if near else ""


def _keywords(language: str) -> dict[str, str]:
    """The keywords of a language, each with the colon that follows it or nothing."""
    dialect = Dialect.for_name(language)
    return {
        word.strip(): ":" if kind in _TITLES else ""
        for kind, words in (dialect.spec.items() if dialect else ())
        if isinstance(words, list)
        for word in words
        if word.strip() != "*"
    }
