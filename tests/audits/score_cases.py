"""Scores with labels for the tests of calibration and thresholds: as cells, and as rows to give to a peer."""

from __future__ import annotations

import numpy as np

from audits.score_table import ScoreBins


def cells_of(label, score, weight=None) -> ScoreBins:
    """Rows counted by distinct score."""
    levels, place = np.unique(np.asarray(score, dtype=float), return_inverse=True)
    weights = np.ones(len(place)) if weight is None else np.asarray(weight, dtype=float)
    return _cells(levels, levels, levels, place, np.asarray(label), weights)


def binned_cells(label, score, bins, weight=None) -> ScoreBins:
    """Rows counted by equal parts of [0, 1], the mean score of each beside."""
    place = np.minimum((np.asarray(score) * bins).astype(int), bins - 1)
    kept, place = np.unique(place, return_inverse=True)
    weights = np.ones(len(place)) if weight is None else np.asarray(weight, dtype=float)
    mean = np.bincount(place, weights=weights * score) / np.bincount(place, weights=weights)
    return _cells(mean, kept / bins, (kept + 1) / bins, place, np.asarray(label), weights)


def _cells(score, low, high, place, label, weights) -> ScoreBins:
    cell = 2 * place + label.astype(int)

    def total(values):
        return np.bincount(cell, weights=values, minlength=2 * len(score)).reshape(-1, 2)

    return ScoreBins(
        score=score,
        low=low,
        high=high,
        counts=total(np.ones(len(place))).astype(np.int64),
        weights=total(weights),
        squares=total(weights**2),
    )


def scored(seed=0, n=400, *, slope=1.0, shift=0.0, digits=3):
    """Labels drawn with log-odds ``slope · logit(score) + shift``: calibrated by default."""
    draw = np.random.default_rng(seed)
    logit = 1.2 * draw.standard_normal(n) - 0.3
    score = np.round(1 / (1 + np.exp(-logit)), digits)
    chance = 1 / (1 + np.exp(-(slope * logit + shift)))
    label = (draw.random(n) < chance).astype(int)
    label[:2] = [0, 1]
    return label, score
