"""What a run is told that was asked for something that is not there, or for nothing but a look."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

NOTHING_ELSE = (
    "--disable-plugin-autoload",
    *("-p", "pytest_bdd.plugin", "-p", "xdist.plugin", "-p", "touchstone.plugin"),
)


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    folder = pytester.path / "project"
    (folder / "features" / "journey").mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    smoke: the least\n")
    (folder / "test_rings.py").write_text("def test_a_golden_ring(): assert 1 == 2\n")
    os.chdir(folder)
    return pytester


def run(pytester: pytest.Pytester, *words: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess(*NOTHING_ELSE, *words, timeout=60)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "distributed"])
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            ["features/journy"],
            4,
            "*features/journy: there is no journy in features. Did you mean journey?*",
        ),
        (
            ["featurs/journey/a.feature"],
            4,
            "*featurs/journey/a.feature: there is no featurs in .. Did you mean features?*",
        ),
        (["nowhere"], 4, "*there is no nowhere in .. What is there: features, *test_rings.py*"),
        (
            ["-k", "goldn"],
            5,
            "*no test fits -k 'goldn': 1 were looked at. Near: test_a_golden_ring.*",
        ),
        (["-m", "smoek"], 5, "*no test fits -m 'smoek': 1 were looked at. Near: smoke.*"),
        (["test_rings.py::test_silver"], 4, "*not found: *test_rings.py::test_silver*"),
    ],
)
def test_what_is_not_there_is_named_with_what_is_near(
    project: pytest.Pytester, words: list[str], code: int, said: str, workers: tuple[str, ...]
) -> None:
    if workers and "::" in words[0]:
        code = 5  # as xdist has it

    result = run(project, *words, *workers)

    assert result.ret == code, result.stdout.str()
    printed = [*result.outlines, *result.errlines]
    pytest.LineMatcher(printed).fnmatch_lines([said])
    assert not Path(".touchstone").exists()


def test_a_feature_outside_the_project_is_told_what_it_lacks(project: pytest.Pytester) -> None:
    outside = project.path / "elsewhere"
    outside.mkdir()
    (outside / "a.feature").write_text("Feature: A\n  Scenario: B\n    Then c\n")

    result = run(project, str(outside / "a.feature"))

    assert result.ret == 4
    result.stderr.fnmatch_lines(["*a.feature is outside the project in *: move it below *"])


@pytest.mark.parametrize(
    "look",
    [
        ("--collect-only",),
        ("--fixtures",),
        ("--fixtures-per-test",),
        ("--setup-plan",),
        ("--setup-only",),
        ("--markers",),
        ("--cache-show",),
        ("--version",),
        ("--help",),
        ("-k", "nothing_like_that"),
        ("features/nope",),
        ("-n", "2", "-k", "nothing_like_that"),
    ],
    ids=" ".join,
)
def test_a_look_takes_no_evidence_away(project: pytest.Pytester, look: tuple[str, ...]) -> None:
    left = {
        "report/index.html": '<header class="verdict-failed">',
        "artefacts/a-ring/anna.png": "a picture",
        "verdict": "failed",
    }
    for name, text in left.items():
        file = Path(".touchstone", name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    run(project, *look)

    assert {name: Path(".touchstone", name).read_text() for name in left} == left


def test_the_evidence_of_the_last_runs_with_failures_stays(project: pytest.Pytester) -> None:
    kept = Path(".touchstone", "failed")
    for _ in range(7):
        assert run(project).ret == 1
        # Folders are named by the second.
        past = Path(".touchstone", "verdict")
        os.utime(past, (past.stat().st_mtime - 100 + _, past.stat().st_mtime - 100 + _))
    Path("test_rings.py").write_text("def test_a_golden_ring(): ...\n")

    assert run(project).ret == 0
    assert run(project).ret == 0

    assert len(list(kept.iterdir())) == 5
    assert all((run / "report" / "index.html").is_file() for run in kept.iterdir())
    assert "All passed" in Path(".touchstone/report/index.html").read_text("utf-8")


def test_the_artefacts_of_a_run_that_was_killed_stay(project: pytest.Pytester) -> None:
    left = Path(".touchstone", "artefacts", "a-ring", "anna.png")
    left.parent.mkdir(parents=True)
    left.write_text("a picture")

    run(project)

    [kept] = Path(".touchstone", "failed").iterdir()
    assert (kept / "artefacts" / "a-ring" / "anna.png").read_text() == "a picture"


@pytest.mark.parametrize("form", ["{option} {path}", "{option}={path}"])
@pytest.mark.parametrize("option", ["--browser-path", "--report", "--target"])
def test_a_path_after_an_option_is_no_path_of_tests(
    project: pytest.Pytester, option: str, form: str
) -> None:
    """Whatever the option is: also those of later."""
    (project.path / "test_above.py").write_text("")  # the folder above has files, too
    elsewhere = project.path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "it").write_text("")
    words = form.format(option=option, path=elsewhere / "it").split(" ")

    result = project.runpytest_subprocess("--collect-only", *words, timeout=60)

    result.stdout.fnmatch_lines([f"rootdir: {Path.cwd()}*", "configfile: pytest.ini"])


@pytest.mark.parametrize(
    "plugin",
    [
        "terminal",
        "cacheprovider",
        "logging",
        "xdist",
        "randomly",
        "timeout",
        "socket",
        "anyio",
        "hypothesispytest",
        "junitxml",
        "capture",
        "stepwise",
        "faulthandler",
        "pytest-bdd",
        "warnings",
    ],
)
def test_a_run_needs_no_plugin_that_it_does_not_use(project: pytest.Pytester, plugin: str) -> None:
    Path("test_rings.py").write_text("def test_a_golden_ring(): ...\n")

    result = project.runpytest_subprocess("-p", f"no:{plugin}", timeout=60)

    assert result.ret == 0, result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("in_the_way", ["a folder that is a file", "a lock that is a folder"])
def test_where_nothing_can_be_written_tests_run_all_the_same(
    project: pytest.Pytester, in_the_way: str
) -> None:
    """Whoever runs the tests may write anything, so something else has to be in the way."""
    if in_the_way == "a folder that is a file":
        Path(".touchstone").write_text("")
    else:
        Path(".touchstone", "lock").mkdir(parents=True)

    result = run(project)

    assert result.ret == 1
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["artefacts: none can be kept here*"])


def test_what_uses_the_servers_can_be_asked_for(project: pytest.Pytester) -> None:
    Path("test_uses.py").write_text(
        "import pytest\n"
        "@pytest.fixture\n"
        "def company(sandbox): ...\n"
        "def test_alone(): ...\n"
        "def test_backing(backing): ...\n"
        "def test_company(company): ...\n"
    )

    result = run(project, "--collect-only", "-q", "-m", "backing", "--strict-markers")

    told = [line for line in result.outlines if "::" in line]
    assert told == ["test_uses.py::test_backing", "test_uses.py::test_company"]
