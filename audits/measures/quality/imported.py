"""Results of pandera and Great Expectations, without the values of rows that they quote."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from audits.measures.quality.expectations import Outcome
from registry.errors import InvalidInput

GREAT_EXPECTATIONS, PANDERA = "great_expectations", "pandera"
_STATUSES = ("passed", "failed", "error")
_ABOUT_ALL = frozenset(
    {"batch_id", "column", "column_list", "column_A", "column_B", "result_format", "catch_exceptions"}
)
_MOST, _LONGEST = 100_000, 200
_FORMS = "a validation result of Great Expectations, or a report of failure cases of pandera"


def read_results(data: bytes, what: str) -> list[Outcome]:
    """Read a JSON file of results.

    Raises
    ------
    InvalidInput
        If it is not JSON, or as :func:`parse_results`.
    """
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{what}: is not JSON: {_short(str(error))}", field="imported") from error
    return parse_results(document, what)


def parse_results(document: Any, what: str = "imported") -> list[Outcome]:
    """Take from a report which expectations there were and what became of them.

    Read are a validation result of Great Expectations (0.15 to 1.x: an object with ``results``), a report of pandera (its
    ``SchemaErrors`` as JSON: reasons by kind), pandera's table of failure cases as JSON (by columns or by records), and a
    list of outcomes as this function gave it. Values of rows that they quote (``partial_unexpected_list``,
    ``failure_case``, error messages) are not taken over.

    Raises
    ------
    InvalidInput
        If it is none of these, or an entry lacks what it must have, naming it.
    """
    reader = _reader(document)
    if reader is None:
        raise InvalidInput(f"{what}: is neither {_FORMS}", field="imported")
    found = reader(document, what)
    if len(found) > _MOST:
        raise InvalidInput(f"{what}: holds {len(found):,} results; at most {_MOST:,} are read", field="imported")
    return found


def _reader(document: Any) -> Callable[[Any, str], list[Outcome]] | None:
    if isinstance(document, Mapping):
        if "results" in document:
            return _great_expectations
        if set(document) & {"SCHEMA", "DATA"}:
            return _pandera_report
        if {"column", "check", "schema_context"} <= set(document):
            return _pandera_columns
    if isinstance(document, list):
        if all(isinstance(entry, Mapping) and set(entry) == set(Outcome.__slots__) for entry in document):
            return _our_own
        if all(isinstance(entry, Mapping) and {"column", "check"} <= set(entry) for entry in document):
            return _pandera_records
    return None


def _great_expectations(document: Mapping[str, Any], what: str) -> list[Outcome]:
    results = document["results"]
    if isinstance(results, Mapping) or not isinstance(results, Sequence) or isinstance(results, str):
        raise InvalidInput(f"{what}: results must be a list", field="imported")
    return [_expectation(entry, f"{what}: results[{place}]") for place, entry in enumerate(results)]


def _expectation(entry: Any, where: str) -> Outcome:
    config = _part(entry, "expectation_config", where)
    name = config.get("type", config.get("expectation_type"))
    success = entry.get("success")
    if not isinstance(name, str) or not name:
        raise InvalidInput(f"{where}.expectation_config: has no type", field="imported")
    if not isinstance(success, bool) and not _raised(entry):
        raise InvalidInput(f"{where}.success: must be true or false", field="imported")
    asked = _part(config, "kwargs", where) if config.get("kwargs") is not None else {}
    result = _part(entry, "result", where) if entry.get("result") is not None else {}
    total, missing, unexpected = (_count(result.get(key), f"{where}.result.{key}") for key in _COUNTS)
    of = None if total is None else max(total - (missing or 0), 0)
    counted = of is not None and unexpected is not None and unexpected <= of
    return Outcome(
        expectation=name,
        column=_columns(asked),
        observed=_observed(result, unexpected, of),
        expected=_short(", ".join(f"{key} {_plain(value)}" for key, value in asked.items() if key not in _ABOUT_ALL)),
        status="error" if _raised(entry) else "passed" if success else "failed",
        source=GREAT_EXPECTATIONS,
        valid=of - unexpected if counted and of is not None and unexpected is not None else None,
        of=of if counted else None,
    )


_COUNTS = ("element_count", "missing_count", "unexpected_count")


def _raised(entry: Mapping[str, Any]) -> bool:
    """Whether the expectation could not be examined; newer versions tell it per metric."""
    info = entry.get("exception_info")
    if not isinstance(info, Mapping):
        return False
    nested = [part for part in info.values() if isinstance(part, Mapping)]
    return any(part.get("raised_exception") is True for part in [info, *nested])


def _columns(asked: Mapping[str, Any]) -> str:
    named = [asked.get("column"), asked.get("column_A"), asked.get("column_B"), *(asked.get("column_list") or [])]
    return ", ".join(name for name in named if isinstance(name, str))


def _observed(result: Mapping[str, Any], unexpected: int | None, of: int | None) -> str:
    """Counts, and an observed number; an observed list would be values of rows."""
    if unexpected is not None and of is not None:
        return f"{unexpected:,} of {of:,} values do not"
    value = result.get("observed_value")
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _plain(value: Any) -> str:
    return f"of {len(value)}" if isinstance(value, list | Mapping) and len(value) > _FEW else json.dumps(value)


_FEW = 12


def _pandera_report(document: Mapping[str, Any], what: str) -> list[Outcome]:
    found = []
    for level in ("SCHEMA", "DATA"):
        reasons = document.get(level, {})
        if not isinstance(reasons, Mapping):
            raise InvalidInput(f"{what}: {level} must be an object", field="imported")
        for reason, entries in reasons.items():
            if not isinstance(entries, list):
                raise InvalidInput(f"{what}: {level}.{reason} must be a list", field="imported")
            found += [
                _failure(entry, f"{what}: {level}.{reason}[{place}]", str(reason).lower())
                for place, entry in enumerate(entries)
            ]
    return found


def _pandera_columns(document: Mapping[str, Any], what: str) -> list[Outcome]:
    """The table of failure cases by columns: each column an object from row to value, or a list."""
    parts = [document["column"], document["check"]]
    lists = [list(part.values()) if isinstance(part, Mapping) else part for part in parts]
    if not all(isinstance(part, list) for part in lists) or len(lists[0]) != len(lists[1]):
        raise InvalidInput(f"{what}: column and check must be as long as each other", field="imported")
    return _pandera_records([{"column": c, "check": k} for c, k in zip(*lists, strict=True)], what)


def _pandera_records(document: Sequence[Mapping[str, Any]], what: str) -> list[Outcome]:
    """The table of failure cases by records: one outcome for each column and check, with the cases counted."""
    cases: dict[tuple[str, str], int] = {}
    for place, entry in enumerate(document):
        failure = _failure(entry, f"{what}: [{place}]", "check")
        cases[failure.expectation, failure.column] = cases.get((failure.expectation, failure.column), 0) + 1
    return [
        Outcome(
            expectation=name,
            column=column,
            observed=f"{count:,} failure {'case' if count == 1 else 'cases'}",
            expected="",
            status="failed",
            source=PANDERA,
        )
        for (name, column), count in cases.items()
    ]


def _failure(entry: Any, where: str, reason: str) -> Outcome:
    if not isinstance(entry, Mapping):
        raise InvalidInput(f"{where}: must be an object", field="imported")
    check, column = entry.get("check"), entry.get("column")
    if not isinstance(check, str) and check is not None:
        raise InvalidInput(f"{where}.check: must be a text", field="imported")
    return Outcome(
        expectation=_short(check or reason),
        column="" if column is None else _short(str(column)),
        observed=reason.replace("_", " "),
        expected="",
        status="failed",
        source=PANDERA,
    )


def _our_own(document: Sequence[Mapping[str, Any]], what: str) -> list[Outcome]:
    for place, entry in enumerate(document):
        texts = [entry[name] for name in ("expectation", "column", "observed", "expected", "source")]
        if not all(isinstance(text, str) for text in texts) or entry["status"] not in _STATUSES:
            raise InvalidInput(f"{what}: [{place}]: is not an outcome", field="imported")
        valid, of = (_count(entry[name], f"{what}: [{place}].{name}") for name in ("valid", "of"))
        if (valid is None) != (of is None) or (valid or 0) > (of or 0):
            raise InvalidInput(f"{what}: [{place}]: valid and of do not go together", field="imported")
    return [Outcome(**entry) for entry in document]


def _part(entry: Any, key: str, where: str) -> Mapping[str, Any]:
    part = entry.get(key) if isinstance(entry, Mapping) else None
    if not isinstance(part, Mapping):
        raise InvalidInput(f"{where}.{key}: must be an object", field="imported")
    return part


def _count(value: Any, where: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidInput(f"{where}: must be a whole number from 0, not {_short(json.dumps(value))}", field="imported")
    return value


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"
