"""The list in chunks, so that a change costs the packing of one of them and not of the whole.

A chunk holds the rows that were created from its bound on and before the next chunk's bound. Rows
never move between chunks. The lowest bound is 0; new work comes into the newest chunk, which is cut
when it has grown too large.
"""

from __future__ import annotations

import gzip
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from atelier.mes.listing import rows
from atelier.mes.listing.rows import Row

SIZE: Final = 1000
"""Rows of a chunk when it is cut; it may grow to twice as many."""
FIRST: Final = 40
"""Rows that a page shows before it has loaded the whole list: more than fit on any screen."""

Sizes = Mapping[int, int]
"""How many rows each chunk has, by its bound."""


@dataclass(frozen=True)
class Update:
    """What changes in the chunks: those that are written, those that are gone, the sizes of all,
    and the list's first rows."""

    written: Mapping[int, bytes]
    gone: Sequence[int]
    sizes: Sizes
    first: Sequence[Row]


def pack(some: Sequence[Row]) -> bytes:
    # Level 9 takes four times as long as level 4, and saves a tenth.
    return gzip.compress(rows.to_json(some), compresslevel=4, mtime=0)


def unpack(content: bytes) -> list[Row]:
    return rows.from_json(gzip.decompress(content))


def cut(some: Sequence[Row], bound: int = 0) -> dict[int, list[Row]]:
    """Chunks by bound of these rows, newest first, of which the oldest belong from `bound` on.

    Rows that were created in the same microsecond stay together, however many they are.
    """
    oldest_first = some[::-1]
    chunks: dict[int, list[Row]] = {}
    start = 0
    while start < len(some) or not chunks:
        end = min(start + SIZE, len(some))
        while end < len(some) and oldest_first[end].created == oldest_first[end - 1].created:
            end += 1
        low = oldest_first[start].created if start else bound
        chunks[low] = list(oldest_first[start:end][::-1])
        start = end
    return chunks


def build(some: Sequence[Row]) -> Update:
    """All chunks of a list, newest first."""
    chunks = cut(some)
    return Update(
        written={bound: pack(part) for bound, part in chunks.items()},
        gone=(),
        sizes={bound: len(part) for bound, part in chunks.items()},
        first=some[:FIRST],
    )


def needed(sizes: Sizes, changed: Sequence[Row]) -> list[int]:
    """The chunks that `update` wants to see: those of the changed rows, and as many of the newest
    as the first rows will be found in, even if every change takes one away."""
    bounds = set(_homes(sizes, changed))
    missing = FIRST + len(changed)
    for bound in sorted(sizes, reverse=True):
        if missing > 0:
            bounds.add(bound)
            missing -= sizes[bound]
    return sorted(bounds)


def update(sizes: Sizes, contents: Mapping[int, bytes], changed: Sequence[Row]) -> Update:
    """The list after the changes; `contents` has the `needed` chunks."""
    before = {bound: unpack(content) for bound, content in contents.items()}
    after: dict[int, list[Row]] = {}
    for bound, news in _homes(sizes, changed).items():
        merged = merge(before[bound], news)
        after |= cut(merged, bound) if len(merged) > 2 * SIZE else {bound: merged}
    gone = [bound for bound, part in after.items() if bound and not part]
    sizes_after = {**sizes, **{bound: len(part) for bound, part in after.items()}}
    for bound in gone:
        del sizes_after[bound], after[bound]
    seen = {bound: before[bound] for bound in before if bound in sizes_after} | after
    return Update(
        written={bound: pack(part) for bound, part in after.items()},
        gone=gone,
        sizes=sizes_after,
        first=list(_first(sizes_after, seen)),
    )


def merge(some: Iterable[Row], changed: Iterable[Row]) -> list[Row]:
    """The rows after the changes, newest first. A row never goes back to an earlier sequence, and
    one that is finished leaves."""
    by_number = {row.number: row for row in some}
    for row in changed:
        known = by_number.get(row.number)
        if known is not None and known.sequence > row.sequence:
            continue
        if row.is_active:
            by_number[row.number] = row
        else:
            by_number.pop(row.number, None)
    return sorted(by_number.values(), key=lambda row: row.place, reverse=True)


def _homes(sizes: Sizes, changed: Iterable[Row]) -> Mapping[int, list[Row]]:
    bounds = sorted(sizes)
    found: dict[int, list[Row]] = defaultdict(list)
    for row in changed:
        found[bounds[bisect_right(bounds, row.created) - 1]].append(row)
    return found


def _first(sizes: Sizes, seen: Mapping[int, Sequence[Row]]) -> Iterator[Row]:
    missing = FIRST
    for bound in sorted(sizes, reverse=True):
        if missing > 0:
            yield from seen[bound][:missing]
            missing -= len(seen[bound])
