"""Shapley values of a model's scores, by the best method that the model allows, checked to add up. Pure of Django.

``explain`` takes exact values from the trees of a model that is made of trees, plays all coalitions where features are few,
and samples orders of features otherwise; whichever it was stands in the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from audits.explain.brute_force import interaction_values, shapley_values
from audits.explain.columns import Array, Columns, Progress, ask, columns_of, numbers_of
from audits.explain.exact import evaluations_needed, games
from audits.explain.pairs import sampled_interactions
from audits.explain.permutation import sampled_values
from audits.scoring.model import Model, TreeEnsemble
from registry.errors import CountersignError

MOST_EVALUATIONS = 5_000_000
MOST_EXACT_FEATURES = 10
TREES, EXACT, PERMUTATION, PAIRS = "tree-interventional", "exact", "permutation", "sampled-pairs"
PROBABILITY, LOG_ODDS, VALUE = "probability", "log-odds", "value"

TOLERANCE, TOLERANCE_32 = 1e-6, 1e-4
"""How far values may be from adding up, relative to scores above 1: for models that count in 64 bits, and in 32."""


class NotAdditive(CountersignError):
    """Values do not add up to the model's own scores, so they explain something else; the message says by how much."""

    code = "not-additive"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explanation:
    """How each feature moved the score of each row away from the mean score of the background.

    Attributes
    ----------
    features
        The model's inputs, in its order: the columns of ``values``.
    values
        (rows, features) float64, on ``scale``.
    base
        The mean of the background, on ``scale``.
    outputs
        (rows,) float64: ``base`` and all values of each row, on ``scale``.
    scores
        (rows,) float64: what the model itself answered.
    method
        ``tree-interventional``, ``exact`` or ``permutation``.
    scale
        ``probability``, ``log-odds`` (of the score) or ``value`` (a number that is predicted).
    additivity_error
        The largest difference between ``outputs``, turned into scores, and ``scores``.
    standard_error
        (rows, features) of sampled values; ``None`` where they are exact.
    evaluations
        How many rows the model scored for this.
    background
        How many rows of background: all that were given.
    """

    features: tuple[str, ...]
    values: Array
    base: float
    outputs: Array
    scores: Array
    method: str
    scale: str
    additivity_error: float
    standard_error: Array | None
    evaluations: int
    background: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Interactions:
    """How much of each pair of features' values comes of both together, as shap shares it: half in each of two places.

    Attributes
    ----------
    features, base, method, scale, evaluations
        As for :class:`Explanation`; the method may also be ``sampled-pairs``.
    values
        (rows, features, features) float64, symmetric; each row sums to the Shapley value of its feature.
    standard_error
        (rows, features, features) of sampled values; ``None`` where they are exact.
    """

    features: tuple[str, ...]
    values: Array
    base: float
    method: str
    scale: str
    standard_error: Array | None
    evaluations: int


def explain(
    model: Model,
    rows: Mapping[str, Any],
    background: Mapping[str, Any],
    *,
    seed: int = 0,
    most_evaluations: int = MOST_EVALUATIONS,
    progress: Progress | None = None,
) -> Explanation:
    """Explain the scores of rows against a background, all of which is used.

    Parameters
    ----------
    model
        Open.
    rows, background
        Columns, at least those that the model reads; numbers, texts, whatever it takes.
    seed
        Of the orders that are sampled.
    most_evaluations
        How many rows the model may be asked to score. Below what exact values need, orders are sampled.
    progress
        Called often with the share that is done and what is being done; what it raises passes through.

    Raises
    ------
    InvalidInput
        If columns are missing, or four orders of each row would need more evaluations.
    NotAdditive
        If the values do not add up to the model's own scores within 1e-6, or 1e-4 of the score for models of 32 bits.
    ModelFailed, SandboxUnavailable
        From the model.
    """
    columns = columns_of(model.interface.inputs, rows, background)
    scores = ask(model.scores, columns.of_rows(), columns.rows)
    ensemble = model.trees()
    if ensemble is not None:
        return _of_trees(model, ensemble, columns, scores, progress)
    if _exact_affordable(columns, most_evaluations):
        values, base = np.empty((columns.rows, len(columns.features))), 0.0
        for part, worths in games(model.scores, columns, progress):
            values[part], base = shapley_values(worths), float(worths[0, 0])
        method, errors, evaluations = EXACT, None, evaluations_needed(columns)
    else:
        found = sampled_values(model.scores, columns, seed=seed, most_evaluations=most_evaluations, progress=progress)
        values, base, errors, evaluations = found.values, found.base, found.standard_error, found.evaluations
        method = PERMUTATION
    outputs = base + values.sum(axis=1)
    return Explanation(
        features=columns.features,
        values=values,
        base=base,
        outputs=outputs,
        scores=scores,
        method=method,
        scale=_scale_of(model),
        additivity_error=additivity_error(outputs, scores, TOLERANCE_32 if _in_32_bits(model) else TOLERANCE),
        standard_error=errors,
        evaluations=evaluations + columns.rows,
        background=columns.background,
    )


