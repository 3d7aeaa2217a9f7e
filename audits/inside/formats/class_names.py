"""Classes as texts, written the same whatever type a model keeps them in: 1, 1.0 and "1" are ``1``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def class_name(value: Any) -> str:
    """The text of one class: whole numbers without a point, truth values as ``true`` and ``false``."""
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, bytes):
        return plain.decode()
    if isinstance(plain, float) and plain.is_integer():
        return str(int(plain))
    return str(plain)


def class_names(values: Iterable[Any]) -> tuple[str, ...]:
    """The texts of several classes, in their order."""
    return tuple(class_name(value) for value in values)


def decided(values: Any) -> list[str]:
    """The decisions of many rows as texts; each different value is written once."""
    import numpy as np

    array = np.asarray(values).reshape(-1)
    if array.dtype.kind == "O":
        return [class_name(value) for value in array]
    different, places = np.unique(array, return_inverse=True)
    names = np.array(class_names(different), dtype=object)
    found: list[str] = names[places].tolist()
    return found
