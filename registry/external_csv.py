"""A model inventory that somebody sent as CSV: columns, encodings, and errors with row and column. Pure."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from registry.errors import InvalidInput
from registry.external_version_fact import ExternalFact, external_fact

MAX_BYTES = 1_500_000
MAX_ROWS = 10_000
COLUMNS: dict[str, str] = {
    "model": "name of the model there; needed",
    "version": "name of the version there; needed",
    "description": "what it is for",
    "owner": "who answers for it, in words",
    "stage": "where it stands there, such as Production",
    "source": "where its files lie",
    "run": "the run that made it",
    "status": "whether it is usable there, such as READY",
    "aliases": "other names of the version, separated by semicolons",
    "environment": "where it runs, as they say",
}
TAG = "tag:"
_NEEDED = ("model", "version")
_DELIMITERS = (",", ";", "\t", "|")
_MAX_ERRORS = 20
_LONGEST_CELL = 20_000
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class ReadCsv:
    """What a file held, and how it was read.

    Attributes
    ----------
    facts
        One per row, in the file's order.
    encoding, delimiter
        How it was read.
    notes
        What a person should look at before going on.
    """

    facts: tuple[ExternalFact, ...]
    encoding: str
    delimiter: str
    notes: tuple[str, ...] = ()


def read_external_csv(data: bytes) -> ReadCsv:
    """Read a CSV whose head names columns of :data:`COLUMNS`; ``tag:NAME`` columns become tags.

    UTF-8 (with or without mark), UTF-16 with mark, and, with a note, Windows-1252; separated by comma, semicolon,
    tab or bar, told from the head. A first line ``sep=;``, as Excel writes it, is passed over.

    Raises
    ------
    InvalidInput
        Naming row (as a spreadsheet counts, the head being row 1) and column; all errors found, up to 20, are in
        its details. Nothing is taken from a file with an error in it.
    """
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"the file has more than {MAX_BYTES:,} bytes; split it", field="file")
    text, encoding, notes = _decode(data)
    before, delimiter = _delimiter(text)
    rows = _rows(text, delimiter)
    for _ in range(before):
        next(rows, None)
    number, head = next(rows, (1, []))
    columns = _columns(head, number)
    facts = _facts(rows, columns)
    if not facts:
        raise InvalidInput("the file has a head and no rows", field="file")
    return ReadCsv(tuple(facts), encoding, delimiter, notes)


def _decode(data: bytes) -> tuple[str, str, tuple[str, ...]]:
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding), encoding.removesuffix("-sig"), ()
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise InvalidInput(f"the file is not the {encoding} that its mark says", field="file") from None
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            raise InvalidInput(f"the file is not UTF-8 (byte {error.start}); save it as UTF-8", field="file") from None
        return text, "Windows-1252", ("It is not UTF-8 and was read as Windows-1252: look at names with accents.",)


def _delimiter(text: str) -> tuple[int, str]:
    """How many lines stand before the head, and what separates its names."""
    lines = text.lstrip("\ufeff").splitlines()
    if not lines or not lines[0].strip():
        raise InvalidInput("the file is empty; its first row names the columns", field="file")
    first = lines[0].strip().strip('"').lower()
    before = 1 if first.startswith("sep=") else 0
    head = lines[before] if len(lines) > before else ""
    for delimiter in _DELIMITERS:
        names = {_column_name(cell) for cell in next(csv.reader([head], delimiter=delimiter), [])}
        if names.issuperset(_NEEDED):
            return before, delimiter
    raise InvalidInput(
        "the first row must name at least the columns model and version, separated by comma, semicolon, tab or bar",
        field=f"row {before + 1}",
    )


def _column_name(cell: str) -> str:
    name = cell.strip().lstrip("\ufeff")
    return name if name.lower().startswith(TAG) else name.lower()


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with its number, blank ones passed over."""
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, row in enumerate(reader, start=1):
            if any(cell.strip() for cell in row):
                yield number, row
    except csv.Error as error:
        raise InvalidInput(
            f"row {number + 1}: {error}; quotes are doubled within quotes", field=f"row {number + 1}"
        ) from error


def _columns(head: list[str], number: int) -> list[str]:
    columns = [_column_name(cell) for cell in head]
    for name in columns:
        known = name in COLUMNS or (name.lower().startswith(TAG) and len(name) > len(TAG))
        if not known or columns.count(name) > 1:
            what = "is not known" if not known else "stands twice"
            raise InvalidInput(
                f"row {number}: the column {name!r} {what}; known are {', '.join(COLUMNS)}, and tag:NAME",
                field=f"row {number}, {name}",
            )
    return columns


def _facts(rows: Iterator[tuple[int, list[str]]], columns: list[str]) -> list[ExternalFact]:
    facts: list[ExternalFact] = []
    seen: dict[tuple[str, str], int] = {}
    errors: list[dict[str, str]] = []
    for number, row in rows:
        if len(facts) >= MAX_ROWS:
            raise InvalidInput(f"the file has more than {MAX_ROWS:,} rows; split it", field=f"row {number}")
        try:
            fact = _fact(row, columns)
            _refuse_again(fact, number, seen)
            facts.append(fact)
        except InvalidInput as error:
            errors.append({"field": f"row {number}, {error.field}", "detail": error.message})
        if len(errors) >= _MAX_ERRORS:
            break
    if errors:
        first = errors[0]
        raise InvalidInput(f"{first['field']}: {first['detail']}", field=first["field"], errors=errors)
    return facts


def _refuse_again(fact: ExternalFact, number: int, seen: dict[tuple[str, str], int]) -> None:
    before = seen.setdefault(fact.key, number)
    if before != number:
        raise InvalidInput(f"{fact.model} {fact.version} stands in row {before} already", field="version")


def _fact(row: list[str], columns: list[str]) -> ExternalFact:
    if any(cell.strip() for cell in row[len(columns) :]):
        raise InvalidInput(f"has {len(row)} cells where the head has {len(columns)}", field="last column")
    cells = dict(zip(columns, row, strict=False))
    for name, cell in cells.items():
        if len(cell) > _LONGEST_CELL:
            raise InvalidInput(f"has more than {_LONGEST_CELL:,} characters", field=name)
    tags = {
        name[len(TAG) :].strip(): cell for name, cell in cells.items() if name.lower().startswith(TAG) and cell.strip()
    }
    said = {name: cells.get(name, "") for name in COLUMNS if name not in (*_NEEDED, "aliases")}
    aliases = [alias.strip() for alias in cells.get("aliases", "").split(";") if alias.strip()]
    return external_fact(cells.get("model", ""), cells.get("version", ""), {**said, "aliases": aliases, "tags": tags})
