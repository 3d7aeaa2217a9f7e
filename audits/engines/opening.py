"""Opens what an evaluation reads: a file, a directory, or the address of a table that stays where it is. Pure of Django."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.engines.port import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """One set of data to evaluate.

    Attributes
    ----------
    name
        What people know it by; it stands in messages and reports.
    path
        The file or directory, where it is one.
    url
        The address of a table elsewhere (``postgresql://…``, ``spark://…``), where it is none. It never holds credentials.
    """

    name: str
    path: Path | None = None
    url: str = ""

    @classmethod
    def of(cls, reference: Data | Path | str) -> Data:
        """The data that a path or an address names."""
        if isinstance(reference, Data):
            return reference
        text = str(reference)
        if isinstance(reference, str) and "://" in text:
            return cls(name=text, url=text)
        return cls(name=text, path=Path(reference))


def open_data(data: Data) -> Engine:
    """Open the engine that holds ``data``; use it as a context manager.

    Raises
    ------
    PredictionsError
        If a file is not what it should be.
    InvalidInput
        If the address names no engine that is known or installed here.
    """
    from audits.engines.duckdb_engine import open_files

    if data.path is None:
        raise InvalidInput(f"{data.name}: no engine is known for this address", field="data")
    return open_files(data.path, data.name)
