"""Where files are kept for good, under a key each: a folder of this machine, or an S3 bucket."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Final, Protocol, TypeVar, TypeVarTuple, Unpack

from atelier.languages import gettext_lazy as _

Given = TypeVarTuple("Given")
Answer = TypeVar("Answer")

_HANDS: Final = 4  # threads
_PART: Final = 8 << 20  # bytes; larger files go to S3 in parts of this size
_PARTS_AT_ONCE: Final = 4
A_DAY: Final = timedelta(days=1)
_RENEWED_AFTER: Final = A_DAY / 2  # when it is kept again


class StoreUnavailable(Exception):
    """Nothing can be kept or read there now.

    The text is for users. Our log gets the cause, which is the exception's `__cause__`.
    """

    def __init__(self) -> None:
        super().__init__(
            _(
                "Our store of 3D models does not answer at the moment. Nothing of yours is lost: "
                "please try again in a few minutes."
            )
        )


class BlobStore(Protocol):
    """Content that is kept under a key never changes, and is there whole or not at all.

    What is kept again counts from then. What was kept within a day is not discarded: whoever has
    kept it may be about to write down that it is needed.
    """

    async def keep(self, key: str, content: bytes) -> None:
        """Returns when it would outlast a power cut. Raises StoreUnavailable."""

    async def read(self, key: str) -> bytes:
        """Raises FileNotFoundError, StoreUnavailable."""

    async def discard(self, key: str, after: timedelta = A_DAY) -> None:
        """Nothing happens where it is not there, or younger. Raises StoreUnavailable."""


def blob_store_at(address: str) -> BlobStore:
    """The store of an address: `s3://bucket/prefix`, or else a folder."""
    if address.startswith("s3://"):
        return Bucket(address)
    return Folder(Path(address))


class Folder:
    """Files below a folder of this machine, which whoever sets the platform up makes.

    While it is missing, as a disk that is not mounted, nothing is kept: that would be elsewhere.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Of its own: on a network's disk that does not answer threads are stuck, and whoever only
        # signs in needs one, too.
        self._hands = ThreadPoolExecutor(_HANDS, "files")

    async def keep(self, key: str, content: bytes) -> None:
        """Written to the disk when it returns. Raises StoreUnavailable."""
        try:
            await self._do(_keep, self.folder, key, content)
        except OSError as error:
            raise StoreUnavailable from error

    async def read(self, key: str) -> bytes:
        """Raises FileNotFoundError for one that is not there, StoreUnavailable."""
        try:
            return await self._do((self.folder / key).read_bytes)
        except FileNotFoundError as error:
            if not await self._do(self.folder.is_dir):
                raise StoreUnavailable from error  # a disk that is not mounted
            raise
        except OSError as error:
            raise StoreUnavailable from error

    async def discard(self, key: str, after: timedelta = A_DAY) -> None:
        """Raises StoreUnavailable."""
        try:
            await self._do(_discard, self.folder / key, after)
        except FileNotFoundError as error:
            if not await self._do(self.folder.is_dir):
                raise StoreUnavailable from error
        except OSError as error:
            raise StoreUnavailable from error

    async def _do(self, work: Callable[[Unpack[Given]], Answer], *given: *Given) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._hands, work, *given)


class Bucket:
    """Objects below a prefix of a bucket of S3, or of a server that speaks as S3 does.

    Endpoint, region and credentials are those of the environment, under the names that all S3
    clients know (AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID …), unless given as `options`,
    which are obstore's.
    """

    def __init__(self, address: str, **options: Any) -> None:
        # Here, so that who keeps files in a folder does not load it.
        from obstore.store import S3Store

        endpoint = options.get("endpoint") or os.environ.get("AWS_ENDPOINT_URL", "")
        self.store = S3Store.from_url(
            address,
            # TLS, unless it is explicitly an address without.
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=3),
                "timeout": timedelta(seconds=10),
            },
            # What may pass is tried again: no connection, 429, 5xx.
            retry_config={
                "max_retries": 5,
                "retry_timeout": timedelta(seconds=10),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=2),
                    "base": 2,
                },
            },
            **options,
        )

    async def keep(self, key: str, content: bytes) -> None:
        """Taken by S3, as a whole, when it returns. Raises StoreUnavailable."""
        from obstore.exceptions import BaseError

        try:
            if await self._holds(key, len(content)):
                return
            # An object appears when its last part is there, and S3 answers when it is safe.
            await self.store.put_async(
                key, content, chunk_size=_PART, max_concurrency=_PARTS_AT_ONCE
            )
        except (BaseError, OSError) as error:
            raise StoreUnavailable from error

    async def read(self, key: str) -> bytes:
        """Raises FileNotFoundError for one that is not there, StoreUnavailable."""
        from obstore.exceptions import BaseError

        try:
            found = await self.store.get_async(key)
            return bytes(await found.bytes_async())
        except FileNotFoundError:
            raise
        except (BaseError, OSError) as error:
            raise StoreUnavailable from error

    async def discard(self, key: str, after: timedelta = A_DAY) -> None:
        """S3 deletes whatever is there: what is kept again in the moment between the look at its
        age and the deletion is lost with it. Raises StoreUnavailable."""
        from obstore.exceptions import BaseError

        try:
            kept_at = (await self.store.head_async(key))["last_modified"]
            if _age(kept_at.timestamp()) > after:
                await self.store.delete_async(key)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise StoreUnavailable from error

    async def _holds(self, key: str, size: int) -> bool:
        """And nobody discards it soon."""
        try:
            there = await self.store.head_async(key)
        except FileNotFoundError:
            return False
        return there["size"] == size and _age(there["last_modified"].timestamp()) < _RENEWED_AFTER


def _age(since: float) -> timedelta:
    return timedelta(seconds=time.time() - since)


def _discard(path: Path, after: timedelta) -> None:
    # Under another name first: what is kept again meanwhile is another file, or young.
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    os.replace(path, aside)
    if _age(aside.stat().st_mtime) > after:
        aside.unlink()
    else:
        os.replace(aside, path)


def _keep(folder: Path, key: str, content: bytes) -> None:
    path = folder / key
    with suppress(FileNotFoundError):
        if _age(path.stat().st_mtime) < _RENEWED_AFTER:
            return
    for missing in reversed(path.relative_to(folder).parents[:-1]):
        (folder / missing).mkdir(exist_ok=True)
    # Under another name until it is complete: nobody ever sees half a file.
    with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as draft:
        try:
            _write_through(draft, content)
            os.replace(draft.name, path)
        except BaseException:
            os.unlink(draft.name)
            raise
    _sync_folder(path.parent)


def _write_through(file: IO[bytes], content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
