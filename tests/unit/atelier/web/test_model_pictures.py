"""The pictures of a model: painted once, however many ask; kept, also that there is none."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from atelier.storage.blob_store import StoreUnavailable
from atelier.web.model_pictures import ModelPictures, ShownModel
from atelier.web.refusal import Refusal
from fixtures import models

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Store:
    """Models and pictures in memory; `reads` counts the models that were read."""

    def __init__(self, model: bytes) -> None:
        self.model = model
        self.reads = 0
        self.kept: dict[str, bytes] = {}
        self.is_away = False

    async def read(self, checksum: str) -> bytes:
        if self.is_away:
            raise StoreUnavailable
        self.reads += 1
        await asyncio.sleep(0)
        return self.model

    async def find(self, name: str) -> bytes | None:
        return self.kept.get(name)

    async def keep(self, name: str, picture: bytes) -> None:
        self.kept[name] = picture


def pictures_of(store: Store) -> ModelPictures:
    connections: Any = SimpleNamespace(models=store, pictures=store)
    return ModelPictures(connections)


def shown(metal: str | None = "gold-585") -> ShownModel:
    return ShownModel("AT-1", "c0ffee", metal)


@pytest.fixture
def store() -> Store:
    return Store(models.as_binary_stl(models.ring()))


async def test_many_screens_that_show_a_new_piece_have_it_painted_once(store: Store) -> None:
    pictures = pictures_of(store)

    seen = await asyncio.gather(*(pictures.picture(shown(), 32) for _ in range(40)))
    seen.append(await pictures_of(store).picture(shown(), 32))

    assert store.reads == 1
    assert len(set(seen)) == 1
    assert seen[0].startswith(PNG)


async def test_each_metal_and_each_size_is_a_picture_of_its_own(store: Store) -> None:
    pictures = pictures_of(store)

    gold, silver, small = [
        await pictures.picture(shown(metal), pixels)
        for metal, pixels in (("gold-585", 32), ("silver-925", 32), ("gold-585", 16))
    ]

    assert len({gold, silver, small}) == 3
    assert len(store.kept) == 3


async def test_a_metal_that_is_no_longer_offered_is_shown_as_one_not_yet_chosen(
    store: Store,
) -> None:
    pictures = pictures_of(store)

    assert await pictures.picture(shown("tin/../.."), 32) == await pictures.picture(shown(None), 32)
    assert len(store.kept) == 1


async def test_what_cannot_be_painted_is_not_tried_again() -> None:
    store = Store(b"no model")
    pictures = pictures_of(store)

    for _ in range(2):
        with pytest.raises(Refusal) as refused:
            await pictures.picture(shown(), 32)
        assert refused.value.status == 404
    assert store.reads == 1


async def test_who_hangs_up_takes_the_picture_from_nobody_else(store: Store) -> None:
    pictures = pictures_of(store)
    impatient, patient = [asyncio.create_task(pictures.picture(shown(), 32)) for _ in range(2)]
    await asyncio.sleep(0)

    impatient.cancel()

    assert (await patient).startswith(PNG)
    assert store.reads == 1


async def test_a_store_that_was_away_is_asked_again(store: Store) -> None:
    pictures = pictures_of(store)
    store.is_away = True
    with pytest.raises(StoreUnavailable):
        await pictures.picture(shown(), 32)

    store.is_away = False

    assert (await pictures.picture(shown(), 32)).startswith(PNG)


async def test_more_different_pictures_than_can_wait_are_refused(store: Store) -> None:
    pictures = pictures_of(store)
    asked = [ShownModel("AT-1", f"{number:04x}", None) for number in range(40)]

    answers = await asyncio.gather(
        *(pictures.picture(each, 16) for each in asked), return_exceptions=True
    )

    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    assert {each.status for each in refused} == {503}
    assert len(refused) == 16
