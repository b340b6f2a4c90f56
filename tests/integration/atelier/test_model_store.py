from __future__ import annotations

import hashlib
import resource
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from atelier.domain.models3d import ModelRejected
from atelier.storage.blob_store import BlobStore, Bucket, Folder, StoreUnavailable
from atelier.storage.model_store import ModelMissing, ModelStore
from tests.integration.atelier.kept import kept
from tests.integration.atelier.s3_server import S3
from tests.integration.atelier.uploads import CUBE, Upload

pytestmark = pytest.mark.anyio


async def test_a_model_is_kept_by_its_content(blob_store: BlobStore) -> None:
    store = ModelStore(blob_store)

    first = await store.save(Upload(CUBE, "ring.stl"), limit=10_000)
    second = await store.save(Upload(CUBE, "the same ring.stl"), limit=10_000)

    assert first.checksum == second.checksum == hashlib.sha256(CUBE).hexdigest()
    assert (first.name, second.name) == ("ring.stl", "the same ring.stl")
    assert first.size == len(CUBE)
    assert len(await kept(blob_store)) == 1
    assert await store.read(first.checksum) == CUBE


async def test_too_large_a_model_is_not_read_to_its_end(blob_store: BlobStore) -> None:
    upload = Upload(bytes(10 << 20))

    with pytest.raises(ModelRejected, match="larger than 2 MB") as caught:
        await ModelStore(blob_store).save(upload, limit=2 << 20)

    assert caught.value.code == "too-large"
    assert len(upload.left) > 6 << 20
    assert await kept(blob_store) == []


async def test_a_model_of_just_the_limit_is_taken(blob_store: BlobStore) -> None:
    assert await ModelStore(blob_store).save(Upload(CUBE), limit=len(CUBE))


@pytest.mark.parametrize(
    ("content", "code"),
    [(CUBE[:-1], "truncated"), (b"a letter to the jeweller", "not-stl"), (b"", "empty")],
    ids=["truncated", "text", "nothing"],
)
async def test_what_is_no_model_leaves_nothing(
    blob_store: BlobStore, content: bytes, code: str
) -> None:
    with pytest.raises(ModelRejected) as caught:
        await ModelStore(blob_store).save(Upload(content), limit=10_000)

    assert caught.value.code == code
    assert await kept(blob_store) == []


async def test_a_disk_that_is_full_leaves_no_half_of_a_model(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(CUBE) // 2, unlimited[1]))
    try:
        with pytest.raises(StoreUnavailable, match="try again") as caught:
            await ModelStore(folder).save(Upload(CUBE), limit=10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)

    assert "File too large" in str(caught.value.__cause__)
    assert await kept(folder) == []


async def test_nothing_is_kept_where_a_disk_is_not_mounted(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "not mounted")

    with pytest.raises(StoreUnavailable, match="try again"):
        await ModelStore(folder).save(Upload(CUBE), limit=10_000)

    assert not folder.folder.exists()


async def test_what_was_never_kept_is_not_found(blob_store: BlobStore) -> None:
    with pytest.raises(ModelMissing, match="has no model 0000"), capture_logs() as lines:
        await ModelStore(blob_store).read("0" * 64)

    assert [(line["event"], line["checksum"]) for line in lines] == [("model missing", "0" * 64)]


async def test_that_the_store_is_away_is_in_our_log(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable), capture_logs() as lines:
        await ModelStore(tmp_path / "not mounted").read("0" * 64)

    assert [line["event"] for line in lines] == ["store of models unavailable"]
    assert "FileNotFoundError" in lines[0]["reason"]


async def test_models_are_kept_below_the_prefix_of_their_bucket(s3: S3) -> None:
    bucket = s3.make_bucket()
    model = await ModelStore(Bucket(f"s3://{bucket}/of/customers", **s3.options)).save(
        Upload(CUBE), limit=10_000
    )

    key = f"of/customers/{model.checksum[:2]}/{model.checksum}.stl"
    assert await Bucket(f"s3://{bucket}", **s3.options).read(key) == CUBE


@pytest.mark.parametrize("fault", ["no server", "no bucket"])
async def test_what_s3_does_not_take_is_said_in_words_for_customers(s3: S3, fault: str) -> None:
    address = s3.options | ({"endpoint": "http://127.0.0.1:1"} if fault == "no server" else {})
    blob_store = Bucket("s3://there-is-none/x", **address)

    with pytest.raises(StoreUnavailable, match="does not answer at the moment"):
        await ModelStore(blob_store).save(Upload(CUBE), limit=10_000)
    if fault == "no server":
        with pytest.raises(StoreUnavailable):
            await ModelStore(blob_store).read("0" * 64)


@pytest.mark.parametrize(
    ("sent", "known_as"),
    [
        ("../../etc/passwd.stl", "passwd.stl"),
        (r"C:\Users\anna\Кольцо 3.stl", "Кольцо 3.stl"),
        ("ring\r\nSet-Cookie: a=b.stl", "ringSet-Cookie: a=b.stl"),
        (None, "model.stl"),
        ("", "model.stl"),
        ("..", "model.stl"),
        ("x" * 500 + ".stl", "x" * 116 + ".stl"),
    ],
)
async def test_the_customers_name_for_it_is_made_safe(
    tmp_path: Path, sent: str | None, known_as: str
) -> None:
    model = await ModelStore(tmp_path).save(Upload(CUBE, sent), limit=10_000)

    assert model.name == known_as
