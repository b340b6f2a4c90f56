"""What is refused before any route reads it, asked of an application without any other part."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import BaseModel
from starlette.middleware import Middleware

from atelier.services import SERVICES
from atelier.web.unreadable import LONGEST_TEXT, UnreadableRequests

pytestmark = pytest.mark.anyio


class Note(BaseModel):
    text: str


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI(middleware=[Middleware(UnreadableRequests)])
    app.state.service = SERVICES["partner"]  # whose refusals are documents

    @app.post("/note")
    async def note(note: Note) -> str:
        return note.text

    @app.post("/whole")
    async def whole(request: Request) -> int:
        return len(await request.body())

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://there"
    ) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (rb'{"text": "whole \ud83d\ude00"}', 200),
        (rb'{"text": "half \ud83d"}', 400),
        (rb'{"text": "\ude00\ud83d the wrong way round"}', 400),
        (rb'{"text": "nul \u0000"}', 400),
        (rb'{"text": "no nul \\u0000"}', 200),
        (rb'{"text": "a", "\udc00": 1}', 400),
        (rb'{"text": "a", "more": [{"deep": ["\udc00"]}]}', 400),
        (b'{"text": "\xed\xa0\xbd"}', 400),
        (b'{"text": "\xff"}', 400),
        ('{"text": "\ud83d"}'.encode("utf-16", "surrogatepass"), 400),
        (b'{"text": ' + b"9" * 5000 + b"}", 400),
        (b"[" * 60_000, 400),
        (b'{"text":' * 7_000, 400),
        (b'{"text": "a", "text": "b"}', 200),
    ],
)
async def test_texts_in_documents(client: httpx.AsyncClient, body: bytes, status: int) -> None:
    for kind in ("application/json", "application/problem+json; charset=UTF-8"):
        answer = await client.post("/note", content=body, headers={"Content-Type": kind})
        assert answer.status_code in {status, 422 if status == 400 else status}, answer.text


@pytest.mark.parametrize(
    "charset",
    ["punycode", "undefined", "utf-7", "idna", "unicode_escape", "zlib_codec", '"utf-16"', "", "x"],
)
@pytest.mark.parametrize("name", ["charset", "CHARSET ", "charset*", "charset*0*"])
async def test_codings_other_than_utf_8(client: httpx.AsyncClient, charset: str, name: str) -> None:
    kind = f"application/x-www-form-urlencoded; {name}={charset}"
    answer = await client.post("/whole", content=b"a=b", headers={"Content-Type": kind})
    assert answer.status_code == 415


async def test_the_coding_of_all_browsers(client: httpx.AsyncClient) -> None:
    kind = 'application/x-www-form-urlencoded; charset="UTF-8"'
    answer = await client.post("/whole", content=b"a=b", headers={"Content-Type": kind})
    assert answer.text == "3"


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", ""])
@pytest.mark.parametrize("path", ["/note", "/whole"])
class TestTooMuch:
    async def test_announced_it_is_refused_unread(
        self, client: httpx.AsyncClient, path: str, kind: str
    ) -> None:
        if kind.startswith("multipart"):
            pytest.skip("may be a form with a file, which looks at the length itself")
        headers = {"Content-Type": kind, "Content-Length": str(300 << 20)}
        answer = await client.post(path, content=never(), headers=headers)
        assert (answer.status_code, answer.json()["title"]) == (413, "Too much text")

    async def test_unannounced_it_is_refused_as_soon_as_it_is_too_much(
        self, client: httpx.AsyncClient, path: str, kind: str
    ) -> None:
        sent = [0]

        async def without_end() -> AsyncIterator[bytes]:
            while sent[0] < 300 << 20:
                sent[0] += 4096
                yield b" " * 4096

        answer = await client.post(path, content=without_end(), headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["title"]) == (413, "Too much text")
        assert sent[0] <= LONGEST_TEXT + 2 * 4096


async def never() -> AsyncIterator[bytes]:
    yield b""
    raise AssertionError("it was read")


@pytest.mark.parametrize("host", ["[", "a[b", "a:port", "a:99999", "a/b", "a?b", "[::1"])
async def test_a_host_that_is_none(client: httpx.AsyncClient, host: str) -> None:
    answer = await client.post("/whole", headers={"Host": host})
    assert answer.status_code == 400
