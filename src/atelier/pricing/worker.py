"""A worker: measures one model after another, in a process that may be lost.

It reads a model's length (`>Q`) and content from its connection and answers with a length and JSON:
`{"solid": [triangles, volume, [x, y, z]]}`, `{"rejected": [code, message]}` or `{"fault": text}`.
What it reads comes from strangers, so it opens nothing and holds nothing but that connection.
"""

from __future__ import annotations

import json
import resource
import socket
import struct
import sys
import traceback
from decimal import Decimal
from pathlib import Path
from typing import Any

from atelier.domain.models3d import ModelRejected, Solid, measure
from atelier.languages.keeping import from_dict, to_dict

LENGTH = struct.Struct(">Q")


class WorkerFault(Exception):
    """The worker could not measure the model, and says why: a fault of ours, or of the machine."""


def run(connection: socket.socket, memory: int) -> None:
    """Until the connection closes. `memory` (bytes) is what models may take."""
    _bound(memory)
    with connection:
        while (length := _read(connection, LENGTH.size)) is not None:
            data = _read(connection, LENGTH.unpack(length)[0])
            if data is None:
                return
            answer = json.dumps(_answer(data)).encode()
            connection.sendall(LENGTH.pack(len(answer)) + answer)


def solid_of(answer: bytes) -> Solid:
    """What a worker answered. Raises ModelRejected, WorkerFault."""
    match json.loads(answer):
        case {"solid": [triangles, volume, size]}:
            x, y, z = map(Decimal, size)
            return Solid(triangles, Decimal(volume), (x, y, z))
        case {"rejected": [code, reason]}:
            raise ModelRejected(code, from_dict(reason))
        case {"fault": text}:
            raise WorkerFault(text)
        case _:
            raise WorkerFault("the worker's answer makes no sense")


def _answer(data: bytes) -> dict[str, Any]:
    try:
        found = measure(data)
    except ModelRejected as fault:
        return {"rejected": [fault.code, to_dict(fault.reason)]}
    except MemoryError:
        return {"fault": "the model needs more memory than a worker may take"}
    except Exception as error:
        # Its text may quote the file, which is nobody's business but the customer's.
        where = traceback.extract_tb(error.__traceback__)[-1]
        return {"fault": f"{type(error).__name__} in {where.name}, line {where.lineno}"}
    size = [str(length) for length in found.size_mm]
    return {"solid": [found.triangles, str(found.volume_mm3), size]}


def _read(connection: socket.socket, length: int) -> bytes | None:
    """Exactly `length` bytes; None when the connection closes before."""
    data = bytearray(length)
    left = memoryview(data)
    while left:
        count = connection.recv_into(left)
        if not count:
            return None
        left = left[count:]
    return bytes(data)


def _bound(memory: int) -> None:
    # Elsewhere the limit does not hold, or the process's present size is not to be had.
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
