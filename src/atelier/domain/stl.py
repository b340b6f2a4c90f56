"""Reads the triangles of an STL file, text or binary, as all kinds of programs write it.

What is read comes from strangers: every file, however it is damaged, is read in time and memory
that grow with its size and no faster. So no expression here ever goes back (all are possessive),
and nothing is looked for from more than one place.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from atelier.domain.foreign_formats import format_of
from atelier.languages import LazyText
from atelier.languages import gettext_lazy as _
from atelier.languages.figures import Figure


class ModelRejected(Exception):
    """A file that we cannot cast.

    ``code`` is one of not-stl, truncated, empty, not-finite, oversized, undersized, open-surface,
    inverted, too-thin (and too-large, where files are received). The text is for the customer.
    """

    def __init__(self, code: str, reason: LazyText) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return str(self.reason)


_COUNT_AT, _FACETS_AT = 80, 84
_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_LONGEST_NAME: Final = 1000  # letters before the first facet of a file in one line
_LARGEST_SENSIBLE: Final = 1e9
"""mm; numbers beyond it are some other file's bytes, read as lengths."""

_NUMBER: Final = rb"(\S{1,60}+)"
_BEGIN = re.compile(rb"\s*+solid\b", re.IGNORECASE)
_REST_OF_LINE = re.compile(rb"[^\r\n]*+")
# A file in one line: what follows "solid" is a name only up to the first facet.
_FACET_AHEAD = re.compile(rb"\bfacet\s++normal\s++[-+.]?\d", re.IGNORECASE)
_TEXT_FACET = re.compile(
    rb"\s*+facet\s++normal(?:\s++\S++){3}\s++outer\s*+loop"
    + (rb"\s++vertex" + (rb"\s++" + _NUMBER) * 3) * 3
    + rb"\s++end\s*+loop\s++end\s*+facet\b",
    re.IGNORECASE,
)
_END = re.compile(rb"\s*+end\s*+solid\b[^\r\n]*+", re.IGNORECASE)
_WORD = re.compile(rb"\s*+(\S{1,60}+)")
_VERTEX: Final = ("vertex", "#", "#", "#")
_GRAMMAR: Final = (
    *("facet", "normal", "*", "*", "*", "outer", "loop"),
    *(_VERTEX * 3),
    *("endloop", "endfacet"),
)
_PADDING: Final = b" \t\r\n\f\v\0\x1a"
_TEXT_MARK: Final = b"\xef\xbb\xbf"

_NO_SURFACE: Final = _(
    "The file contains no surface at all. Please check that the model was part of the export."
)
_NOTHING: Final = _("The file is empty. Please export the model again.")
_BROKEN_OFF: Final = _(
    "The file breaks off before the end of the model: its last line, “endsolid”, is missing. "
    "Please export the model again and upload it once more."
)


def corners_of(data: bytes) -> NDArray[np.float32]:
    """The corners of all facets in an STL file, shape (facet, corner, axis), at least one facet.

    Numbers that float32 cannot hold are infinite in it, or zero. Raises ModelRejected: not-stl,
    truncated, empty.
    """
    if not data.strip(_PADDING[:-2]):
        raise ModelRejected("empty", _NOTHING)
    count = int.from_bytes(data[_COUNT_AT:_FACETS_AT], "little")
    # The size decides first: many programs begin the header of a binary file with "solid".
    if len(data) == _FACETS_AT + count * _FACET.itemsize:
        corners = np.frombuffer(data, _FACET, count, _FACETS_AT)["corners"]
    elif (text := _text_in(data)) is not None:
        corners = _corners_of_text(text)
    else:
        raise _no_text(data, count)
    if not len(corners):
        raise ModelRejected("empty", _NO_SURFACE)
    return corners


def _text_in(data: bytes) -> bytes | None:
    """The text of a text file, in a coding that has ASCII in it; None for anything else."""
    for mark, coding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            begin = data[2:200].decode(coding, "replace").encode()
            if not _BEGIN.match(begin):
                return None
            return data[2:].decode(coding, "replace").encode()
    text = data.removeprefix(_TEXT_MARK)
    return text if _BEGIN.match(text) and b"\0" not in text[:1000] else None


def _corners_of_text(text: bytes) -> NDArray[np.float32]:
    coordinates = array("d")
    position = 0
    while begin := _BEGIN.match(text, position):
        position = _after_name(text, begin.end())
        while facet := _TEXT_FACET.match(text, position):
            try:
                coordinates.extend(map(float, facet.groups()))
            except ValueError:
                raise _damaged(text, position) from None
            position = facet.end()
        end = _END.match(text, position)
        if end is None:
            raise _damaged(text, position)
        position = end.end()
    if rest := text[position:].strip(_PADDING):
        line = _line(text, len(text) - len(text[position:].lstrip(_PADDING)))
        raise ModelRejected(
            "not-stl",
            _(
                "The STL file goes on after its end: line %(line)s begins with “%(found)s”. Please "
                "export the model again.",
                line=line,
                found=_shown(rest),
            ),
        )
    with np.errstate(over="ignore", under="ignore"):  # beyond float32 is infinite: not-finite
        return np.frombuffer(coordinates, np.float64).astype(np.float32).reshape(-1, 3, 3)


def _after_name(text: bytes, position: int) -> int:
    line = _REST_OF_LINE.match(text, position)
    end = line.end() if line else position
    ahead = _FACET_AHEAD.search(text, position, min(end, position + _LONGEST_NAME))
    return ahead.start() if ahead else end


