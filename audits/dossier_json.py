"""Frozen dataclasses to plain JSON and back, strictly: no key is unknown, none is missing, none changes its type. Pure."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from audits.measurement import Measurement
from audits.series import Series
from registry.errors import InvalidInput
from registry.lineage.graph import Graph

T = TypeVar("T")


def encode(value: Any) -> Any:
    """``value`` (dataclass, measurement, mapping, sequence or scalar) as plain JSON."""
    if isinstance(value, Measurement | Series | Graph):
        return value.as_json()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {part.name: encode(getattr(value, part.name)) for part in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    return value


def decode(cls: type[T], data: Any, *, path: str = "dossier") -> T:
    """Build dataclass ``cls`` from plain JSON.

    Raises
    ------
    InvalidInput
        Naming the path (``dossier.sign_offs[2].state``) that is unknown, missing or of another type.
    """
    if not isinstance(data, Mapping):
        raise InvalidInput(f"{path} must be an object", field=path)
    parts = {part.name: part for part in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in data:
        if key not in parts:
            raise InvalidInput(f"{path}.{key} is not known", field=f"{path}.{key}")
    hints = get_type_hints(cls)
    values: dict[str, Any] = {}
    for name, part in parts.items():
        if name in data:
            values[name] = _value(hints[name], data[name], f"{path}.{name}")
        elif part.default is dataclasses.MISSING and part.default_factory is dataclasses.MISSING:
            raise InvalidInput(f"{path}.{name} is missing", field=f"{path}.{name}")
    return cls(**values)


def _value(hint: Any, data: Any, path: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        if data is None:
            return None
        (inner,) = (option for option in get_args(hint) if option is not type(None))
        return _value(inner, data, path)
    if origin is tuple:
        if not isinstance(data, list | tuple):
            raise InvalidInput(f"{path} must be a list", field=path)
        return tuple(_value(get_args(hint)[0], item, f"{path}[{index}]") for index, item in enumerate(data))
    if hint in (Measurement, Series, Graph):
        return _from_json(hint, data, path)
    if dataclasses.is_dataclass(hint):
        return decode(hint, data, path=path)  # type: ignore[arg-type]
    return _typed(data, hint, path) if origin is None else _mapping(hint, _typed(data, Mapping, path), path)


def _mapping(hint: Any, data: Mapping[str, Any], path: str) -> dict[Any, Any]:
    """JSON has text for keys only: what counts by numbers gets them back."""
    if get_args(hint)[0] is not int:
        return dict(data)
    try:
        return {int(key): tuple(value) for key, value in data.items()}
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{path} must have whole numbers for keys and lists for values", field=path) from error


def _typed(data: Any, kind: Any, path: str) -> Any:
    if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
        wanted = "an object" if kind is Mapping else kind.__name__
        raise InvalidInput(f"{path} must be {wanted}, not {type(data).__name__}", field=path)
    return data


def _from_json(kind: type[Measurement | Series | Graph], data: Any, path: str) -> Measurement | Series | Graph:
    try:
        return kind.from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"{path} is not a {kind.__name__.lower()}: {error}", field=path) from error
