"""Pictures that took time to paint, kept beside the models that they show."""

from __future__ import annotations

from pathlib import Path

import structlog

from atelier.storage.blob_store import BlobStore, Folder, StoreUnavailable

_log = structlog.get_logger(__name__)


class PictureStore:
    """Keeps pictures in a folder, or in another `BlobStore`, under a name that says all that they
    were painted from: so none is ever wrong, and each can be painted again.
    """

    def __init__(self, blobs: Path | BlobStore) -> None:
        self._blobs = Folder(blobs) if isinstance(blobs, Path) else blobs

    async def find(self, name: str) -> bytes | None:
        """None where there is none of this name. Raises StoreUnavailable."""
        try:
            return await self._blobs.read(_key(name))
        except FileNotFoundError:
            return None

    async def keep(self, name: str, picture: bytes) -> None:
        """It is only painted again where it could not be kept."""
        try:
            await self._blobs.keep(_key(name), picture)
        except StoreUnavailable as error:
            _log.warning("picture not kept", reason=repr(error.__cause__))


def _key(name: str) -> str:
    """In folders of their own, so that nobody takes a picture for a model.

    >>> _key("1c5f-gold-585-96")
    'pictures/1c/1c5f-gold-585-96.png'
    """
    return f"pictures/{name[:2]}/{name}.png"
