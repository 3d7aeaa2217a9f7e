"""Which row of the champion's predictions belongs to which of the challenger's: by key, or by order. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audits.comparison import same_rows
from audits.engines.opening import Data
from audits.prediction_files import Limits, read_batches, told_sources
from audits.predictions import Predictions
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False, kw_only=True)
class Pairing:
    """Two models' predictions of the same rows in the same order.

    Attributes
    ----------
    by
        ``key``, ``order``, or ``scored together``.
    only_challenger, only_champion
        Rows that the other does not have, and that were left out.
    keys
        Per key column the (n,) values as text; none where rows are not paired by key.
    """

    challenger: Predictions
    champion: Predictions
    by: str
    only_challenger: int = 0
    only_champion: int = 0
    keys: tuple[npt.NDArray[Any], ...] = ()


def pair_by_order(challenger: Predictions, champion: Predictions) -> Pairing | str:
    """The rows as they come; a sentence that says why they are not the same, where they are not."""
    why = same_rows(challenger, champion)
    return why or Pairing(challenger=challenger, champion=champion, by="order")


def pair_by_key(
    challenger: Predictions,
    champion: Predictions,
    keys: Sequence[pa.Array],
    champion_keys: Sequence[pa.Array],
    *,
    common_rows: bool,
) -> Pairing | str:
    """The rows whose keys are the same, in the challenger's order; why they are not the same rows, where they are not.

    Parameters
    ----------
    keys, champion_keys
        Per key column, the values as text; see :func:`read_key`.
    common_rows
        Leave out rows that only one of the two has.

    Raises
    ------
    InvalidInput
        If a key is missing or stands in two rows, or the two have no row in common.
    """
    first, second = _codes(keys, champion_keys)
    _refuse_repeated(first, challenger.name)
    _refuse_repeated(second, champion.name)
    common, mine, theirs = np.intersect1d(first, second, assume_unique=True, return_indices=True)
    order = np.argsort(mine, kind="stable")
    mine, theirs = mine[order], theirs[order]
    only = (len(first) - len(common), len(second) - len(common))
    if any(only) and not common_rows:
        return f"{only[0]:,} rows have keys that only the challenger's hold, {only[1]:,} keys that only the champion's hold"
    if not len(common):
        raise InvalidInput("no key is in both predictions: they have no row in common", field="key")
    differing = np.flatnonzero(challenger.label[mine] != champion.label[theirs])
    if len(differing):
        place = int(mine[differing[0]]) + 1
        return f"{len(differing):,} of the rows with the same key have another label, first row {place} of the challenger's"
    return Pairing(
        challenger=_taken(challenger, mine),
        champion=_taken(champion, theirs),
        by="key",
        only_challenger=only[0],
        only_champion=only[1],
        keys=tuple(np.asarray(column.to_pylist(), dtype=object)[mine] for column in keys),
    )


def read_key(data: Data, columns: Sequence[str]) -> list[pa.Array]:
    """The key columns of a file of predictions, as text, in the order of its rows.

    Raises
    ------
    InvalidInput
        If a row has no value in a key column, naming both.
    PredictionsError
        If the file cannot be read.
    """
    import pyarrow as pa

    if data.path is None:
        raise InvalidInput(f"{data.name}: only files can be read here", field="data")
    limits = Limits()
    chunks: dict[str, list[pa.Array]] = {column: [] for column in columns}
    for batch in read_batches(told_sources(data.path, data.name, limits), columns, limits):
        for column in columns:
            values = batch.columns[column]
            chunks[column].append(values.dictionary_decode() if pa.types.is_dictionary(values.type) else values)
    return [_as_text(pa.chunked_array(chunks[column]), f"{data.name}: column {column!r}") for column in columns]


def _as_text(values: pa.ChunkedArray, what: str) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(values.type):
        raise InvalidInput(f"{what} holds decimal numbers; a key is made of whole numbers, texts or dates", field="key")
    try:
        text = values.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidInput(f"{what} has type {values.type}, which can be no key", field="key") from error
    blank = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(text), ""), True)
    if pc.any(blank).as_py():
        row = pc.index(blank, True).as_py() + 1
        raise InvalidInput(f"{what} is empty in row {row}; every row needs its key", field="key")
    joined: pa.Array = pa.concat_arrays(text.chunks)
    return joined


def _codes(keys: Sequence[pa.Array], champion_keys: Sequence[pa.Array]) -> tuple[Rows, Rows]:
    """One number per row, the same where all key columns are the same."""
    import pyarrow as pa

    split = len(keys[0])
    codes = np.zeros(split + len(champion_keys[0]), dtype=np.int64)
    for one, two in zip(keys, champion_keys, strict=True):
        encoded = pa.concat_arrays([one, two]).dictionary_encode()
        codes = codes * len(encoded.dictionary) + encoded.indices.to_numpy(zero_copy_only=False)
        # Dense again after every column, so that no product of many columns overflows.
        codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    return codes[:split], codes[split:]


def _refuse_repeated(codes: Rows, name: str) -> None:
    order = np.argsort(codes, kind="stable")
    again = np.flatnonzero(np.diff(codes[order]) == 0)
    if len(again):
        first, second = sorted(int(row) + 1 for row in order[again[0] : again[0] + 2])
        raise InvalidInput(f"{name}: rows {first} and {second} have the same key; a key names one row", field="key")


def _taken(predictions: Predictions, rows: Rows) -> Predictions:
    sensitive = {column: (codes[rows], names) for column, (codes, names) in predictions.sensitive.items()}
    return replace(
        predictions,
        label=predictions.label[rows],
        prediction=predictions.prediction[rows],
        score=None if predictions.score is None else predictions.score[rows],
        weight=None if predictions.weight is None else predictions.weight[rows],
        sensitive=sensitive,
    )
