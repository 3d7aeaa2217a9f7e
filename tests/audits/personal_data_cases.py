"""How tests of personal data look at columns: values in, reported entities and their rates out."""

from __future__ import annotations

import random

import pyarrow as pa

from audits.engines.duckdb_engine import open_arrow
from audits.measures.personal_data.findings import Scanned, find
from audits.measures.personal_data.scanning import scan


def scan_table(columns: dict) -> dict[str, Scanned]:
    """The findings of a table's columns by name."""
    table = pa.table(columns)
    with open_arrow(table) as engine:
        found = find(scan(engine, table.column_names, lambda rows, columns: None))
    return {column.column: column for column in found}


def rates(values, name: str = "x") -> dict[str, float]:
    """Reported entity to its rate in one column of these values."""
    return {f.entity: round(f.rate, 4) for f in scan_table({name: values})[name].findings if f.reported}


def finding(values, entity: str, name: str = "x"):
    """The finding of an entity, reported or possible, or ``None``."""
    return next((f for f in scan_table({name: values})[name].findings if f.entity == entity), None)


def digits(draw: random.Random, count: int) -> str:
    return "".join(draw.choice("0123456789") for _ in range(count))


def with_luhn(front: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(front)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return f"{front}{-total % 10}"


def chinese_mobiles(count: int, seed: int = 1) -> list[str]:
    draw = random.Random(seed)
    return [draw.choice(("138", "150", "177", "186", "199")) + digits(draw, 8) for _ in range(count)]


def american_phones(count: int, seed: int = 2) -> list[str]:
    draw = random.Random(seed)
    return [
        f"{draw.choice((212, 305, 415, 617, 702))}{draw.randrange(220, 911)}{digits(draw, 4)}" for _ in range(count)
    ]


def cards(count: int, seed: int = 3) -> list[str]:
    draw = random.Random(seed)
    return [_card(draw) for _ in range(count)]


def _card(draw: random.Random) -> str:
    front = draw.choice(("4", "51", "55"))
    return with_luhn(front + digits(draw, 15 - len(front)))
