"""Tables for tests of data quality, and short ways to ask for what was measured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from audits.evaluate import evaluate


def written(tmp_path, columns, name="data.parquet"):
    path = tmp_path / name
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path)
    return path


def report_on(*data, **parameters):
    return evaluate("quality", list(data), parameters)


def value(report, metric, **where):
    """The one measurement of a metric on a slice."""
    (found,) = [m for m in report["measurements"] if m["metric"] == metric and m["slice"] == where]
    return found


def series(report, name):
    """Rows of a series as records."""
    (found,) = [item for item in report["series"] if item["name"] == name]
    return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]


def outcomes(report):
    """(expectation, column) to what became of it."""
    return {(one["expectation"], one["column"]): one for one in series(report, "expectations")}


def people(rows=60):
    """A sound table: an id, an age, a sex, an address, a day, and a label that none of them knows."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return {
        "id": list(range(rows)),
        "age": [20 + i * 7 % 50 for i in range(rows)],
        "income": [1000.0 + 37.5 * (i * i % 101) for i in range(rows)],
        "sex": ["female" if i % 3 else "male" for i in range(rows)],
        "mail": [f"p{i}@example.org" for i in range(rows)],
        "day": pa.array([(start + timedelta(days=i)).date() for i in range(rows)]),
        "repaid": [i % 2 for i in range(rows)],
    }
