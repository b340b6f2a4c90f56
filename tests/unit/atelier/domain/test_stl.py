"""STL as other programs write it, and what is said of a file that is damaged or none at all."""

from __future__ import annotations

import gzip
import io
import re
import struct
import zipfile
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.domain import stl
from atelier.domain.models3d import ModelRejected, check_structure, measure
from atelier.web.painting import picture_of_model
from fixtures.models import Mesh, as_ascii_stl, as_binary_stl, ring

RING = ring(segments=12)
TEXT = as_ascii_stl(RING)
BINARY = as_binary_stl(RING)
THERE = measure(BINARY)


def zipped(name: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, b"<model/>" * 100)
    return content.getvalue()


def reason(data: bytes) -> str:
    with pytest.raises(ModelRejected) as refused:
        measure(data)
    assert "Please" in str(refused.value)
    return f"{refused.value.code}: {refused.value.reason}"


def lines(text: bytes, rewrite: Callable[[bytes], bytes]) -> bytes:
    return b"\n".join(map(rewrite, text.splitlines())) + b"\n"


class TestAsOthersWriteIt:
    @pytest.mark.parametrize(
        "rewrite",
        [
            lambda text: text.replace(b"\n", b"\r"),
            lambda text: text.replace(b"\n", b" ").replace(b"solid ring", b"solid ring ", 1),
            lambda text: b"\xef\xbb\xbf" + text,
            lambda text: b"\xff\xfe" + text.decode().encode("utf-16-le"),
            lambda text: b"\xfe\xff" + text.decode().encode("utf-16-be"),
            lambda text: text.replace(b"endfacet", b"end facet").replace(b"endloop", b"end loop"),
            lambda text: text.replace(b"endsolid", b"end solid"),
            lambda text: text.replace(b"outer loop", b"outerloop"),
            lambda text: text.replace(b"solid ring", "solid кольцо №1".encode()),
            lambda text: text.replace(b"solid ring", "solid Ringgröße".encode("latin-1")),
            lambda text: text.replace(b"facet normal 0", b"facet normal -nan(ind)"),
            lambda text: text + b"\0" * 100,
            lambda text: text + b"\x1a",
            lambda text: lines(text, lambda line: b"   \t" + line + b"  "),
        ],
        ids=[
            *("CR", "one line", "BOM", "UTF-16", "UTF-16, big end first", "end facet", "end solid"),
            *("outerloop", "Russian name", "Latin-1 name", "no normal", "NUL padding", "Ctrl-Z"),
            "blanks around",
        ],
    )
    def test_text(self, rewrite: Callable[[bytes], bytes]) -> None:
        assert measure(rewrite(TEXT)) == THERE

    def test_numbers_with_exponents(self) -> None:
        def scientific(line: bytes) -> bytes:
            word, *numbers = line.split()
            if word != b"vertex":
                return line
            return b"vertex " + b" ".join(b"%+.9E" % float(each) for each in numbers)

        assert measure(lines(TEXT, scientific)) == THERE

    @pytest.mark.parametrize("header", [b"COLOR=\xff\x80\x40\xff,MATERIAL=", b"solid Magics"])
    def test_colours_of_facets(self, header: bytes) -> None:
        coloured = bytearray(as_binary_stl(RING, header))
        for at in range(84 + 48, len(coloured), 50):
            coloured[at : at + 2] = b"\xff\x7f"
        assert measure(bytes(coloured)) == THERE


FACET = (
    b"facet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\n"
)


def solid(facet: bytes) -> bytes:
    return b"solid a\n" + FACET + facet + b"endsolid a\n"


