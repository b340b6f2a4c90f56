"""The providers of backing services: which there are, which one to take, how to make it.

The client of containers is imported on demand: a run on this machine's programs needs none.
"""

from __future__ import annotations

from pathlib import Path

from touchstone.backing import programs
from touchstone.backing.servers import BackingUnavailable, Provider

PROVIDERS = ("native", "containers")


def choose() -> str:
    """The provider to use when nobody has chosen: programs of the machine, else containers.

    Where neither can be had, the native one, which then says what is missing for both.
    """
    if programs.missing() is None:
        return "native"
    from touchstone.backing import engine

    return "containers" if engine.missing() is None else "native"


def describe(name: str) -> str:
    """One line for a run's header: the provider, the versions, and where they come from."""
    if name == "native":
        return f"backing services native: {programs.versions()}"
    from touchstone.backing.containers import describe as images

    return f"backing services in containers: {images()}"


def unknown(name: str, where: str) -> str:
    """What to say of a provider that there is not, and which somebody named in `where`."""
    return f"{where} {name} is unknown; choose one of {', '.join(PROVIDERS)}."


def provider(name: str, folder: Path) -> Provider:
    """The provider of that name, working in a run's folder.

    Raises:
        BackingUnavailable: there is no such provider.
    """
    if name == "native":
        from touchstone.backing.native import NativeProvider

        return NativeProvider(folder)
    if name == "containers":
        from touchstone.backing.containers import ContainersProvider

        return ContainersProvider(folder)
    raise BackingUnavailable(unknown(name, "--backing"))
