"""Which messages the code has, package by package, and what the catalogues make of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

import atelier
from atelier.languages import catalogues
from atelier.languages.speech import ENGLISH, LANGUAGES

CODE: Final = Path(atelier.__path__[0])
TRANSLATED: Final = tuple(code for code in LANGUAGES if code != ENGLISH)

_METHODS: Final = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
_OPTIONS: Final = {
    "**/templates/**.html": {
        "extensions": "jinja2.ext.i18n",
        "newstyle_gettext": "true",
        "trim_blocks": "true",
        "lstrip_blocks": "true",
        "silent": "false",
    }
}
_KEYWORDS: Final = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
}
_WIDTH: Final = 100


def packages() -> Iterator[Path]:
    """The folders of atelier that have a catalogue each, if they have messages."""
    for folder in sorted(CODE.iterdir()):
        if (folder / "__init__.py").exists():
            yield folder


def messages(package: Path) -> Catalog:
    """The messages of one package, without translations."""
    found = Catalog()
    for name, _, message, comments, context in extract_from_dir(
        package, _METHODS, _OPTIONS, _KEYWORDS, comment_tags=("Translators:",)
    ):
        found.add(
            message,
            locations=[(f"{package.name}/{name}", 0)],
            auto_comments=comments,
            context=context,
        )
    return found


def brought_up_to_date(package: Path, language: str) -> bytes:
    """The catalogue of `package` as it should be: all messages of the code and no others, with the
    translations that there are. Empty for a package without messages."""
    there = catalogue_of(package, language)
    before = catalogues.read(there, language) if there.exists() else Catalog(locale=language)
    found = messages(package)
    wanted = Catalog(locale=language)
    for message in found:
        if message.id:
            known = before.get(_key(message.id), message.context)
            wanted.add(
                message.id,
                known.string if known else None,
                locations=sorted(set(message.locations)),
                auto_comments=message.auto_comments,
                context=message.context,
            )
    text = BytesIO()
    write_po(text, wanted, width=_WIDTH, omit_header=True, sort_output=True, include_lineno=False)
    return text.getvalue()


def untranslated(catalogue: Catalog) -> list[str]:
    """Messages without a translation, or with a form of it missing."""
    return [
        _key(message.id)
        for message in catalogue
        if message.id
        and not all([message.string] if isinstance(message.string, str) else message.string or [""])
    ]


def catalogue_of(package: Path, language: str) -> Path:
    """Where the translations of a package stand."""
    return catalogues.FOLDER / language / f"{package.name}.po"


def _key(message: str | Sequence[str]) -> str:
    return message if isinstance(message, str) else message[0]
