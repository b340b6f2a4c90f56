"""What Gherkin costs: a step that does nothing, and the collection of many scenarios.

    .venv/bin/python -m benchmarks.steps [--rounds 5] [--scenarios 500] [--collected 10000]

Side by side, taking turns: plain pytest-bdd (its `scenarios()` in a module) and touchstone, each in
a new process with no other plugin. The overhead of a step is the time of a run of scenarios of six
empty steps, less the time of as many empty tests beside the same step definitions, by the number of
steps. Collection is timed in the run itself, and as the whole command with start and end. Least of
all rounds, wall clock and processor; run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

STEPS = 6
A_FILE = 20  # scenarios
NAMES = ("Anna", "Boris", "Vera", "Clara", "Dmitri")
KEYWORDS = ("Given", "And", "When", "And", "Then", "And")
PLAIN = ("-p", "pytest_bdd.plugin")
HERE = (*PLAIN, "-p", "touchstone.plugin")

STOPWATCH = """
import time
from pathlib import Path

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection():
    wall, processor = time.perf_counter(), time.process_time()
    result = yield
    took = time.perf_counter() - wall, time.process_time() - processor
    Path("took.txt").write_text("{} {}".format(*took))
    return result
"""


class Spent(NamedTuple):
    """Seconds."""

    wall: float
    processor: float

    def per(self, other: Spent, count: int) -> Spent:
        """What this took more than `other`, by `count`."""
        return Spent((self.wall - other.wall) / count, (self.processor - other.processor) / count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scenarios", type=int, default=500)
    parser.add_argument("--collected", type=int, default=10_000)
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory(prefix="steps-") as name:
        folder = Path(name)
        _steps(folder, options.scenarios, options.rounds)
        _collection(folder, options.collected, options.rounds)


def _steps(folder: Path, scenarios: int, rounds: int) -> None:
    for definitions in (60, 600):
        empty = _empty_tests(folder / f"empty-{definitions}", scenarios, definitions)
        features = _features(folder / f"features-{definitions}", scenarios, definitions)
        bound = _bound(features)
        spent = _least(
            rounds,
            {
                "plain, empty tests": partial(_pytest, empty, *PLAIN),
                "plain, scenarios": partial(_pytest, bound, *PLAIN),
                "here, empty tests": partial(_pytest, empty, *HERE),
                "here, scenarios": partial(_pytest, features, *HERE),
            },
        )
        print(f"\n{scenarios} scenarios of {STEPS} empty steps, {definitions} definitions")
        for run, took in spent.items():
            _row(run, took, "s")
        steps = scenarios * STEPS
        plain = spent["plain, scenarios"].per(spent["plain, empty tests"], steps)
        here = spent["here, scenarios"].per(spent["here, empty tests"], steps)
        _row("a step, plain", plain, "ms")
        _row("a step, here", here, "ms", of=plain)


def _collection(folder: Path, scenarios: int, rounds: int) -> None:
    features = _features(folder / "many", scenarios, 60)
    with (features / "conftest.py").open("a") as conftest:
        conftest.write(STOPWATCH)
    bound = _bound(features)

    folders = {"plain": bound, "here, first time": features, "here, from then on": features}
    itself: dict[str, list[Spent]] = {name: [] for name in folders}

    def collect(name: str, folder: Path) -> Spent:
        if name == "here, first time":
            shutil.rmtree(folder / ".pytest_cache", ignore_errors=True)
        whole = _pytest(folder, *(PLAIN if name == "plain" else HERE), "--collect-only")
        wall, processor = (folder / "took.txt").read_text().split()
        itself[name].append(Spent(float(wall), float(processor)))
        return whole

    whole = _least(rounds, {name: partial(collect, name, f) for name, f in folders.items()})
    for what, took in (
        (
            f"{scenarios} scenarios in {scenarios // A_FILE} files, collection itself",
            {name: _minimum(times[1:]) for name, times in itself.items()},
        ),
        ("the whole command", whole),
    ):
        print(f"\n{what}")
        for name, spent in took.items():
            _row(name, spent, "s", of=None if name == "plain" else took["plain"])


def _least(rounds: int, runs: Mapping[str, Callable[[], Spent]]) -> dict[str, Spent]:
    """Each run in turn, `rounds` times, after one that is not counted."""
    took: dict[str, list[Spent]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            spent = run()
            if number:
                took[name].append(spent)
    return {name: _minimum(times) for name, times in took.items()}


def _minimum(times: Sequence[Spent]) -> Spent:
    return Spent(*map(min, zip(*times, strict=True)))


def _pytest(folder: Path, *arguments: str) -> Spent:
    command = [sys.executable, "-m", "pytest", "-qq", "--disable-plugin-autoload", *arguments]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{' '.join(command)} failed in {folder}")
    return Spent(wall, usage.ru_utime + usage.ru_stime)


def _row(name: str, spent: Spent, unit: str, of: Spent | None = None) -> None:
    scale = 1000 if unit == "ms" else 1
    times = f"   {of.wall / spent.wall:5.1f} times as fast" if of else ""
    wall, processor = spent.wall * scale, spent.processor * scale
    print(f"  {name:20} {wall:8.2f} {unit}   processor {processor:8.2f} {unit}{times}")


def _empty_tests(folder: Path, count: int, definitions: int) -> Path:
    _project(folder, definitions)
    for number, start in enumerate(range(0, count, A_FILE)):
        tests = (f"def test_{i}(): pass" for i in range(start, min(start + A_FILE, count)))
        (folder / f"test_{number}.py").write_text("\n".join(tests))
    return folder


def _features(folder: Path, scenarios: int, definitions: int) -> Path:
    _project(folder, definitions)
    step = 0
    for number, start in enumerate(range(0, scenarios, A_FILE)):
        lines = [f"Feature: Part {number}", ""]
        for scenario in range(start, min(start + A_FILE, scenarios)):
            lines.append(f"  Scenario: Number {scenario}")
            for position, keyword in enumerate(KEYWORDS):
                step += 1
                of_kind = step * 7 % (definitions // 3)
                lines.append(f"    {keyword} {_phrase(of_kind * 3 + position // 2, step)}")
            lines.append("")
        (folder / f"part_{number}.feature").write_text("\n".join(lines))
    return folder


def _bound(features: Path) -> Path:
    """The same for plain pytest-bdd."""
    folder = features.with_name(f"{features.name}-bound")
    shutil.copytree(features, folder)
    (folder / "test_all.py").write_text("from pytest_bdd import scenarios\n\nscenarios('.')\n")
    return folder


def _definitions(count: int) -> str:
    """Half of them literal, half with fields, of which the first stands at the start."""
    lines = ["from pytest_bdd import given, parsers, then, when", ""]
    for number in range(count):
        keyword = ("given", "when", "then")[number % 3]
        if _is_literal(number):
            said, takes = f'"{_phrase(number, 0)}"', ""
        else:
            said = f'parsers.parse("{{name}} the customer meets fact {number} of ring {{ring:d}}")'
            takes = "name, ring"
        lines += [f"@{keyword}({said})", f"def _({takes}):", "    pass", ""]
    return "\n".join(lines)


def _phrase(definition: int, step: int) -> str:
    if _is_literal(definition):
        return f"the shop knows fact {definition}"
    return f"{NAMES[step % 5]} the customer meets fact {definition} of ring {step}"


def _is_literal(definition: int) -> bool:
    return definition % 6 < 3


def _project(folder: Path, definitions: int) -> None:
    folder.mkdir()
    (folder / "conftest.py").write_text(_definitions(definitions))
    (folder / "pytest.ini").write_text("[pytest]\n")


if __name__ == "__main__":
    main()
