"""What a failed test leaves behind: screenshots, traces, service logs, the states of its last wait.

While a test runs, every browser context that it opens is traced, with one group for each Gherkin
step. When it fails, in whatever phase, everything is written to a folder of its own below
`.touchstone/artefacts/` and the failure in the terminal gets a section with the paths. When it
passes, all is thrown away.

    --artefacts   what is traced                           what is kept
    off           nothing                                  nothing
    failed        what people did, the console             of failed tests
    retried       nothing; but when a test has failed, it is run once more, as with `on`: of both
    on            that, and the pages before and after     of all tests

`--video` adds a film of each page to what is traced.

Nothing here may hide the test's own failure: what goes wrong while artefacts are taken is noted
in the section.
"""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from touchstone.commands import command
from touchstone.gherkin.scenario_record import StepRecord, current_step, scenario_of
from touchstone.masking import mask_of
from touchstone.remote.configure import RemoteSandbox, target_of
from touchstone.report.evidence import ARTEFACTS, new_folder, place_of
from touchstone.report.legible import sendable
from touchstone.sandbox import Sandbox
from touchstone.waiting import failed_wait, forget_waits

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Video

PROPERTY = "touchstone.report.artefacts"
SECTION = "artefacts"

_SLUG_LENGTH = 80
_SCREENSHOT_TIMEOUT = 5_000  # milliseconds; a page that hangs must not hang the run


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("touchstone")
    group.addoption(
        "--artefacts",
        choices=("off", "failed", "retried", "on"),
        default="failed",
        help="keep screenshots, traces and logs of failed tests (default), of all with every page "
        "in the traces ('on') or none; 'retried' records nothing, but runs a failed test once more "
        "as with 'on'; its verdict stands",
    )
    group.addoption(
        "--video",
        action="store_true",
        help="film the pages too, where --artefacts records (needs: playwright install ffmpeg)",
    )


