"""Measuring models: against closed formulas, in every pose and form, and what is refused."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from math import pi, sin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.domain.models3d import ModelRejected, Solid, check_structure, measure
from fixtures.models import (
    Mesh,
    as_ascii_stl,
    as_binary_stl,
    box,
    empty_solid,
    not_an_stl,
    open_surface,
    ring,
    truncated_binary,
)

RING = ring(segments=24)
ONE_PLACE = 0.001
"""mm³; what a volume is rounded to."""

rings = st.builds(
    ring,
    inner_diameter_mm=st.floats(12, 24),
    band_width_mm=st.floats(1, 8),
    thickness_mm=st.floats(0.8, 4),
    prongs=st.integers(0, 6),
    segments=st.integers(8, 32),
)
angles = st.floats(-pi, pi)
shifts = st.floats(-100, 100)
quickly = settings(max_examples=40)


def surface(mesh: Mesh) -> float:
    a, b, c = mesh.corners.astype(np.float64).transpose(1, 0, 2)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def float32_error(*meshes: Mesh) -> float:
    """How far two volumes of one shape may differ, mm³.

    float32 moves every corner by up to half a unit in the last place along each axis, so at most by
    √3 ÷ 2 units; the volume changes by no more than that times the surface. Both results are then
    rounded to 0.001 mm³.
    """
    return ONE_PLACE + sum(
        surface(mesh) * 3**0.5 / 2 * float(np.spacing(np.abs(mesh.corners).max()))
        for mesh in meshes
    )


def volume(mesh: Mesh) -> float:
    return float(measure(as_binary_stl(mesh)).volume_mm3)


def cube(x: float = 0, y: float = 0, z: float = 0) -> Mesh:
    """A cube with edges of 10 mm and its lowest corner there."""
    return box(10, 10, 10).moved(x, y, z)


def together(*meshes: Mesh) -> Mesh:
    return Mesh(np.concatenate([mesh.corners for mesh in meshes]))


def rejection(data: bytes) -> str:
    with pytest.raises(ModelRejected) as rejected:
        measure(data)
    return rejected.value.code


# What a solid measures


def test_a_cube() -> None:
    assert measure(as_binary_stl(cube(3, 4, 5))) == Solid(
        triangles=12,
        volume_mm3=Decimal("1000.000"),
        size_mm=(Decimal("10.00"), Decimal("10.00"), Decimal("10.00")),
    )


@given(
    inner=st.floats(12, 24),
    width=st.floats(1, 8),
    thickness=st.floats(0.8, 4),
    prongs=st.integers(0, 6),
    segments=st.integers(8, 32),
)
@quickly
def test_a_ring_has_the_volume_of_the_formula(
    inner: float, width: float, thickness: float, prongs: int, segments: int
) -> None:
    r, big_r = inner / 2, inner / 2 + thickness
    band = segments / 2 * sin(2 * pi / segments) * (big_r**2 - r**2) * width
    prong = 8 / 2 * sin(2 * pi / 8) * (0.08 * width) ** 2 * 1.8
    mesh = ring(inner, width, thickness, prongs, segments)
    assert volume(mesh) == pytest.approx(band + prongs * prong, abs=float32_error(mesh))


@given(rings, angles, angles, angles)
@quickly
def test_rotation_changes_no_volume(mesh: Mesh, x: float, y: float, z: float) -> None:
    turned = mesh.rotated(x, y, z)
    assert volume(turned) == pytest.approx(volume(mesh), abs=float32_error(mesh, turned))


@given(rings, shifts, shifts, shifts)
@quickly
def test_translation_changes_no_volume(mesh: Mesh, x: float, y: float, z: float) -> None:
    moved = mesh.moved(x, y, z)
    assert volume(moved) == pytest.approx(volume(mesh), abs=float32_error(mesh, moved))


@given(rings, st.integers(0, 2**32))
@quickly
def test_the_order_of_facets_and_corners_changes_nothing(mesh: Mesh, seed: int) -> None:
    # The coordinates are the same; only a sum in another order may fall to the other side of a
    # rounding to 0.001.
    assert volume(mesh.shuffled(seed)) == pytest.approx(volume(mesh), abs=1.01 * ONE_PLACE)


@given(rings)
@quickly
def test_a_model_turned_inside_out_has_the_same_volume(mesh: Mesh) -> None:
    assert volume(mesh.inside_out()) == pytest.approx(volume(mesh), abs=1.01 * ONE_PLACE)


@given(rings, angles)
@settings(max_examples=15)
def test_text_and_binary_form_of_a_model_agree(mesh: Mesh, angle: float) -> None:
    mesh = mesh.rotated(angle, angle, angle)
    assert measure(as_ascii_stl(mesh)) == measure(as_binary_stl(mesh))
    assert check_structure(as_ascii_stl(mesh)) == check_structure(as_binary_stl(mesh)) == len(mesh)


@given(st.lists(rings, min_size=1, max_size=4))
@settings(max_examples=10)
def test_measuring_in_parallel_agrees_with_one_after_the_other(meshes: list[Mesh]) -> None:
    files = [as_binary_stl(mesh) for mesh in meshes] * 4
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(measure, files)) == [measure(file) for file in files]


@given(rings, st.floats(1.01, 2))
@quickly
def test_a_larger_ring_has_more_volume(mesh: Mesh, factor: float) -> None:
    larger = volume(mesh) * factor**3
    assert volume(mesh.scaled(factor)) == pytest.approx(larger, rel=1e-4, abs=0.01)


# What real files look like


@pytest.mark.parametrize(
    "header", [b"", b"solid ring", b"solid\n facet", b"\xff" * 80, b"solid " + b" " * 74]
)
def test_the_header_of_a_binary_file_says_nothing(header: bytes) -> None:
    assert measure(as_binary_stl(RING, header)) == measure(as_binary_stl(RING))


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda text: text.upper(),
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: b"\n\n" + text.replace(b"    ", b"\t") + b"\n\n",
        lambda text: text.replace(b"solid ring", b"solid"),
        lambda text: text.replace(b"solid ring", b"solid endsolid of a facet normal"),
        lambda text: text.rstrip(),
    ],
    ids=["upper case", "CRLF", "white space", "no name", "odd name", "no last line end"],
)
def test_ways_to_write_a_text_file(rewrite: Callable[[bytes], bytes]) -> None:
    assert measure(rewrite(as_ascii_stl(RING))) == measure(as_binary_stl(RING))


def test_several_solids_in_one_text_file_add_up() -> None:
    text = as_ascii_stl(cube(), "one") + as_ascii_stl(cube(x=50), "two")
    assert measure(text).volume_mm3 == Decimal("2000.000")


def test_solids_that_touch_along_an_edge_are_closed() -> None:
    touching = together(cube(), cube(10, 10, 0))
    assert measure(as_binary_stl(touching)).volume_mm3 == Decimal("2000.000")


def test_a_shell_inside_out_within_another_is_a_hollow() -> None:
    hollow = together(cube().scaled(3), cube(10, 10, 10).inside_out())
    assert measure(as_binary_stl(hollow)).volume_mm3 == Decimal("26000.000")


def test_zero_with_a_minus_is_zero() -> None:
    mesh = cube()
    mesh.corners[::2][mesh.corners[::2] == 0] = -0.0
    line = Mesh(np.array([[(0, 0, 0), (-0.0, 0, 0), (1, 0, 0)]], dtype=np.float32))
    assert measure(as_binary_stl(together(mesh, line))).volume_mm3 == Decimal("1000.000")


def test_a_facet_without_area_disturbs_nothing() -> None:
    line = Mesh(np.array([[(0, 0, 0), (1, 0, 0), (1, 0, 0)]], dtype=np.float32))
    assert measure(as_binary_stl(together(cube(), line))).volume_mm3 == Decimal("1000.000")


@given(rings, shifts, st.integers(0, 2**32))
@quickly
def test_corners_that_rounding_has_torn_apart_are_one(mesh: Mesh, shift: float, seed: int) -> None:
    mesh = mesh.moved(shift, shift, shift)
    unit = np.spacing(np.abs(mesh.corners).max())
    nudge = np.random.default_rng(seed).integers(-1, 2, mesh.corners.shape) * unit
    torn = Mesh((mesh.corners + nudge).astype(np.float32))
    allowed = 4 * float32_error(mesh)
    assert volume(torn) == pytest.approx(volume(mesh), abs=allowed)


@pytest.mark.parametrize("facet", [0, 100, -1])
def test_a_sliver_wound_the_wrong_way_is_no_reason_to_refuse(facet: int) -> None:
    mesh = ring(segments=96)
    wrong = Mesh(mesh.corners.copy())
    wrong.corners[facet] = wrong.corners[facet, ::-1]
    assert volume(wrong) == pytest.approx(volume(mesh), rel=0.05)


# What is refused


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (empty_solid(), "empty"),
        (empty_solid().rstrip(), "empty"),
        (bytes(84), "empty"),
        (truncated_binary(), "truncated"),
        (as_binary_stl(RING, b"solid ring")[:-1], "truncated"),
        (as_binary_stl(RING)[:84], "truncated"),
        (as_ascii_stl(RING)[:2000], "truncated"),
        (b"solid", "truncated"),
        (not_an_stl(), "not-stl"),
        (b"solidarity", "not-stl"),
        (b"# a wavefront model\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n" * 20, "not-stl"),
        (b"<html><body>404 Not Found</body></html>", "not-stl"),
        (bytes(1000), "not-stl"),
        (
            b"<!DOCTYPE html><html><head><title>404</title></head><body>Not Found</body>" * 2,
            "not-stl",
        ),
        (b"a line of text\n" * 6, "not-stl"),
        (bytes(80) + (9).to_bytes(4, "little") + b"garbage!" * 20, "not-stl"),
        (as_binary_stl(RING) + b"more", "not-stl"),
        (as_binary_stl(RING, b"solid ring") + b"more", "not-stl"),
        (as_ascii_stl(RING).replace(b"vertex", b"vortex", 1), "not-stl"),
        (as_ascii_stl(RING).replace(b"vertex ", b"vertex ,", 1), "not-stl"),
        (as_ascii_stl(RING) + b"and more", "not-stl"),
    ],
)
def test_files_that_are_refused_at_upload(data: bytes, code: str) -> None:
    with pytest.raises(ModelRejected) as rejected:
        check_structure(data)
    assert rejected.value.code == code == rejection(data)


@given(st.integers(84, len(as_binary_stl(RING)) - 1))
def test_a_binary_file_cut_anywhere_is_truncated(length: int) -> None:
    assert rejection(as_binary_stl(RING)[:length]) == "truncated"


@given(st.integers(len("solid"), len(as_ascii_stl(RING)) - len("endsolid ring\n") + 7))
def test_a_text_file_cut_before_its_end_is_truncated(length: int) -> None:
    assert rejection(as_ascii_stl(RING)[:length]) == "truncated"


def test_a_surface_with_a_hole_is_open() -> None:
    assert rejection(open_surface()) == "open-surface"
    assert check_structure(open_surface()) == len(ring()) - 2


@given(rings, st.data())
@quickly
def test_any_missing_facet_is_a_hole(mesh: Mesh, data: st.DataObject) -> None:
    facet = data.draw(st.integers(0, len(mesh) - 1))
    assert rejection(as_binary_stl(Mesh(np.delete(mesh.corners, facet, axis=0)))) == "open-surface"


@given(rings, st.integers(1, 2), st.data())
@quickly
def test_facets_too_many_open_the_surface(mesh: Mesh, more: int, data: st.DataObject) -> None:
    facet = data.draw(st.integers(0, len(mesh) - 1))
    too_many = together(mesh, Mesh(mesh.corners[[facet] * more]))
    assert rejection(as_binary_stl(too_many)) == "open-surface"


def test_a_gap_wider_than_rounding_is_a_gap() -> None:
    gaping = cube()
    gaping.corners[0, 0] += 0.00001
    assert rejection(as_binary_stl(gaping)) == "open-surface"


def test_dense_loose_facets_do_not_melt_into_a_solid() -> None:
    # So far from the origin float32 knows so few positions that all facets are neighbours.
    rice = np.random.default_rng(0).random((3000, 3, 3)) * 0.01 + 900
    assert rejection(as_binary_stl(Mesh(rice.astype(np.float32)))) == "open-surface"


@pytest.mark.parametrize("coordinate", [np.nan, np.inf, -np.inf])
def test_a_point_that_is_nowhere_is_refused(coordinate: float) -> None:
    mesh = cube()
    mesh.corners[3, 1, 2] = coordinate
    assert rejection(as_binary_stl(mesh)) == "not-finite"
    assert rejection(as_ascii_stl(mesh)) == "not-finite"


def test_a_number_too_large_for_a_coordinate_is_refused() -> None:
    assert rejection(as_ascii_stl(cube()).replace(b"vertex 10", b"vertex 1e300", 1)) == "not-finite"


def test_a_model_drawn_in_another_unit_is_refused() -> None:
    assert rejection(as_binary_stl(cube().scaled(100.1))) == "oversized"
    assert rejection(as_binary_stl(cube().scaled(1e30))) == "oversized"
    assert measure(as_binary_stl(cube().scaled(100))).volume_mm3 == Decimal("1e9")


@pytest.mark.parametrize(
    "mesh",
    [
        together(cube(), cube().inside_out()),
        box(10, 10, 0),
    ],
    ids=["two sides of nothing", "a sheet without thickness"],
)
def test_a_closed_surface_around_nothing_is_empty(mesh: Mesh) -> None:
    assert rejection(as_binary_stl(mesh)) == "empty"


@pytest.mark.parametrize("angle", [0, 0.5, 2])
def test_facets_wound_both_ways_are_refused(angle: float) -> None:
    wrong = Mesh(RING.corners.copy())
    wrong.corners[: len(RING) // 8] = wrong.corners[: len(RING) // 8, ::-1]
    assert rejection(as_binary_stl(wrong.rotated(angle, angle))) == "inverted"


@given(st.binary(max_size=400))
def test_no_file_is_answered_with_anything_but_a_refusal(data: bytes) -> None:
    with pytest.raises(ModelRejected):
        measure(data)


@given(st.binary(min_size=1, max_size=40), st.data(), st.booleans())
@quickly
def test_a_damaged_file_is_measured_or_refused(
    damage: bytes, data: st.DataObject, text: bool
) -> None:
    file = as_ascii_stl(cube()) if text else as_binary_stl(cube())
    at = data.draw(st.integers(0, len(file) - 1))
    try:
        outcome = str(measure(file[:at] + damage + file[at + len(damage) :]).volume_mm3)
    except ModelRejected as rejected:
        outcome = str(rejected)
    assert "Please" in outcome or Decimal(outcome) > 0


def test_a_refusal_tells_the_customer_what_to_do() -> None:
    with pytest.raises(ModelRejected) as rejected:
        measure(truncated_binary())
    assert str(rejected.value) == (
        "The file breaks off: it announces 896 triangles, but only 447 arrived. Please export the "
        "model again and upload it once more."
    )
    assert str(pickle.loads(pickle.dumps(rejected.value))) == str(rejected.value)
