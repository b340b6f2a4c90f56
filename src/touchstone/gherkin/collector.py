"""Feature files are collected as modules are: each scenario, or row of its examples, is a test.

    pytest features/journey                     all of a folder
    pytest features/journey/order.feature       one file
    pytest features/journey/order.feature:31    the scenario, or the row, that line 31 belongs to
    pytest -k "closed order"                    what has these words in its name

The functions behind the tests are made by pytest-bdd's `scenario`, so fixtures, hooks, markers from
tags and reports are what they are for a scenario that a Python module binds. One that a collected
module does bind is that module's alone.

A scenario with the tags of several ways in (`[tool.touchstone] ways_in`) is one test for each.
"""

from __future__ import annotations

import gc
import inspect
import os
import re
import sysconfig
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pytest_bdd
from pytest_bdd.exceptions import StepDefinitionNotFoundError
from pytest_bdd.feature import features
from pytest_bdd.parser import ScenarioTemplate, render_string
from pytest_bdd.scenario import scenario_wrapper_template_registry

from touchstone import config as configuration
from touchstone.gherkin.feature_file import FeatureError, Placed, Source, read
from touchstone.gherkin.said import say
from touchstone.gherkin.step_lookup import visible_to
from touchstone.gherkin.swallowed import without_first_word
from touchstone.wrong_words import WrongWords

Function = Callable[..., object]

# What `scenario` comes to once it has found out, for each scenario anew, who called it.
_decorator = getattr(import_module("pytest_bdd.scenario"), "_get_scenario_decorator", None)

_ROW = "_pytest_bdd_example"  # the parameter by which pytest-bdd takes a row of the examples
_WAY_IN = "way_in"
_LINES = re.compile(r"(.+\.feature)((?::\d+)+)")
_UNKNOWN_MARKER = re.compile(r"'(.+)' not found in `markers` configuration option")
_ID_LENGTH = 40

_ways_in = pytest.StashKey[tuple[str, ...]]()
_lines = pytest.StashKey[dict[Path, set[int]]]()
_kept = pytest.StashKey[Path | None]()
_plain = pytest.StashKey[list[tuple[Any, Any]]]()


