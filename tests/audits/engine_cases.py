"""One table with everything awkward in it, and questions that every engine must answer alike, to the last bit."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import ibis
import pyarrow as pa

_ = ibis._

NAMES = [
    "ada",
    "Ada",
    "GRÜßE",
    "李雷",
    "",
    None,
    "O'Neil",
    'a"b',
    "back\\slash",
    "%s %(x)s",
    "null",
    " pad\f\v ",
    "a\nb",
    "🙂",
]
SCORES = [0.0, -0.0, 0.1, 0.5, 1.0, None, math.nan, math.inf, -math.inf, 1e-300, 0.30000000000000004]
ROWS = 620

_days = [dt.date(2024, 2, 29), dt.date(1969, 12, 31), None]
_times = [*map(dt.datetime.fromisoformat, ("2026-01-01T12:30:15.250000", "1999-12-31T23:59:59")), None]


def _cycled(values, rows):
    return [values[i % len(values)] for i in range(rows)]


def awkward_table(rows=ROWS) -> pa.Table:
    """``id`` identifies a row. The other columns repeat values in cycles of coprime lengths, so that all of them meet."""
    return pa.table(
        {
            "id": pa.array([i * 7919 - 2_000_000 for i in range(rows)], pa.int64()),
            "name": pa.array(_cycled(NAMES, rows), pa.string()),
            "score": pa.array(_cycled(SCORES, rows), pa.float64()),
            "flag": pa.array(_cycled([True, False, None, True, True], rows), pa.bool_()),
            "day": pa.array(_cycled(_days, rows), pa.date32()),
            "at": pa.array(_cycled(_times, rows), pa.timestamp("us")),
            "small": pa.array(_cycled([1, -1, 32767, None, -32768, 5, 5], rows), pa.int16()),
            "amount": pa.array(_cycled([Decimal("1.25"), Decimal("-0.50"), None], rows), pa.decimal128(12, 2)),
            "whole": pa.array(_cycled([Decimal(7), Decimal(-3), None, Decimal(0)], rows), pa.decimal128(12, 0)),
            "single": pa.array(_cycled([0.1, 2.5, None, -1.0], rows), pa.float32()),
            'odd "name`': pa.array(_cycled([1, 2, 3], rows), pa.int32()),
        }
    )


KINDS = {
    "id": "integer",
    "name": "text",
    "score": "number",
    "flag": "boolean",
    "day": "date",
    "at": "time",
    "small": "integer",
    "amount": "number",
    "whole": "integer",
    "single": "number",
    'odd "name`': "integer",
}

GROUPINGS = {
    "everybody": ((), {}),
    "by texts": (["name", "flag"], {"least": _.id.min(), "most": _.id.max()}),
    "by numbers": (["score", "single", "whole"], {"ids": _.id.sum()}),
    "by date and time": (["day", "at"], {"distinct": _.name.nunique()}),
    "by expressions": (
        {
            "positive": _.score > 0.25,
            "odd": _.id % 2,
            "as number": _.flag.cast("float64"),
            "as byte": _.flag.cast("int8"),
            "as boolean": (_.id % 2).cast("boolean"),
            "text": ibis.literal('it\'s \\ "so"'),
            "number": ibis.literal(0.1),
        },
        {"given": _.score.count()},
    ),
    "arithmetic": (
        {
            "bare": _.name.strip(),
            "controls": ibis.literal("\a\b\t\n\v\f\r\x1f\\v"),
            "remainder": _.id % 7,
            "quotient": _.id / 8,
            "floored": _.id // 7,
            "size": _.name.length(),
            "low": _.name.lower(),
        },
        {},
    ),
    "sums": (
        ["flag"],
        {
            "small": _.small.sum(),
            "whole": _.whole.sum(),
            "amount": _.amount.sum(),
            "squares": (_.amount * _.amount).sum(),
            "large": (_.small.cast("int64") * 1_000_000).sum(),
            "truncated": _.single.cast("int64").sum(),
            "half": (_.amount.cast("int32") * 10).sum(),
            "bins": (_.single * 4).floor().cast("int64").sum(),
            "yes": ibis.ifelse(_.flag, 1, 0).sum(),
            "some": (_.id > 0).sum(),
            "high": (_.score >= 0.5).cast("int64").sum(),
        },
    ),
    "names in quotes": (['odd "name`'], {"n_of": _['odd "name`'].sum()}),
}

FILTERS = {
    "text": _.name == "O'Neil",
    "backslash": _.name == "back\\slash",
    "not ASCII": _.name == "李雷",
    "pattern characters": _.name == "%s %(x)s",
    "missing": _.name.isnull(),
    "list": _.name.isin(["ada", "a\nb", "🙂"]),
    "number": _.score < 0.30000000000000004,
    "date": _.day < dt.date(2000, 1, 1),
}

EDGES = [-1.0, 0.0, 0.1, 0.30000000000000004, 0.5, 1.0]

SAMPLES = {
    "negative numbers": ["id"],
    "texts, booleans, dates and missing": ["name", "flag", "day", "id"],
}


def plain(value):
    """A value that compares as engines do: NaN equals itself, and zero has no sign."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return 0.0 if value == 0 and isinstance(value, float) else value


def rows_of(table) -> list[tuple]:
    """Rows in an order of their own."""
    columns = table.to_pydict()
    rows = [tuple(plain(value) for value in row) for row in zip(*columns.values(), strict=True)]
    return sorted(rows, key=repr)


def nested(engine):
    """Groups of groups: how many names have how many rows."""
    sizes = engine.table.group_by("name").aggregate(size=_.count())
    return engine.grouped(["size"], of=sizes).table


def answers(engine) -> dict[str, list]:
    """What the engine answers to all questions, by name."""
    found: dict[str, list] = {"kinds": list(engine.columns.items())}
    for name, (by, measures) in GROUPINGS.items():
        found[f"grouped {name}"] = rows_of(engine.grouped(by, measures).table)
    chosen = {name: ibis.ifelse(where, 1, 0).sum() for name, where in FILTERS.items()}
    found["filters"] = rows_of(engine.grouped((), chosen).table)
    found["filtered"] = rows_of(engine.grouped(["id"], where=FILTERS["list"]).table)
    found["nested"] = rows_of(nested(engine))
    found["histogram"] = rows_of(engine.histogram("score", EDGES, by=["flag"]).table)
    histograms = engine.histograms({"score": ("score", EDGES), "amount": ("amount", EDGES), "small": ("small", EDGES)})
    found["histograms"] = list(histograms.items())
    for name, key in SAMPLES.items():
        found[f"sample by {name}"] = engine.keyed_sample(
            50, key=key, columns=["id", "name", "score"], seed=3
        ).to_pylist()
        found[f"sample by {name}"] = [tuple(map(plain, row.values())) for row in found[f"sample by {name}"]]
    found["all rows"] = rows_of(engine.read(engine.table))
    engine.disclosure = 45
    held = engine.grouped(["name"])
    found["held back"] = [held.suppressed, *rows_of(held.table)]
    engine.disclosure = 0
    return found