def _damaged(text: bytes, position: int) -> ModelRejected:
    """What is wrong with the facet that begins at `position`, found word by word."""
    for number, (expected, found, at) in enumerate(_words(text, position)):
        possible = (expected, "endsolid") if number == 0 else (expected,)
        half = any(each.startswith(found.lower()) for each in possible) or expected in "#*"
        if not found or (half and at + len(found) == len(text)):
            return ModelRejected("truncated", _BROKEN_OFF)
        if expected == "#" and "," in found:
            return ModelRejected(
                "not-stl",
                _(
                    "Line %(line)s of the STL file has the number “%(found)s”, which is written "
                    "with a comma. STL needs a decimal point. Please choose that in your 3D "
                    "program, or export a binary STL.",
                    line=_line(text, at),
                    found=_shown(found),
                ),
            )
        if not _fits(expected, found):
            return ModelRejected(
                "not-stl",
                _(
                    "The STL file is damaged: line %(line)s has “%(found)s” where %(wanted)s "
                    "should be. Please export the model again.",
                    line=_line(text, at),
                    found=_shown(found),
                    wanted=_wanted(expected, found),
                ),
            )
    return ModelRejected(
        "not-stl",
        _(
            "The STL file is damaged: the facet after line %(line)s cannot be read. Please export "
            "the model again.",
            line=_line(text, position),
        ),
    )


def _wanted(expected: str, found: str) -> LazyText:
    """What should stand where something else was found."""
    if expected == "#":
        return _("a number")
    if expected == "facet":
        return _("“facet” or “endsolid”")
    if expected == "endloop" and found.lower() == "vertex":
        return _("“endloop”, since a facet of an STL file has three corners")
    return _("“%(word)s”", word=expected)


def _words(text: bytes, position: int) -> Iterator[tuple[str, str, int]]:
    """What should stand in a facet, what stands there, and where; empty where the text ends."""
    for expected in _GRAMMAR:
        word = _WORD.match(text, position)
        if word is None:
            yield expected, "", len(text)
            return
        found, position = word[1].decode("latin-1"), word.end()
        if expected.startswith("end") and found.lower() == "end":
            if (more := _WORD.match(text, position)) is None:
                yield expected, "", len(text)
                return
            found, position = found + more[1].decode("latin-1"), more.end()
        elif expected == "outer" and found.lower() == "outerloop":
            continue
        elif expected == "loop" and found.lower() == "vertex":
            position = word.start()
            continue
        yield expected, found, position - len(found)


def _fits(expected: str, found: str) -> bool:
    if expected == "*":
        return True
    if expected != "#":
        return found.lower() == expected
    try:
        float(found)
    except ValueError:
        return False
    return True


def _line(text: bytes, position: int) -> int:
    """Lines end with LF, CR or both."""
    before = text[:position]
    return before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n") + 1


def _shown(found: bytes | str) -> str:
    """The beginning of what stands in a file, for people."""
    text = found[:80].decode("utf-8", "replace") if isinstance(found, bytes) else found
    first = " ".join(text.split())
    readable = "".join(each if each.isprintable() else "�" for each in first)
    return readable if len(readable) <= 24 else readable[:23] + "…"


def _no_text(data: bytes, count: int) -> ModelRejected:
    """Tell an STL with a wrong count, or half of one, from something else."""
    if (name := format_of(data)) is not None:
        return ModelRejected(
            "not-stl",
            _(
                "This is not an STL file but %(format)s. Please export the model as STL and upload "
                "that file.",
                format=name,
            ),
        )
    facets, rest = divmod(len(data) - _FACETS_AT, _FACET.itemsize)
    if not _sensible(data, facets) or (facets < 1 and count >= 1 << 24):
        return _not_stl(data)
    if facets < count < 1 << 24:  # 800 MB: no upload promises more, but any damage does
        return ModelRejected(
            "truncated",
            _(
                "The file breaks off: it announces %(count)s triangles, but only %(arrived)s "
                "arrived. Please export the model again and upload it once more.",
                count=Figure(count),
                arrived=Figure(facets),
            ),
        )
    if rest:
        return ModelRejected(
            "not-stl",
            _(
                "The STL file is damaged: it announces %(count)s triangles, but contains %(found)s "
                "triangles and %(rest)s bytes more. Please export the model again.",
                count=Figure(count),
                found=Figure(facets),
                rest=rest,
            ),
        )
    return ModelRejected(
        "not-stl",
        _(
            "The STL file is damaged: it announces %(count)s triangles, but contains %(found)s "
            "triangles. Please export the model again.",
            count=Figure(count),
            found=Figure(facets),
        ),
    )


def _sensible(data: bytes, facets: int) -> bool:
    """Whether the bytes make sense as so many facets."""
    if facets < 0:
        return False
    corners = np.frombuffer(data, _FACET, facets, _FACETS_AT)["corners"]
    return bool((np.abs(corners) < _LARGEST_SENSIBLE).all())


def _not_stl(data: bytes) -> ModelRejected:
    begin = data.removeprefix(_TEXT_MARK).lstrip()[:80]
    if begin[:5].lower() == b"facet":
        why = _(
            "This is not an STL file: its first line, “solid”, is missing. Please export the model "
            "as STL and upload that file."
        )
    elif all(byte >= 32 or byte in b"\t\r\n" for byte in begin):
        why = _(
            "This is not an STL file: it begins with “%(found)s” and not with “solid”. Please "
            "export the model as STL and upload that file.",
            found=_shown(begin),
        )
    else:
        why = _(
            "This is not an STL file: its bytes are no triangles. Please export the model as STL "
            "and upload that file."
        )
    return ModelRejected("not-stl", why)
