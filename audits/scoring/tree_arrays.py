"""Trees that a sandbox read out of a model, checked before anything walks them. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from audits.sandbox.errors import ModelFailed
from audits.scoring.model import TreeEnsemble

if TYPE_CHECKING:
    import pyarrow as pa

_ARRAYS = {
    "left": "int32",
    "right": "int32",
    "feature": "int32",
    "threshold": "float64",
    "default_left": "bool",
    "value": "float64",
    "cover": "float64",
}
_LINKS = ("identity", "logit")


def tree_ensemble(name: str, values: Mapping[str, Any], batch: pa.RecordBatch, *, features: int) -> TreeEnsemble:
    """The ensemble that a batch of nodes and a few plain values say.

    Parameters
    ----------
    name
        What people know the model by.
    values
        ``base``, ``scale``, ``link``, ``strict``, ``float32``.
    batch
        One row per node, the columns of :class:`audits.scoring.model.TreeEnsemble` and ``root``.
    features
        How many columns the model reads.

    Raises
    ------
    ModelFailed
        If an index points outside, a node is reached twice or not at all, or a number is not finite.
    """
    import numpy as np

    if set(batch.schema.names) != {*_ARRAYS, "root"} or not batch.num_rows:
        raise _unsound(name, f"of the columns {batch.schema.names}")
    found: dict[str, Any] = {}
    for column, kind in {**_ARRAYS, "root": "bool"}.items():
        array = batch.column(batch.schema.get_field_index(column))
        if array.null_count:
            raise _unsound(name, f"with nothing in {column}")
        found[column] = np.ascontiguousarray(array.to_numpy(zero_copy_only=False).astype(kind))
    roots = np.flatnonzero(found.pop("root")).astype(np.int32)
    _check_shape(name, found, roots, features)
    _check_numbers(name, found)
    plain = _plain(name, values)
    return TreeEnsemble(roots=roots, **found, **plain)


def _check_shape(name: str, found: Mapping[str, Any], roots: Any, features: int) -> None:
    """Every node but the roots is the child of exactly one node before it in depth: so there is no cycle, and no stray."""
    import numpy as np

    left, right = found["left"], found["right"]
    nodes = len(left)
    leaf = left == -1
    if ((right == -1) != leaf).any():
        raise _unsound(name, "with a node that has one child")
    children = np.concatenate([left[~leaf], right[~leaf]])
    if len(children) and (children.min() < 0 or children.max() >= nodes):
        raise _unsound(name, "with a child outside the tree")
    parents = np.bincount(children, minlength=nodes)
    parents[roots] += 1
    if (parents != 1).any():
        raise _unsound(name, "in which a node has no parent or several")
    feature = found["feature"][~leaf]
    if len(feature) and (feature.min() < 0 or feature.max() >= features):
        raise _unsound(name, "that read a column which the model does not have")
    reached, level = 0, roots
    while len(level):
        reached += len(level)
        inner = level[~leaf[level]]
        level = np.concatenate([left[inner], right[inner]])
    if reached != nodes:
        raise _unsound(name, "with nodes that no root leads to")


def _check_numbers(name: str, found: Mapping[str, Any]) -> None:
    import numpy as np

    leaf = found["left"] == -1
    if not np.isfinite(found["value"]).all() or np.isnan(found["threshold"][~leaf]).any():
        raise _unsound(name, "with numbers that are not finite")
    cover = found["cover"]
    known = ~np.isnan(cover)
    if not (np.isfinite(cover[known]).all() and (cover[known] >= 0).all()):
        raise _unsound(name, "with covers that are no weights")


def _plain(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    base, scale, link = values.get("base", 0.0), values.get("scale", 1.0), values.get("link", "identity")
    for number in (base, scale):
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise _unsound(name, f"of base {base!r} and scale {scale!r}")
    if link not in _LINKS:
        raise _unsound(name, f"of link {link!r}")
    return {
        "base": float(base),
        "scale": float(scale),
        "link": link,
        "strict": bool(values.get("strict", False)),
        "float32": bool(values.get("float32", True)),
    }


def _unsound(name: str, what: str) -> ModelFailed:
    return ModelFailed(f"{name}: the sandbox answered with trees {what}")
