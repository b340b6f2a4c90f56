"""Runs against a platform that runs somewhere else: here the desk of the greeter, on its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.touchstone.remote_platform import Desk, Project


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.close()


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
