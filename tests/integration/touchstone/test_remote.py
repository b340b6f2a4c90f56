"""Runs against a platform that runs somewhere else: here the desk of the greeter, on its own."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator
from http.server import HTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import pytest

GREETER = Path(__file__).parent / "greeter"

TARGET = """
name = "release"
production = {production}
[services]
desk = "{desk}"
"""


class Desk:
    """The greeter's desk as a server of its own, and what it was asked for."""

    def __init__(self) -> None:
        spec = spec_from_file_location("greeter_here", GREETER / "greeter.py")
        assert spec
        assert spec.loader
        greeter = module_from_spec(spec)
        sys.modules[spec.name] = greeter
        spec.loader.exec_module(greeter)
        self.asked: list[str] = []
        outer = self

        class Handler(greeter.Desk):  # type: ignore[name-defined, misc]
            def log_message(self, format: str, *args: Any) -> None:
                outer.asked.append(args[0])

            def do_GET(self) -> None:
                self._answer("open" if self.path == "/health" else PAGE)

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


PAGE = '<title>Desk</title><body style="font-family: monospace"><p id="told">nothing yet</p>'


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.close()


class Project:
    """A project with the greeter as its platform, and a target file for the desk."""

    def __init__(self, pytester: pytest.Pytester, desk: Desk) -> None:
        self.pytester = pytester
        self.desk = desk
        for file in GREETER.glob("*.*"):
            shutil.copy(file, pytester.path)
        with (pytester.path / "pyproject.toml").open("a") as settings:
            settings.write('filterwarnings = ["error"]\n')
        self.target()

    def target(self, more: str = "", *, production: bool = False) -> None:
        text = TARGET.format(production=str(production).lower(), desk=self.desk.address)
        (self.pytester.path / "release.toml").write_text(text + more)

    def run(self, tests: str, *arguments: str) -> pytest.RunResult:
        self.pytester.makepyfile(test_desk=tests)
        return self.pytester.runpytest_subprocess(
            *("--strict-markers", "--allow-hosts=192.0.2.1", "--allow-unix-socket"),
            *(arguments or ("--target", "release.toml")),
        )

    def text(self, file: str) -> str:
        return (self.pytester.path / file).read_text("utf-8")


@pytest.fixture
def project(pytester: pytest.Pytester, desk: Desk) -> Project:
    return Project(pytester, desk)


ASKS = """
    import os
    import httpx
    import pytest

    @pytest.mark.parametrize("time", range(3))
    def test_is_open(sandbox, time):
        assert httpx.get(sandbox.services["desk"] + "/health").text == "open"
        assert "TOUCHSTONE_RUN" not in os.environ
"""


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "two workers"])
def test_nothing_is_started_for_a_target(
    project: Project, workers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOUCHSTONE_RUN", raising=False)

    result = project.run(ASKS, "--target", "release.toml", *workers)

    result.assert_outcomes(passed=3)
    assert len(project.desk.asked) == 3
    result.stdout.fnmatch_lines(
        [
            "touchstone: remote target release, not production",
            f"  desk  {project.desk.address}",
            "  not given: database hotel, broker, cache, files, logs, power over processes",
        ]
    )
    result.stdout.no_fnmatch_line("backing:*")


def test_the_environment_alone_can_name_a_target(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOUCHSTONE_RUN", raising=False)
    monkeypatch.setenv("TOUCHSTONE_TARGET_NAME", "canary")
    monkeypatch.setenv("TOUCHSTONE_TARGET_PRODUCTION", "false")
    monkeypatch.setenv("TOUCHSTONE_SERVICE_DESK", project.desk.address)

    result = project.run(ASKS, "--backing", "remote")

    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["touchstone: remote target canary, not production"])


NEEDS = """
    import pytest
    from touchstone.not_possible import NotPossibleHere

    def test_database(sandbox): sandbox.databases["hotel"].primary
    def test_broker(sandbox): sandbox.broker.amqp
    def test_cache(sandbox): sandbox.cache
    def test_files(sandbox): sandbox.files / "x"
    def test_setting(sandbox): sandbox.environment["GREETER_DATABASE"]
    def test_service(sandbox): sandbox.services["bank"]
    def test_bare(bare_sandbox): pass
    def test_backing(backing): pass
    def test_private_broker(private_broker): pass
    def test_private_replica(private_replica): pass
    def test_processes(sandbox, processes): processes.kill("desk")
    @pytest.mark.processes
    def test_marked(sandbox): pass
    def test_of_the_project(sandbox): raise NotPossibleHere("needs two clerks, and has one")
    @pytest.mark.skip(reason="not today")
    def test_skipped(sandbox): pass
    def test_passes(sandbox, note): note("Clara is at the desk")
"""


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "two workers"])
def test_what_a_target_does_not_give_is_not_possible_here(
    project: Project, workers: list[str]
) -> None:
    result = project.run(NEEDS, "--target", "release.toml", *workers)

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*= 1 passed, 1 skipped, 13 not possible here in *"])
    reasons = {
        line.removeprefix("not possible here: ")
        for line in result.outlines
        if line.startswith("not possible here: ")
    }
    assert reasons == {
        "1 × the target release gives no database hotel",
        "1 × the target release gives no broker",
        "1 × the target release gives no cache",
        "1 × the target release gives no files",
        "1 × the target release gives no setting GREETER_DATABASE",
        "1 × the target release gives no service bank",
        "4 × needs a sandbox of its own, and the target release is none",
        "2 × nobody here may stop the processes of the target release",
        "1 × needs two clerks, and has one",
    }
    report = project.text(".touchstone/report/index.html")
    assert "13 not possible here, 1 skipped, 1 passed" in report
    assert "not possible here: needs two clerks, and has one" in report


