"""Which other kind of file somebody has sent in place of an STL, told by how it begins."""

from __future__ import annotations

import re
from typing import Final

_LOOKED_AT: Final = 4096  # bytes

_ZIPPED: Final = (
    (b"3D/", "a 3MF file"),
    (b"[Content_Types].xml", "a 3MF or an Office file"),
    (b"AndroidManifest", "an Android app"),
)
_BYTES: Final = (
    (b"\x1f\x8b", "a file compressed with gzip"),
    (b"BZh", "a file compressed with bzip2"),
    (b"\xfd7zXZ\0", "a file compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "a file compressed with zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"glTF", "a glTF model (.glb)"),
    (b"Kaydara FBX", "an FBX model"),
    (b"BLENDER", "a Blender file (.blend)"),
    (b"3D Geometry File Format", "a Rhino file (.3dm)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a file of SolidWorks, Office or 3ds Max"),
    (b"MM\x00", "a 3DS model"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_TEXTS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (rb"ply\r?\n", "a PLY model"),
        (rb"(?:ST|C|N|4|n)?OFF\r?\n", "an OFF model"),
        (rb"ISO-10303-21", "a STEP file"),
        (rb"#VRML", "a VRML model"),
        (rb"; ?FBX ", "an FBX model"),
        (rb"0\r?\n *SECTION", "a DXF drawing"),
        (rb"\*\*ABCDEFG", "a Parasolid file"),
        (rb"[^\r\n]{72}S {0,6}0{0,6}1\r?\n", "an IGES file"),
        (rb"\{\s*+\"", "a JSON document"),
        (rb"\[\s*+[\[{\"]", "a JSON document"),
        (rb"%!PS", "a PostScript document"),
        (rb"\{\\rtf", "an RTF document"),
        (rb"(?:<!doctype html|<html|<head|<body)", "a web page (HTML)"),
    )
)
_MARKUP: Final = (
    (b"<amf", "an AMF model"),
    (b"<collada", "a Collada model (.dae)"),
    (b"<svg", "an SVG drawing"),
    (b"<x3d", "an X3D model"),
    (b"<model", "a 3MF model that was taken out of its file"),
    (b"<html", "a web page (HTML)"),
)
_OBJ: Final = re.compile(rb"(?:^|[\r\n])(?:v|vn|vt)(?:[ \t]++[-+.\d][^\s]*+){2,4}+[ \t]*+[\r\n]")


def format_of(data: bytes) -> str | None:
    """What the file is, with its article, such as "a PDF document"; None where it is not known."""
    begin = data[:_LOOKED_AT]
    if begin.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return next((name for sign, name in _ZIPPED if sign in begin), "a ZIP archive")
    for sign, name in _BYTES:
        # A short sign alone proves nothing of a file that is text.
        if begin.startswith(sign) and (len(sign) > 3 or b"\0" in begin or max(begin) > 127):
            return name
    if begin[:4] == b"RIFF" and begin[8:12] == b"WEBP":
        return "a WebP picture"
    text = begin.removeprefix(b"\xef\xbb\xbf").lstrip()
    for pattern, name in _TEXTS:
        if pattern.match(text):
            return name
    if text.startswith(b"<"):
        found = text.lower()
        return next((name for sign, name in _MARKUP if sign in found), "an XML document")
    return "an OBJ model" if _OBJ.search(begin) else None
