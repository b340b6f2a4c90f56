"""What of a user's shell reaches the processes of a run: what is named here, and nothing else.

The keeper, the zygote and the backing services get an environment that is made from a list, with
the usual signals and file modes. The processes that run tests are the user's own and keep their
environment, but for what would turn the suite's clients away from the servers of the run.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from fnmatch import fnmatchcase

VARIABLE = "TOUCHSTONE_RUN"
"""Every process of a run carries the run's folder in this environment variable."""

UMASK = 0o022
"""Folders of a run can be passed through: PostgreSQL may have to run as another account."""

SERVERS = ("PATH", VARIABLE)
"""What a backing service gets of the environment; all else is made for it."""

PYTHONS = (
    *SERVERS,
    "HOME",
    "LOGNAME",
    "TMPDIR",
    "USER",
    # Where the modules are, and the libraries that this interpreter was found to need.
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    # How the container engine is reached, and what testcontainers is to do there.
    "DOCKER_*",
    "TC_*",
    "TESTCONTAINERS_*",
    "XDG_RUNTIME_DIR",
    # The suite's own.
    "TOUCHSTONE_*",
    "COVERAGE_*",
)
"""What the keeper and the zygote get; a project names more in `[tool.touchstone] inherit`."""

REDIRECTING = (
    # libpq reads every one of these where an address does not say otherwise.
    "PG*",
    # OpenSSL and the HTTP clients on it.
    "SSL_CERT_*",
    "SSLKEYLOGFILE",
    "OPENSSL_CONF",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    # Proxies: httpx, requests, Chromium.
    "*_proxy",
    "*_PROXY",
    # Playwright's driver is a program of Node.
    "NODE_OPTIONS",
    "NODE_PATH",
    # Telemetry of the tests' own process.
    "OTEL_*",
    "NETRC",
)
"""What turns clients in a process of tests away from the servers of its run."""

_KEPT_FOR_TESTS = ("PGAPPNAME",)
_USUAL = ("SIGHUP", "SIGQUIT", "SIGTERM", "SIGCHLD", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGALRM")
_LOCALE = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
_FILES = 65_536


def made(passed: Iterable[str], ours: Mapping[str, str] = os.environ) -> dict[str, str]:
    """An environment with a locale and what the patterns in `passed` name of ours."""
    patterns = tuple(passed)
    chosen = {name: ours[name] for name in ours if _named(name, patterns)}
    return {"PATH": os.defpath, **chosen, **_LOCALE}


def python(*inherited: str, **more: str) -> dict[str, str]:
    """The environment of a Python process of the run; `inherited` are patterns of a project."""
    environment = made((*PYTHONS, *inherited)) | more
    if "PYTHONPATH" in environment:
        # It works in another folder than the one in which somebody set this.
        places = [os.path.abspath(place) for place in environment["PYTHONPATH"].split(os.pathsep)]
        environment["PYTHONPATH"] = os.pathsep.join(places)
    return environment


def settle() -> None:
    """Give a process the usual signals, file modes and limits, whatever its parents chose."""
    os.umask(UMASK)
    restore_signals(_USUAL)
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def restore_signals(names: Iterable[str] = ("SIGCHLD",)) -> None:
    """Undo that signals are ignored or blocked, which a process inherits (`nohup`, `trap ''`)."""
    if threading.current_thread() is not threading.main_thread():
        return
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    for number in numbers:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [*numbers, signal.SIGINT])


def open_standard_files() -> None:
    """Open what was closed of the first three descriptors, before something else gets the number.

    A lock that is descriptor 0 would be replaced by the pipe of the first child.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            mode = os.O_RDONLY if number == 0 else os.O_WRONLY
            opened = os.open(os.devnull, mode)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)


def redirecting(names: Iterable[str], platform: Iterable[str] = ()) -> list[str]:
    """Those of the variables that reach into tests; `platform` names settings of the platform."""
    settings = set(platform)
    # Of a platform whose settings all begin alike, those belong to it that are left to their
    # defaults, too.
    families = {name.partition("_")[0] for name in settings}
    family = [f"{families.pop()}_*"] if len(settings) > 1 and len(families) == 1 else []
    patterns = (*REDIRECTING, *settings, *family)
    return sorted(
        name for name in names if _named(name, patterns) and not _named(name, _KEPT_FOR_TESTS)
    )


@contextlib.contextmanager
def cleared(
    platform: Iterable[str] = (), environment: MutableMapping[str, str] | None = None
) -> Iterator[None]:
    """Have a process of tests go without what would redirect it; what was taken comes back."""
    ours = os.environ if environment is None else environment
    taken = {name: ours.pop(name) for name in redirecting(list(ours), platform)}
    try:
        yield
    finally:
        ours.update(taken)


def needs_assertions() -> str:
    """What to say where this interpreter leaves assertions out; or ""."""
    if not sys.flags.optimize:
        return ""
    return (
        "this Python leaves assertions out (PYTHONOPTIMIZE or -O), so that tests would prove "
        "nothing: unset PYTHONOPTIMIZE and call python without -O."
    )


def _named(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
