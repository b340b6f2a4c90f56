"""Both kinds of blob store, for tests of what is kept there."""

from __future__ import annotations

from atelier.storage.blob_store import BlobStore, Bucket, Folder


async def kept(blob_store: BlobStore) -> list[str]:
    """The keys of all that is in a store, half-finished things included."""
    if isinstance(blob_store, Folder):
        return [str(path) for path in blob_store.folder.rglob("*") if path.is_file()]
    assert isinstance(blob_store, Bucket)
    return [each["path"] for batch in blob_store.store.list() for each in batch]
