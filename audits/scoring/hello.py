"""What a sandbox said of the model that it loaded, checked: it may say anything. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audits.sandbox.errors import ModelFailed

_KINDS = frozenset({"number", "text", "unknown"})
_MOST, _LENGTH = 5_000, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """The checked words; see :class:`audits.scoring.model.Signature`."""

    inputs: dict[str, str]
    outputs: tuple[str, ...]
    classes: tuple[str, ...]
    libraries: dict[str, str]
    told: dict[str, str]
    trees: bool


def checked_hello(name: str, hello: Mapping[str, Any], inputs: tuple[str, ...]) -> Hello:
    """Read what loading answered.

    Parameters
    ----------
    name
        What people know the model by.
    inputs
        The columns of the interface, which it must tell of, all and no others.

    Raises
    ------
    ModelFailed
        If anything is of another type than it should be, too long, or missing.
    """
    try:
        kinds = {_text(column): _text(kind) for column, kind in _few(hello["inputs"], list)}
        found = Hello(
            inputs={column: kinds[column] for column in inputs},
            outputs=tuple(_text(item) for item in _few(hello["outputs"], list)),
            classes=tuple(_text(item) for item in _few(hello["classes"], list)),
            libraries=_texts(hello["libraries"]),
            told=_texts(hello["told"]),
            trees=hello["trees"] is True,
        )
    except (KeyError, TypeError, ValueError):
        found = None
    if found is None or len(kinds) != len(inputs) or not _KINDS.issuperset(kinds.values()):
        raise ModelFailed(f"{name}: the sandbox said nothing that can be read of the model")
    if len(set(found.classes)) < len(found.classes):
        raise ModelFailed(f"{name}: the model names a class twice")
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LENGTH or not value.isprintable():
        raise TypeError
    return value


def _few(value: Any, kind: type[list[Any] | dict[str, Any]]) -> Any:
    if not isinstance(value, kind) or len(value) > _MOST:
        raise TypeError
    return value


def _texts(value: Any) -> dict[str, str]:
    return {_text(name): _text(item) for name, item in _few(value, dict).items()}
