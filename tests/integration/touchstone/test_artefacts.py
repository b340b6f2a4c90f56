"""What a failed scenario leaves behind, seen from outside: whole runs with a real browser."""

from __future__ import annotations

import pytest

from tests.integration.touchstone.recorded_run import Run, groups_in, trace_of

FEATURE = """
Feature: Ring

  Background:
    Given a shop

  Scenario: Anna's own model becomes a ring
    When Anna opens the shop
    And Boris opens the shop
    Then Anna sees "Hello"

  Scenario: The price comes too late
    When Anna opens the shop
    Then the price comes
    And Anna sees "Hello"

  Scenario Outline: Weighing
    When Anna opens the shop
    Then Anna sees "<text>"

    Examples:
      | metal  | text    |
      | gold   | Goodbye |
      | silver | Goodbye |
"""

RUSSIAN = """
# language: ru
Функция: Кольцо

  Сценарий: Цена кольца
    Допустим a shop
    Когда Anna opens the shop
    Тогда Anna sees "Прощайте"
"""

STEPS = """
    import pytest
    from pytest_bdd import given, parsers, scenarios, then, when
    from playwright.sync_api import expect
    from touchstone.waiting import eventually

    scenarios(".")

    @pytest.fixture
    def pages():
        return {}

    @given("a shop")
    def shop():
        pass

    @when(parsers.parse("{name} opens the shop"))
    def opens(name, browse, pages):
        pages[name] = browse(f"customer {name}")
        pages[name].set_content("<h1>Hello</h1>")

    @then(parsers.parse('{name} sees "{text}"'))
    def sees(name, text, pages):
        expect(pages[name].get_by_role("heading")).to_have_text(text, timeout=100)

    @then("the price comes")
    def price():
        states = iter(["SUBMITTED"] * 2 + ["PRICING_FAILED"] * 100)
        eventually(lambda: next(states), until=lambda s: s == "PRICED", timeout=0.2,
                   describe="the price of the ring")
"""

SANDBOX = """
    import pytest
    from pathlib import Path
    from touchstone.sandbox import Broker, Sandbox

    @pytest.fixture
    def sandbox(tmp_path):
        logs = tmp_path / "logs"
        logs.mkdir()
        (logs / "shop.log").write_text("order lost")
        broker = Broker("amqp://", "http://", "v", "u", "p")
        return Sandbox("one", {}, {}, broker, "redis://", tmp_path, logs, {})
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    return Run(pytester)


def test_a_failed_scenario_leaves_all_that_explains_it(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makefile(".feature", ring=FEATURE.lstrip(), кольцо=RUSSIAN.lstrip())
    pytester.makepyfile(STEPS)

    result = run("-n", "2")

    result.assert_outcomes(passed=1, failed=4)
    # The failure is shown where the scenario waited, not in the wait.
    result.stdout.no_fnmatch_line("*touchstone/waiting.py*")
    assert run.kept() == {
        "ring-the-price-comes-too-late": [
            "customer-anna.png",
            "customer-anna.trace.zip",
            "last-wait.txt",
        ],
        "ring-weighing-gold-goodbye": ["customer-anna.png", "customer-anna.trace.zip"],
        "ring-weighing-silver-goodbye": ["customer-anna.png", "customer-anna.trace.zip"],
        "кольцо-цена-кольца": ["customer-anna.png", "customer-anna.trace.zip"],
    }

    folder = run.artefacts / "ring-the-price-comes-too-late"
    assert "PRICING_FAILED" in (folder / "last-wait.txt").read_text("utf-8")
    assert (folder / "customer-anna.png").read_bytes().startswith(b"\x89PNG")
    # The context was opened in the middle of the second step; what never ran has no group.
    assert groups_in(folder / "customer-anna.trace.zip") == [
        "When Anna opens the shop",
        "Then the price comes",
    ]
    russian = run.artefacts / "кольцо-цена-кольца" / "customer-anna.trace.zip"
    assert groups_in(russian) == ["Когда Anna opens the shop", 'Тогда Anna sees "Прощайте"']

    result.stdout.fnmatch_lines_random(
        [
            "*___ The price comes too late ___*",
            "*--- artefacts ---*",
            "step: Then the price comes",
            "      ring.feature:13",
            str(folder / "customer-anna.png"),
            str(folder / "customer-anna.trace.zip"),
            str(folder / "last-wait.txt"),
            "see the trace: *playwright show-trace *ring-the-price-comes-too-late*.trace.zip",
            "*___ Weighing (gold, Goodbye) ___*",
            'step: Тогда Anna sees "Прощайте"',
            "      кольцо.feature:7",
        ]
    )


def test_what_passes_leaves_nothing(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makefile(".feature", ring=FEATURE.lstrip())
    pytester.makepyfile(STEPS)
    run.artefacts.joinpath("of-an-earlier-run").mkdir(parents=True)

    result = run("-k", "own_model")

    result.assert_outcomes(passed=1, deselected=3)
    assert not run.artefacts.exists()


def test_setup_and_teardown_leave_artefacts_too(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        import asyncio, pytest

        @pytest.fixture
        def broken_setup(browse):
            browse("Anna").set_content("<h1>Hello</h1>")
            raise RuntimeError("no database")

        @pytest.fixture
        def broken_teardown(browse):
            yield
            raise RuntimeError("left-overs")

        def test_setup(broken_setup):
            pass

        def test_teardown(broken_teardown, browse):
            browse("Anna").set_content("<h1>Hello</h1>")

        def test_an_event_loop_of_its_own_after_the_browser():
            asyncio.run(asyncio.sleep(0))
        """
    )

    result = run()

    result.assert_outcomes(passed=2, errors=2)
    assert run.kept() == {
        "test-setup": ["anna.png", "anna.trace.zip"],
        "test-teardown": ["anna.trace.zip"],
    }
    result.stdout.fnmatch_lines(["*--- artefacts ---*", str(run.artefacts / "test-*")])


