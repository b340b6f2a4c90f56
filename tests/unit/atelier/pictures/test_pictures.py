"""Pictures of pieces: what is seen, how it is shaded, and how it is written."""

from __future__ import annotations

import struct
import zlib
from decimal import Decimal

import numpy as np
import pytest

from atelier.domain import models3d
from atelier.domain.metals import METALS
from atelier.domain.ring_design import RingDesign, Seat
from atelier.domain.rings import build
from atelier.domain.solids import Mesh, binary_stl
from atelier.domain.stones import brilliant
from atelier.pictures.creases import shaded
from atelier.pictures.light import COLOURS, linear
from atelier.pictures.png import png
from atelier.pictures.portrait import Piece, View, portrait
from atelier.pictures.raster import Camera, project, visible
from atelier.pictures.scene import packed

CAMERA = Camera(turned=0, raised=0, distance=100, reach=10)
CUBE = Mesh(
    np.array([[x, y, z] for x in (-5, 5) for y in (-5, 5) for z in (-5, 5)], np.float32),
    np.array(
        [
            (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
            (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
        ],
        np.int32,
    ),
)  # fmt: skip


def read(content: bytes) -> np.ndarray:
    """The pixels of a PNG as this project writes it: one block, each row against the one above."""
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    at, body, size = 8, b"", (0, 0)
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        kind, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        (sum_,) = struct.unpack(">I", content[at + 8 + length : at + 12 + length])
        assert sum_ == zlib.crc32(kind + data)
        if kind == b"IHDR":
            size = struct.unpack(">II", data[:8])
        body += data if kind == b"IDAT" else b""
        at += 12 + length
    rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(size[1], 1 + 4 * size[0])
    assert set(rows[:, 0]) == {2}
    pixels = np.add.accumulate(rows[:, 1:].astype(np.uint8), axis=0, dtype=np.uint8)
    return pixels.reshape(size[1], size[0], 4)


def test_a_png_can_be_read_back() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 4)).astype(np.uint8)

    assert np.array_equal(read(png(pixels)), pixels)


class TestSight:
    def seen(self, mesh: Mesh, size: int = 40) -> np.ndarray:
        """The facet at each pixel, or -1."""
        flat, near = project(mesh.points, CAMERA, size)
        seen = visible(flat, near, mesh.facets, size)
        assert np.allclose(seen.shares.sum(axis=1), 1)
        grid = np.full(size * size, -1)
        grid[seen.pixels] = seen.facets
        return grid.reshape(size, size)

    def test_the_front_is_seen_and_nothing_else(self) -> None:
        seen = self.seen(CUBE)

        assert set(seen.ravel()) == {-1, 10, 11}
        # 100 / 95 of 10 mm, of 20 mm that the picture shows: from 9.47 to 30.53 pixels.
        assert (seen >= 0).sum() == 22**2

    def test_every_pixel_of_a_face_is_covered_once(self) -> None:
        covered = self.seen(CUBE) >= 0
        rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))

        assert covered[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()

    def test_what_is_nearer_hides_what_is_behind(self) -> None:
        ahead = Mesh(CUBE.points + np.array((0, 0, 20), np.float32), CUBE.facets)
        both = Mesh(
            np.concatenate((CUBE.points, ahead.points)),
            np.concatenate((CUBE.facets, ahead.facets + len(CUBE.points))),
        )

        assert set(self.seen(both).ravel()) == {-1, 22, 23}

    def test_what_is_beside_the_picture_is_cut_off(self) -> None:
        aside = Mesh(CUBE.points + np.array((11, 0, 0), np.float32), CUBE.facets)
        seen = self.seen(aside) >= 0

        assert seen[:, -1].any()
        assert not seen[:, :20].any()
        assert not (
            self.seen(Mesh(CUBE.points + np.array((99, 0, 0), np.float32), CUBE.facets)) >= 0
        ).any()


class TestShading:
    def test_an_edge_breaks_the_normals(self) -> None:
        surface = shaded(CUBE)

        assert len(surface.points) == 24
        assert np.allclose(np.abs(surface.normals).max(axis=1), 1)
        assert np.array_equal(surface.points[surface.facets], CUBE.points[CUBE.facets])

    def test_a_curve_does_not(self) -> None:
        ring = build(RingDesign())
        surface = shaded(ring)

        assert len(surface.points) < 1.2 * len(ring.points)
        assert np.allclose(np.linalg.norm(surface.normals, axis=1), 1, atol=1e-5)

    def test_each_facet_of_a_stone_is_flat(self) -> None:
        stone = brilliant(RingDesign(seat=Seat.BEZEL))
        assert stone is not None

        surface = shaded(stone, crease=0)

        assert len(surface.points) == 3 * len(stone.facets)


class TestPortrait:
    @pytest.mark.parametrize("view", View)
    def test_a_ring_stands_in_the_middle_of_nothing(self, view: View) -> None:
        pixels = read(portrait(Piece(build(RingDesign()), COLOURS["gold-750"]), 64, view))
        opaque = pixels[..., 3] == 255

        assert pixels.shape == (64, 64, 4)
        assert opaque.sum() > 150
        assert not opaque[[0, -1]].any()
        assert not opaque[:, [0, -1]].any()

    def test_gold_is_yellow_and_silver_is_not(self) -> None:
        def mean(metal: str) -> tuple[float, ...]:
            pixels = read(portrait(Piece(build(RingDesign()), COLOURS[metal]), 64))
            return tuple(pixels[pixels[..., 3] == 255][:, :3].mean(axis=0))

        red, _, blue = mean("gold-750")
        assert red > 1.5 * blue
        red, _, blue = mean("silver-925")
        assert red == pytest.approx(blue, rel=0.1)

    def test_a_stone_is_seen_in_its_seat(self) -> None:
        design = RingDesign(seat=Seat.FOUR_PRONGS, stone=Decimal("7.0"))
        metal = build(design)

        without = read(portrait(Piece(metal, COLOURS["gold-750"]), 64))
        with_stone = read(portrait(Piece(metal, COLOURS["gold-750"], brilliant(design)), 64))

        assert (without != with_stone).any(axis=-1).sum() > 30

    def test_every_metal_has_a_colour(self) -> None:
        assert list(COLOURS) == list(METALS)
        assert all(0 <= part <= 1 for colour in COLOURS.values() for part in linear(colour))


def test_the_browsers_document_holds_metal_and_stone() -> None:
    design = RingDesign(seat=Seat.BEZEL)
    metal, stone = build(design), brilliant(design)

    document = packed(metal, stone)

    points, facets, stone_points, stone_facets = np.frombuffer(document, "<u4", 4)
    assert len(document) == 16 + 16 * (points + stone_points) + 12 * (facets + stone_facets)
    numbers = np.frombuffer(document, "<u4", 3 * facets, 16 + 16 * int(points))
    corners = np.frombuffer(document, "<f4", 3 * points, 16).reshape(-1, 3)[numbers.reshape(-1, 3)]
    assert np.array_equal(corners, metal.points[metal.facets])


def test_an_uploaded_file_is_a_mesh_again() -> None:
    ring = build(RingDesign())

    mesh = models3d.surface(binary_stl(ring))

    assert len(mesh.points) == len(ring.points)
    assert np.array_equal(mesh.points[mesh.facets], ring.points[ring.facets])