@dataclass
class Recording:
    """What is recorded of one running test."""

    item: pytest.Item
    mode: str
    again: bool = False
    in_background: Callable[[Callable[[], None]], None] = field(default=lambda work: work())
    hand_over: Callable[[], None] = field(default=lambda: None)
    leave_context: Callable[[BrowserContext], object] = field(default=lambda c: None)
    close_context: Callable[[BrowserContext], object] = field(default=lambda c: c.close())
    patience: Callable[[], AbstractContextManager[None]] = nullcontext
    """Around what waits for the browser: raises, when that does not answer any more."""
    left: bool = False
    contexts: dict[str, BrowserContext] = field(default_factory=dict)
    logs: Path | None = None
    kept: Path | None = None
    problems: list[str] = field(default_factory=list)
    _videos: list[tuple[str, Video]] = field(default_factory=list)

    @property
    def everything(self) -> bool:
        """Record all that can be, and keep it however the test ends."""
        return self.mode == "on" or self.again

    def options(self) -> dict[str, Any]:
        """What the contexts are to be opened with."""
        if self.traces and self.item.config.option.video:
            return {"record_video_dir": place_of(self.item.config) / ARTEFACTS / ".videos"}
        return {}

    @property
    def traces(self) -> bool:
        """A trace holds every header, cookie and form that was sent: those of a target are not for
        a report."""
        wanted = self.mode == "failed" or self.everything
        return wanted and target_of(self.item.config) is None

    def add(self, name: str, context: BrowserContext) -> None:
        """Take charge of a context: trace it from now on, close it when the test is over."""
        self.contexts[name] = context
        if not self.traces:
            return
        # Copies of the pages, before and after each action, cost more than all the rest.
        title = f"{name} – {self.item.location[2]}"
        context.tracing.start(title=title, snapshots=self.everything)
        step = current_step(self.item)
        if step:
            self._begin(context, step)

    def begin_step(self) -> None:
        step = current_step(self.item)
        for context in self._traced():
            self._begin(context, step)
        if self.contexts:
            self.hand_over()  # now, so that the group's time is the step's

    def end_step(self) -> None:
        for context in self._traced():
            self._group(context.tracing.group_end)

    def close_pages(self) -> None:
        """The test is over but for its teardown. Its pages stop asking the services, while the
        traces stay: a failure of the teardown still wants them."""
        self.left = True
        for name, context in self.contexts.items():
            with suppress(Exception), self.patience():
                self._videos += [(name, page.video) for page in context.pages if page.video]
                self.leave_context(context)

    def close(self) -> None:
        """End all contexts; a trace that was not kept is gone."""
        for context in self._traced():
            with suppress(Exception), self.patience():
                # Closing the context alone leaves the trace's temporary folder behind.
                context.tracing.stop()
        for context in self.contexts.values():
            with suppress(Exception), self.patience():
                self.close_context(context)
        self.contexts.clear()
        for name, video in self._videos:
            with self._noting(f"video of {name}"):
                if self.kept:
                    video.save_as(_free(self.kept / f"{slug(name)}.webm"))
                video.delete()

    def keep(self) -> None:
        """Write down everything there is, once a test."""
        if self.kept or self.mode == "off":
            return
        with self._noting("artefacts"):
            for name, context in self.contexts.items():
                self._keep_context(slug(name), context)
            self._keep_logs()
            wait = failed_wait()
            if wait:
                text = sendable(mask_of(self.item.config)(f"{wait}\n"))
                self._folder().joinpath("last-wait.txt").write_text(text, "utf-8")

    def files(self) -> list[Path]:
        return sorted(p for p in self.kept.rglob("*") if p.is_file()) if self.kept else []

    def _begin(self, context: BrowserContext, step: StepRecord | None) -> None:
        record = scenario_of(self.item)
        if step and record:
            file = str(self.item.config.rootpath / record.file)
            self._group(
                lambda: context.tracing.group(str(step), location={"file": file, "line": step.line})
            )

    def _group(self, work: Callable[[], object]) -> None:
        # Nobody waits for it: what is sent to the browser after it also arrives after it.
        def do() -> None:
            with self._noting("trace group"):
                work()

        self.in_background(do)

    def _traced(self) -> list[BrowserContext]:
        return list(self.contexts.values()) if self.traces and not self.kept else []

    def _keep_context(self, name: str, context: BrowserContext) -> None:
        folder, secrets = self._folder(), mask_of(self.item.config).secrets
        # What is open now, was opened for another test.
        for number, page in enumerate([] if self.left else context.pages, start=1):
            with self._noting(f"screenshot of {name}"), self.patience():
                page.screenshot(
                    path=folder / (f"{name}.png" if number == 1 else f"{name}-{number}.png"),
                    full_page=True,
                    animations="disabled",
                    timeout=_SCREENSHOT_TIMEOUT,
                    mask=[page.get_by_text(secret) for secret in secrets],
                )
        if self.traces:
            with self._noting(f"trace of {name}"), self.patience():
                context.tracing.stop(path=folder / f"{name}.trace.zip")

    def _keep_logs(self) -> None:
        if self.logs is None:
            return
        if not self.logs.is_dir():
            self.problems.append("service logs: gone, the sandbox was already closed")
            return
        with self._noting("service logs"):
            shutil.copytree(self.logs, self._folder() / "logs", dirs_exist_ok=True)

    def _folder(self) -> Path:
        if self.kept is None:
            self.kept = new_folder(place_of(self.item.config) / ARTEFACTS, slug(self._title()))
        return self.kept

    def _title(self) -> str:
        record = scenario_of(self.item)
        return f"{record.feature} {record.name}" if record else self.item.name

    def _noting(self, what: str) -> _Noting:
        return _Noting(lambda error: self.problems.append(f"{what}: {error}"))


