"""A time limit ends its test wherever it hangs, and the run goes on or ends red."""

from __future__ import annotations

import textwrap

import pytest

HANGS = {
    "in the teardown of a failed test": (
        "slow",
        "assert False, 'on purpose'",
        {"failed": 1, "errors": 1, "passed": 1},
    ),
    "in the asynchronous teardown of a failed test": (
        "slow_loop",
        "assert False, 'on purpose'",
        {"failed": 1, "errors": 1, "passed": 1},
    ),
    "in a thread that a loop waits for at its end": (
        "",
        """
    async def main():
        asyncio.get_running_loop().run_in_executor(None, release.wait)
    try:
        asyncio.run(main())
    finally:
        release.set()""",
        {"failed": 1, "passed": 1},
    ),
    "in the teardown after the limit": (
        "slow",
        "threading.Event().wait()",
        {"failed": 1, "errors": 1, "passed": 1},
    ),
    "in a callback that swallows it": (
        "",
        """
    async def main():
        asyncio.get_running_loop().call_soon(threading.Event().wait, 3)
        await asyncio.Event().wait()
    asyncio.run(main())""",
        {"failed": 1, "passed": 1},
    ),
    "after it was caught": (
        "",
        """
    for _ in range(2):
        try:
            threading.Event().wait()
        except BaseException:
            pass""",
        {"failed": 0, "passed": 2},
    ),
}

TESTS = """
import asyncio
import itertools
import threading

import pytest

@pytest.fixture
def slow():
    yield
    threading.Event().wait()

@pytest.fixture
def slow_loop():
    yield
    asyncio.run(asyncio.Event().wait())

release = threading.Event()

def test_hangs({fixture}):
    {body}

def test_comes_later():
    pass
"""

ARGUMENTS = ("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:schemathesis")
LIMITS = "[pytest]\ntimeout = 1\ntimeout_grace = {grace}\n"


@pytest.mark.parametrize("where", HANGS)
def test_the_limit_ends_a_test_that_hangs(pytester: pytest.Pytester, where: str) -> None:
    fixture, body, outcomes = HANGS[where]
    pytester.makeini(LIMITS.format(grace=20))
    pytester.makepyfile(TESTS.format(fixture=fixture, body=body))
    if where == "after it was caught":
        # It goes on, and so is ended until it does not: the second sleep too.
        pytester.makeini(LIMITS.format(grace=2))

    result = pytester.runpytest_subprocess(*ARGUMENTS, timeout=60)

    result.assert_outcomes(**outcomes)


IMMOVABLE = {
    "it swallows every failure": """
    while True:
        try:
            threading.Event().wait()
        except BaseException:
            pass""",
    "no Python can run meanwhile": "all(itertools.repeat(True))",
}


@pytest.mark.parametrize("why", IMMOVABLE)
def test_a_process_that_cannot_be_moved_is_ended_and_the_run_is_red(
    pytester: pytest.Pytester, why: str
) -> None:
    pytester.makeini(LIMITS.format(grace=1))
    pytester.makepyfile(TESTS.format(fixture="", body=IMMOVABLE[why]))

    alone = pytester.runpytest_subprocess(*ARGUMENTS, timeout=60)
    shared = pytester.runpytest_subprocess(*ARGUMENTS, "-n1", timeout=60)

    assert alone.ret == 1
    alone.stderr.fnmatch_lines(["*Timeout (*", "*in test_hangs"])
    assert shared.ret == 1
    # What its worker was lost with is no failure of what it tests.
    shared.assert_outcomes(errors=1, passed=1)
    shared.stdout.fnmatch_lines(["*crashed while running*test_hangs*"])


LATE = {
    "a fixture of the session after -x": (
        """
        @pytest.fixture(scope="session", autouse=True)
        def slow():
            yield
            threading.Event().wait()

        def test_first(): assert False, "on purpose"
        def test_second(): pass
        """,
        "",
    ),
    "a hook at the end of the run": (
        "def test_first(): pass",
        "def pytest_sessionfinish(): threading.Event().wait()",
    ),
}


@pytest.mark.parametrize("what", LATE)
def test_a_run_that_hangs_outside_of_its_tests_is_ended_and_is_red(
    pytester: pytest.Pytester, what: str
) -> None:
    tests, conftest = LATE[what]
    pytester.makeini(LIMITS.format(grace=20) + "timeout_end = 3\n")
    pytester.makepyfile("import threading\n\nimport pytest\n\n" + textwrap.dedent(tests))
    pytester.makeconftest(f"import threading\n\n{conftest}")

    result = pytester.runpytest_subprocess(*ARGUMENTS, "-x", timeout=60)

    assert result.ret == 1
    assert "Timeout (" in str(result.stdout) + str(result.stderr)


def test_a_limit_that_ends_while_a_failure_is_put_down_ends_no_run(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeini(LIMITS.format(grace=20))
    pytester.makepyfile("def test_first(): pass")
    pytester.makeconftest(
        "import threading\n\n"
        "def pytest_runtest_makereport(call):\n"
        "    call.when == 'call' and threading.Event().wait(1.5)"
    )

    result = pytester.runpytest_subprocess(*ARGUMENTS, timeout=60)

    result.assert_outcomes(passed=1)
