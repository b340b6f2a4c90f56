"""Where customers' 3D models are kept: by content, so that one model is one file."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from tempfile import NamedTemporaryFile
from typing import IO, Protocol

from atelier.domain.models3d import ModelRejected, check_structure

_CHUNK = 1 << 20  # bytes
_LONGEST_NAME = 120


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


class ModelStore:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def save(self, upload: Upload, limit: int) -> StoredModel:
        """Keep an upload of at most `limit` bytes. It is on disk, or nothing is.

        Raises ModelRejected: "too-large", or the structure's faults.
        """
        content = bytearray()
        while chunk := await upload.read(_CHUNK):
            content += chunk
            if len(content) > limit:
                raise ModelRejected(
                    "too-large",
                    f"The file is larger than {limit / (1 << 20):g} MB, which is the most that we "
                    "can take. Please reduce the number of triangles and upload it again.",
                )
        checksum = await asyncio.to_thread(self._keep, bytes(content))
        return StoredModel(checksum, _safe(upload.filename), len(content))

    async def read(self, checksum: str) -> bytes:
        """Raises FileNotFoundError."""
        return await asyncio.to_thread(self._path(checksum).read_bytes)

    def _keep(self, content: bytes) -> str:
        check_structure(content)
        checksum = hashlib.sha256(content).hexdigest()
        path = self._path(checksum)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Under another name until it is complete: nobody ever sees half a model.
            with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as draft:
                try:
                    _write_through(draft, content)
                    os.replace(draft.name, path)
                except BaseException:
                    os.unlink(draft.name)
                    raise
            _sync_folder(path.parent)
        return checksum

    def _path(self, checksum: str) -> Path:
        return self._folder / checksum[:2] / f"{checksum}.stl"


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


def _safe(filename: str | None) -> str:
    # Browsers of another system may send their own separators.
    name = PurePosixPath(PureWindowsPath(filename or "").name).name
    name = "".join(letter for letter in name if letter.isprintable()).strip().lstrip(".")
    return name[-_LONGEST_NAME:] or "model.stl"