class TestWhatIsWrongWithThisFile:
    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b" \n\t ", "empty: The file is empty"),
            (b"solid a\nendsolid a\n", "empty: The file contains no surface"),
            (solid(FACET.replace(b"1 0 0", b"1,5 0,0 0,0")), "line 12 of the STL"),
            (solid(FACET.replace(b"1 0 0", b"1,5 0,0 0,0")), "decimal point"),
            (solid(FACET.replace(b"1 0 0", b"1 x 0")), "line 12 has “x” where a number should"),
            (solid(FACET.replace(b"1 0 0", b"1 0")), "line 13 has “vertex” where a number"),
            (solid(FACET.replace(b"vertex 1", b"vortex 1")), "“vortex” where “vertex” should"),
            (solid(FACET.replace(b"endloop", b"vertex 1 1 0\nendloop")), "three corners"),
            (solid(FACET.replace(b"normal 0 0 1", b"")), "“outer” where “normal” should"),
            (solid(b"color 1 0 0\n"), "line 9 has “color” where “facet” or “endsolid”"),
            (b"solid a\n" + FACET, "truncated: The file breaks off"),
            (b"solid a\n" + FACET[:-20], "truncated: The file breaks off"),
            (b"solid a\n" + FACET + b"end", "truncated: The file breaks off"),
            (solid(b"") + b"and more", "after its end: line 10 begins with “and more”"),
            (solid(b"").replace(b"\n", b"\r") + b"more", "after its end: line 10 begins"),
            (FACET * 3, "“solid”, is missing"),
            (b"Dear all, here is my ring", "begins with “Dear all, here is my ri…”"),
            (BINARY[:-1], "breaks off: it announces"),
            (BINARY + b"more", "and 4 bytes more"),
            (BINARY[:80] + bytes(4) + BINARY[84:], "it announces 0 triangles, but contains 224"),
            (BINARY[:80] + b"\xff" * 4 + BINARY[84:], "it announces 4,294,967,295 triangles"),
            (zipped("3D/3dmodel.model"), "but a 3MF file"),
            (zipped("ring.stl"), "but a ZIP archive"),
            (gzip.compress(TEXT), "but a file compressed with gzip"),
            (b"ply\nformat ascii 1.0\nelement vertex 3\n", "but a PLY model"),
            (b"# Blender 4\r\nmtllib a.mtl\r\no ring\r\nv 1.0 0.5 -2\r\n", "but an OBJ model"),
            (b"ISO-10303-21;\nHEADER;\n" * 9, "but a STEP file"),
            (b'<?xml version="1.0"?>\n<amf unit="millimeter">', "but an AMF model"),
            (b"<!DOCTYPE html><html>", "but a web page (HTML)"),
            (b"%PDF-1.7\n%\xe2\xe3" + bytes(200), "but a PDF document"),
            (b"\x89PNG\r\n\x1a\n" + bytes(200), "but a PNG picture"),
            (b"\xff\xd8\xff\xe0" + bytes(200), "but a JPEG picture"),
            (b'{"asset": {"version": "2.0"}}', "but a JSON document"),
        ],
    )
    def test_is_said(self, data: bytes, words: str) -> None:
        assert words.lower() in reason(data).lower()

    def test_what_the_file_holds_is_told_in_readable_letters_only(self) -> None:
        told = reason(solid(b"\x1b[31m\xe2\x80\xae" + b"x" * 60 + b"\n"))
        assert all(each.isprintable() for each in told)


