from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from touchstone.sandbox import Broker, Database, Sandbox, fill_environment

BROKER = Broker("amqp://u:p@h:1/s1", "http://h:2", "s1", "u", "p")
DATABASES = {"shop": Database("postgresql://h/s1_shop", "postgresql://r/s1_shop")}
ANSWERS: dict[str, Any] = {
    "name": "s1",
    "databases": DATABASES,
    "broker": BROKER,
    "cache": "redis://h/1",
    "files": Path("/f"),
}


def test_a_sandbox_survives_the_way_through_json() -> None:
    sandbox = Sandbox(
        name="s1",
        services={"web": "http://127.0.0.1:1"},
        databases=DATABASES,
        broker=BROKER,
        cache="redis://h/1",
        files=Path("/f"),
        logs=Path("/l"),
        environment={"A": "b"},
    )

    assert Sandbox.from_json(json.loads(json.dumps(sandbox.to_json()))) == sandbox


def test_the_environment_is_filled_in() -> None:
    template = {
        "DATABASE": "{databases.shop.primary}?application_name={name}",
        "REPLICA": "{databases.shop.replica}",
        "BROKER": "{broker.amqp}",
        "CACHE": "{cache}",
        "FILES": "{files}",
        "PLAIN": "as it is",
    }

    assert fill_environment(template, **ANSWERS) == {
        "DATABASE": "postgresql://h/s1_shop?application_name=s1",
        "REPLICA": "postgresql://r/s1_shop",
        "BROKER": "amqp://u:p@h:1/s1",
        "CACHE": "redis://h/1",
        "FILES": "/f",
        "PLAIN": "as it is",
    }


@pytest.mark.parametrize(
    "value", ["{databases.crm.primary}", "{mail}", "{broker.nonsense}", "{}", "{"]
)
def test_a_reference_to_nothing_names_the_variable(value: str) -> None:
    with pytest.raises(LookupError, match=r"SETTING.*\{databases\.shop\.primary\}"):
        fill_environment({"SETTING": value}, **ANSWERS)
