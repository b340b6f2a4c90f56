"""A run needs no plugin of others: whoever switches one off has a run all the same."""

from __future__ import annotations

from importlib import import_module

import pytest
from _pytest import hookspec

from touchstone.plugin import PARTS


@pytest.mark.parametrize("name", ["touchstone.plugin", *PARTS])
def test_a_hook_of_another_plugin_is_optional(name: str) -> None:
    module = import_module(name)
    hooks = {
        name: function
        for name, function in vars(module).items()
        if name.startswith("pytest_") and callable(function)
    }
    foreign = {name for name in hooks if not hasattr(hookspec, name)}

    optional = {
        name
        for name in foreign
        if getattr(hooks[name], "pytest_impl", {}).get("optionalhook", False)
    }
    assert foreign == optional
