from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from touchstone import surroundings

SHELL = {
    "PATH": "/usr/bin",
    "HOME": "/home/anna",
    "TMPDIR": "/scratch",
    "DOCKER_HOST": "tcp://10.0.0.5:2375",
    "TOUCHSTONE_RUN": "/run/one",
    **dict.fromkeys(
        (
            *("HTTP_PROXY", "https_proxy", "ALL_PROXY", "NO_PROXY", "PGOPTIONS", "PGSERVICE"),
            *("PGPORT", "PGSSLMODE", "REDIS_URL", "RABBITMQ_NODENAME", "ERL_FLAGS", "ERL_LIBS"),
            *("LD_PRELOAD", "PYTHONSTARTUP", "PYTHONOPTIMIZE", "PYTHONWARNINGS", "PYTHONHASHSEED"),
            *("PYTHONHOME", "LANGUAGE", "TZ", "COLUMNS", "OTEL_EXPORTER_OTLP_ENDPOINT"),
            *("ATELIER_BROKER", "NO_COLOR", "FORCE_COLOR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
            *("BASH_ENV", "CDPATH", "IFS", "NODE_OPTIONS", "GREP_OPTIONS", "MALLOC_PERTURB_"),
        ),
        "from the shell",
    ),
}


def test_a_server_gets_what_is_listed_and_nothing_else() -> None:
    assert surroundings.made(surroundings.SERVERS, SHELL) == {
        "PATH": "/usr/bin",
        "TOUCHSTONE_RUN": "/run/one",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
    }


def test_a_python_of_the_run_gets_the_engine_and_the_folders_too() -> None:
    made = surroundings.made(surroundings.PYTHONS, SHELL)

    assert "from the shell" not in made.values()
    assert made["DOCKER_HOST"] == "tcp://10.0.0.5:2375"
    assert (made["HOME"], made["TMPDIR"]) == ("/home/anna", "/scratch")


def test_a_project_names_what_else_its_platform_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "tests")
    monkeypatch.setenv("GRADE", "AAA")

    made = surroundings.python("AWS_*", MORE="this")

    assert (made["AWS_PROFILE"], made["MORE"]) == ("tests", "this")
    assert "GRADE" not in made


def test_modules_are_found_from_another_folder_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"src{os.pathsep}/opt/lib")

    assert surroundings.python()["PYTHONPATH"] == f"{Path.cwd() / 'src'}{os.pathsep}/opt/lib"


def test_tests_go_without_what_would_turn_them_away_and_it_comes_back() -> None:
    before = {**SHELL, "ATELIER_UNKNOWN_YET": "x", "SHOP": "closed"}
    shell = dict(before)

    with surroundings.cleared(["ATELIER_BROKER", "ATELIER_CACHE"], shell):
        left = {name for name, value in shell.items() if value == "from the shell"}
        assert not [name for name in left if "proxy" in name.lower()]
        assert not [name for name in left if name.startswith(("PG", "SSL_", "OTEL_", "NODE_"))]
        assert not [name for name in shell if name.startswith("ATELIER_")]
        assert {"COLUMNS", "NO_COLOR", "TZ", "PATH", "DOCKER_HOST", "SHOP"} <= set(shell)

    assert shell == before


def test_of_settings_that_have_no_family_each_one_goes() -> None:
    names = ["TILL", "TILL_SIZE", "SHOP_NAME", "SHOP_SIZE"]

    assert surroundings.redirecting(names, ["TILL"]) == ["TILL"]
    assert surroundings.redirecting(names, ["TILL", "SHOP_NAME"]) == ["SHOP_NAME", "TILL"]


def test_signals_that_were_ignored_or_blocked_are_not_any_more() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        surroundings.restore_signals()
        assert signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL
        assert signal.SIGCHLD not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_every_process_of_a_run_is_started_with_a_made_environment() -> None:
    """Whoever starts a process says what it gets; `os.environ` is handed on in one place only."""
    package = Path(surroundings.__file__).parent
    handing_on = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if any(word in file.read_text("utf-8") for word in ("env=os.environ", "dict(os.environ"))
    }

    assert handing_on == set()


def test_a_servers_locale_is_the_runs_whatever_is_passed_on() -> None:
    made = surroundings.made(["L*"], {"LANG": "de_DE.UTF-8", "LC_ALL": "tr_TR", "LINES": "40"})

    assert made == {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "LINES": "40",
    }


def test_how_a_client_of_postgresql_names_itself_turns_nobody_away() -> None:
    assert surroundings.redirecting(["PGAPPNAME", "PGHOST"]) == ["PGHOST"]


def test_a_python_with_its_assertions_needs_no_word() -> None:
    assert surroundings.needs_assertions() == ""
