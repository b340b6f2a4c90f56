"""What a service of the platform is, for all who need to know it without loading it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, NamedTuple

from atelier.languages import LazyText
from atelier.messaging.topology import DatabaseName, Subscription

if TYPE_CHECKING:
    from typer import Typer

    from atelier.connections import Connections
    from atelier.parts import Parts
    from atelier.settings import Settings

    Start = Callable[[Connections], Parts]


class Command(NamedTuple):
    """A group of commands on the platform's command line."""

    name: str
    help: str


@dataclass(frozen=True)
class Service:
    """A package of atelier with such a `SERVICE` is a service; nothing else lists them.

    What runs of it is said by `parts(connections)` in the package's module `app`, which is loaded
    when that is needed.
    """

    name: str
    """Of the package, and in the names of its settings, queues, cookies and metrics."""
    title: str
    """Of its application, as the OpenAPI document has it."""
    port: int
    """Where it listens unless ATELIER_PORT_<NAME> says otherwise; services are listed by it."""
    place: LazyText | None = None
    """What its pages say of themselves beside the company's name."""
    home: str = "/"
    """The page that a sign-in leads to."""
    speaks_json: bool = False
    """Whether it refuses with problem documents everywhere, also where it has pages."""
    databases: tuple[DatabaseName, ...] = ()
    """Those that it uses. A process relays the outbox of each that one of its services uses."""
    subscriptions: tuple[Subscription, ...] = ()
    """The queues that its consumers take events from."""
    command: Command | None = None
    """Its own commands, `atelier <name> …`: the `app` of its module `commands`."""
    forks: bool = False
    """Whether `app` has `fork(settings)`, too: called while the process has no threads yet, it
    returns what is to be used as `parts`."""

    @property
    def cookie(self) -> str:
        """The name of its session cookie: cookies do not know ports."""
        return f"atelier_{self.name}"

    def parts(self) -> Start:
        """What makes the parts of the service. Imports all of it."""
        made: Start = resolve_name(f"atelier.{self.name}.app:parts")
        return made

    def commands(self) -> Typer:
        """The commands of a service that has a `command`."""
        found: Typer = resolve_name(f"atelier.{self.name}.commands:app")
        return found

    def fork(self) -> Callable[[Settings], Start]:
        """The `fork` of a service that `forks`."""
        found: Callable[[Settings], Start] = resolve_name(f"atelier.{self.name}.app:fork")
        return found
