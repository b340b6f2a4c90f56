from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from atelier.security import verify_password_aside
from atelier.storage.blob_store import BlobStore, Bucket, Folder, blob_store_at
from tests.integration.atelier.kept import kept
from tests.integration.atelier.s3_server import S3

pytestmark = pytest.mark.anyio


CONTENT = b"a ring" * 100


async def test_a_disk_that_does_not_answer_takes_no_threads_from_others(tmp_path: Path) -> None:
    # A pipe that nobody writes to blocks whoever opens it, as a file on such a disk does.
    pipe = tmp_path / "model.stl"
    os.mkfifo(pipe)
    folder = Folder(tmp_path)
    stuck = [asyncio.create_task(folder.read(pipe.name)) for _ in range(40)]
    await asyncio.sleep(0)  # until they have all begun
    try:
        async with asyncio.timeout(10):
            assert not await verify_password_aside(None, "anything", "test")
        assert not any(task.done() for task in stuck)
    finally:
        for task in stuck:
            task.cancel()
        writer = os.open(pipe, os.O_RDWR)
        pipe.unlink()
        os.close(writer)
        await asyncio.gather(*stuck, return_exceptions=True)


async def test_a_file_of_several_parts_comes_back_as_it_was(blob_store: BlobStore) -> None:
    content = os.urandom(20 << 20)

    await blob_store.keep("aa/large.stl", content)

    assert await blob_store.read("aa/large.stl") == content
    assert len(await kept(blob_store)) == 1


async def test_what_was_kept_lately_is_not_discarded(blob_store: BlobStore) -> None:
    await blob_store.keep("aa/model.stl", CONTENT)

    await blob_store.discard("aa/model.stl")
    assert await blob_store.read("aa/model.stl") == CONTENT

    # By S3's clock, which tells whole seconds and may be ahead.
    await blob_store.discard("aa/model.stl", after=timedelta(seconds=-10))
    assert await kept(blob_store) == []
    await blob_store.discard("aa/model.stl")


async def test_an_s3_that_is_away_for_a_moment_is_asked_again(s3: S3) -> None:
    bucket = s3.make_bucket()
    server = httpx.URL(s3.address)
    refused = 3

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal refused
        if refused:
            refused -= 1
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            writer.close()
        else:
            there = await asyncio.open_connection(server.host, server.port)
            await asyncio.gather(_carry(reader, there[1]), _carry(there[0], writer))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as line:
        port = line.sockets[0].getsockname()[1]
        options = {**s3.options, "endpoint": f"http://127.0.0.1:{port}"}
        # Each request on a connection of its own, so that each can be refused.
        blob_store = Bucket(f"s3://{bucket}", **options)
        await blob_store.keep("aa/model.stl", CONTENT)

    assert refused == 0
    assert await Bucket(f"s3://{bucket}", **s3.options).read("aa/model.stl") == CONTENT


def test_the_setting_says_which_kind_of_store_it_is(tmp_path: Path) -> None:
    assert isinstance(blob_store_at("s3://bucket/prefix"), Bucket)
    assert isinstance(blob_store_at(str(tmp_path)), Folder)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
