"""The names with which fixtures, steps and tests of a platform are written.

    from touchstone import Sandbox, eventually

Each is imported from its module when it is first asked for, so that a process that needs one of
them loads nothing for the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from touchstone.backing.programs import free_ports
    from touchstone.backing.replication import wait_for_replica
    from touchstone.backing.servers import Backing
    from touchstone.browser.acts import Act
    from touchstone.browser.at_once import act_at_once
    from touchstone.browser.fixtures import AtOnce, Browse
    from touchstone.certificates import trusted_certificates
    from touchstone.demo import Login, Seeded
    from touchstone.fixtures import Processes
    from touchstone.gherkin.phrases import phrases
    from touchstone.keeper.client import KeeperClient
    from touchstone.not_possible import NotPossibleHere
    from touchstone.private_servers import PrivateBroker, PrivateReplica
    from touchstone.remote.configure import RemoteSandbox
    from touchstone.sandbox import Broker, Database, Sandbox
    from touchstone.waiting import NotYetTrue, eventually, eventually_async, quiesce
    from touchstone.wrong_words import WrongWords

__all__ = [
    "Act",
    "AtOnce",
    "Backing",
    "Broker",
    "Browse",
    "Database",
    "KeeperClient",
    "Login",
    "NotPossibleHere",
    "NotYetTrue",
    "PrivateBroker",
    "PrivateReplica",
    "Processes",
    "RemoteSandbox",
    "Sandbox",
    "Seeded",
    "WrongWords",
    "act_at_once",
    "eventually",
    "eventually_async",
    "free_ports",
    "phrases",
    "quiesce",
    "trusted_certificates",
    "wait_for_replica",
]

_MODULES = {
    "free_ports": "touchstone.backing.programs",
    "wait_for_replica": "touchstone.backing.replication",
    "Backing": "touchstone.backing.servers",
    "Act": "touchstone.browser.acts",
    "act_at_once": "touchstone.browser.at_once",
    "AtOnce": "touchstone.browser.fixtures",
    "Browse": "touchstone.browser.fixtures",
    "trusted_certificates": "touchstone.certificates",
    "Login": "touchstone.demo",
    "Seeded": "touchstone.demo",
    "Processes": "touchstone.fixtures",
    "phrases": "touchstone.gherkin.phrases",
    "KeeperClient": "touchstone.keeper.client",
    "NotPossibleHere": "touchstone.not_possible",
    "PrivateBroker": "touchstone.private_servers",
    "PrivateReplica": "touchstone.private_servers",
    "RemoteSandbox": "touchstone.remote.configure",
    "Broker": "touchstone.sandbox",
    "Database": "touchstone.sandbox",
    "Sandbox": "touchstone.sandbox",
    "NotYetTrue": "touchstone.waiting",
    "eventually": "touchstone.waiting",
    "eventually_async": "touchstone.waiting",
    "quiesce": "touchstone.waiting",
    "WrongWords": "touchstone.wrong_words",
}


if not TYPE_CHECKING:  # where it is read, a name that is none of these is a mistake

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(_MODULES[name]), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
