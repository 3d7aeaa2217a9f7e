"""One row of data by its key, found where the data are. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audits.engines.opening import Data, open_data
from registry.errors import InvalidInput

_TWO = 2


def find_row(data: Data, columns: Sequence[str], key: Mapping[str, Any]) -> dict[str, Any]:
    """The row of ``data`` whose key columns have these values, compared as text.

    Parameters
    ----------
    columns
        The columns wanted.
    key
        Key column to its value.

    Raises
    ------
    InvalidInput
        If no row, or more than one, has this key; or a column is not there.
    PredictionsError
        If the data cannot be read.
    """
    import ibis

    with open_data(data) as engine:
        engine.require(*columns, field="row")
        engine.require(*key, field="key")
        wanted = [engine.table[name].cast("string") == ibis.literal(str(value)) for name, value in key.items()]
        found = engine.read(engine.table.filter(wanted).select(*dict.fromkeys(columns)).limit(_TWO)).to_pylist()
    said = ", ".join(f"{name} {value!r}" for name, value in key.items())
    if not found:
        raise InvalidInput(f"the test data have no row with {said}", field="key")
    if len(found) > 1:
        raise InvalidInput(f"the test data have more than one row with {said}: it is no key", field="key")
    return dict(found[0])