def test_a_run_in_which_nothing_was_possible_does_not_pass(project: Project) -> None:
    result = project.run("def test_broker(sandbox): sandbox.broker")

    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "Nothing was tested" in project.text(".touchstone/report/index.html")


FEATURE = """
Feature: Desk
  @safe
  Scenario: Looking
    Then somebody looks
  Scenario: Signing
    Then somebody looks
"""
STEPS = """
    import httpx
    from pytest_bdd import then

    @then("somebody looks")
    def looks(request):
        # Asked for late, as steps do.
        httpx.get(request.getfixturevalue("sandbox").services["desk"] + "/health")
"""


@pytest.mark.parametrize("production", [True, False])
def test_production_is_for_safe_scenarios_only(project: Project, production: bool) -> None:
    project.target(production=production)
    project.pytester.makeconftest(STEPS)
    (project.pytester.path / "desk.feature").write_text(FEATURE)
    refusing = """
        import httpx

        def test_looks(sandbox):
            httpx.get(sandbox.services["desk"] + "/health")

        def test_asks_late(request):
            httpx.get(request.getfixturevalue("sandbox").services["desk"] + "/health")

        def test_needs_no_platform():
            pass
    """

    result = project.run(refusing, "desk.feature", "test_desk.py", "--target", "release.toml")

    if production:
        result.stdout.fnmatch_lines(
            [
                "touchstone: remote target release, PRODUCTION: only for @safe",
                "not possible here: 3 × the target release is production, and what is not tagged "
                "@safe refuses to run there",
                "*2 passed, 3 not possible here in *",
            ]
        )
    else:
        result.assert_outcomes(passed=5)
    assert len(project.desk.asked) == (1 if production else 4)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--target", "nowhere.toml"], "nowhere.toml cannot be read: No such file or directory"),
        (["--target", "greeter.py"], "greeter.py is no TOML: *"),
        (["--target", "bank.toml"], "bank.toml: services.bank is no service of this platform; *"),
        (["--target", "pin.toml"], "pin.toml: secrets.pin asks for ${PIN}, which is not set: *"),
        (["--target", "shown.toml"], "shown.toml: secrets.pin holds a secret that others can *"),
        (["--backing", "remote"], "--backing remote needs to know where the platform is: *"),
        (["--target", "release.toml", "--backing", "native"], "--target is another platform *"),
    ],
)
def test_a_target_that_cannot_be_used_is_said_in_one_line(
    project: Project, arguments: list[str], told: str
) -> None:
    start = 'name = "x"\nproduction = false\n[services]\n'
    for name, text in {
        "bank": 'bank = "https://bank.example"',
        "pin": 'desk = "https://desk.example"\n[secrets]\npin = "${PIN}"',
        "shown": 'desk = "https://desk.example"\n[secrets]\npin = "for all to see"',
    }.items():
        file = project.pytester.path / f"{name}.toml"
        file.write_text(start + text)
        file.chmod(0o644)

    result = project.run(ASKS, *arguments)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.errlines if line] == [
        line for line in result.errlines if line.startswith("ERROR: ")
    ]
    result.stderr.fnmatch_lines([f"ERROR: *{told}"])


