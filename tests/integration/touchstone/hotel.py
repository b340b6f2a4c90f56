"""A project of its own, with the greeter as its platform."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

GREETER = Path(__file__).parent / "greeter"


class Hotel:
    """A copy of the greeter in a folder, and our commands typed there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for file in GREETER.glob("*.*"):
            shutil.copy(file, folder)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A module of Python, such as `pytest` or `touchstone`, with arguments."""
        return subprocess.run(
            [sys.executable, "-m", *arguments], cwd=self.folder, capture_output=True, text=True
        )
