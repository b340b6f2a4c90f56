"""Every message has its translation, and every translation its message."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from atelier.languages import catalogues, extraction

SPEAKING = [package for package in extraction.packages() if extraction.messages(package)]
PACKAGES = [pytest.param(package, id=package.name) for package in SPEAKING]


@pytest.fixture(params=extraction.TRANSLATED)
def language(request: pytest.FixtureRequest) -> str:
    """A language that messages are translated into."""
    code: str = request.param
    return code


def catalogue(package: Path, language: str) -> Catalog:
    return catalogues.read(extraction.catalogue_of(package, language), language)


@pytest.mark.parametrize("package", PACKAGES)
class TestACatalogue:
    def test_has_the_messages_of_the_code(self, package: Path, language: str) -> None:
        written = extraction.catalogue_of(package, language).read_bytes()

        assert written == extraction.brought_up_to_date(package, language), "run: make messages"

    def test_has_a_translation_of_each(self, package: Path, language: str) -> None:
        assert extraction.untranslated(catalogue(package, language)) == []

    def test_keeps_the_values_of_each(self, package: Path, language: str) -> None:
        faults = [
            f"{message.id!r}: {fault}"
            for message in catalogue(package, language)
            for fault in message.check(catalogue(package, language))
        ]

        assert faults == []


def test_a_message_is_translated_alike_everywhere(language: str) -> None:
    told: dict[object, set[object]] = defaultdict(set)
    for file in (catalogues.FOLDER / language).glob("*.po"):
        for message in catalogues.read(file, language):
            text = (
                message.string if isinstance(message.string, str) else tuple(message.string or ())
            )
            told[message.context, str(message.id)].add(text)

    assert {key: texts for key, texts in told.items() if len(texts) > 1} == {}


def test_no_catalogue_is_of_a_package_that_is_gone(language: str) -> None:
    there = {file.stem for file in (catalogues.FOLDER / language).glob("*.po")}

    assert there == {
        package.name for package in extraction.packages() if extraction.messages(package)
    }
