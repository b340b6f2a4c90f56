"""Which other kind of file somebody has sent in place of an STL, told by how it begins."""

from __future__ import annotations

import re
from typing import Final

from atelier.languages import LazyText
from atelier.languages import gettext_lazy as _

_LOOKED_AT: Final = 4096  # bytes

_ZIPPED: Final = (
    (b"3D/", _("a 3MF file")),
    (b"[Content_Types].xml", _("a 3MF or an Office file")),
    (b"AndroidManifest", _("an Android app")),
)
_BYTES: Final = (
    (b"\x1f\x8b", _("a file compressed with gzip")),
    (b"BZh", _("a file compressed with bzip2")),
    (b"\xfd7zXZ\0", _("a file compressed with xz")),
    (b"\x28\xb5\x2f\xfd", _("a file compressed with zstd")),
    (b"7z\xbc\xaf\x27\x1c", _("a 7-Zip archive")),
    (b"Rar!", _("a RAR archive")),
    (b"%PDF-", _("a PDF document")),
    (b"\x89PNG\r\n", _("a PNG picture")),
    (b"\xff\xd8\xff", _("a JPEG picture")),
    (b"GIF8", _("a GIF picture")),
    (b"BM", _("a BMP picture")),
    (b"II*\0", _("a TIFF picture")),
    (b"MM\0*", _("a TIFF picture")),
    (b"glTF", _("a glTF model (.glb)")),
    (b"Kaydara FBX", _("an FBX model")),
    (b"BLENDER", _("a Blender file (.blend)")),
    (b"3D Geometry File Format", _("a Rhino file (.3dm)")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _("a file of SolidWorks, Office or 3ds Max")),
    (b"MM\x00", _("a 3DS model")),
    (b"\x7fELF", _("a program")),
    (b"MZ", _("a program")),
)
_TEXTS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (rb"ply\r?\n", _("a PLY model")),
        (rb"(?:ST|C|N|4|n)?OFF\r?\n", _("an OFF model")),
        (rb"ISO-10303-21", _("a STEP file")),
        (rb"#VRML", _("a VRML model")),
        (rb"; ?FBX ", _("an FBX model")),
        (rb"0\r?\n *SECTION", _("a DXF drawing")),
        (rb"\*\*ABCDEFG", _("a Parasolid file")),
        (rb"[^\r\n]{72}S {0,6}0{0,6}1\r?\n", _("an IGES file")),
        (rb"\{\s*+\"", _("a JSON document")),
        (rb"\[\s*+[\[{\"]", _("a JSON document")),
        (rb"%!PS", _("a PostScript document")),
        (rb"\{\\rtf", _("an RTF document")),
        (rb"(?:<!doctype html|<html|<head|<body)", _("a web page (HTML)")),
    )
)
_MARKUP: Final = (
    (b"<amf", _("an AMF model")),
    (b"<collada", _("a Collada model (.dae)")),
    (b"<svg", _("an SVG drawing")),
    (b"<x3d", _("an X3D model")),
    (b"<model", _("a 3MF model that was taken out of its file")),
    (b"<html", _("a web page (HTML)")),
)
_OBJ: Final = re.compile(rb"(?:^|[\r\n])(?:v|vn|vt)(?:[ \t]++[-+.\d][^\s]*+){2,4}+[ \t]*+[\r\n]")


def format_of(data: bytes) -> LazyText | None:
    """What the file is, with its article, such as "a PDF document"; None where it is not known."""
    begin = data[:_LOOKED_AT]
    if begin.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return next((name for sign, name in _ZIPPED if sign in begin), _("a ZIP archive"))
    for sign, name in _BYTES:
        # A short sign alone proves nothing of a file that is text.
        if begin.startswith(sign) and (len(sign) > 3 or b"\0" in begin or max(begin) > 127):
            return name
    if begin[:4] == b"RIFF" and begin[8:12] == b"WEBP":
        return _("a WebP picture")
    text = begin.removeprefix(b"\xef\xbb\xbf").lstrip()
    for pattern, name in _TEXTS:
        if pattern.match(text):
            return name
    if text.startswith(b"<"):
        found = text.lower()
        return next((name for sign, name in _MARKUP if sign in found), _("an XML document"))
    return _("an OBJ model") if _OBJ.search(begin) else None
