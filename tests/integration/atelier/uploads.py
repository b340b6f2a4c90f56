"""Models as a customer's browser sends them."""

from __future__ import annotations

import itertools
import struct


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
