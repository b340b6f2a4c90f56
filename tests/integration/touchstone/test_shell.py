"""Whatever a user's shell holds, a run works as from any other."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

GREETER = Path(__file__).parent / "greeter"

PROXY = "http://127.0.0.1:9"
SHELL = {
    **{f"{each}_proxy": PROXY for each in ("http", "https", "all")},
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), PROXY),
    "NO_PROXY": "example.com",
    "PGHOST": "192.0.2.1",
    "PGPORT": "1",
    "PGDATA": "/nowhere",
    "PGOPTIONS": "-c statement_timeout=1 -c default_transaction_read_only=on",
    "PGSERVICE": "nowhere",
    "PGSSLMODE": "verify-full",
    "PGSSLROOTCERT": "/nowhere",
    "PGCLIENTENCODING": "LATIN1",
    "PGTZ": "Asia/Tokyo",
    "REDISCLI_AUTH": "wrong",
    "RABBITMQ_NODENAME": "another@nowhere",
    "RABBITMQ_CONFIG_FILE": "/nowhere",
    "RABBITMQ_LOGS": "-",
    "RABBITMQ_NODE_PORT": "1",
    "RABBITMQ_SERVER_START_ARGS": "-wrong",
    "ERL_FLAGS": "-name wrong",
    "ERL_ZFLAGS": "-eval halt().",
    "ERL_EPMD_PORT": "1",
    "LANG": "ru_RU.KOI8-R",
    "LC_ALL": "C",
    "LC_NUMERIC": "ru_RU.UTF-8",
    "TZ": "Asia/Kathmandu",
    "SSL_CERT_FILE": "/nowhere",
    "SSL_CERT_DIR": "/nowhere",
    "REQUESTS_CA_BUNDLE": "/nowhere",
    "CURL_CA_BUNDLE": "/nowhere",
    "NODE_OPTIONS": "--require /nowhere",
    "PYTHONWARNINGS": "error",
    "PYTHONHASHSEED": "7",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONSTARTUP": "/nowhere",
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "0",
    "OTEL_SDK_DISABLED": "true",
    "OTEL_EXPORTER_OTLP_ENDPOINT": PROXY,
    "GREETER_DATABASE": "postgresql://192.0.2.1/elsewhere",
    "COLUMNS": "20",
    "NO_COLOR": "1",
    "FORCE_COLOR": "1",
    "CDPATH": "/",
    "BASH_ENV": "/nowhere",
    "ENV": "/nowhere",
    "TERM": "unknown",
    "IFS": "/",
}

TESTS = """
import os
import httpx
import psycopg
import redis

def test_everything_answers(sandbox, backing):
    address = sandbox.services["desk"]
    assert httpx.get(address + "/health/ready").status_code == 200
    with psycopg.connect(backing.database(backing.primary, "postgres")) as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("0",)
    with redis.Redis.from_url(sandbox.cache) as cache:
        assert cache.ping()
    assert oct(sandbox.logs.stat().st_mode & 0o777) == "0o755"

def test_a_browser_reaches_it(sandbox, browse):
    browse("Anna", sandbox.services["desk"]).goto("/")
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Has a run of the greeter begin in a shell that holds what is given."""
    folder = tmp_path.resolve()
    for file in GREETER.glob("*.*"):
        shutil.copy(file, folder)
    (folder / "test_desk.py").write_text(TESTS)

    def begin(
        prepare: Callable[[], None], environment: dict[str, str], *words: str
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
        return subprocess.run(
            command,
            cwd=folder,
            env=os.environ | environment,
            preexec_fn=prepare,
            capture_output=True,
            text=True,
            errors="replace",
        )

    return begin


def hostile() -> None:
    """What a process inherits beside its environment."""
    os.umask(0o077)
    for number in (signal.SIGCHLD, signal.SIGHUP, signal.SIGPIPE, signal.SIGQUIT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD, signal.SIGALRM])
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.close(0)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "with a worker"])
def test_a_run_works_in_a_shell_that_holds_everything_wrong(
    run: Callable[..., subprocess.CompletedProcess[str]], workers: tuple[str, ...]
) -> None:
    ended = run(hostile, SHELL, *workers)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "2 passed" in ended.stdout


HINDRANCES = {
    "assertions left out": ({"PYTHONOPTIMIZE": "1"}, "unset PYTHONOPTIMIZE"),
    "an unknown provider": ({"TOUCHSTONE_BACKING": "wat"}, "choose one of native, containers"),
}


@pytest.mark.parametrize("what", HINDRANCES)
def test_what_keeps_a_run_from_starting_is_said_in_a_sentence(
    run: Callable[..., subprocess.CompletedProcess[str]], what: str
) -> None:
    environment, said = HINDRANCES[what]

    ended = run(lambda: None, environment)

    assert ended.returncode == 4
    assert said in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
    assert "INTERNALERROR" not in ended.stdout + ended.stderr
