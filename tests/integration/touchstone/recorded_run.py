"""Whole runs of pytest that record what touchstone records, and what they kept."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import pytest


class Run:
    """Runs pytest with nothing but touchstone's recording, in a process of its own."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.artefacts = pytester.path / ".touchstone" / "artefacts"

    def __call__(self, *arguments: str) -> pytest.RunResult:
        plugins = (
            "gherkin.scenario_record",
            "report.evidence",
            "report.artefacts",
            "report.rerun",
            "browser.fixtures",
        )
        return self._pytester.run(
            *(sys.executable, "-m", "pytest", "--disable-plugin-autoload", "-W", "error"),
            *("-p", "pytest_bdd.plugin", "-p", "xdist", "-p", "pytest_socket"),
            *(part for name in plugins for part in ("-p", f"touchstone.{name}")),
            *("--disable-socket", "--allow-unix-socket", "--allow-hosts=127.0.0.1,::1"),
            f"--rootdir={self._pytester.path}",
            *arguments,
        )

    def kept(self) -> dict[str, list[str]]:
        """Names of the files, by folder."""
        return {
            folder.name: sorted(file.name for file in folder.rglob("*") if file.is_file())
            for folder in sorted(self.artefacts.iterdir())
        }


def trace_of(file: Path) -> list[dict[str, object]]:
    with zipfile.ZipFile(file) as archive:
        return [json.loads(line) for line in archive.read("trace.trace").splitlines()]


def groups_in(file: Path) -> list[object]:
    return [event["title"] for event in trace_of(file) if event.get("method") == "tracingGroup"]