class Row(dict[str, str]):
    """A row of examples by its columns, as pytest-bdd takes it, with its line and its name."""

    def __init__(self, values: Mapping[str, str], line: int) -> None:
        super().__init__(values)
        self.line = line
        self.name = ""

    def words(self) -> list[str]:
        return [words for value in self.values() if (words := " ".join(value.split()))]


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Take the line numbers off the files, whose names pytest is about to look for."""
    asked: list[str] = early_config.known_args_namespace.file_or_dir
    found = {arg: match for arg in asked if (match := _LINES.fullmatch(arg))}

    def path(name: str) -> Path:
        return Path(os.path.abspath(early_config.invocation_params.dir / name))

    whole = {path(arg.partition("::")[0]) for arg in asked if arg not in found}
    lines = early_config.stash.setdefault(_lines, {})
    for match in found.values():
        file = path(match[1])
        if whole.isdisjoint([file, *file.parents]):
            lines.setdefault(file, set()).update(map(int, match[2].split(":")[1:]))
    for words in (asked, args):
        words[:] = [found[word][1] if word in found else word for word in words]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_ways_in] = configuration.ways_in(config.rootpath / "pyproject.toml")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Nearly all that collection makes stays. To look through it for garbage, over and over, would
    take a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return (yield)
    finally:
        if was_enabled:
            gc.enable()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> FeatureFile | None:
    if file_path.suffix != ".feature":
        return None
    collector: FeatureFile = FeatureFile.from_parent(parent, path=file_path)
    return collector


def pytest_make_parametrize_id(val: object) -> str | None:
    """What comes from here is not escaped: Cyrillic can be read."""
    return val.name if isinstance(val, Row) else None


class FeatureFile(pytest.Module):
    """Stands where the module would be that binds the scenarios of the file."""

    source: Source

    def _getobj(self) -> ModuleType:
        module = ModuleType(self.nodeid)
        module.__file__ = str(self.path)
        return module

    def collect(self) -> Iterator[Scenario]:
        try:
            source = read(self.path, self.nodeid, _cache(self.config))
        except FeatureError as error:
            raise self.CollectError(str(error)) from None
        # Where pytest-bdd looks before it parses a file itself.
        features[str(self.path)] = source.feature
        self.source = source
        self.extra_keyword_matches.add(source.feature.name)
        asked = self.config.stash.get(_lines, {}).get(self.path)
        wanted = asked and set().union(*(self._at(line, source) for line in asked))
        where = ""
        for placed in source.scenarios:
            if wanted is None or not wanted.isdisjoint(placed.tests):
                for test in self._tests(placed):
                    if wanted is None or test.line in wanted:
                        # Pytest finds this out for each test, though all are in one file.
                        where = where or test.location[0]
                        test.location = (where, test.line - 1, test.name)
                        yield test

    def _at(self, line: int, source: Source) -> set[int]:
        if line > source.length:
            problem = say(source.feature.language, "few lines", count=source.length)
            raise self.CollectError(f"{self.nodeid}:{line}: {problem}")
        return source.at(line)

    def _tests(self, placed: Placed) -> Iterator[Scenario]:
        title = placed.title
        function = self._bind(placed)
        vars(self.obj)[title] = function
        for specification, fixtures in self._shapes(title, function):
            # Plugins add to the names, and mean this test.
            names = [*fixtures.names_closure]
            test: Scenario = Scenario.from_parent(
                self,
                name=f"{title}[{specification.id}]" if specification else title,
                originalname=title,
                callobj=function,
                callspec=specification,
                keywords={specification.id: True} if specification else None,
                fixtureinfo=replace(fixtures, names_closure=names),
            )
            test.place(placed.template, specification.params.get(_ROW) if specification else None)
            yield test

    def _bind(self, placed: Placed) -> Function:
        """The function that runs a scenario, with its markers, and parameters if it needs them."""
        template, file = placed.template, self.path.name
        try:
            if _decorator:
                bind = _decorator(template.feature, file, template, template.name)
            else:
                folder = str(self.path.parent)
                bind = pytest_bdd.scenario(file, template.name, features_base_dir=folder)
            function: Function = bind(_nothing)
        except pytest.fail.Exception as error:  # a tag is no marker that pytest knows of
            markers = self.config.getini("markers")
            problem = _unknown_tag(str(error), markers, template.feature.language)
            raise self.CollectError(f"{self.nodeid}:{placed.line}: {problem}") from None
        ways_in = self.config.stash[_ways_in]
        _parametrize(function, placed, ways_in)
        return function

    def _shapes(self, title: str, function: Function) -> list[tuple[Any, Any]]:
        """What pytest makes of the function: for each test the parameters, None without, and the
        fixtures. That is slow, and the same for all in a folder whose markers ask for nothing."""
        marks: list[pytest.Mark] = getattr(function, "pytestmark", [])
        asks = any(mark.name in ("parametrize", "usefixtures") for mark in marks)
        assert self.parent
        plain = None if asks else self.parent.stash.get(_plain, None)
        if plain is not None:
            return plain
        shapes = [
            (getattr(test, "callspec", None), test._fixtureinfo)
            for test in self._genfunctions(title, function)
        ]
        # What makes tests for a project of its own kind may look at the function.
        makers = self.ihook.pytest_generate_tests.get_hookimpls()
        if not asks and all(maker.function.__module__.startswith("_pytest.") for maker in makers):
            self.parent.stash[_plain] = shapes
        return shapes


def _unknown_tag(said: str, markers: Sequence[str], language: str) -> str:
    """What pytest has said of a marker, in the words of who writes tags."""
    found = _UNKNOWN_MARKER.match(said)
    if found is None:
        return said
    known = [re.split(r"[:(]", line)[0].strip() for line in markers]
    near = get_close_matches(found[1], known, n=1)
    hint = say(language, "did you mean", near=f"@{near[0]}") if near else say(language, "new tags")
    return say(language, "unknown tag", tag=found[1]) + hint


def _cache(config: pytest.Config) -> Path | None:
    """Where files that have been read are kept; None without pytest's cache."""
    if _kept not in config.stash:
        config.stash[_kept] = None
        if cache := getattr(config, "cache", None):
            with suppress(OSError):
                config.stash[_kept] = cache.mkdir("touchstone-features")
    return config.stash[_kept]


def _nothing() -> None:
    """All that a scenario does is in its steps."""


# pytest-bdd asks for it again for each scenario.
_nothing.__signature__ = inspect.signature(_nothing)  # type: ignore[attr-defined]


