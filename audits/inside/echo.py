"""Answers with what it was sent: for trying a sandbox and for measuring what the wall itself costs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def load(setup: dict[str, Any], folder: Path) -> tuple[None, dict[str, Any]]:
    """The setup, and the names and sizes of the files."""
    files = {
        path.relative_to(folder).as_posix(): path.stat().st_size for path in sorted(folder.rglob("*")) if path.is_file()
    }
    return None, {"setup": setup, "files": files}


def echo(
    state: None, arguments: dict[str, Any], batches: Iterator[pa.RecordBatch] | None
) -> tuple[dict[str, Any], Iterator[pa.RecordBatch] | None]:
    """Arguments and batches as they came, and how many rows went by."""
    answer = {"arguments": arguments, "rows": 0}

    def counted(asked: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in asked:
            answer["rows"] += batch.num_rows
            yield batch

    return answer, counted(batches) if batches is not None else None


OPERATIONS = {"echo": echo}
