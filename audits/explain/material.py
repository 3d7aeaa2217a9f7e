"""What an explanation is made of: rows to explain, their groups, labels and keys, and the background. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audits.engines.opening import Data, open_data
from audits.engines.port import Engine, Origin, Progress
from audits.engines.watching import watched
from audits.explain.asking import Column, arrays_of
from audits.explain.parameters import ExplanationParameters
from audits.explain.permutation_importance import class_words
from audits.group_names import UNKNOWN
from audits.measures.sampled_rows import sample_rows
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.measures.sampled_rows import Sample

PERMUTATION_ROWS = 2000
_POOL = 5
_MOST_GROUPS = 100

Members = Mapping[str, npt.NDArray[np.intp]]


@dataclass(frozen=True, kw_only=True)
class Material:
    """Rows, drawn by the digests of their keys: the first ones are explained, all of them are shuffled.

    Attributes
    ----------
    rows
        Column of the model to its values, of every row drawn.
    label
        Labels of these rows; None without a label column.
    groups
        Sensitive column to its (rows,) group names.
    keys
        Key column to its values.
    background
        The pool from which backgrounds are drawn; its first ``background_rows`` rows are the first background.
    said
        What was drawn, for people.
    origins
        What was read.
    engine
        What read it.
    """

    rows: dict[str, Column]
    label: Column | None
    groups: dict[str, npt.NDArray[np.object_]]
    keys: dict[str, Column]
    background: dict[str, Column]
    said: str
    origins: tuple[Origin, ...]
    engine: str

    @property
    def drawn(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.rows.values())))

    def first_background(self, rows: int) -> dict[str, Column]:
        """The background of the explanation itself."""
        return {name: column[:rows] for name, column in self.background.items()}

    def another_background(self, rows: int, *, seed: int, repeat: int) -> dict[str, Column]:
        """A background of the same size drawn anew from the pool, with replacement."""
        pool = len(next(iter(self.background.values())))
        draw = np.random.Generator(np.random.PCG64([seed, 1 + repeat]))
        chosen = draw.integers(0, pool, size=min(rows, pool))
        return {name: column[chosen] for name, column in self.background.items()}

    def members(self, column: str, rows: int) -> dict[str, npt.NDArray[np.intp]]:
        """Each group's places among the first ``rows`` rows."""
        names = self.groups[column][:rows]
        return {str(name): np.flatnonzero(names == name) for name in sorted(set(names.tolist()))}


def material_of(
    test: Data, background: Data | None, inputs: Sequence[str], asked: ExplanationParameters, progress: Progress
) -> Material:
    """Read the test data, and the background, which is the test data where there is none.

    Raises
    ------
    InvalidInput
        Naming the column that is not there, or has too many groups; or if there are no rows.
    PredictionsError
        If the data cannot be read.
    """
    wanted = list(dict.fromkeys([*inputs, *asked.sensitive, *asked.key, *([asked.label] if asked.label else [])]))
    pool = _POOL * asked.background_rows
    with _opened(test, wanted, progress, "test") as engine:
        rows = _drawn(engine, test, wanted, max(asked.rows, PERMUTATION_ROWS), asked.key, asked.seed)
        others = None if background is not None else _drawn(engine, test, list(inputs), pool, asked.key, asked.seed)
        origins, name = engine.origins, engine.name
    if background is not None:
        with _opened(background, list(inputs), progress, "background") as engine:
            others = _drawn(engine, background, list(inputs), pool, (), asked.seed)
            origins = (*origins, *engine.origins)
    return Material(
        rows=arrays_of(rows.table, list(inputs)),
        label=_plain(rows.table.column(asked.label).to_pylist()) if asked.label else None,
        groups={column: _groups(rows.table.column(column).to_pylist(), column) for column in asked.sensitive},
        keys={column: _plain(rows.table.column(column).to_pylist()) for column in asked.key},
        background=arrays_of((others or rows).table, list(inputs)),
        said=rows.said,
        origins=origins,
        engine=name,
    )


@contextmanager
def _opened(data: Data, columns: list[str], progress: Progress, field: str) -> Iterator[Engine]:
    with open_data(data) as engine:
        engine.require(*columns, field=field)
        with watched(engine, progress, 0.0, 1.0, f"drawing rows of the {field} data", passes=2):
            yield engine


def _drawn(engine: Engine, data: Data, columns: list[str], most: int, key: Sequence[str], seed: int) -> Sample:
    sample = sample_rows(engine, columns, most, key=key, seed=seed)
    if not sample.table.num_rows:
        raise InvalidInput(f"{data.name} has no rows: there is nothing to explain", field="test")
    return sample


def _groups(values: list[Any], column: str) -> npt.NDArray[np.object_]:
    names = np.empty(len(values), dtype=object)
    names[:] = [UNKNOWN if value is None or value != value else class_words(value) for value in values]  # noqa: PLR0124 - NaN
    distinct = len(set(names.tolist()))
    if distinct > _MOST_GROUPS:
        message = (
            f"column {column!r} has {distinct} groups among the rows drawn; at most {_MOST_GROUPS} are accepted: bin it"
        )
        raise InvalidInput(message, field="sensitive")
    return names


def _plain(values: list[Any]) -> Column:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
