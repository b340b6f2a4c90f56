"""What `[tool.touchstone]` in a project's `pyproject.toml` says about its platform.

```toml
[tool.touchstone]
preload = ["shop.serve"]              # imported once, in the zygote
serve = "shop.serve:serve"            # serve(Mapping[str, socket]) -> None, until SIGTERM
migrate = "shop.migrate:migrate"      # migrate() -> None, brings empty databases to their schema
databases = ["shop"]                  # logical names
ways_in = ["ui", "api"]               # tags of scenarios; one with several runs once by each
seed = "fixtures.seed:seed"           # seed(Sandbox) -> touchstone.Seeded; may be left out
inherit = ["AWS_*"]                   # further variables of the shell for the platform

[tool.touchstone.services]            # one listening socket each
web = { health = "/health/ready" }

[tool.touchstone.environment]         # the settings of the platform, filled in for each sandbox
SHOP_DATABASE = "{databases.shop.primary}"
```

The platform's environment is made: of the shell it has what `touchstone.surroundings` lists, and
what the patterns of `inherit` name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from touchstone.sandbox import Broker, Database, fill_environment

KEYS = {
    "serve": '`"module:function"`: serves on listening sockets, given by names of services, '
    "until SIGTERM",
    "migrate": '`"module:function"`: called without arguments on the empty databases',
    "databases": "the logical names of your databases; `[]` when there are none",
    "services": "a table for each service, with the path that answers 200 when it is ready "
    '(`"/health/ready"`)',
    "environment": "the variables that `serve` and `migrate` find; words in braces are filled in "
    "for each sandbox",
    "preload": "modules to import before the first fork, when `serve` and `migrate` do not already "
    "import all that is slow",
    "ways_in": 'tags by which a scenario\'s people come in, such as `["ui", "api"]`: one with both '
    "tags is two tests, and the fixture `way_in` says which",
    "seed": '`"module:function"`: fills the sandbox that `touchstone demo` shows, and returns a '
    "`touchstone.Seeded`",
    "inherit": "patterns such as `AWS_*`: variables that the platform has from the shell. Of all "
    "others it has only those that `touchstone.surroundings` lists (`PATH`, `HOME`, `PYTHONPATH` "
    "and the like)",
}
"""What may stand in `[tool.touchstone]`, and what it is."""


class ConfigurationError(Exception):
    """`[tool.touchstone]` cannot be used as it stands; the text says what to write."""


@dataclass(frozen=True)
class Service:
    """One HTTP service of the platform; `health` is the path that answers 200 when it is ready."""

    health: str = "/health/ready"


@dataclass(frozen=True)
class Platform:
    """What touchstone must know to run the platform under test."""

    root: Path
    serve: str
    migrate: str
    databases: tuple[str, ...]
    services: Mapping[str, Service]
    preload: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    seed: str | None = None
    inherit: tuple[str, ...] = ()


def is_in(pyproject: Path) -> bool:
    """Whether a file is there and speaks of touchstone, rightly or wrongly."""
    return pyproject.is_file() and "[tool.touchstone]" in pyproject.read_text("utf-8")


def load(pyproject: Path) -> Platform:
    """Read `[tool.touchstone]` of a `pyproject.toml`.

    Raises:
        ConfigurationError: the file is missing or is no TOML, or the table is missing, or one of
            its keys is missing, unknown or of another type.
    """
    if not pyproject.is_file():
        raise ConfigurationError(
            f"{pyproject} does not exist: touchstone reads [tool.touchstone] of the pyproject.toml "
            "in pytest's root directory to know the platform it tests."
        )
    return parse(pyproject.read_text("utf-8"), pyproject)


def ways_in(pyproject: Path) -> tuple[str, ...]:
    """The tags that say how the actors of a scenario go into the platform; () when none are named.

    Raises:
        ConfigurationError: they are no list of names, or the file is no TOML.
    """
    text = pyproject.read_text("utf-8") if pyproject.is_file() else ""
    return _names(_tool(text, pyproject) or {}, "ways_in", default=[])


def inherited(pyproject: Path) -> tuple[str, ...]:
    """The patterns of variables that the platform has from the shell; () where none can be read."""
    try:
        return load(pyproject).inherit
    except ConfigurationError:
        return ()


def parse(text: str, pyproject: Path) -> Platform:
    """What the text of `pyproject` says.

    Raises:
        ConfigurationError: the text is no TOML, the table is missing, or a key is missing, unknown
            or of another type.
    """
    table = _tool(text, pyproject)
    if table is None:
        raise ConfigurationError(
            f"{pyproject} has no [tool.touchstone]: name at least serve, migrate, databases and "
            "[tool.touchstone.services] there."
        )
    _check_keys("[tool.touchstone]", table, set(KEYS))
    _names(table, "ways_in", default=[])
    platform = Platform(
        root=pyproject.parent,
        serve=_entry_point(table, "serve"),
        migrate=_entry_point(table, "migrate"),
        databases=_names(table, "databases"),
        preload=_names(table, "preload", default=[]),
        services={name: _service(name, spec) for name, spec in _table(table, "services").items()},
        environment=_table(table, "environment"),
        seed=_entry_point(table, "seed") if "seed" in table else None,
        inherit=_names(table, "inherit", default=[]),
    )
    _check_environment(platform)
    return platform


def _tool(text: str, pyproject: Path) -> dict[str, Any] | None:
    try:
        table: dict[str, Any] | None = tomllib.loads(text).get("tool", {}).get("touchstone")
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{pyproject} is no TOML: {error}") from None
    return table


def _check_environment(platform: Platform) -> None:
    """What cannot be filled in is said before anything is started."""
    database = Database(primary="", replica="")
    try:
        fill_environment(
            platform.environment,
            name="",
            databases=dict.fromkeys(platform.databases, database),
            broker=Broker(amqp="", management="", vhost="", user="", password=""),
            cache="",
            files=Path(),
        )
    except LookupError as error:
        raise ConfigurationError(error.args[0]) from None


def _service(name: str, spec: object) -> Service:
    if not isinstance(spec, dict):
        raise ConfigurationError(
            f"[tool.touchstone.services] {name} must be a table such as "
            f'{{ health = "/health/ready" }}, not {spec!r}.'
        )
    _check_keys(f"[tool.touchstone.services] {name}", spec, {"health"})
    return Service(**spec)


def _check_keys(where: str, table: Mapping[str, Any], known: set[str]) -> None:
    if unknown := sorted(set(table) - known):
        raise ConfigurationError(
            f"{where} has unknown keys: {', '.join(unknown)}; known are {', '.join(sorted(known))}."
        )


def _entry_point(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or value.count(":") != 1:
        raise ConfigurationError(
            f'[tool.touchstone] {key} must name a callable as "package.module:function", '
            f"not {value!r}."
        )
    return value


def _names(table: Mapping[str, Any], key: str, default: list[str] | None = None) -> tuple[str, ...]:
    value = table.get(key, default)
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ConfigurationError(f"[tool.touchstone] {key} must be a list of names, not {value!r}.")
    return tuple(value)


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise ConfigurationError(f"[tool.touchstone.{key}] must be a table, not {value!r}.")
    return value