# The shapes of text in which reading could go back, each as long as wanted.
LONG: dict[str, Callable[[int], bytes]] = {
    "blanks": lambda n: b" " * n,
    "lines": lambda n: b"\n" * n,
    "one word": lambda n: b"x" * n,
    "digits": lambda n: b"1" * n,
    "words": lambda n: b"a " * (n // 2),
    "solid": lambda n: b"solid " * (n // 6),
    "solid lines": lambda n: b"solid\n" * (n // 6),
    "facet": lambda n: b"facet " * (n // 6),
    "facet normal": lambda n: b"facet   normal " * (n // 15),
    "endsolid": lambda n: b"endsolid\n" * (n // 9),
    "end": lambda n: b"end " * (n // 4),
    "solids": lambda n: b"solid a\nendsolid a\n" * (n // 19),
    "facets": lambda n: FACET * (n // len(FACET)),
    "NUL": lambda n: b"\0" * n,
    "markup": lambda n: b"<a" * (n // 2),
    "v lines": lambda n: b"v 1 1\n" * (n // 6),
}
BEFORE: dict[str, bytes] = {
    "nothing": b"",
    "a name": b"solid ring",
    "a line": b"solid ring\n",
    "a facet's beginning": b"solid ring\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex",
    "a facet": b"solid ring\n" + FACET,
    "the end": b"solid ring\n" + FACET + b"endsolid ring\n",
}


class TestTime:
    @pytest.mark.parametrize(("before", "long"), [*product(BEFORE, LONG)])
    def test_grows_with_the_size_and_no_faster(self, before: str, long: str) -> None:
        """2 MB take a moment; in quadratic time they would take hours, until the time limit."""
        data = BEFORE[before] + LONG[long](2_000_000) + b"x"
        with pytest.raises(ModelRejected):
            check_structure(data)

    def test_no_expression_can_go_back(self) -> None:
        patterns = [each.pattern for each in vars(stl).values() if isinstance(each, re.Pattern)]
        assert len(patterns) > 4
        for pattern in patterns:
            greedy = pattern.replace(b"*+", b"").replace(b"++", b"").replace(b"}+", b"}")
            assert b"*" not in greedy
            assert b"+" not in greedy.replace(b"[-+.]", b"")


TINY, HUGE = float(np.finfo(np.float32).smallest_subnormal), float(np.finfo(np.float32).max)
SIZES = (TINY, -TINY, 1e-40, 1e-38, 1e-30, 1e-20, 1e-6, 1.0, 1e6, 1e9, 1e19, 1e30, HUGE, -HUGE)
EXTREMES = (*SIZES, float("nan"), float("inf"), float("-inf"))


def outcome(data: bytes) -> str:
    """Measured, or what a customer is told."""
    try:
        return str(measure(data).volume_mm3)
    except ModelRejected as refused:
        return str(refused)


class TestEveryNumber:
    @pytest.mark.parametrize("factor", EXTREMES)
    @pytest.mark.parametrize("text", [False, True])
    def test_is_measured_and_drawn_or_refused(self, factor: float, text: bool) -> None:
        with np.errstate(all="ignore"):
            mesh = Mesh((ring(segments=8).corners * np.float32(factor)).astype(np.float32))
            data = as_ascii_stl(mesh) if text else as_binary_stl(mesh)
        told = outcome(data)
        assert "Please" in told or float(told) > 0
        picture = picture_of_model(data, None)
        assert (picture is None) == (not np.isfinite(mesh.corners).all())

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.lists(st.floats(width=32) | st.sampled_from([*EXTREMES, 0.0]), min_size=9).map(
                lambda numbers: numbers[:9]
            ),
            min_size=1,
            max_size=8,
        )
    )
    def test_in_any_mixture(self, facets: list[list[float]]) -> None:
        data = bytes(80) + struct.pack("<I", len(facets))
        for facet in facets:
            with np.errstate(all="ignore"):
                data += bytes(12) + np.array(facet, np.float64).astype("<f4").tobytes() + bytes(2)
        assert len(outcome(data)) < 300
        picture_of_model(data, "gold-585")

    @pytest.mark.parametrize("axis", [0, 1, 2])
    @pytest.mark.parametrize("flat", [0.0, 1e-45, 7.0])
    def test_a_flat_model_is_drawn(self, axis: int, flat: float) -> None:
        corners = ring(segments=8).corners.copy()
        corners[..., axis] = flat
        assert picture_of_model(as_binary_stl(Mesh(corners)), None)

    @pytest.mark.parametrize("axes", [(0, 1), (0, 2), (1, 2)])
    def test_a_line_is_drawn(self, axes: tuple[int, int]) -> None:
        corners = ring(segments=8).corners.copy()
        corners[..., list(axes)] = 3
        assert picture_of_model(as_binary_stl(Mesh(corners)), None)

    def test_of_a_point_there_is_no_picture(self) -> None:
        assert (
            picture_of_model(as_binary_stl(Mesh(np.full((4, 3, 3), 5, np.float32))), None) is None
        )

    def test_a_heap_of_sheets_is_not_drawn(self) -> None:
        """20,000 facets, each as large as the picture: 80 GB, before they were counted."""
        sheet = np.array([[(-9, -9, 0), (9, -9, 0), (0, 9, 0)]], np.float32)
        heap = Mesh(np.repeat(sheet, 20_000, axis=0))
        assert picture_of_model(as_binary_stl(heap), None) is None
