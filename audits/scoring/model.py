"""The port that every check of a model asks: batches of rows in, batches of scores and decisions out. Pure of Django."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from registry.execution import DECISION, SCORE, Interface

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = ["DECISION", "SCORE", "Model", "ScoringFunction", "Signature", "TreeEnsemble", "Usage", "score_column"]

ScoringFunction: TypeAlias = "Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]"
"""Exactly what Spark's ``mapInArrow`` takes, and what runs locally."""


def score_column(name: str) -> str:
    """The column of one class's probability, where there are more than two classes."""
    return f"{SCORE}:{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What is known of a model once it is loaded.

    Attributes
    ----------
    format
        ``onnx``, ``skops``, ``safetensors``, ``endpoint`` or ``composite``.
    inputs
        Name to type (``number``, ``text``, ``unknown``), in the model's order.
    outputs
        Names, in the model's order.
    classes
        The classes, as texts, in the order of the score output; empty for regression.
    libraries
        What runs it, with versions: ``{"onnxruntime": "1.31.1"}``.
    told
        What else it says of itself: ``{"opset": "ai.onnx 21", "estimator": "RandomForestClassifier"}``.
    sandboxed
        Whether it ran inside our sandbox, so that its answers are what the submitted bytes say. An endpoint's are not.
    size_bytes
        Size of the file, or of all of a composite's.
    load_seconds
        From starting the process to the first answer: the cold start.
    trees
        Whether the model looks like a sum or mean of decision trees; whether it is one, :meth:`Model.trees` tells.
    """

    format: str
    inputs: Mapping[str, str]
    outputs: tuple[str, ...]
    classes: tuple[str, ...] = ()
    libraries: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)
    sandboxed: bool = True
    size_bytes: int = 0
    load_seconds: float = 0.0
    trees: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What running took so far, over all processes: seconds of processor time, and the most memory of one of them."""

    cpu_seconds: float
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEnsemble:
    """Decision trees as arrays: what exact Shapley values are computed from, with no model at hand.

    All arrays have one entry per node, the nodes of a tree beside each other; a child is the index of a node in the same
    arrays, or -1 in leaves. ``x[feature] <= threshold`` (``<`` where ``strict``) goes left.

    Attributes
    ----------
    roots
        (trees,) int32, the index of each tree's root.
    left, right, feature
        (nodes,) int32.
    threshold
        (nodes,) float64.
    default_left
        (nodes,) bool, where a missing value goes.
    value
        (nodes,) float64: what a leaf adds to the output that is explained; 0 in inner nodes.
    cover
        (nodes,) float64: weighted training rows, or NaN where the model does not say.
    base
        What is added to the sum of the leaves.
    scale
        What that sum is multiplied with, before ``base`` is added: 1/trees for a mean.
    link
        ``identity``, or ``logit`` where the sum is the log-odds of the score.
    strict
        Whether the comparison is ``<``.
    float32
        Whether the model rounds inputs to 32 bits before it compares.
    """

    roots: np.ndarray[Any, Any]
    left: np.ndarray[Any, Any]
    right: np.ndarray[Any, Any]
    feature: np.ndarray[Any, Any]
    threshold: np.ndarray[Any, Any]
    default_left: np.ndarray[Any, Any]
    value: np.ndarray[Any, Any]
    cover: np.ndarray[Any, Any]
    base: float = 0.0
    scale: float = 1.0
    link: str = "identity"
    strict: bool = False
    float32: bool = True


class Model(Protocol):
    """A model that is loaded and answers. Use as a context manager, through :func:`audits.scoring.opening.open_model`.

    Attributes
    ----------
    interface, signature
        How it is asked, and what it said of itself.
    """

    interface: Interface
    signature: Signature

    def score(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score rows, in order.

        Parameters
        ----------
        batches
            With at least the columns of ``interface.inputs``; others are not sent to the model.

        Returns
        -------
        iterator of RecordBatch
            As many rows, with the columns ``score`` (float64: the probability of the positive class, or the number that is
            predicted) and ``prediction`` (text for classes, float64 for regression); for more than two classes a column
            ``score:CLASS`` for each, and as ``score`` the largest.

        Raises
        ------
        ModelFailed
            If the model fails, takes more than it may, or answers with other rows, types or numbers that are not finite.
        """

    def scores(self, columns: Mapping[str, Any]) -> np.ndarray[Any, Any]:
        """The scores of rows given as ``{column: values}``, (rows,) float64: :meth:`score` for explanations."""

    def trees(self) -> TreeEnsemble | None:
        """The model's trees over ``interface.inputs``, if it is made of such and of nothing else."""

    def usage(self) -> Usage | None:
        """What it took so far; ``None`` where it runs elsewhere."""


class RunModel(Model, Protocol):
    """A file or an endpoint: a model that can also say all that it answers, for the next step of a graph."""

    def outputs(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Every output by the model's own name, as numbers or texts: ``NAME``, or ``NAME:0`` … where it has several columns."""