SECRETS = {"DESK_PASSWORD": "pl4nted-in-the-envir0nment", "DESK_KEY": "another/planted+one=yes=of"}
LEAKS = """
    import logging
    import sys
    import warnings

    import httpx
    import pytest
    from touchstone.waiting import eventually

    class Telltale:
        def __init__(self, secret): self.secret = secret
        def __repr__(self): return f"<{self.secret}>"

    @pytest.fixture
    def session(sandbox):
        cookie = "-".join(["s3ssion", "c00kie", "of", "the", "seller"])
        sandbox.hide(cookie)
        yield cookie
        raise LookupError(f"teardown with {sandbox.target.secrets['key']} and {cookie}")

    def test_leaks(sandbox, session, browse, record_property):
        secret = sandbox.target.secrets["password"]
        key, telltale = sandbox.target.secrets["key"], Telltale(secret)
        record_property("password", secret)
        print("out", secret, session)
        print("err", key, file=sys.stderr)
        logging.getLogger().warning("logged %s", secret)
        warnings.warn(f"warned of {secret}")
        page = browse("Clara", sandbox.services["desk"])
        page.set_extra_http_headers({"Authorization": f"Bearer {key}"})
        page.context.add_cookies([{"name": "a", "value": secret, "url": sandbox.services["desk"]}])
        page.goto("/")
        page.evaluate("told => document.querySelector('#told').textContent = told", secret)
        httpx.get(sandbox.services["desk"], params={"key": key})
        eventually(lambda: secret, until=lambda seen: False, timeout=0.1, describe=f"for {key}")

    def test_compares(sandbox):
        text = "x" * 150 + sandbox.target.secrets["password"] + "y" * 150
        assert {"told": text, "b": 1} == {"told": "nothing", "b": 2}

    def test_skips(sandbox):
        pytest.skip(f"because of {sandbox.target.secrets['key']}")

    def test_shows_the_key(sandbox, browse):
        page = browse("Clara", sandbox.services["desk"])
        page.goto("/")
        key = sandbox.target.secrets["key"]
        page.evaluate("told => document.querySelector('#told').textContent = told", key)
        assert False
"""
BROKEN_MODULE = """
    import os
    raise LookupError(f"at import with {os.environ['DESK_PASSWORD']}")
"""


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "two workers"])
def test_a_secret_reaches_nothing_that_a_run_leaves_or_says(
    project: Project, workers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    project.target('[secrets]\npassword = "${DESK_PASSWORD}"\nkey = "${DESK_KEY}"\n')
    file = project.pytester.path / "release.toml"
    file.write_text(file.read_text().replace("http://", "http://clerk:${DESK_PASSWORD}@"))
    project.pytester.makepyfile(test_broken=BROKEN_MODULE)
    before = {file for file in project.pytester.path.rglob("*") if file.is_file()}

    result = project.run(
        LEAKS,
        "--target=release.toml",
        "--continue-on-collection-errors",
        "--showlocals",
        "-vv",
        "-rA",
        "--artefacts=on",
        "--junitxml=.touchstone/junit.xml",
        "-W",
        "default",
        *workers,
    )

    left = {file for file in project.pytester.path.rglob("*") if file.is_file()} - before
    printed = result.stdout.str() + result.stderr.str()
    made = {file.name for file in left}
    assert {"index.html", "junit.xml", "clara.png", "last-wait.txt"} <= made, printed
    # A trace holds every header, cookie and form: none is made.
    assert not [file for file in left if is_zipfile(file)]
    hidden = [*SECRETS.values(), "s3ssion-c00kie-of-the-seller", "another%2Fplanted"]
    contents = {str(file): file.read_bytes() for file in left if "__pycache__" not in file.parts}
    for place, content in {"the terminal": printed.encode(), **contents}.items():
        for secret in hidden:
            for piece in (secret, secret[:8], secret[-8:]):
                assert piece.encode() not in content, f"{piece} of {secret} is in {place}"
    # It was not for want of telling.
    for told in [
        "out ••• •••",
        "err •••",
        "logged •••",
        "warned of •••",
        "teardown with ••• and •••",
        "<•••>",
        "at import with •••",
    ]:
        assert told in printed
    page = project.text(".touchstone/report/index.html")
    for told in ["out ••• •••", "teardown with ••• and •••", "for •••: not so within 0.1 s"]:
        assert told in page
    assert "for •••" in next(f for f in left if f.name == "last-wait.txt").read_text("utf-8")
    assert 'value="•••"' in project.text(".touchstone/junit.xml")
    # Two secrets of one length, in a font of one width, cannot be told apart in the pictures.
    pictures = [file.read_bytes() for file in left if file.name == "clara.png"]
    assert len(pictures) == 2
    assert pictures[0] == pictures[1]
