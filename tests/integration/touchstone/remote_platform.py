"""The desk of the greeter as a platform that runs somewhere else, and a project that tests it."""

from __future__ import annotations

import shutil
import sys
import threading
from http.server import HTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

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
