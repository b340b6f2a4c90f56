"""`make demo`, and the smoke scenarios against it, as somebody would run them from outside."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from touchstone import reaping, surroundings
from touchstone.waiting import eventually

ROOT = Path(__file__).parents[2]


@dataclass
class Demo:
    process: subprocess.Popen[str]
    target: Path
    printed: str

    @property
    def folder(self) -> Path:
        """Where everything of it lives."""
        found = re.search(r"^  logs +(/.*?)/runs/", self.printed, re.MULTILINE)
        assert found, self.printed
        return Path(found[1])

    def address(self, service: str) -> str:
        found = re.search(rf"^  {service} +(http://\S+)", self.printed, re.MULTILINE)
        assert found, self.printed
        return found[1]


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    # It is a run of its own, and is not to be ended with this one.
    monkeypatch.delenv(surroundings.VARIABLE, raising=False)
    target = tmp_path / "demo.toml"
    process = subprocess.Popen(
        [sys.executable, "-m", "touchstone", "demo", "--target", str(target)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C ends" in line:
            break
    yield Demo(process, target, "".join(lines))
    # The end of its lifeline ends all that it has started.
    process.kill()
    process.communicate()


@pytest.mark.timeout(300)
def test_smoke_scenarios_pass_against_the_demo_and_control_c_leaves_nothing(
    demo: Demo, tmp_path: Path
) -> None:
    assert demo.process.poll() is None, demo.printed
    assert (demo.target.stat().st_mode & 0o777) == 0o600
    assert f"-m smoke --target {demo.target}" in demo.printed
    assert "psql postgresql://" in demo.printed
    assert "9 orders: 1 model uploaded, 2 price ready, 1 confirmed" in demo.printed
    for login in ("anna@example.com", "boris@example.com", "vera@example.com", "Bearer  ak_"):
        assert login in demo.printed

    smoke = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "features", "-m", "smoke", "-p", "no:cacheprovider"),
            *("--target", str(demo.target), "--report", str(tmp_path / "report.html")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert smoke.returncode == 0, smoke.stdout + smoke.stderr
    assert "11 passed" in smoke.stdout
    assert "not possible here" not in smoke.stdout
    left_by_smoke = orders(demo)
    assert len(left_by_smoke) == 9 + 2
    assert len([who for who in left_by_smoke if "touchstone" in who]) == 2

    folder, shop = demo.folder, demo.address("shop")
    assert folder.is_dir()
    demo.process.send_signal(signal.SIGINT)
    said, _ = demo.process.communicate(timeout=60)
    assert demo.process.returncode == 0, said
    assert "nothing is left" in said
    assert not demo.target.exists()
    assert not folder.exists()
    eventually(lambda: list(reaping.processes(folder)), until=lambda found: not found)
    with pytest.raises(httpx.ConnectError):
        httpx.get(shop)


def orders(demo: Demo) -> list[str]:
    """Whose orders a seller finds: name and reference."""
    with httpx.Client(base_url=demo.address("crm")) as crm:
        crm.post("/sign-in", data={"email": "boris@example.com", "password": "an emerald, please"})
        found = crm.get("/api/orders").json()["orders"]
    return [
        f"{(order['customer'] or order['partner'])['name']} {order['reference'] or ''}"
        for order in found
    ]
