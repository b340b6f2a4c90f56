from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.types import Message

from atelier.web.forms import form

pytestmark = pytest.mark.anyio

_BODY = (
    b"--line\r\n"
    b'Content-Disposition: form-data; name="model"; filename="ring.stl"\r\n\r\n'
    b"solid\r\n--line--\r\n"
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def request(application: object, arrived: list[int]) -> Request:
    async def receive() -> Message:
        arrived.append(len(_BODY))
        return {"type": "http.request", "body": _BODY, "more_body": False}

    return Request(
        {
            "type": "http",
            "method": "POST",
            "path": "/",
            "query_string": b"",
            "headers": [(b"content-type", b"multipart/form-data; boundary=line")],
            "app": application,
        },
        receive,
    )


async def test_of_many_uploads_a_few_are_handed_out_at_once() -> None:
    connections = SimpleNamespace(models=SimpleNamespace(uploads=asyncio.Semaphore(2)))
    application = SimpleNamespace(state=SimpleNamespace(connections=connections))
    arrived: list[int] = []
    inside: list[int] = []
    most = 0
    finish = asyncio.Event()

    async def upload(number: int) -> None:
        nonlocal most
        async with form(request(application, arrived), file_limit=1000) as fields:
            assert isinstance(fields["model"], UploadFile)
            inside.append(number)
            most = max(most, len(inside))
            await finish.wait()
            inside.remove(number)

    uploads = [asyncio.create_task(upload(number)) for number in range(6)]
    for _ in range(1000):  # turns of the event loop, for whoever could still come in
        await asyncio.sleep(0)
    assert len(arrived) == len(uploads)
    finish.set()
    await asyncio.gather(*uploads)

    assert most == 2
