"""The list in Redis: one hash, which is written as a whole or not at all.

    content    which content this is: another name after every change
    position   up to where it holds all changes: a transaction of PostgreSQL, as in `changes`
    chunks     JSON: how many rows each chunk has, by its bound
    first      JSON: the newest rows, for a page's first sight
    <bound>    a chunk, packed

It lives for `_LIFETIME` after its keeper last said that it is current: a list that nobody keeps
current is gone rather than old.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import WatchError

from atelier.mes.listing import chunks, rows
from atelier.mes.listing.changes import Beginning, Whole
from atelier.mes.listing.chunks import Update
from atelier.mes.listing.rows import Row

KEY: Final = "mes:list"

_LIFETIME: Final = 15  # seconds


@dataclass(frozen=True)
class Stamp:
    """Which content the read model has, and up to where it holds all changes."""

    content: str
    position: int


@dataclass(frozen=True)
class Sendable:
    """The whole list as it is sent: packed chunks, newest first."""

    stamp: Stamp
    count: int
    parts: Sequence[bytes]


class ReadModel:
    """Every call raises one of `atelier.cache.CACHE_GONE` where Redis cannot be used."""

    def __init__(self, cache: Redis) -> None:
        self._cache = cache

    async def stamp(self) -> Stamp | None:
        """None where there is no read model."""
        content, position = await _ask(self._cache, "content", "position")
        return None if content is None else Stamp(content.decode(), int(position))

    async def beginning(self) -> Beginning | None:
        """The newest rows; None where there is no read model."""
        position, sizes, first = await _ask(self._cache, "position", "chunks", "first")
        if position is None:
            return None
        return Beginning(int(position), sum(_sizes(sizes).values()), rows.from_json(first))

    async def whole(self) -> Sendable | None:
        """None where there is no read model."""
        found: dict[Any, Any] = await self._cache.hgetall(KEY)
        if not found:
            return None
        sizes = _sizes(found[b"chunks"])
        return Sendable(
            Stamp(found[b"content"].decode(), int(found[b"position"])),
            sum(sizes.values()),
            [found[str(bound).encode()] for bound in sorted(sizes, reverse=True)],
        )

    async def is_current(self) -> None:
        """Let it live on."""
        await self._cache.expire(KEY, _LIFETIME)

    async def drop(self) -> None:
        """Until it is built anew, there is none."""
        await self._cache.delete(KEY)

    async def replace(self, whole: Whole) -> Stamp | None:
        """Put `whole` in the place of all that is there, at once.

        None, and nothing has changed, where what is there knows of later changes.
        """
        built = await asyncio.to_thread(chunks.build, whole.rows)
        async with self._cache.pipeline() as pipe:
            await pipe.watch(KEY)
            [position] = await _ask(pipe, "position")
            if position is not None and int(position) > whole.position:
                return None
            pipe.multi()  # type: ignore[no-untyped-call]
            pipe.delete(KEY)
            return await _write(pipe, _fields(built), _new_stamp(whole.position))

    async def apply(self, changed: Sequence[Row], position: int, known: Stamp) -> Stamp | None:
        """Bring the content `known` to `position` by these changes.

        None, and nothing has changed, where it is not what is there any more.
        """
        async with self._cache.pipeline() as pipe:
            await pipe.watch(KEY)
            content, sizes = await _ask(pipe, "content", "chunks")
            if content is None or content.decode() != known.content:
                return None
            if not changed:
                pipe.multi()  # type: ignore[no-untyped-call]
                return await _write(pipe, {}, Stamp(known.content, position))
            bounds = chunks.needed(_sizes(sizes), changed)
            found = dict(zip(bounds, await _ask(pipe, *map(str, bounds)), strict=True))
            news = await asyncio.to_thread(chunks.update, _sizes(sizes), found, changed)
            pipe.multi()  # type: ignore[no-untyped-call]
            if news.gone:
                pipe.hdel(KEY, *map(str, news.gone))
            return await _write(pipe, _fields(news), _new_stamp(position))


async def _ask(client: Redis | Pipeline, *fields: str) -> list[Any]:
    found: list[Any] = await client.hmget(KEY, list(fields))
    return found


async def _write(pipe: Pipeline, fields: dict[Any, Any], stamp: Stamp) -> Stamp | None:
    """None where somebody else has written since `pipe` began to watch."""
    pipe.hset(KEY, mapping={**fields, "content": stamp.content, "position": stamp.position})
    pipe.expire(KEY, _LIFETIME)
    try:
        await pipe.execute()
    except WatchError:
        return None
    return stamp


def _new_stamp(position: int) -> Stamp:
    return Stamp(secrets.token_hex(8), position)


def _fields(news: Update) -> dict[Any, Any]:
    return {
        "chunks": json.dumps(news.sizes),
        "first": rows.to_json(news.first),
        **{str(bound): content for bound, content in news.written.items()},
    }


def _sizes(text: bytes) -> dict[int, int]:
    return {int(bound): count for bound, count in json.loads(text).items()}
