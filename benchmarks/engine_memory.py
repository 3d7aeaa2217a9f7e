"""Shows that the engine's memory stays at its limit while the file grows to several times that: two group-bys over Parquet.

One has few groups (what measures ask: flat without spilling), one as many groups as rows (it spills to disk). The values are
known from how the data are made, and are checked. Run:  python benchmarks/engine_memory.py --rows 1000000,4000000
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from bench import machine, run, table

_PART = 1 << 18
_GROUPS = 40
_TEXT = 24


def write(path: Path, rows: int) -> Path:
    """Rows with a text key that is different in each, a group, and a number; written part by part."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("key", pa.string()), ("g", pa.int32()), ("x", pa.int64())])
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=["g"]) as writer:
        for start in range(0, rows, _PART):
            numbers = np.arange(start, min(start + _PART, rows), dtype=np.uint64)
            # An odd multiplier modulo 2^64 maps no two numbers to one, and leaves no order that would compress.
            mixed = pa.array(numbers * np.uint64(0x9E3779B97F4A7C15)).cast(pa.string())
            keys = pa.compute.utf8_lpad(mixed, width=_TEXT, padding="0")
            writer.write_table(pa.table([keys, (numbers % _GROUPS).astype(np.int32), numbers.astype(np.int64)], schema))
    return path


def few_groups(path: Path, memory: str) -> list[dict[str, Any]]:
    """Count and sum by 40 groups."""
    import ibis

    from audits.engines.duckdb_engine import open_files
    from audits.engines.settings import Settings

    with open_files(path, "data", settings=Settings(memory=memory)) as engine:
        found: list[dict[str, Any]] = engine.grouped(["g"], {"x": ibis._.x.sum()}).table.to_pylist()
        return found


def many_groups(path: Path, memory: str) -> list[dict[str, Any]]:
    """Group by a key that is different in each row, and count the groups."""
    import ibis

    from audits.engines.duckdb_engine import open_files
    from audits.engines.settings import Settings

    with open_files(path, "data", settings=Settings(memory=memory)) as engine:
        keys = engine.table.group_by("key").aggregate(n=ibis._.count())
        found: list[dict[str, Any]] = engine.grouped((), {"most": ibis._.n.max()}, of=keys).table.to_pylist()
        return found


def check(rows: int, few: list[dict[str, Any]], many: list[dict[str, Any]]) -> None:
    """Compare with what the data were made of."""
    expected = {g: (len(range(g, rows, _GROUPS)), sum(range(g, rows, _GROUPS))) for g in range(_GROUPS)}
    if {row["g"]: (row["n"], row["x"]) for row in few} != expected or many != [{"most": 1, "n": rows}]:
        raise SystemExit(f"wrong values at {rows:,} rows")


def main() -> None:
    """Measure at each size, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="1000000,4000000", help="sizes, with commas between")
    parser.add_argument("--memory", default="256MB", help="the engine's limit (COUNTERSIGN_ENGINE_MEMORY)")
    options = parser.parse_args()
    print(machine("duckdb", "ibis-framework", "pyarrow"))
    print(
        f"limit {options.memory}; peak resident memory above that of the process just before, page cache not counted\n"
    )
    shown = []
    with tempfile.TemporaryDirectory() as folder:
        warm = write(Path(folder) / "warm.parquet", 1000)
        for rows in map(int, options.rows.split(",")):
            path = write(Path(folder) / f"{rows}.parquet", rows)
            few = run(partial(few_groups, path, options.memory), warm=partial(few_groups, warm, options.memory))
            many = run(partial(many_groups, path, options.memory), warm=partial(many_groups, warm, options.memory))
            check(rows, few.value, many.value)
            shown.append(
                {
                    "rows": f"{rows:,}",
                    "file MB": round(path.stat().st_size / 1e6),
                    "40 groups s": few.seconds,
                    "peak MB": few.peak_mb,
                    "a group per row s": many.seconds,
                    "peak MB ": many.peak_mb,
                }
            )
            path.unlink()
    table(shown)
    print("\nvalues checked at every size")


if __name__ == "__main__":
    main()