class _Noting:
    """Turns an exception into a note."""

    def __init__(self, note: Callable[[str], object]) -> None:
        self._note = note

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Exception):
            return False
        self._note(f"{type(error).__name__}: {error}".splitlines()[0])
        return True


AGAIN = pytest.StashKey[bool]()
"""The test is run once more, to be recorded."""

_recording = pytest.StashKey[Recording]()


def recording_of(item: pytest.Item) -> Recording:
    return item.stash[_recording]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    again = item.stash.get(AGAIN, False)
    item.stash[_recording] = Recording(item, item.config.getoption("artefacts"), again)
    forget_waits()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    value = yield
    recording = request.node.stash.get(_recording, None)
    # The logs of a target lie elsewhere.
    if recording and isinstance(value, Sandbox) and not isinstance(value, RemoteSandbox):
        recording.logs = value.logs
    return value


# The groups open after, and close before, everybody else's work around a step.
@pytest.hookimpl(trylast=True, optionalhook=True)
def pytest_bdd_before_step(request: pytest.FixtureRequest) -> None:
    recording_of(request.node).begin_step()


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_bdd_after_step(request: pytest.FixtureRequest) -> None:
    recording_of(request.node).end_step()


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_bdd_step_error(request: pytest.FixtureRequest) -> None:
    recording_of(request.node).end_step()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    recording = item.stash.get(_recording, None)
    if recording is None:
        return report
    over = report.when == "teardown"
    if report.failed or (recording.everything and (report.when == "call" or over)):
        recording.keep()
    if over:
        recording.close()
    files = recording.files()
    if files:
        report.user_properties.append((PROPERTY, [str(file) for file in files]))
    if report.failed:
        text = _section(item, recording, files)
        if text:
            report.sections.append((SECTION, text))
    return report


def files_of(report: pytest.TestReport) -> list[Path]:
    """The artefacts that a report tells of."""
    for name, value in report.user_properties:
        if name == PROPERTY and isinstance(value, list):
            return [Path(file) for file in value]
    return []


def _section(item: pytest.Item, recording: Recording, files: list[Path]) -> str:
    lines = []
    record = scenario_of(item)
    if record and record.failed_step:
        lines += [f"step: {record.failed_step}", f"      {record.place(record.failed_step)}"]
        if record.failed_step.status == "undefined":
            lines.append("      no step definition matches it")
    lines += listed(files)
    if recording.kept and recording.options():
        lines.append(f"{recording.kept}/*.webm  (films, once the test is over)")
    lines += [f"not taken – {problem}" for problem in recording.problems]
    return "\n".join(lines)


def listed(files: Sequence[Path]) -> list[str]:
    """The artefacts as people want to see them: service logs by their folder, and how a trace is
    opened."""
    in_logs = [file for file in files if file.parent.name == "logs"]
    lines = [str(file) for file in files if file not in in_logs]
    if in_logs:
        lines.append(f"{in_logs[0].parent}  ({len(in_logs)} service logs)")
    traces = [file for file in files if file.name.endswith(".trace.zip")]
    return lines + [f"see the trace: {show_trace(trace)}" for trace in traces]


def show_trace(trace: Path) -> str:
    """The command that opens a trace. With `--host` it uses the browser the machine has; without,
    Playwright wants a browser of its own."""
    return command("playwright", "show-trace", "--host", "127.0.0.1", trace)


def slug(text: str) -> str:
    """A file name that can still be read, in any script: "Цена кольца" → "цена-кольца"."""
    words = re.sub(r"[\W_]+", "-", unicodedata.normalize("NFC", text).lower()).strip("-")
    return words[:_SLUG_LENGTH].rstrip("-") or "test"


def _free(file: Path) -> Path:
    """Its name, or one like it that no file has yet."""
    number = 1
    while file.exists():
        number += 1
        file = file.with_name(f"{file.stem.removesuffix(f'-{number - 1}')}-{number}{file.suffix}")
    return file
