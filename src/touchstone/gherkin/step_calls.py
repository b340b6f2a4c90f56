"""A step is called with all that stands below it, and what it returns has run.

pytest-bdd drops a table or a doc string that the step's function does not take, and a coroutine
that it returns: both would be green without what somebody wrote.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import pytest
from pytest_bdd.parser import Step
from pytest_bdd.scenario import scenario_wrapper_template_registry
from pytest_bdd.steps import StepFunctionContext

from touchstone.gherkin.said import say

_MODULE = import_module("pytest_bdd.scenario")  # the package has a function of this name
_CALL: Final = "call_fixture_func"
_before = pytest.StashKey[Any]()


def pytest_configure(config: pytest.Config) -> None:
    if call := getattr(_MODULE, _CALL, None):
        config.stash[_before] = call
        setattr(_MODULE, _CALL, _looking_at_what_comes_back(call))


def pytest_unconfigure(config: pytest.Config) -> None:
    # One run may be inside another.
    if before := config.stash.get(_before, None):
        setattr(_MODULE, _CALL, before)


def check(request: pytest.FixtureRequest, step: Step, context: StepFunctionContext) -> None:
    """Fail where calling the function would leave out something that somebody wrote."""
    function = context.step_func
    taken = inspect.signature(function).parameters
    if step.datatable is not None and "datatable" not in taken:
        _fail(request, "takes no table", step=step.name)
    if step.docstring is not None and "docstring" not in taken:
        _fail(request, "takes no text", step=step.name)
    inner = inspect.unwrap(function)
    if inspect.iscoroutinefunction(inner) or inspect.isasyncgenfunction(inner):
        _fail(request, "async", step=step.name, place=_place(inner))


def _looking_at_what_comes_back(call: Callable[..., object]) -> Callable[..., object]:
    def looking(fixturefunc: Any, request: pytest.FixtureRequest, kwargs: Any) -> object:
        __tracebackhide__ = True
        returned = call(fixturefunc=fixturefunc, request=request, kwargs=kwargs)
        was_left = inspect.isgenerator(returned) and not inspect.isgeneratorfunction(fixturefunc)
        if inspect.isawaitable(returned) or inspect.isasyncgen(returned) or was_left:
            if close := getattr(returned, "close", None):
                close()
            kind, name = type(returned).__name__, getattr(fixturefunc, "__name__", "step")
            _fail(request, "never run", what=kind, step=name, place=_place(fixturefunc))
        return returned

    return looking


def language_of(request: pytest.FixtureRequest) -> str:
    """The language of the feature whose scenario is running."""
    template = scenario_wrapper_template_registry.get(request.function)
    return template.feature.language if template else "en"


def _fail(request: pytest.FixtureRequest, about: str, **values: object) -> None:
    pytest.fail(say(language_of(request), about, **values), pytrace=False)


def _place(function: Any) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(function)
