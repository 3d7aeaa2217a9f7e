"""Checks a policy against its published JSON Schema, and says in words what is wrong and where. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from governance.rules.checks import CHECKS
from registry.errors import InvalidInput

_LONGEST_SHOWN = 60


@cache
def schema_bytes() -> bytes:
    """The JSON Schema (draft 2020-12) of policies, as published."""
    return files("governance.rules").joinpath("policy.schema.json").read_bytes()


def require_valid(document: Any) -> None:
    """Refuse a document that the schema does not accept.

    Raises
    ------
    InvalidInput
        With the first problem as message and ``field``, and all of them in ``details["errors"]``.
    """
    errors = [
        {"field": path, "message": message}
        for problem in sorted(_validator().iter_errors(document), key=_place)
        for path, message in _explained(problem)
    ]
    if not errors:
        return
    first, more = errors[0], len(errors) - 1
    also = f" (and {more} more)" if more else ""
    raise InvalidInput(f"{first['message']}{also}", field=first["field"] or None, errors=errors)


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(schema_bytes()))


def _explained(problem: Any) -> Iterator[tuple[str, str]]:
    path = _path(problem.path)
    if problem.validator == "additionalProperties":
        known = problem.schema["properties"]
        for key in sorted(problem.instance.keys() - known.keys()):
            yield _join(path, key), f"{_join(path, key)} is not known{_suggestion(key, known)}"
    elif problem.validator == "required":
        # The library reports each missing key by itself; the message is the only place that names it.
        key = next(key for key in problem.validator_value if problem.message.startswith(repr(key)))
        if key == "check" and "expression" in problem.instance:
            yield path, f"{path} is an expression; expressions are not supported by this version of Countersign"
        else:
            yield _join(path, key), f"{_join(path, key)} is missing"
    else:
        yield path, f"{path or 'the policy'} {_complaint(problem, path)}"


def _complaint(problem: Any, path: str) -> str:
    keyword, value, got = problem.validator, problem.validator_value, _shown(problem.instance)
    if keyword == "enum" and path.endswith(".check"):
        return f"{got} is not supported by this version of Countersign; supported are {', '.join(CHECKS)}"
    if keyword == "enum":
        return f"must be one of {', '.join(value)}, not {got}"
    if keyword == "const":
        return f"must be {value}, not {got}"
    if keyword in ("anyOf", "pattern"):
        comment: str = problem.schema["$comment"]
        return comment
    if keyword == "type":
        return f"must be {_TYPE_WORDS[value]}, not {got}"
    return f"{_LIMIT_WORDS[keyword].format(value)}, not {got}"


_TYPE_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}

_LIMIT_WORDS = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be above {}",
    "exclusiveMaximum": "must be below {}",
    "minLength": "must not be empty",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "minProperties": "must have at least {} entries",
    "uniqueItems": "must not name anything twice",
}


def _suggestion(key: str, known: Any) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; known here are {', '.join(known)}"


def _place(problem: Any) -> list[tuple[int, str]]:
    return [(part, "") if isinstance(part, int) else (-1, part) for part in problem.path]


def _path(parts: Any) -> str:
    path = ""
    for part in parts:
        path = f"{path}[{part}]" if isinstance(part, int) else _join(path, part)
    return path


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
