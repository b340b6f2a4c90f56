"""The pytest plugin: options and the life of a run.

The controller of a run (the process that the user started; under xdist the one without tests)
owns a keeper, or borrows the one that `touchstone up` has left. Every process that runs tests
holds one connection to it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from touchstone import config as configuration
from touchstone import surroundings
from touchstone.backing import providers
from touchstone.commands import command
from touchstone.keeper import discovery
from touchstone.keeper.client import InfrastructureError, KeeperClient, KeeperProcess
from touchstone.remote import configure
from touchstone.report import html, progress
from touchstone.zygote import owner

PARTS = (
    "touchstone.guards.rootdir",
    "touchstone.report.legible",
    "touchstone.guards.unended",
    "touchstone.guards.asked",
    "touchstone.gherkin.collector",
    "touchstone.gherkin.step_lookup",
    "touchstone.gherkin.step_calls",
    "touchstone.gherkin.undefined_steps",
    "touchstone.gherkin.scenario_record",
    "touchstone.not_possible",
    "touchstone.masking",
    "touchstone.remote.configure",
    "touchstone.report.results",
    "touchstone.report.evidence",
    "touchstone.browser.missing_controls",
    "touchstone.report.artefacts",
    "touchstone.report.rerun",
    "touchstone.browser.fixtures",
    "touchstone.report.progress",
    "touchstone.report.html",
    "touchstone.fixtures",
    "touchstone.private_servers",
    "touchstone.guards.limits",
)

PROVIDER = pytest.StashKey[str]()
KEEPER = pytest.StashKey[KeeperProcess]()
SOCKET = pytest.StashKey[Path]()
RUN = pytest.StashKey[str]()
CLIENT = pytest.StashKey[KeeperClient]()
FOLLOWER = pytest.StashKey[threading.Thread]()
CLEARED = pytest.StashKey[contextlib.ExitStack]()
OUTER_RUN = pytest.StashKey[str | None]()


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    """Register the parts of touchstone with it.

    They are no `pytest_plugins`, since pytest reads the entry points of all packages that are
    installed for each name in such a list: 8 ms a part, in every process of a run.
    """
    if plugin is sys.modules[__name__]:
        for name in PARTS:
            if not manager.has_plugin(name):
                manager.register(import_module(name), name)  # unless `-p no:` forbids it


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add touchstone's options."""
    parser.getgroup("touchstone").addoption(
        "--backing",
        choices=(*providers.PROVIDERS, configure.PROVIDER),
        default=os.environ.get("TOUCHSTONE_BACKING"),
        help="where PostgreSQL, RabbitMQ and Redis come from: programs of this machine (native) "
        "or Docker (containers); by default native where the programs are found, else containers; "
        "remote: nothing is started, see --target",
    )
    parser.getgroup("touchstone").addoption(
        "--start",
        choices=owner.STARTS,
        default=owner.usual_start(),
        help="whether processes of sandboxes are forked from one that has imported the platform, "
        "or spawned, which is slower; by default spawned on macOS only",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose where backing services come from; refuse a platform that is not well described."""
    surroundings.open_standard_files()
    # A child's end and a time limit are told by signals.
    surroundings.restore_signals(("SIGCHLD", "SIGALRM"))
    pyproject = config.rootpath / "pyproject.toml"
    if not configuration.is_in(pyproject) or configure.configure(config):
        return
    try:
        platform = configuration.load(pyproject)
    except configuration.ConfigurationError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[CLEARED] = contextlib.ExitStack()
    config.stash[CLEARED].enter_context(surroundings.cleared(platform.environment))
    if not _is_worker(config):
        if said := surroundings.needs_assertions():
            raise pytest.UsageError(said)
        chosen = config.option.backing or providers.choose()
        if chosen not in providers.PROVIDERS:
            raise pytest.UsageError(providers.unknown(chosen, "TOUCHSTONE_BACKING"))
        config.stash[PROVIDER] = chosen


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the keeper in the controller; in a worker, know where it listens."""
    config = session.config
    if _is_worker(config):
        told: dict[str, str] = config.workerinput.get("touchstone", {})  # type: ignore[attr-defined]
        if told:
            config.stash[SOCKET], config.stash[RUN] = Path(told["socket"]), told["run"]
        return
    if config.option.collectonly or PROVIDER not in config.stash:
        return
    try:
        _start_keeper(config)
    except InfrastructureError as error:
        raise pytest.UsageError(str(error)) from None


def _start_keeper(config: pytest.Config) -> None:
    provider = config.stash[PROVIDER]
    # Part of the names of databases and virtual hosts, so that runs do not meet.
    config.stash[RUN] = f"r{secrets.token_hex(3)}"
    if not _is_borrowed(config, discovery.warm(config.rootpath, provider)):
        config.stash[KEEPER] = keeper = KeeperProcess(config.rootpath, provider)
        config.stash[SOCKET] = keeper.folder.socket
        _name_run(config)
        keeper.wait()
        client_of(config).own(config.option.start)
    if config.option.progress:
        config.stash[FOLLOWER] = threading.Thread(target=_follow, args=(config,), daemon=True)
        config.stash[FOLLOWER].start()


def _is_borrowed(config: pytest.Config, warm: Path | None) -> bool:
    """Whether the run may use the servers that stay; they may be ending at this moment."""
    if warm is None:
        return False
    config.stash[SOCKET] = warm
    try:
        client_of(config).own(config.option.start)
    except (OSError, InfrastructureError):
        if CLIENT in config.stash:
            config.stash[CLIENT].close()
            del config.stash[CLIENT]
        return False
    _name_run(config)
    return True


def _name_run(config: pytest.Config) -> None:
    # What this process starts – workers, browsers – is found by it when all is cleared away.
    config.stash[OUTER_RUN] = os.environ.get(surroundings.VARIABLE)
    os.environ[surroundings.VARIABLE] = str(config.stash[SOCKET].parent / config.stash[RUN])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist where the keeper listens."""
    stash = node.config.stash
    if SOCKET in stash:
        node.workerinput["touchstone"] = {
            "socket": str(stash[SOCKET]),
            "run": stash[RUN],
        }


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Have started, while other tests run, what the collected tests will need."""
    wanted = [frozenset(getattr(item, "fixturenames", ())) for item in session.items]
    if any("keeper" in names for names in wanted) and SOCKET in session.config.stash:
        client_of(session.config).expect(sum("sandbox" in names for names in wanted))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End everything that the run has started, but for what is to be kept."""
    keeps = False
    if client := config.stash.get(CLIENT, None):
        if not _is_worker(config):
            with contextlib.suppress(InfrastructureError):
                keeps = bool(client.describe()["kept"])
        client.close()
    if keeper := config.stash.get(KEEPER, None):
        if keeps:
            keeper.outlive()
        else:
            keeper.close()
            if follower := config.stash.get(FOLLOWER, None):
                follower.join()
    if CLEARED in config.stash:
        config.stash[CLEARED].close()
    if OUTER_RUN in config.stash:
        outer = config.stash[OUTER_RUN]
        if outer is None:
            del os.environ[surroundings.VARIABLE]
        else:
            os.environ[surroundings.VARIABLE] = outer


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which backing services the run has, and where from."""
    if PROVIDER not in config.stash:
        return None
    header = f"touchstone: {providers.describe(config.stash[PROVIDER])}"
    if config.option.start == "spawn":
        reason = "--start spawn" if owner.usual_start() == "fork" else "a fork is not safe here"
        header += f"; sandboxes are spawned, which is slower: {reason}"
    return header


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what the backing services were, how long their start took, and what is kept."""
    if CLIENT not in config.stash:
        return
    client = client_of(config)
    if started := client.started():
        terminalreporter.write_line(f"backing: {started.summary()}")
        html.note(config, f"backing: {started.summary()}")
    for name, kept in client.describe()["kept"].items():
        opens, drops = (command("touchstone", verb, name) for verb in ("open", "drop"))
        terminalreporter.write_line(f"kept: {kept['scenario']}\n      {opens}   (until: {drops})")


def client_of(config: pytest.Config) -> KeeperClient:
    """This process's connection to the keeper of the run."""
    if CLIENT not in config.stash:
        config.stash[CLIENT] = KeeperClient(config.stash[SOCKET], config.stash[RUN])
    return config.stash[CLIENT]


def _follow(config: pytest.Config) -> None:
    """Show what the keeper is starting, until the run ends."""
    status = ""
    with (
        contextlib.closing(KeeperClient(config.stash[SOCKET])) as client,
        contextlib.suppress(InfrastructureError),
    ):
        while True:
            status = client.status(status)
            progress.status(config, status)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")