class Scenario(pytest.Function):
    """A scenario, or one row of its examples; `line` is where it stands in its file."""

    line: int

    def place(self, template: ScenarioTemplate, row: Row | None) -> None:
        self.line = row.line if row else template.line_number
        if template.rule:
            self.extra_keyword_matches.add(template.rule.name)
        if row:
            self.extra_keyword_matches |= {render_string(template.name, row), *row.values()}

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.line - 1, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, StepDefinitionNotFoundError):
            return str(excinfo.value)
        if isinstance(excinfo.value, WrongWords):
            template = scenario_wrapper_template_registry.get(self.function)
            return excinfo.value.told(template.feature.language if template else "en")
        return super().repr_failure(excinfo)

    def _traceback_filter(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
        """A failure starts in the step's function, not in what calls it, and ends in the project,
        not within a library that the project calls."""
        traceback: Any = super()._traceback_filter(excinfo)
        calls = [n for n, entry in enumerate(traceback) if entry.name == "call_fixture_func"]
        inside = traceback[calls[-1] + 1 :] if calls else None
        if not inside:
            return traceback
        libraries = sysconfig.get_path("purelib"), sysconfig.get_path("platlib")
        shown = [*inside]
        while len(shown) > 1 and str(shown[-1].path).startswith(libraries):
            shown.pop()
        # The last is shown at length.
        shown[-1] = shown[-1].with_repr_style(inside[-1]._repr_style)
        return type(traceback)(shown)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A step whose keyword was left out is no description."""
    if not isinstance(item, Scenario) or not isinstance(item.parent, FeatureFile):
        return
    source = item.parent.source
    visible = visible_to(item) if source.prose else None
    for line in source.prose if visible else ():
        said = [line.text, *([without_first_word(line.text)] if line.below_scenario else [])]
        if any(visible.fits_any(text) for text in said if visible):
            problem = say(source.feature.language, "swallowed step", found=line.text)
            pytest.fail(f"{item.parent.nodeid}:{line.line}: {problem}", pytrace=False)


def _parametrize(function: Any, placed: Placed, ways_in: Sequence[str]) -> None:
    """Give the function its rows, by names that can be read, and its ways in. A test has the
    marker of its own way only; tags of examples go before those of their scenario."""
    marks: list[pytest.Mark] = getattr(function, "pytestmark", [])
    own = [way for way in ways_in if any(mark.name == way for mark in marks)]
    if not placed.rows and len(own) < 2:
        return
    rows = _rows(placed) or [(None, set[str]())]
    several = len({*own}.union(*(tags & {*ways_in} for _, tags in rows))) > 1
    cases = []
    for row, tags in rows:
        values: dict[str, object] = {_ROW: row} if row else {}
        if several:
            for way in [way for way in ways_in if way in tags] or own or [""]:
                own_tag = {way} if way else set()
                cases.append((values | {_WAY_IN: way}, tags - {*ways_in} | own_tag))
        else:
            cases.append((values, tags))
    parameters = [
        pytest.param(*values.values(), marks=[getattr(pytest.mark, tag) for tag in sorted(tags)])
        for values, tags in cases
    ]
    function.pytestmark = [
        *(m for m in marks if m.name != "parametrize" and not (several and m.name in ways_in)),
        *([pytest.mark.usefixtures(_WAY_IN).mark] if several else []),
        pytest.mark.parametrize(list(cases[0][0]), parameters).mark,
    ]


def _rows(placed: Placed) -> list[tuple[Row | None, set[str]]]:
    """The rows with the tags of their tables. A row goes by its first values, and by all of them
    where these are another's too."""
    lines = iter(placed.rows)
    tables = placed.template.examples
    rows = [(Row(row, next(lines)), table.tags) for table in tables for row in table.as_contexts()]
    for row, _ in rows:
        values = row.words()
        while len(", ".join(values)) > _ID_LENGTH and len(values) > 1:
            values.pop()
        row.name = ", ".join(values) or f"line {row.line}"
    count = Counter(row.name for row, _ in rows)
    for row, _ in rows:
        if count[row.name] > 1:
            row.name = ", ".join(row.words())
    return [*rows]


@pytest.fixture
def way_in(request: pytest.FixtureRequest) -> str:
    """How the actors of this test go into the platform, by its tag; empty without one."""
    ways = request.config.stash[_ways_in]
    return next((way for way in ways if request.node.get_closest_marker(way)), "")


@pytest.fixture
def feature_language(request: pytest.FixtureRequest) -> str:
    """The code of the language that the scenario is written in; English for any other test."""
    function = getattr(request.node, "function", None)
    template = scenario_wrapper_template_registry.get(function) if function else None
    return template.feature.language if template else "en"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    bound = {_identity(item) for item in items if not isinstance(item, Scenario)} - {None}
    if bound:
        items[:] = [
            item for item in items if not isinstance(item, Scenario) or _identity(item) not in bound
        ]
    if phrase := _phrase(config.option.keyword):
        config.option.keyword = ""
        chosen = [item for item in items if _speaks_of(item, phrase)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
        items[:] = chosen


def _identity(item: pytest.Item) -> tuple[str, str] | None:
    function = getattr(item, "function", None)
    template = scenario_wrapper_template_registry.get(function) if function else None
    return (template.feature.filename, template.name) if template else None


def _phrase(keyword: str) -> str | None:
    """The words of a `-k` that pytest would refuse, since its expressions know no spaces: those in
    quotes, and several without an operator between them."""
    text = keyword.strip()
    if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].lower()
    words = text.split()
    if len(words) < 2 or {"and", "or", "not"} & {*words} or "(" in text:
        return None
    return text.lower()


def _speaks_of(item: pytest.Item, phrase: str) -> bool:
    names = [*item.listnames(), *item.listextrakeywords()]
    return any(phrase in name.lower() for name in names)
