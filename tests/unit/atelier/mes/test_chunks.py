from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from atelier.domain.lifecycle import State
from atelier.mes.listing import chunks, rows
from atelier.mes.listing.rows import Row


def row(created: int, state: State = State.SUBMITTED, sequence: int = 1, name: str = "") -> Row:
    return Row(
        name or f"AT-{created:06}",
        sequence,
        state,
        "gold-585",
        "polished",
        "ring.stl",
        "shop",
        None,
        created,
        None,
    )


def newest_first(*some: Row) -> list[Row]:
    return sorted(some, key=lambda each: each.place, reverse=True)


def whole(sizes: chunks.Sizes, contents: dict[int, bytes]) -> list[Row]:
    return [
        each for bound in sorted(sizes, reverse=True) for each in chunks.unpack(contents[bound])
    ]


def test_a_row_comes_out_of_its_packing_as_it_went_in() -> None:
    some = [row(3)._replace(operator="Véra “the hand”", promised=1_800_000_000), row(2)]
    assert chunks.unpack(chunks.pack(some)) == some


def test_a_list_is_cut_into_chunks_of_which_none_shares_a_moment_with_another() -> None:
    created = sorted([*range(2500), *[1000] * 30], reverse=True)
    some = [row(at, name=f"AT-{place:06}") for place, at in enumerate(created)]

    found = chunks.cut(some)

    assert [each for bound in sorted(found, reverse=True) for each in found[bound]] == some
    assert min(found) == 0
    for older, newer in pairwise(sorted(found)):
        assert found[older][0].created < newer == found[newer][-1].created


def test_nothing_is_one_empty_chunk() -> None:
    built = chunks.build([])
    assert (built.sizes, built.first) == ({0: 0}, [])


def test_a_row_does_not_go_back_to_an_earlier_step() -> None:
    later = row(1, State.CONFIRMED, sequence=3)
    assert chunks.merge([later], [row(1, State.PRICE_CALCULATED, sequence=2)]) == [later]
    assert chunks.merge([later], [row(1, State.CANCELLED, sequence=2)]) == [later]


def test_what_is_finished_leaves_and_does_not_come_in() -> None:
    assert chunks.merge([row(1), row(2)], [row(1, State.CLOSED, sequence=9)]) == [row(2)]
    assert chunks.merge([], [row(1, State.CANCELLED)]) == []


def test_a_chunk_of_which_nothing_is_left_goes() -> None:
    built = chunks.build(newest_first(*map(row, range(1500))))
    [newest] = [bound for bound in built.sizes if bound]
    finished = [row(at, State.CLOSED, 2) for at in range(newest, 1500)]

    found = chunks.update(built.sizes, built.written, finished)

    assert list(found.gone) == [newest]
    assert found.sizes == {0: 1000}
    assert list(found.first) == newest_first(*map(row, range(960, 1000)))


def test_a_chunk_that_has_grown_is_cut() -> None:
    built = chunks.build(newest_first(*map(row, range(2000))))
    found = chunks.update(built.sizes, built.written, [row(at) for at in range(2000, 3100)])

    assert sum(found.sizes.values()) == 3100
    assert max(found.sizes.values()) <= 2 * chunks.SIZE
    assert list(found.first) == newest_first(*map(row, range(3060, 3100)))


steps = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from([State.SUBMITTED, State.SHIPPED, State.CLOSED])),
    max_size=80,
)


@given(steps, st.randoms(use_true_random=False))
def test_any_changes_in_any_batches_lead_to_the_same_list(
    told: list[tuple[int, State]], chance: random.Random
) -> None:
    latest: dict[int, Row] = {}
    history = []
    for number, (created, state) in enumerate(told):
        history.append(row(created, state, sequence=number + 1))
        latest[created] = history[-1]
    built = chunks.build([])
    sizes, contents = dict(built.sizes), dict(built.written)
    at = 0
    while at < len(history):
        # Some of what was told before comes once more.
        start = max(0, at - chance.randrange(3))
        at += chance.randrange(1, 20)
        news = history[start:at]
        needed = {bound: contents[bound] for bound in chunks.needed(sizes, news)}
        found = chunks.update(sizes, needed, news)
        sizes = dict(found.sizes)
        contents = {
            bound: content
            for bound, content in {**contents, **found.written}.items()
            if bound in sizes
        }
        assert list(found.first) == whole(sizes, contents)[: chunks.FIRST]

    expected = newest_first(*(each for each in latest.values() if each.is_active))
    assert [each.number for each in whole(sizes, contents)] == [each.number for each in expected]
    assert rows.from_json(rows.to_json(expected)) == expected
