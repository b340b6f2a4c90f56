from __future__ import annotations

import ast
import inspect
import re

import pytest

from atelier.domain import models3d, stl
from atelier.domain.model_advice import advice
from atelier.languages import speaking
from atelier.storage import model_store
from atelier.web import forms


def codes() -> set[str]:
    """With which our code refuses models."""
    return {
        str(call.args[0].value)
        for module in (models3d, stl, model_store, forms)
        for call in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "ModelRejected"
        and isinstance(call.args[0], ast.Constant)
    }


@pytest.mark.parametrize("language", ["en", "ru"])
def test_there_is_advice_for_every_model_that_is_refused(language: str) -> None:
    assert {"open-surface", "too-large", "truncated"} < codes()
    with speaking(language):
        told = {code: (str(advice(code).title), str(advice(code).remedy)) for code in codes()}
        unknown = str(advice(None).title), str(advice(None).remedy)

    assert unknown not in told.values()
    assert len(set(told.values())) == len(told)
    for title, remedy in told.values():
        assert not title.endswith(".")
        assert remedy.endswith(".")
        assert bool(re.search("[а-яё]", title + remedy)) == (language == "ru")


def test_a_code_that_is_not_known_is_no_reason_to_say_nothing() -> None:
    assert advice("from-the-future") == advice(None)
