from __future__ import annotations

import hashlib
import itertools
import resource
import struct
from pathlib import Path

import pytest

from atelier.domain.models3d import ModelRejected
from atelier.files import ModelStore

pytestmark = pytest.mark.anyio


def _cube(edge: float) -> list[tuple[tuple[float, ...], ...]]:
    corners = list(itertools.product((0.0, edge), repeat=3))
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return [
        tuple(corners[index] for index in triangle)
        for a, b, c, d in faces
        for triangle in ((a, b, c), (a, c, d))
    ]


def _stl(triangles: list[tuple[tuple[float, ...], ...]]) -> bytes:
    facets = (struct.pack("<12fH", 0, 0, 0, *itertools.chain(*corners), 0) for corners in triangles)
    return bytes(80) + struct.pack("<I", len(triangles)) + b"".join(facets)


CUBE = _stl(_cube(10.0))
OPEN_CUBE = _stl(_cube(10.0)[:-1])


class Upload:
    """A request's file, which tells how much of it was read."""

    def __init__(self, content: bytes, filename: str | None = "ring.stl") -> None:
        self.filename = filename
        self.left = content

    async def read(self, size: int = -1) -> bytes:
        chunk, self.left = self.left[:size], self.left[size:]
        return chunk


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_model_is_kept_by_its_content(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)

    first = await store.save(Upload(CUBE, "ring.stl"), limit=10_000)
    second = await store.save(Upload(CUBE, "the same ring.stl"), limit=10_000)

    assert first.checksum == second.checksum == hashlib.sha256(CUBE).hexdigest()
    assert (first.name, second.name) == ("ring.stl", "the same ring.stl")
    assert first.size == len(CUBE)
    assert len(files_in(tmp_path)) == 1
    assert await store.read(first.checksum) == CUBE


async def test_too_large_a_model_is_not_read_to_its_end(tmp_path: Path) -> None:
    upload = Upload(bytes(10 << 20))

    with pytest.raises(ModelRejected, match="larger than 2 MB") as caught:
        await ModelStore(tmp_path).save(upload, limit=2 << 20)

    assert caught.value.code == "too-large"
    assert len(upload.left) > 6 << 20
    assert files_in(tmp_path) == []


async def test_a_model_of_just_the_limit_is_taken(tmp_path: Path) -> None:
    assert await ModelStore(tmp_path).save(Upload(CUBE), limit=len(CUBE))


@pytest.mark.parametrize(
    ("content", "code"),
    [(CUBE[:-1], "truncated"), (b"a letter to the jeweller", "not-stl"), (b"", "empty")],
    ids=["truncated", "text", "nothing"],
)
async def test_what_is_no_model_leaves_nothing(tmp_path: Path, content: bytes, code: str) -> None:
    with pytest.raises(ModelRejected) as caught:
        await ModelStore(tmp_path).save(Upload(content), limit=10_000)

    assert caught.value.code == code
    assert files_in(tmp_path) == []


async def test_a_disk_that_is_full_leaves_no_half_of_a_model(tmp_path: Path) -> None:
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(CUBE) // 2, unlimited[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            await ModelStore(tmp_path).save(Upload(CUBE), limit=10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)

    assert files_in(tmp_path) == []


@pytest.mark.parametrize(
    ("sent", "kept"),
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
    tmp_path: Path, sent: str | None, kept: str
) -> None:
    model = await ModelStore(tmp_path).save(Upload(CUBE, sent), limit=10_000)

    assert model.name == kept
