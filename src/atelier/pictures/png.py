"""Writes PNG files (RFC 2083), 8 bits a channel with transparency."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_BY_ROW_ABOVE = 2


def png(pixels: NDArray[np.uint8]) -> bytes:
    """`pixels` of shape (row, column, 4): red, green, blue and opacity."""
    height, width, _ = pixels.shape
    above = np.zeros_like(pixels)
    above[1:] = pixels[:-1]
    rows = np.empty((height, 1 + 4 * width), np.uint8)
    rows[:, 0] = _BY_ROW_ABOVE
    rows[:, 1:] = (pixels - above).reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = zlib.compress(rows.tobytes(), 6)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND")


def _chunk(kind: bytes, content: bytes = b"") -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )
