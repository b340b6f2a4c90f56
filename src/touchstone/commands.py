"""Commands and paths as people would type them in the folder in which they are."""

from __future__ import annotations

import shlex
import sys
from importlib import metadata
from pathlib import Path

PROJECT = "pytest-touchstone"
"""The name by which pip knows us."""


def version() -> str:
    """Ours, as it was installed."""
    try:
        return metadata.version(PROJECT)
    except metadata.PackageNotFoundError:
        return "(not installed: run from a folder)"


def command(program: str, *arguments: str | Path) -> str:
    """How to call a program that is installed beside this Python."""
    words = [near(arg) if isinstance(arg, Path) else arg for arg in arguments]
    return shlex.join([near(Path(sys.executable).with_name(program)), *words])


def near(path: Path) -> str:
    """A path from here where it lies below, else the whole path."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