def test_kept_always_or_never_when_asked(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        def test_good(browse):
            browse("Anna").set_content("<h1>Hello</h1>")

        def test_bad(browse):
            browse("Anna").set_content("<h1>Hello</h1>")
            assert False
        """
    )

    run("--artefacts=on").assert_outcomes(passed=1, failed=1)
    assert run.kept() == {
        "test-bad": ["anna.png", "anna.trace.zip"],
        "test-good": ["anna.png", "anna.trace.zip"],
    }

    run("--artefacts=off").assert_outcomes(passed=1, failed=1)
    assert not run.artefacts.exists()


def test_the_logs_of_the_sandbox_are_kept(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makeconftest(SANDBOX)
    pytester.makepyfile(
        """
        def test_good(sandbox):
            pass

        def test_bad(request):
            request.getfixturevalue("sandbox")  # as the steps of a scenario do
            assert False
        """
    )

    result = run()

    result.assert_outcomes(passed=1, failed=1)
    assert run.kept() == {"test-bad": ["shop.log"]}
    assert (run.artefacts / "test-bad" / "logs" / "shop.log").read_text() == "order lost"
    result.stdout.fnmatch_lines([f"{run.artefacts / 'test-bad' / 'logs'}  (1 service logs)"])


def test_trouble_with_artefacts_hides_nothing(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        def test_bad(browse):
            browse("Anna").context.close()
            browse("Boris").set_content("<h1>Hello</h1>")
            assert 1 == 2, "the failure of the test itself"
        """
    )

    result = run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E*the failure of the test itself", "*boris.trace.zip", "not taken – trace of anna: *"]
    )
    assert run.kept() == {"test-bad": ["boris.png", "boris.trace.zip"]}


def test_a_test_that_needs_no_artefacts_gets_no_section(
    pytester: pytest.Pytester, run: Run
) -> None:
    pytester.makepyfile("def test_bad(): assert False")

    result = run()

    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*- artefacts -*")


def test_a_missing_step_is_named_with_its_line(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makefile(".feature", ring="Feature: Ring\n  Scenario: A\n    When pigs fly\n")
    pytester.makepyfile("from pytest_bdd import scenarios\nscenarios('.')")

    result = run()

    result.stdout.fnmatch_lines(
        ["step: When pigs fly", "      ring.feature:3", "*no step definition matches it"]
    )


RETRIED = """
    from pathlib import Path

    def test_good(browse):
        browse("Anna").set_content("<h1>Hello</h1>")

    def test_bad(browse):
        browse("Anna").set_content("<h1>Hello</h1>")
        assert 1 == 2, "the fault"

    def test_flaky(browse):
        browse("Anna").set_content("<h1>Hello</h1>")
        been = Path("been-here")
        if not been.exists():
            been.touch()
            assert 1 == 3, "now and then"
"""


def test_a_failed_test_is_run_again_to_be_recorded(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(RETRIED)

    result = run("--artefacts=retried", "-n", "2")

    # What passes the second time has failed all the same, and is counted once.
    result.assert_outcomes(passed=1, failed=2)
    assert run.kept() == {
        "test-bad": ["anna.png"],
        "test-bad-2": ["anna.png", "anna.trace.zip"],
        "test-flaky": ["anna.png"],
        "test-flaky-2": ["anna.png", "anna.trace.zip"],
    }
    result.stdout.fnmatch_lines_random(
        [
            "E*AssertionError: the fault",
            "*- second run -*",
            "failed again, in its call: AssertionError: the fault",
            str(run.artefacts / "test-bad-2" / "anna.trace.zip"),
            "E*AssertionError: now and then",
            "passed the second time: it fails only sometimes. Its failure above counts.",
            str(run.artefacts / "test-flaky-2" / "anna.trace.zip"),
        ]
    )


def test_pages_are_in_a_trace_only_where_all_is_recorded(
    pytester: pytest.Pytester, run: Run
) -> None:
    pytester.makepyfile(
        """
        def test_bad(browse):
            browse("Anna").set_content("<h1>Hello</h1>")
            browse("Anna").get_by_role("heading").click()
            assert False
        """
    )

    def pages(*arguments: str) -> bool:
        run(*arguments)
        trace = trace_of(run.artefacts / "test-bad" / "anna.trace.zip")
        assert "click" in [event.get("method") for event in trace]
        return any(event["type"] == "frame-snapshot" for event in trace)

    assert not pages()
    assert pages("--artefacts=on")
