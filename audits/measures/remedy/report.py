"""All remedies of one file of predictions, as measurements and tables: thresholds, and models trained for parity. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from audits.measurement import Measurement
from audits.measures.multiclass.confusion import class_name
from audits.measures.proxies.encoding import Codes, feature_of, groups_of
from audits.measures.remedy.outcomes import Outcome
from audits.measures.remedy.reductions import LEAST_ROWS, Trained, trainings
from audits.measures.remedy.suggestion import CAVEAT, COLUMNS, SAME_ROWS, remedies, remedy_series
from audits.measures.sampled_rows import sample_rows
from audits.series import Series
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.counted import Counted
    from audits.engines.port import Engine
    from audits.measures.remedy.parameters import RemedyParameters

_MOST_TRAINED_GROUPS = 20
_TRUE = ("1", "1.0", "true")


def by_thresholds(
    counted: Counted, columns: tuple[str, ...], asked: RemedyParameters
) -> tuple[list[Measurement], list[Series]]:
    """What one threshold per group would do, by the score table alone."""
    if counted.scores is None:
        return [], []
    minimum = asked.predictions.minimum_groups[0]
    tensor, scores = counted.tensor.margin(columns), counted.scores.margin(columns)
    found = remedies(tensor, scores, minimum=minimum)
    if found is None:
        return [], []
    named = [("as decided now", found.now, ""), *((r.name, r.outcome, f"{r.does}; {SAME_ROWS}") for r in found.found)]
    measured = [
        m
        for confidence in asked.predictions.confidences
        for name, outcome, note in named
        for m in _measured(name, outcome, found.members, columns, tensor.total, confidence, minimum, note)
    ]
    return measured, [remedy_series(found, columns, asked.predictions.confidences[0])]


def by_training(
    engine: Engine, columns: tuple[str, ...], asked: RemedyParameters
) -> tuple[list[Measurement], list[Series]]:
    """What models trained for parity would do on rows that they have not seen.

    Raises
    ------
    InvalidInput
        If a feature is not there or nested, there are too few rows, more than twenty groups, or one label only.
    """
    engine.require(*asked.features, field="features")
    label = asked.predictions.label
    nested = [name for name in asked.features if engine.columns[name] == "other"]
    if nested:
        raise InvalidInput(f"column {nested[0]!r} holds nested values, which cannot be a feature", field="features")
    wanted = list(dict.fromkeys([*asked.features, *columns, label]))
    sample = sample_rows(engine, wanted, asked.rows, key=asked.key, seed=asked.predictions.seed)
    rows = len(sample.table)
    parts = [groups_of(sample.table, column) for column in columns]
    group, names = _crossed(parts)
    truth = _truth(sample.table[label].to_pylist(), asked.predictions.positive)
    if rows < LEAST_ROWS or len(np.unique(truth[::2])) < 2:  # noqa: PLR2004 - both labels
        raise InvalidInput(
            f"training takes at least {LEAST_ROWS} rows with both labels; there are {rows}: leave out the features",
            field="features",
        )
    if not 2 <= len(names) <= _MOST_TRAINED_GROUPS:  # noqa: PLR2004 - a comparison takes two
        raise InvalidInput(
            f"{' × '.join(columns)} has {len(names)} groups; training is for 2 to {_MOST_TRAINED_GROUPS}: "
            "leave out the features or cross fewer columns",
            field="features",
        )
    # A group that neither half or label knows cannot be constrained; the four cells of each half must be there.
    _refuse_thin(group, truth, names)
    features = [feature_of(sample.table, name) for name in asked.features]
    found = list(trainings(features, truth, group, seed=asked.predictions.seed))
    said = f"a logistic model of ours on {sample.said}: trained on one half, measured on the other"
    members, confidences = list(range(len(names))), asked.predictions.confidences
    measured = [
        m
        for confidence in confidences
        for one in found
        for m in _measured(one.name, one.outcome, members, columns, rows // 2, confidence, 0.0, f"{one.does}; {said}")
    ]
    return measured, [_series(found, members, columns, confidences[0], said)]


def _refuse_thin(group: Codes, truth: Codes, names: Sequence[str]) -> None:
    half = np.arange(len(group)) % 2
    cells = np.bincount((group * 2 + truth) * 2 + half, minlength=4 * len(names)).reshape(-1, 4)
    thin = [names[i] for i in np.flatnonzero((cells < 2).any(axis=1)).tolist()]  # noqa: PLR2004 - one row is no rate
    if thin:
        raise InvalidInput(
            f"the groups {', '.join(thin)} have too few rows of one label to train for parity: join them with others, "
            "or leave out the features",
            field="sensitive",
        )


def _crossed(parts: Sequence[tuple[Codes, tuple[str, ...]]]) -> tuple[Codes, list[str]]:
    """Codes and names of the combinations that occur."""
    named = [" × ".join(row) for row in zip(*([names[c] for c in codes] for codes, names in parts), strict=True)]
    levels = sorted(set(named))
    place = {name: index for index, name in enumerate(levels)}
    return np.array([place[name] for name in named], dtype=np.int64), levels


def _truth(values: Sequence[object], positive: str | None) -> Codes:
    """Zeros and ones; the values are known to be binary, because they were counted before."""
    plain = [int(value) if isinstance(value, bool) else value for value in values]
    if positive is None:
        return np.array([str(value).strip().lower() in _TRUE for value in plain], dtype=np.int64)
    chosen = class_name(int(positive.lower() == "true") if positive.lower() in ("true", "false") else positive)
    return np.array([class_name(value) == chosen for value in plain], dtype=np.int64)


def _measured(
    name: str,
    outcome: Outcome,
    members: Sequence[int],
    columns: tuple[str, ...],
    n: int,
    confidence: float,
    minimum: float,
    note: str,
) -> Iterator[Measurement]:
    for metric, (value, low, high), method in (
        ("demographic_parity_ratio", outcome.parity_ratio(members, confidence), "koopman-sidak"),
        ("equalized_odds_difference", outcome.odds_difference(members, confidence), "newcombe-sidak"),
        ("accuracy_score", outcome.accuracy(confidence), "wilson"),
    ):
        yield Measurement(
            metric=metric,
            slice={"remedy": name},
            value=value,
            low=low,
            high=high,
            n=n,
            method=method,
            confidence=confidence,
            over=columns,
            minimum_group=minimum,
            note=note if value is not None else "undefined: nobody is selected, or too few groups have both labels",
        )


def _series(
    found: Sequence[Trained], members: Sequence[int], columns: tuple[str, ...], confidence: float, said: str
) -> Series:
    rows = []
    for one in found:
        caveat = "; ".join(filter(None, [CAVEAT if "Threshold" in one.name else "", one.caveat, said]))
        outcome = one.outcome
        limits = (
            outcome.selected(members) / float(outcome.cells.sum()),
            *outcome.parity_ratio(members, confidence),
            *outcome.odds_difference(members, confidence),
            *outcome.accuracy(confidence),
        )
        rows.append((one.name, one.does, "", *limits, caveat))
    return Series(
        name="remedies",
        title=f"What training for parity by {' × '.join(columns)} would do",
        columns=COLUMNS,
        rows=tuple(rows),
    )
