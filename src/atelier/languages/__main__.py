"""`python -m atelier.languages` brings the catalogues up to date with the code: new messages come
without a translation, and those that nobody uses any more go. It tells what is untranslated."""

from __future__ import annotations

from atelier.languages import catalogues, extraction


def main() -> None:
    for language in extraction.TRANSLATED:
        for package in extraction.packages():
            file = extraction.catalogue_of(package, language)
            if content := extraction.brought_up_to_date(package, language):
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(content)
            else:
                file.unlink(missing_ok=True)
                continue
            for message in extraction.untranslated(catalogues.read(file, language)):
                print(f"{file.name}: {message!r} has no translation")


main()
