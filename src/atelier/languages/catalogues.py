"""The translations, from the catalogues beside this module: `<language>/<package>.po`.

They are compiled in memory, so that nothing can be forgotten after a change.
"""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from atelier.languages.speech import ENGLISH

FOLDER: Final = Path(__file__).parent


@cache
def translations(language: str) -> NullTranslations:
    """All messages in `language`; English is what they are written in."""
    if language == ENGLISH:
        return NullTranslations()
    whole = Catalog(locale=language)
    for file in sorted((FOLDER / language).glob("*.po")):
        for message in read(file, language):
            if message.id:
                whole.add(message.id, message.string, flags=message.flags, context=message.context)
    compiled = BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return GNUTranslations(compiled)


def read(file: Path, language: str) -> Catalog:
    """One catalogue. Raises PoFileError for a file that is none."""
    with file.open("rb") as content:
        return read_po(content, locale=language, abort_invalid=True)
