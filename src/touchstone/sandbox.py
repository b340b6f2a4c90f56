"""A sandbox: one whole company for one scenario, as tests see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Database:
    """One logical database: `postgresql://` addresses on the primary and on its replica."""

    primary: str
    replica: str


@dataclass(frozen=True)
class Broker:
    """A virtual host of RabbitMQ; `management` is the base address of the HTTP API."""

    amqp: str
    management: str
    vhost: str
    user: str
    password: str


@dataclass(frozen=True)
class Sandbox:
    """Everything that belongs to one scenario and to no other.

    `services` gives each service's base address, `environment` the settings that the platform's
    processes run with, `logs` the folder with one file for each process.
    """

    name: str
    services: Mapping[str, str]
    databases: Mapping[str, Database]
    broker: Broker
    cache: str
    files: Path
    logs: Path
    environment: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """A form that JSON can carry."""
        return {**asdict(self), "files": str(self.files), "logs": str(self.logs)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Sandbox:
        """The reverse of `to_json`."""
        return cls(
            name=data["name"],
            services=data["services"],
            databases={name: Database(**each) for name, each in data["databases"].items()},
            broker=Broker(**data["broker"]),
            cache=data["cache"],
            files=Path(data["files"]),
            logs=Path(data["logs"]),
            environment=data["environment"],
        )


class _Names(dict[str, Any]):
    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def fill_environment(
    template: Mapping[str, str],
    *,
    name: str,
    databases: Mapping[str, Database],
    broker: Broker,
    cache: str,
    files: Path,
) -> dict[str, str]:
    """Replace `{databases.shop.primary}`, `{broker.amqp}`, `{cache}`, `{files}`, `{name}`.

    Raises:
        LookupError: a value is no text, or refers to something that a sandbox does not have.
    """
    known = {
        "name": name,
        "databases": _Names(databases),
        "broker": broker,
        "cache": cache,
        "files": files,
    }
    filled = {}
    for variable, value in template.items():
        try:
            filled[variable] = value.format(**known)
        except (AttributeError, LookupError, ValueError):
            has = ", ".join(references(databases))
            raise LookupError(
                f"[tool.touchstone.environment] {variable} = {value!r} cannot be filled in. It "
                f"must be a text, in which these are replaced: {has}; a brace that is meant as "
                "such is doubled."
            ) from None
    return filled


def references(databases: Iterable[str]) -> Iterator[str]:
    """The words in braces that `fill_environment` replaces."""
    for database in databases:
        yield from (f"{{databases.{database}.{each.name}}}" for each in fields(Database))
    yield from (f"{{broker.{each.name}}}" for each in fields(Broker))
    yield from ("{cache}", "{files}", "{name}")
