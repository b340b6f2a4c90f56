"""What a customer can do about a model that could not be priced, by code.

The reason that comes with a rejected model names figures; this is what the order page and the
letters say in front of it, or instead of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from atelier.languages import LazyText
from atelier.languages import gettext_lazy as _


@dataclass(frozen=True)
class Advice:
    """`title` says what is wrong, without a full stop, `remedy` what to do about it."""

    title: LazyText
    remedy: LazyText


_ADVICE: Final = {
    "not-stl": Advice(
        _("The file is not a readable STL file"),
        _("Open the model in your 3D program and export it as STL; binary or text, both are fine."),
    ),
    "truncated": Advice(
        _("Part of the file is missing"),
        _("It was probably cut off while it was saved or sent. Export the model again."),
    ),
    "too-large": Advice(
        _("The file is too large"),
        _("Reduce the number of triangles (“decimate” or “simplify” in most programs)."),
    ),
    "empty": Advice(
        _("There is nothing in the model that could be cast"),
        _("Check that the whole piece was exported, and that it has a thickness."),
    ),
    "not-finite": Advice(
        _("Some points of the model are nowhere"),
        _("Let your 3D program repair the mesh, then export it again."),
    ),
    "oversized": Advice(
        _("The model is far too large to wear"),
        _(
            "It was probably drawn in another unit. Set the unit to millimetres and export it "
            "again."
        ),
    ),
    "undersized": Advice(
        _("The model is too small to be cast"),
        _(
            "It was probably drawn in another unit. Set the unit to millimetres and export it "
            "again; or make the piece larger."
        ),
    ),
    "too-thin": Advice(
        _("The walls of the model are too thin to be cast"),
        _("Metal does not fill them. Make the walls thicker and export the model again."),
    ),
    "open-surface": Advice(
        _("The surface of the model has holes"),
        _(
            "Metal fills what is enclosed, so the skin must be closed everywhere. Close the holes "
            "(“make solid” or “repair mesh” in most programs) and export the model again."
        ),
    ),
    "inverted": Advice(
        _("Parts of the model are turned inside out"),
        _("Unify the normals (“recalculate outside” in most programs) and export the model again."),
    ),
}
_UNKNOWN: Final = Advice(
    _("Something about the model kept us from measuring it"),
    _("Let your 3D program repair the mesh, then export it again."),
)


def advice(code: str | None) -> Advice:
    """What to tell whoever sent a model that was refused with this code of a `ModelRejected`."""
    return _ADVICE.get(code or "", _UNKNOWN)
