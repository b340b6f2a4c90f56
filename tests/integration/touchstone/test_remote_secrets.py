"""The secrets of a target reach nothing that a run leaves or says."""

from __future__ import annotations

from collections.abc import Iterator
from zipfile import is_zipfile

import pytest

from tests.integration.touchstone.remote_platform import Desk, Project


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.close()


@pytest.fixture
def project(pytester: pytest.Pytester, desk: Desk) -> Project:
    return Project(pytester, desk)


SECRETS = {"DESK_PASSWORD": "pl4nted-in-the-envir0nment", "DESK_KEY": "another/planted+one=yes=of"}
LEAKS = """
    import logging
    import sys
    import warnings

    import httpx
    import pytest
    from touchstone.waiting import eventually

    class Telltale:
        def __init__(self, secret): self.secret = secret
        def __repr__(self): return f"<{self.secret}>"

    @pytest.fixture
    def session(sandbox):
        cookie = "-".join(["s3ssion", "c00kie", "of", "the", "seller"])
        sandbox.hide(cookie)
        yield cookie
        raise LookupError(f"teardown with {sandbox.target.secrets['key']} and {cookie}")

    def test_leaks(sandbox, session, browse, record_property):
        secret = sandbox.target.secrets["password"]
        key, telltale = sandbox.target.secrets["key"], Telltale(secret)
        record_property("password", secret)
        print("out", secret, session)
        print("err", key, file=sys.stderr)
        logging.getLogger().warning("logged %s", secret)
        warnings.warn(f"warned of {secret}")
        page = browse("Clara", sandbox.services["desk"])
        page.set_extra_http_headers({"Authorization": f"Bearer {key}"})
        page.context.add_cookies([{"name": "a", "value": secret, "url": sandbox.services["desk"]}])
        page.goto("/")
        page.evaluate("told => document.querySelector('#told').textContent = told", secret)
        httpx.get(sandbox.services["desk"], params={"key": key})
        eventually(lambda: secret, until=lambda seen: False, timeout=0.1, describe=f"for {key}")

    def test_compares(sandbox):
        text = "x" * 150 + sandbox.target.secrets["password"] + "y" * 150
        assert {"told": text, "b": 1} == {"told": "nothing", "b": 2}

    def test_skips(sandbox):
        pytest.skip(f"because of {sandbox.target.secrets['key']}")

    def test_shows_the_key(sandbox, browse):
        page = browse("Clara", sandbox.services["desk"])
        page.goto("/")
        key = sandbox.target.secrets["key"]
        page.evaluate("told => document.querySelector('#told').textContent = told", key)
        assert False
"""
BROKEN_MODULE = """
    import os
    raise LookupError(f"at import with {os.environ['DESK_PASSWORD']}")
"""


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "two workers"])
def test_a_secret_reaches_nothing_that_a_run_leaves_or_says(
    project: Project, workers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    project.target('[secrets]\npassword = "${DESK_PASSWORD}"\nkey = "${DESK_KEY}"\n')
    file = project.pytester.path / "release.toml"
    file.write_text(file.read_text().replace("http://", "http://clerk:${DESK_PASSWORD}@"))
    project.pytester.makepyfile(test_broken=BROKEN_MODULE)
    before = {file for file in project.pytester.path.rglob("*") if file.is_file()}

    result = project.run(
        LEAKS,
        "--target=release.toml",
        "--continue-on-collection-errors",
        "--showlocals",
        "-vv",
        "-rA",
        "--artefacts=on",
        "--junitxml=.touchstone/junit.xml",
        "-W",
        "default",
        *workers,
    )

    left = {file for file in project.pytester.path.rglob("*") if file.is_file()} - before
    printed = result.stdout.str() + result.stderr.str()
    made = {file.name for file in left}
    assert {"index.html", "junit.xml", "clara.png", "last-wait.txt"} <= made, printed
    # A trace holds every header, cookie and form: none is made.
    assert not [file for file in left if is_zipfile(file)]
    hidden = [*SECRETS.values(), "s3ssion-c00kie-of-the-seller", "another%2Fplanted"]
    contents = {str(file): file.read_bytes() for file in left if "__pycache__" not in file.parts}
    for place, content in {"the terminal": printed.encode(), **contents}.items():
        for secret in hidden:
            for piece in (secret, secret[:8], secret[-8:]):
                assert piece.encode() not in content, f"{piece} of {secret} is in {place}"
    # It was not for want of telling.
    for told in [
        "out ••• •••",
        "err •••",
        "logged •••",
        "warned of •••",
        "teardown with ••• and •••",
        "<•••>",
        "at import with •••",
    ]:
        assert told in printed
    page = project.text(".touchstone/report/index.html")
    for told in ["out ••• •••", "teardown with ••• and •••", "for •••: not so within 0.1 s"]:
        assert told in page
    assert "for •••" in next(f for f in left if f.name == "last-wait.txt").read_text("utf-8")
    assert 'value="•••"' in project.text(".touchstone/junit.xml")
    # Two secrets of one length, in a font of one width, cannot be told apart in the pictures.
    pictures = [file.read_bytes() for file in left if file.name == "clara.png"]
    assert len(pictures) == 2
    assert pictures[0] == pictures[1]
