from __future__ import annotations

from pathlib import Path

import pytest

from touchstone.config import ConfigurationError, parse

MINIMAL = """
[tool.touchstone]
serve = "shop.serve:serve"
migrate = "shop.migrate:migrate"
databases = ["shop"]

[tool.touchstone.services]
web = {}
"""


def test_a_minimal_platform() -> None:
    platform = parse(MINIMAL, Path("/somewhere/pyproject.toml"))

    assert platform.root == Path("/somewhere")
    assert platform.databases == ("shop",)
    assert platform.services["web"].health == "/health/ready"
    assert platform.preload == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "has no [tool.touchstone]"),
        (MINIMAL.replace("databases", "databasse"), "unknown keys: databasse"),
        (MINIMAL.replace("shop.serve:serve", "shop.serve"), '"package.module:function"'),
        (MINIMAL.replace('["shop"]', '"shop"'), "must be a list of names"),
        (MINIMAL.replace("{}", '{ helth = "/" }'), "web has unknown keys: helth"),
        (MINIMAL.replace("{}", '"8000"'), "web must be a table"),
        (MINIMAL.replace("= {}", ": {}"), "is no TOML"),
        (MINIMAL + "[tool.touchstone.environment]\nA = '{databases.shops.primary}'", "A = "),
        (MINIMAL + "[tool.touchstone.environment]\nA = 8000", "It must be a text"),
    ],
)
def test_what_cannot_be_used_is_named(text: str, expected: str) -> None:
    with pytest.raises(ConfigurationError) as failure:
        parse(text, Path("/somewhere/pyproject.toml"))

    assert expected in str(failure.value)
