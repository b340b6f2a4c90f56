"""Rings of the constructor: whatever may be chosen is a solid of the right volume."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from atelier.domain import ring_design
from atelier.domain.designs import DESIGNS
from atelier.domain.models3d import measure
from atelier.domain.ring_design import (
    Place,
    Profile,
    RingDesign,
    Seat,
    Surface,
    as_fields,
    faults,
    from_fields,
    in_words,
)
from atelier.domain.ring_sizes import EU_SIZES
from atelier.domain.rings import SEGMENTS, build
from atelier.domain.solids import Mesh, binary_stl, volume_mm3
from atelier.domain.stones import brilliant

few = settings(max_examples=20)


def tenths(limits: ring_design.Bounds, most: str | None = None) -> st.SearchStrategy[Decimal]:
    return st.decimals(limits.least, Decimal(most) if most else limits.most, places=1)


# Not the widest of all in most examples: their meshes are large, and not otherwise different.
measures: Mapping[str, st.SearchStrategy[Any]] = {
    "size": st.sampled_from(EU_SIZES),
    "width": tenths(ring_design.WIDTH, "8.0"),
    "thickness": tenths(ring_design.THICKNESS),
    "profile": st.sampled_from(Profile),
    "surface": st.sampled_from(Surface),
    "seat": st.sampled_from(Seat),
    "stone": tenths(ring_design.STONE),
    "place": st.sampled_from(Place),
}
plain_designs = st.builds(RingDesign, **measures)
engraved_designs = st.builds(
    RingDesign,
    **measures,
    engraving=st.text("AaЖё7&♥ ", max_size=10).map(lambda text: " ".join(text.split())),
)


def is_sewn(mesh: Mesh) -> bool:
    """Whether every edge is used once in each direction: stricter than what files are held to."""
    start, end = mesh.facets.ravel(), np.roll(mesh.facets, -1, axis=1).ravel()
    there = start.astype(np.int64) * len(mesh.points) + end
    back = end.astype(np.int64) * len(mesh.points) + start
    return len(np.unique(there)) == len(there) and np.array_equal(np.sort(there), np.sort(back))


def windings(mesh: Mesh, points: np.ndarray) -> np.ndarray:
    """How often the surface goes around each point: 1 in metal, 0 in air, 2 where parts overlap."""
    corners = mesh.points[mesh.facets].astype(np.float64)
    found = []
    for point in points:
        a, b, c = (corners - point).transpose(1, 0, 2)
        one, two, three = (np.linalg.norm(each, axis=1) for each in (a, b, c))
        volume = np.einsum("pa,pa->p", a, np.cross(b, c))
        rest = (
            one * two * three
            + np.einsum("pa,pa->p", a, b) * three
            + np.einsum("pa,pa->p", b, c) * one
            + np.einsum("pa,pa->p", c, a) * two
        )
        found.append(np.arctan2(volume, rest).sum() / (2 * np.pi))
    return np.array(found)


class TestSolids:
    @given(engraved_designs)
    @few
    def test_whatever_may_be_chosen_is_a_solid_that_can_be_priced(self, design: RingDesign) -> None:
        assume(not faults(design))

        mesh = build(design)

        assert is_sewn(mesh)
        assert measure(binary_stl(mesh)).volume_mm3 == volume_mm3(mesh) > 0

    @given(plain_designs, st.integers(0, 2**32 - 1))
    @settings(max_examples=8)
    def test_no_part_of_a_ring_is_inside_another(self, design: RingDesign, seed: int) -> None:
        design = replace(design, surface=Surface.SMOOTH)
        assume(not faults(design))
        mesh = build(design)
        random = np.random.default_rng(seed)
        near = mesh.points[random.integers(0, len(mesh.points), 6)]
        top = (0, design.inner_radius + float(design.thickness) + 1, 0)
        places = np.concatenate((near, np.broadcast_to(top, (6, 3)))) + random.normal(
            0, 0.4, (12, 3)
        )

        found = windings(mesh, places)

        assert set(np.round(found).astype(int)) <= {0, 1}
        assert np.abs(found - np.round(found)).max() < 1e-3

    @given(plain_designs, st.sampled_from(("width", "thickness")))
    @few
    def test_a_wider_or_thicker_ring_has_more_metal(self, design: RingDesign, measure: str) -> None:
        more = replace(design, **{measure: getattr(design, measure) + Decimal("0.2")})
        assume(not faults(design) and not faults(more))

        assert volume_mm3(build(more)) > volume_mm3(build(design))

    @given(st.sampled_from(EU_SIZES), tenths(ring_design.WIDTH), tenths(ring_design.THICKNESS))
    @few
    def test_a_plain_flat_band_has_the_volume_of_a_tube(
        self, size: int, width: Decimal, thickness: Decimal
    ) -> None:
        flat = RingDesign(size=size, width=width, thickness=thickness, profile=Profile.FLAT)
        inner = size / (2 * math.pi)
        outer = inner + float(thickness)
        tube = math.pi * (outer**2 - inner**2) * float(width)
        # A regular polygon instead of each circle.
        faceted = SEGMENTS / (2 * math.pi) * math.sin(2 * math.pi / SEGMENTS)

        volume = float(volume_mm3(build(flat)))

        assert volume == pytest.approx(tube * faceted, rel=1e-5)
        assert volume == pytest.approx(tube, rel=2e-4)

    @pytest.mark.parametrize("place", Place)
    def test_letters_are_cut_out_of_the_metal_or_added_to_it(self, place: Place) -> None:
        plain = RingDesign(profile=Profile.FLAT, width=Decimal("5.0"))
        engraved = replace(plain, engraving="Anna", place=place)

        change = volume_mm3(build(engraved)) - volume_mm3(build(plain))

        assert change > 1 if place is Place.RAISED else change < -1

    @pytest.mark.parametrize("seat", [each for each in Seat if each is not Seat.NONE])
    def test_a_seat_holds_its_stone(self, seat: Seat) -> None:
        design = RingDesign(seat=seat)
        mesh, stone = build(design), brilliant(design)
        assert stone is not None

        girdle = stone.points[np.hypot(*stone.points[:, [0, 2]].T) > 0.499 * float(design.stone)]

        assert mesh.points[:, 1].max() > girdle[:, 1].max()  # metal reaches over its widest part
        assert is_sewn(stone)
        assert stone.points[:, 1].min() > design.inner_radius + float(design.thickness)

    def test_a_ring_without_a_seat_has_no_stone(self) -> None:
        assert brilliant(RingDesign()) is None

    @pytest.mark.parametrize("code", DESIGNS)
    def test_every_design_of_the_catalogue_can_be_made(self, code: str) -> None:
        design = DESIGNS[code].ring

        assert faults(design) == {}
        assert is_sewn(build(design))


class TestWhatDoesNotFit:
    @pytest.mark.parametrize(
        ("fields", "faulty", "words"),
        [
            ({"size": "43"}, "size", "sizes 44 to 70"),
            ({"size": "large"}, "size", "from 44 to 70"),
            ({"size": "9" * 5000}, "size", "from 44 to 70"),
            ({"width": "1.4"}, "width", "1.5 to 12.0 mm wide"),
            ({"width": "wide"}, "width", "a number of millimetres"),
            ({"width": "1e400"}, "width", "a number of millimetres"),
            ({"width": "NaN"}, "width", "a number of millimetres"),
            ({"thickness": "3.6"}, "thickness", "1.2 to 3.5 mm thick"),
            ({"seat": "bezel", "stone": "9"}, "stone", "2.0 to 8.0 mm"),
            ({"seat": "bezel", "stone": "8", "width": "1.5"}, "stone", "at least 2.0 mm"),
            ({"profile": "square"}, "profile", "flat, bevelled"),
            ({"engraving": "x" * 41}, "engraving", "41 letters"),
            ({"engraving": "永遠"}, "engraving", "永 遠"),
            ({"engraving": "ÇÉ", "width": "1.5"}, "engraving", "too narrow"),
            (
                {"engraving": "W" * 40, "size": "44", "seat": "bezel", "stone": "8"}
                | {"place": "outside"},
                "engraving",
                "too long",
            ),
            (
                {"engraving": "Anna", "place": "outside", "profile": "knife-edge"},
                "engraving",
                "knife edge",
            ),
        ],
    )
    def test_is_said_by_field(self, fields: dict[str, str], faulty: str, words: str) -> None:
        _, found = from_fields(fields, RingDesign())

        assert list(found) == [faulty]
        assert words in str(found[faulty])

    def test_a_stone_matters_only_where_there_is_a_seat(self) -> None:
        assert faults(RingDesign(seat=Seat.NONE, stone=Decimal(99))) == {}

    def test_the_width_that_is_proposed_is_enough(self) -> None:
        _, found = from_fields({"engraving": "Ёж", "width": "1.6"}, RingDesign())
        proposed = str(found["engraving"]).split("Choose ")[1].split(" mm")[0]

        assert from_fields({"engraving": "Ёж", "width": proposed}, RingDesign())[1] == {}

    @given(engraved_designs)
    def test_a_design_survives_its_form(self, design: RingDesign) -> None:
        read, found = from_fields(as_fields(design), RingDesign())

        assert read == design
        assert found == faults(design)

    @given(st.dictionaries(st.sampled_from(sorted(as_fields(RingDesign()))), st.text(max_size=12)))
    def test_no_form_is_answered_with_anything_but_words(self, fields: dict[str, str]) -> None:
        design, found = from_fields(fields, RingDesign())

        assert all(found.values())
        assert in_words(design).endswith(".")

    def test_a_comma_is_a_point(self) -> None:
        assert from_fields({"width": " 3,5 "}, RingDesign())[0].width == Decimal("3.5")
