"""A piece as the browser gets it to show it in three dimensions: one compact binary document.

    four numbers          points and facets of the metal, points and facets of the stone
    for metal and stone   positions (3 × float32 a point), normals (4 × int8 a point, the last
                          unused), facets (3 × uint32 a facet)

All is little-endian and begins at a multiple of four bytes.
"""

from __future__ import annotations

import numpy as np

from atelier.domain.solids import Mesh
from atelier.pictures.creases import Shaded, shaded


def packed(metal: Mesh, stone: Mesh | None) -> bytes:
    """The document. A point on an edge is there once for each side, with that side's normal."""
    parts = [shaded(metal)] if stone is None else [shaded(metal), shaded(stone, crease=0)]
    counts = [count for part in parts for count in (len(part.points), len(part.facets))]
    counts += [0] * (4 - len(counts))
    return np.array(counts, "<u4").tobytes() + b"".join(map(_part, parts))


def _part(part: Shaded) -> bytes:
    normals = np.zeros((len(part.points), 4), np.int8)
    normals[:, :3] = np.round(part.normals * 127)
    return (
        part.points.astype("<f4").tobytes()
        + normals.tobytes()
        + part.facets.astype("<u4").tobytes()
    )
