"""Customers' 3D models: received with a limit, checked, and kept by content, one model once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Protocol

import structlog

from atelier.domain.models3d import ModelRejected, check_structure
from atelier.languages import gettext_lazy as _
from atelier.languages.figures import Figure
from atelier.storage.blob_store import BlobStore, Folder, StoreUnavailable

_log = structlog.get_logger("atelier.storage.model_store")

_CHUNK = 1 << 20  # bytes
_LONGEST_NAME = 120
_UPLOADS_AT_ONCE = 2


class Upload(Protocol):
    """What is needed of a request's file; Starlette's UploadFile is one."""

    filename: str | None

    async def read(self, size: int = -1) -> bytes: ...


@dataclass(frozen=True)
class StoredModel:
    """`checksum` is the content's sha256 in hex, `name` what the customer called the file
    (without folders or control characters), `size` in bytes."""

    checksum: str
    name: str
    size: int


class ModelMissing(Exception):
    """A model that was kept is not there any more, or not there yet.

    Users are not told which model; its checksum is in the log.
    """

    def __init__(self, checksum: str) -> None:
        super().__init__(f"the store has no model {checksum}")
        self.checksum = checksum


class ModelStore:
    """Keeps models in a folder, or in another `BlobStore`.

    `uploads` are turns of those who have a model in memory to keep it; others wait on disk.
    """

    def __init__(self, blobs: Path | BlobStore) -> None:
        self.uploads = asyncio.Semaphore(_UPLOADS_AT_ONCE)
        self._blobs = Folder(blobs) if isinstance(blobs, Path) else blobs

    async def save(self, upload: Upload, limit: int) -> StoredModel:
        """Keep an upload of at most `limit` bytes. It is kept for good, or nothing is.

        Raises ModelRejected: "too-large", or the structure's faults; StoreUnavailable.
        """
        received = bytearray()
        while chunk := await upload.read(_CHUNK):
            received += chunk
            if len(received) > limit:
                raise ModelRejected(
                    "too-large",
                    _(
                        "The file is larger than %(most)s MB, which is the most that we can take. "
                        "Please reduce the number of triangles and upload it again.",
                        most=Figure(Decimal(f"{limit / (1 << 20):g}")),
                    ),
                )
        content = bytes(received)
        del received  # a second copy of the largest file is not worth its memory
        checksum = await asyncio.to_thread(_checked, content)
        with _logged():
            await self._blobs.keep(_key(checksum), content)
        return StoredModel(checksum, _safe(upload.filename), len(content))

    async def read(self, checksum: str) -> bytes:
        """A model that has been kept. Raises ModelMissing, StoreUnavailable."""
        try:
            with _logged():
                return await self._blobs.read(_key(checksum))
        except FileNotFoundError as error:
            _log.error("model missing", checksum=checksum)
            raise ModelMissing(checksum) from error

    async def discard(self, checksum: str) -> None:
        """Nobody needs this model any more; one that was kept lately stays, since somebody may.

        Raises StoreUnavailable.
        """
        with _logged():
            await self._blobs.discard(_key(checksum))


@contextmanager
def _logged() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as error:
        _log.warning("store of models unavailable", reason=repr(error.__cause__))
        raise


def _checked(content: bytes) -> str:
    check_structure(content)
    return hashlib.sha256(content).hexdigest()


def _key(checksum: str) -> str:
    return f"{checksum[:2]}/{checksum}.stl"


def _safe(filename: str | None) -> str:
    # Browsers of another system may send their own separators.
    name = PurePosixPath(PureWindowsPath(filename or "").name).name
    name = "".join(letter for letter in name if letter.isprintable()).strip().lstrip(".")
    return name[-_LONGEST_NAME:] or "model.stl"
