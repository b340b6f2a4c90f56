"""A run against a platform that runs somewhere else: `--target release.toml`.

Nothing is started for it. Its hooks and fixtures are in `touchstone.remote.plugin`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import pytest

from touchstone import config as configuration
from touchstone.masking import mask_of
from touchstone.not_possible import NotPossibleHere
from touchstone.remote.target import Target, TargetError, from_environment, load
from touchstone.sandbox import Sandbox

PROVIDER = "remote"

_VARIABLE = "TOUCHSTONE_TARGET"
_TARGET = pytest.StashKey[Target]()

T = TypeVar("T")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("touchstone").addoption(
        "--target",
        metavar="FILE",
        help="run against the deployed platform that this TOML file describes (also "
        f"${_VARIABLE}); without a file ${_VARIABLE}_NAME, $TOUCHSTONE_SERVICE_… and so on",
    )


def configure(config: pytest.Config) -> bool:
    """Whether this run has a target, which is read here, in every process of the run.

    Raises:
        pytest.UsageError: it cannot be used as it is described.
    """
    asked, backing = config.option.target, config.option.backing
    if asked and backing not in (None, PROVIDER):
        raise pytest.UsageError(
            f"--target is another platform than the one of --backing {backing}: leave one out"
        )
    file = asked or os.environ.get(_VARIABLE)
    named = file or os.environ.get(f"{_VARIABLE}_NAME")
    if backing != PROVIDER and (backing or not named):
        return False
    if not named:
        raise pytest.UsageError(
            "--backing remote needs to know where the platform is: give --target FILE.toml, or "
            f"set {_VARIABLE}_NAME, {_VARIABLE}_PRODUCTION and TOUCHSTONE_SERVICE_…"
        )
    try:
        platform = configuration.load(config.rootpath / "pyproject.toml")
        known = {"services": platform.services, "databases": platform.databases}
        if file:
            target = load(config.invocation_params.dir / file, os.environ, **known)
        else:
            target = from_environment(os.environ, **known)
    except (TargetError, configuration.ConfigurationError) as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[_TARGET] = target
    for secret in target.hidden:
        mask_of(config).add(secret)
    _allow(config, target)
    # Later than the modules whose fixtures it replaces.
    config.pluginmanager.register(import_module("touchstone.remote.plugin"))
    return True


def target_of(config: pytest.Config) -> Target | None:
    """The target of this run, if it has one."""
    return config.stash.get(_TARGET, None)


def _allow(config: pytest.Config, target: Target) -> None:
    """A project that keeps its tests off the network lets them reach the target all the same."""
    if allowed := getattr(config.option, "allow_hosts", None):
        addresses = [
            *target.services.values(),
            *(each for pair in target.databases.values() for each in (pair.primary, pair.replica)),
            *([target.broker.amqp, target.broker.management] if target.broker else []),
            *([target.cache] if target.cache else []),
        ]
        hosts = {urlsplit(address).hostname or "" for address in addresses}
        config.option.allow_hosts = ",".join([*allowed.split(","), *sorted(hosts - {""})])


class RemoteSandbox(Sandbox):
    """The target, in the place of a sandbox. What it does not give raises NotPossibleHere."""

    def __init__(self, target: Target, hide: Callable[[str], None]) -> None:
        given: dict[str, Any] = {
            "name": target.name,
            "target": target,
            "hide": hide,
            "services": _Given(target, "service", target.services),
            "databases": _Given(target, "database", target.databases),
            "environment": _Given(target, "setting", {}),
        }
        if target.broker:
            given["broker"] = target.broker
        if target.cache:
            given["cache"] = target.cache
        # Not by the base class, which wants everything.
        for name, value in given.items():
            object.__setattr__(self, name, value)

    target: Target
    hide: Callable[[str], None]
    """Keeps a text out of every report from now on, such as the cookie of a session."""

    def __getattr__(self, name: str) -> NoReturn:
        if name in Sandbox.__dataclass_fields__:
            raise NotPossibleHere(f"the target {self.target.name} gives no {name}")
        raise AttributeError(name)

    def __repr__(self) -> str:
        return f"<the target {self.target.name}>"


class _Given(dict[str, T]):
    def __init__(self, target: Target, kind: str, given: Mapping[str, T]) -> None:
        super().__init__(given)
        self._target = target
        self._kind = kind

    def __missing__(self, name: str) -> NoReturn:
        raise NotPossibleHere(f"the target {self._target.name} gives no {self._kind} {name}")
