"""What a customer can do about a model that could not be priced: by code, in our languages.

The reason that comes with a rejected model names figures and is in English; this is what the order
page and the letters say in front of it, or instead of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Advice:
    """`title` says what is wrong, without a full stop, `remedy` what to do about it."""

    title: str
    remedy: str


_ENGLISH = {
    "not-stl": Advice(
        "The file is not a readable STL file",
        "Open the model in your 3D program and export it as STL; binary or text, both are fine.",
    ),
    "truncated": Advice(
        "Part of the file is missing",
        "It was probably cut off while it was saved or sent. Export the model again.",
    ),
    "too-large": Advice(
        "The file is too large",
        "Reduce the number of triangles (“decimate” or “simplify” in most programs).",
    ),
    "empty": Advice(
        "There is nothing in the model that could be cast",
        "Check that the whole piece was exported, and that it has a thickness.",
    ),
    "not-finite": Advice(
        "Some points of the model are nowhere",
        "Let your 3D program repair the mesh, then export it again.",
    ),
    "oversized": Advice(
        "The model is far too large to wear",
        "It was probably drawn in another unit. Set the unit to millimetres and export it again.",
    ),
    "open-surface": Advice(
        "The surface of the model has holes",
        "Metal fills what is enclosed, so the skin must be closed everywhere. Close the holes "
        "(“make solid” or “repair mesh” in most programs) and export the model again.",
    ),
    "inverted": Advice(
        "Parts of the model are turned inside out",
        "Unify the normals (“recalculate outside” in most programs) and export the model again.",
    ),
}
_RUSSIAN = {
    "not-stl": Advice(
        "Файл не удаётся прочитать как STL",
        "Откройте модель в 3D-программе и экспортируйте её в STL — двоичный или текстовый.",
    ),
    "truncated": Advice(
        "Часть файла отсутствует",
        "Скорее всего, он оборвался при сохранении или отправке. Экспортируйте модель ещё раз.",
    ),
    "too-large": Advice(
        "Файл слишком большой",
        "Уменьшите число треугольников («decimate» или «simplify» в большинстве программ).",
    ),
    "empty": Advice(
        "В модели нет ничего, что можно отлить",
        "Проверьте, что изделие экспортировано целиком и что у него есть толщина.",
    ),
    "not-finite": Advice(
        "У некоторых точек модели нет положения",
        "Исправьте сетку в 3D-программе и экспортируйте модель ещё раз.",
    ),
    "oversized": Advice(
        "Модель слишком велика для украшения",
        "Вероятно, она построена в других единицах. Выберите миллиметры и экспортируйте её снова.",
    ),
    "open-surface": Advice(
        "В поверхности модели есть отверстия",
        "Металл заполняет то, что замкнуто, поэтому оболочка должна быть закрыта всюду. Закройте "
        "отверстия («make solid» или «repair mesh») и экспортируйте модель ещё раз.",
    ),
    "inverted": Advice(
        "Часть модели вывернута наизнанку",
        "Выровняйте нормали («recalculate outside») и экспортируйте модель ещё раз.",
    ),
}

_BY_LANGUAGE: Mapping[str, Mapping[str, Advice]] = MappingProxyType(
    {"en": _ENGLISH, "ru": _RUSSIAN}
)
_UNKNOWN = {
    "en": Advice(
        "Something about the model kept us from measuring it",
        "Let your 3D program repair the mesh, then export it again.",
    ),
    "ru": Advice(
        "Что-то в модели помешало её измерить",
        "Исправьте сетку в 3D-программе и экспортируйте модель ещё раз.",
    ),
}


def advice(code: str | None, language: str = "en") -> Advice:
    """What to tell whoever sent a model that was refused with this code of a `ModelRejected`."""
    return _BY_LANGUAGE[language].get(code or "", _UNKNOWN[language])