def interactions(
    model: Model,
    rows: Mapping[str, Any],
    background: Mapping[str, Any],
    *,
    seed: int = 0,
    most_evaluations: int = MOST_EVALUATIONS,
    progress: Progress | None = None,
) -> Interactions:
    """Which features move the scores together, by the same methods as :func:`explain`, with the same parameters and errors."""
    columns = columns_of(model.interface.inputs, rows, background)
    ensemble = model.trees()
    if ensemble is not None and (together := _together_in_trees(model, ensemble, columns, progress)) is not None:
        return together
    size = len(columns.features)
    if _exact_affordable(columns, most_evaluations):
        values, base = np.empty((columns.rows, size, size)), 0.0
        for part, worths in games(model.scores, columns, progress):
            values[part], base = interaction_values(worths), float(worths[0, 0])
        method, errors, evaluations = EXACT, None, evaluations_needed(columns)
    else:
        found = sampled_interactions(
            model.scores, columns, seed=seed, most_evaluations=most_evaluations, progress=progress
        )
        values, base, errors, evaluations = found.values, found.base, found.standard_error, found.evaluations
        method = PAIRS
    return Interactions(
        features=columns.features,
        values=values,
        base=base,
        method=method,
        scale=_scale_of(model),
        standard_error=errors,
        evaluations=evaluations,
    )


def additivity_error(outputs: Array, scores: Array, tolerance: float) -> float:
    """The largest difference between what the values add up to and what the model said.

    Raises
    ------
    NotAdditive
        If one is above the tolerance, relative to scores above 1.
    """
    apart = np.abs(outputs - scores)
    worst = int(np.argmax(apart / np.maximum(1.0, np.abs(scores))))
    if not apart[worst] <= tolerance * max(1.0, abs(float(scores[worst]))):
        message = (
            f"the contributions of row {worst + 1} add up to {outputs[worst]:.9g}, and the model's score is {scores[worst]:.9g}: "
            f"they are {apart[worst]:.3g} apart, and {tolerance:g} is allowed"
        )
        raise NotAdditive(message, row=worst, error=float(apart[worst]))
    return float(apart.max())


def _of_trees(
    model: Model, ensemble: TreeEnsemble, columns: Columns, scores: Array, progress: Progress | None
) -> Explanation:
    from audits.explain.tree_values import tree_values

    pool = numbers_of(columns.pool)
    found = tree_values(ensemble, pool[:, : columns.rows], pool[:, columns.rows :], progress=progress)
    outputs = found.base + found.values.sum(axis=1)
    answered = _probability(outputs) if ensemble.link == "logit" else outputs
    return Explanation(
        features=columns.features,
        values=found.values,
        base=found.base,
        outputs=outputs,
        scores=scores,
        method=TREES,
        scale=LOG_ODDS if ensemble.link == "logit" else _scale_of(model),
        additivity_error=additivity_error(answered, scores, TOLERANCE_32 if _in_32_bits(model) else TOLERANCE),
        standard_error=None,
        evaluations=columns.rows,
        background=columns.background,
    )


def _together_in_trees(
    model: Model, ensemble: TreeEnsemble, columns: Columns, progress: Progress | None
) -> Interactions | None:
    from audits.explain.tree_interactions import tree_interactions

    pool = numbers_of(columns.pool)
    found = tree_interactions(ensemble, pool[:, : columns.rows], pool[:, columns.rows :], progress=progress)
    if found is None:
        return None
    return Interactions(
        features=columns.features,
        values=found.values,
        base=found.base,
        method=TREES,
        scale=LOG_ODDS if ensemble.link == "logit" else _scale_of(model),
        standard_error=None,
        evaluations=0,
    )


def _exact_affordable(columns: Columns, most_evaluations: int) -> bool:
    return len(columns.features) <= MOST_EXACT_FEATURES and evaluations_needed(columns) <= most_evaluations


def _scale_of(model: Model) -> str:
    return VALUE if model.interface.task == "regression" else PROBABILITY


def _in_32_bits(model: Model) -> bool:
    return model.signature.format in {"onnx", "safetensors", "endpoint", "composite"}


def _probability(log_odds: Array) -> Array:
    """Of log-odds of any size, without overflow."""
    small = np.exp(-np.abs(log_odds))
    return np.where(log_odds >= 0, 1.0, small) / (1.0 + small)
