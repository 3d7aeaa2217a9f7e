"""The trees of a loaded model as plain arrays, where it is made of such over its own inputs and of nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    from audits.inside.formats.loaded import Loaded

    Arrays: TypeAlias = "dict[str, np.ndarray[Any, Any]]"

_PAIR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """What both readers give.

    Attributes
    ----------
    arrays
        ``roots``, and of each node ``left``, ``right``, ``feature``, ``threshold``, ``default_left``, ``value``, ``cover``.
    base, scale, link, strict, float32
        As in ``audits.scoring.model.TreeEnsemble``.
    """

    arrays: Arrays
    base: float = 0.0
    scale: float = 1.0
    link: str = "identity"
    strict: bool = False
    float32: bool = True


def trees_of(state: Loaded, interface: Mapping[str, Any]) -> tuple[dict[str, Any], Arrays] | None:
    """The trees whose sum, after the link, is the score; ``None`` where there are none, or something else has a part in it.

    Parameters
    ----------
    state
        The loaded model.
    interface
        How it is asked: the order of inputs, and which class is the positive one.
    """
    from audits.inside.onnx_trees import trees_in_graph
    from audits.inside.skops_trees import trees_in_estimator

    found = None
    if hasattr(state, "proto"):
        found = trees_in_graph(state, interface)
    elif hasattr(state, "estimator"):
        found = trees_in_estimator(state, interface)
    if found is None:
        return None
    values = {
        "base": float(found.base),
        "scale": float(found.scale),
        "link": found.link,
        "strict": found.strict,
        "float32": found.float32,
    }
    return values, found.arrays


def positive_place(state: Loaded, interface: Mapping[str, Any]) -> int | None:
    """The place of the positive class among two; ``None`` where there are not two, or it is not among them."""
    classes = list(interface["classes"] or state.description.classes)
    if len(classes) != _PAIR:
        return None
    positive = interface["positive"] or classes[-1]
    return classes.index(positive) if positive in classes else None
