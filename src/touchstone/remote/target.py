"""A platform that runs somewhere else: what `--target release.toml` says of it.

```toml
name = "release"
production = false                      # true: only scenarios tagged @safe run against it
cache = "redis://…"                     # may be left out, as all from [databases.shop] on

[services]                              # by the names of [tool.touchstone.services]
shop = "https://shop.release.example"

[accounts]                              # whatever fixtures/ need to know; touchstone reads none
seller = "touchstone@example.com"

[secrets]                               # the same, and hidden wherever a report would show it
seller_password = "${RELEASE_SELLER_PASSWORD}"

[databases.shop]
primary = "postgresql://reader:${RELEASE_DB_PASSWORD}@db.release.example/shop"
replica = "postgresql://…"

[broker]
amqp = "amqp://…"
management = "https://…"
vhost = "orders"
user = "reader"
password = "${RELEASE_BROKER_PASSWORD}"
```

`${NAME}` is a variable of the environment. Secrets come in no other way, unless the file is one
that nobody but its owner can read. `from_environment` reads the same from variables alone.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from touchstone.sandbox import Broker, Database

SHORTEST_SECRET = 6
"""Characters. A shorter text occurs by chance, and hiding it would garble the report."""

_KEYS = {
    "name": str,
    "production": bool,
    "services": dict,
    "accounts": dict,
    "secrets": dict,
    "databases": dict,
    "broker": dict,
    "cache": str,
}
_BROKER = ("amqp", "management", "vhost", "user", "password")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_PREFIX = "TOUCHSTONE_"


class TargetError(Exception):
    """The target cannot be used as it is described; one line says what to write."""


@dataclass(frozen=True)
class Target:
    """Where the platform is, and what else is given of it.

    `services` are base addresses without a slash at the end; `hidden` is every text that must not
    reach a report.
    """

    name: str
    production: bool
    services: Mapping[str, str]
    databases: Mapping[str, Database] = field(default_factory=dict, repr=False)
    broker: Broker | None = field(default=None, repr=False)
    cache: str | None = field(default=None, repr=False)
    accounts: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    hidden: frozenset[str] = field(default=frozenset(), repr=False)


def load(
    file: Path,
    environment: Mapping[str, str],
    *,
    services: Collection[str],
    databases: Collection[str],
) -> Target:
    """Read a target from a file; `services` and `databases` are those that the platform names.

    Raises:
        TargetError: the file is missing or is no TOML, or what it says cannot be used.
    """
    try:
        document = tomllib.loads(file.read_text("utf-8"))
        # What others may read is no place for a secret; ssh and psql have the same rule.
        private = not file.stat().st_mode & 0o077
    except OSError as error:
        raise TargetError(f"the target {file} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TargetError(f"the target {file} is no TOML: {error}") from None
    return parse(
        document, file.name, environment, services=services, databases=databases, private=private
    )


def from_environment(
    environment: Mapping[str, str], *, services: Collection[str], databases: Collection[str]
) -> Target:
    """A target from variables alone, each named after its place in the file.

    TOUCHSTONE_TARGET_NAME and _PRODUCTION, TOUCHSTONE_SERVICE_SHOP, TOUCHSTONE_ACCOUNT_SELLER,
    TOUCHSTONE_SECRET_SELLER_PASSWORD, TOUCHSTONE_DATABASE_SHOP and TOUCHSTONE_REPLICA_SHOP,
    TOUCHSTONE_BROKER_AMQP and so on, TOUCHSTONE_CACHE.

    Raises:
        TargetError: what the variables say cannot be used.
    """
    spelled = {name.upper().replace("-", "_"): name for name in (*services, *databases)}

    def group(kind: str) -> dict[str, str]:
        start = f"{_PREFIX}{kind}_"
        found = {
            name.removeprefix(start): value
            for name, value in environment.items()
            if name.startswith(start) and value
        }
        return {spelled.get(name, name.lower()): value for name, value in found.items()}

    document: dict[str, Any] = {"name": environment.get(f"{_PREFIX}TARGET_NAME", "")}
    if production := environment.get(f"{_PREFIX}TARGET_PRODUCTION"):
        document["production"] = {"true": True, "false": False}.get(production, production)
    for table, kind in {"services": "SERVICE", "accounts": "ACCOUNT", "secrets": "SECRET"}.items():
        document[table] = group(kind)
    replicas = group("REPLICA")
    document["databases"] = {
        name: {"primary": primary} | ({"replica": replicas[name]} if name in replicas else {})
        for name, primary in group("DATABASE").items()
    }
    if broker := group("BROKER"):
        document["broker"] = broker
    if cache := environment.get(f"{_PREFIX}CACHE"):
        document["cache"] = cache
    return parse(
        document,
        f"the environment ({_PREFIX}…)",
        None,
        services=services,
        databases=databases,
        private=True,
        hide_all=True,
    )


def parse(
    document: Mapping[str, Any],
    where: str,
    environment: Mapping[str, str] | None,
    *,
    services: Collection[str],
    databases: Collection[str],
    private: bool = False,
    hide_all: bool = False,
) -> Target:
    """What a document says; without `environment` every text is what it is.

    `private`: nobody else can read it, so it may hold secrets itself; `hide_all`: every account
    is hidden as a secret is.

    Raises:
        TargetError: a key is unknown, missing or of another kind, a variable is not set, a
            service or database is none of the platform's, or a secret is written down.
    """
    reader = _Reader(where, environment, private=private)
    for key, value in document.items():
        if key not in _KEYS:
            raise reader.error(f"unknown key {key}; known are {', '.join(_KEYS)}")
        if not isinstance(value, _KEYS[key]):
            wanted = {str: "a text", bool: "true or false", dict: "a table"}[_KEYS[key]]
            raise reader.error(f"{key} must be {wanted}, not {value!r}")
    for key in ("name", "production", "services"):
        if document.get(key) in (None, "", {}):
            hint = " (true or false: nothing is assumed)" if key == "production" else ""
            raise reader.error(f"{key} is missing{hint}")
    reader.check_names("services", document["services"], services, "service", "services")
    given = document.get("databases", {})
    reader.check_names("databases", given, databases, "database", "databases")
    broker = document.get("broker")
    accounts, secrets = document.get("accounts", {}), document.get("secrets", {})
    return Target(
        name=reader.text("name", document["name"]),
        production=document["production"],
        services={
            name: reader.address(f"services.{name}", value)
            for name, value in document["services"].items()
        },
        databases={
            name: reader.database(f"databases.{name}", each) for name, each in given.items()
        },
        broker=None if broker is None else reader.broker(broker),
        cache=reader.url("cache", document["cache"]) if document.get("cache") else None,
        accounts={
            name: reader.account(f"accounts.{name}", value, hide=hide_all)
            for name, value in accounts.items()
        },
        secrets={name: reader.secret(f"secrets.{name}", value) for name, value in secrets.items()},
        hidden=frozenset(reader.hidden),
    )


class _Reader:
    """Reads values of one document, and collects what must be hidden."""

    def __init__(self, where: str, environment: Mapping[str, str] | None, *, private: bool) -> None:
        self._where = where
        self._environment = environment
        self._private = private
        self.hidden: set[str] = set()

    def error(self, problem: str) -> TargetError:
        return TargetError(f"{self._where}: {problem}")

    def check_names(
        self, key: str, table: Mapping[str, Any], known: Collection[str], one: str, setting: str
    ) -> None:
        for name in table:
            if name not in known:
                raise self.error(
                    f"{key}.{name} is no {one} of this platform; [tool.touchstone] {setting} in "
                    f"pyproject.toml names {', '.join(known) or 'none'}"
                )

    def text(self, key: str, value: object) -> str:
        if not isinstance(value, str) or not value:
            raise self.error(f"{key} must be a text, not {value!r}")

        def of_environment(found: re.Match[str]) -> str:
            name = found[1]
            if self._environment is None:
                return found[0]
            if not self._environment.get(name):
                raise self.error(f"{key} asks for ${{{name}}}, which is not set: export {name}=…")
            return self._environment[name]

        return _VARIABLE.sub(of_environment, value)

    def secret(self, key: str, value: object) -> str:
        text = self.text(key, value)
        self._check_secret(key, text, written=not _VARIABLE.search(str(value)))
        return text

    def account(self, key: str, value: object, *, hide: bool) -> str:
        text = self.text(key, value)
        if hide or _VARIABLE.search(str(value)):
            self._check_secret(key, text, written=False)
        return text

    def url(self, key: str, value: object) -> str:
        text = self.text(key, value)
        if password := self._split(key, text).password:
            self._check_secret(key, unquote(password), written=password in str(value))
            self.hidden.add(password)
        return text

    def address(self, key: str, value: object) -> str:
        text = self.url(key, value)
        parts = self._split(key, text)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise self.error(f"{key} must be an address such as https://shop.example, not {text!r}")
        return text.rstrip("/")

    def database(self, key: str, value: object) -> Database:
        table = self._table(key, value, ("primary",), ("replica",))
        primary = self.url(f"{key}.primary", table["primary"])
        replica = table.get("replica")
        return Database(primary, self.url(f"{key}.replica", replica) if replica else primary)

    def broker(self, value: object) -> Broker:
        table = self._table("broker", value, _BROKER)
        return Broker(
            amqp=self.url("broker.amqp", table["amqp"]),
            management=self.address("broker.management", table["management"]),
            vhost=self.text("broker.vhost", table["vhost"]),
            user=self.text("broker.user", table["user"]),
            password=self.secret("broker.password", table["password"]),
        )

    def _table(
        self, key: str, value: object, needed: Collection[str], possible: Collection[str] = ()
    ) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self.error(f"{key} must be a table, not {value!r}")
        known = (*needed, *possible)
        for name in (*needed, *value):
            if name not in value:
                raise self.error(f"{key}.{name} is missing")
            if name not in known:
                raise self.error(f"unknown key {key}.{name}; known are {', '.join(known)}")
        return value

    def _split(self, key: str, text: str) -> SplitResult:
        try:
            parts = urlsplit(text)
            _ = parts.port if "${" not in text else None
        except ValueError as error:
            raise self.error(f"{key} is no address: {error}") from None
        return parts

    def _check_secret(self, key: str, text: str, *, written: bool) -> None:
        if written and not self._private:
            raise self.error(
                f"{key} holds a secret that others can read: take it from the environment, as "
                "${NAME}, or make the file yours alone (chmod 600)"
            )
        if len(text) < SHORTEST_SECRET:
            raise self.error(
                f"{key} is a secret of fewer than {SHORTEST_SECRET} characters, which could not be "
                "told from other text in a report: use a longer one"
            )
        self.hidden.add(text)
