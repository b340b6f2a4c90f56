"""What a scenario says does not fit what it has said before: nobody's code is at fault."""

from __future__ import annotations


class WrongWords(LookupError):
    """Ends a step with a sentence for who wrote it, in each language, and without a traceback.

        raise WrongWords(en="Nobody called Anna is there.", ru="Никого по имени Анна нет.")

    The sentence says what was expected, what was found, and what to do.
    """

    def __init__(self, *, en: str, ru: str) -> None:
        super().__init__(en)
        self._texts = {"en": en, "ru": ru}

    def told(self, language: str) -> str:
        """In this language; in English where it is in neither."""
        return self._texts.get(language, self._texts["en"])
