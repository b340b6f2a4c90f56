"""Models that other people made, in the folder that TOUCHSTONE_MODELS names.

The expected figures are read from the table in that folder's README.md, so that every file listed
there is measured and none is forgotten.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from atelier.domain.models3d import ModelRejected, check_structure, measure

REJECTED = {"bad_open_surface.stl": "open-surface", "bad_empty.stl": "empty"}


@dataclass(frozen=True)
class Expected:
    file: Path
    triangles: int
    volume_mm3: Decimal | None
    size_mm: tuple[Decimal, ...]


def read_table(folder: Path) -> list[Expected]:
    rows = []
    for line in (folder / "README.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not cells[0].endswith(".stl"):
            continue
        name, _, triangles, closed, volume, size, *_ = cells
        rows.append(
            Expected(
                folder / name,
                int(triangles.replace(",", "")),
                Decimal(volume.replace(",", "")) if closed == "yes" else None,
                tuple(map(Decimal, re.findall(r"[\d.]+", size))),
            )
        )
    return rows


@pytest.fixture(scope="module")
def table() -> list[Expected]:
    folder = os.environ.get("TOUCHSTONE_MODELS")
    if not folder:
        pytest.skip("set TOUCHSTONE_MODELS to a folder of real models and their README.md")
    return read_table(Path(folder))


def test_the_table_has_solids_and_files_to_refuse(table: list[Expected]) -> None:
    assert {row.file.name for row in table if row.volume_mm3 is None} == set(REJECTED)
    assert len(table) > len(REJECTED)
    assert {row.file for row in table} == set(table[0].file.parent.glob("*.stl"))


def test_solids_measure_what_the_table_says(table: list[Expected]) -> None:
    for row in table:
        if row.volume_mm3 is None:
            continue
        data = row.file.read_bytes()
        solid = measure(data)
        assert check_structure(data) == solid.triangles == row.triangles, row.file.name
        assert abs(solid.volume_mm3 - row.volume_mm3) <= Decimal("0.01"), row.file.name
        for found, expected in zip(solid.size_mm, row.size_mm, strict=True):
            assert abs(found - expected) <= Decimal("0.01"), row.file.name


def test_files_that_are_no_solids_are_refused(table: list[Expected]) -> None:
    for row in table:
        if row.volume_mm3 is not None:
            continue
        with pytest.raises(ModelRejected) as rejected:
            measure(row.file.read_bytes())
        assert rejected.value.code == REJECTED[row.file.name]
