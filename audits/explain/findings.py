"""All that one explanation finds, step by step: the numbers, before they become measurements and tables. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from audits.engines.port import Progress
from audits.explain.asking import Column, Tell, answers_of, count_of, rows_of
from audits.explain.budget import MOST_EVALUATIONS, MOST_FOR_PAIRS, pairs_within, rows_within
from audits.explain.dependence import Dependence, dependence_on
from audits.explain.explanation import Explanation, Interactions, explain, interactions
from audits.explain.feature_dictionary import ADVERSE, FeatureDictionary
from audits.explain.material import Material
from audits.explain.parameters import ExplanationParameters
from audits.explain.permutation_importance import Drop, Labelled, class_words, drops, labelled
from audits.explain.ranges import typical_of
from audits.explain.reason_tally import Told, tell_reasons
from audits.explain.stability import Stability, stability_of
from audits.scoring.model import Model

_REPEAT_ROWS, _CURVE_ROWS = 100, 500
_REPEAT_EVALUATIONS = 500_000
_FEWEST_REPEATED = 10
_EXPLAINED, _PAIRED, _REPEATED, _SHUFFLED, _DRAWN = 0.4, 0.55, 0.75, 0.88, 0.98
_READ = 0.05


@dataclass(kw_only=True)
class Findings:
    """What was found.

    Attributes
    ----------
    explanation
        The contributions of the first ``rows`` rows.
    rows
        How many rows were explained.
    told
        Reasons of the adverse decisions among them; None where there are no decisions, or none that can be told.
    curves
        Of the most important features, at the first confidence.
    lost, value, shuffled
        What is lost by shuffling; the metric itself, and the rows.
    stability
        By confidence.
    warnings
        What could not be measured, and why.
    """

    explanation: Explanation
    rows: int
    pairs: Interactions | None = None
    curves: list[Dependence] = field(default_factory=list)
    lost: list[Drop] = field(default_factory=list)
    value: float | None = None
    shuffled: Labelled | None = None
    stability: dict[float, Stability] = field(default_factory=dict)
    told: Told | None = None
    warnings: list[str] = field(default_factory=list)


def find(
    model: Model, material: Material, dictionary: FeatureDictionary, asked: ExplanationParameters, progress: Progress
) -> Findings:
    """Explain the model.

    Parameters
    ----------
    progress
        Called with shares of the whole.

    Raises
    ------
    NotAdditive
        If contributions do not add up to the model's own scores.
    InvalidInput, ModelFailed, SandboxUnavailable
        From the explanation and from the model.
    """
    trees = model.trees() is not None
    wanted = min(asked.rows, material.drawn)
    background = material.first_background(asked.background_rows)
    size = len(next(iter(background.values())))
    rows = rows_within(model, wanted, size, trees=trees)
    explained = rows_of(material.rows, slice(rows))
    found = Findings(
        explanation=explain(
            model,
            explained,
            background,
            seed=asked.seed,
            most_evaluations=MOST_EVALUATIONS,
            progress=part(progress, _READ, _EXPLAINED, "explaining"),
        ),
        rows=rows,
    )
    if rows < wanted:
        found.warnings.append(
            f"only {rows} of {wanted} rows were explained: this model has no trees to read, and asking it about "
            "every row would take too long"
        )
    misspelt = dictionary.unknown(model.interface.inputs)
    if misspelt:
        found.warnings.append(f"the feature dictionary names what the model does not read: {', '.join(misspelt[:5])}")
    if asked.interactions:
        _interactions(found, model, explained, background, asked, trees, part(progress, _EXPLAINED, _PAIRED, "pairs"))
    if asked.stability_repeats:
        _stability(found, model, material, asked, trees, part(progress, _PAIRED, _REPEATED, "other backgrounds"))
    if asked.permutation_repeats and material.label is not None:
        _shuffle(
            found, model, material, material.label, asked, share(progress, _REPEATED, _SHUFFLED, "shuffling features")
        )
    if asked.dependence:
        _curves(found, model, material, asked, share(progress, _SHUFFLED, _DRAWN, "drawing curves"))
    progress(_DRAWN, "telling reasons")
    _reasons(found, model, material, dictionary, asked)
    return found


def part(progress: Progress, low: float, high: float, note: str) -> Progress:
    """Progress of a piece of the work as progress of the whole."""
    return lambda done, said: progress(low + min(max(done, 0.0), 1.0) * (high - low), said or note)


def share(progress: Progress, low: float, high: float, note: str) -> Tell:
    """The same for work that only tells how much is done."""
    return lambda done: progress(low + min(max(done, 0.0), 1.0) * (high - low), note)


def _interactions(
    found: Findings,
    model: Model,
    rows: Mapping[str, Column],
    background: Mapping[str, Column],
    asked: ExplanationParameters,
    trees: bool,
    progress: Progress,
) -> None:
    features = len(model.interface.inputs)
    if features < 2:  # noqa: PLR2004 - a pair
        return
    sizes = pairs_within(features, count_of(rows), count_of(background), trees=trees)
    if sizes is None:
        found.warnings.append(
            f"interactions were not measured: this model has no trees to read, and asking it about {features} features "
            "two by two would take too long"
        )
        return
    found.pairs = interactions(
        model,
        rows_of(rows, slice(sizes[0])),
        rows_of(background, slice(sizes[1])),
        seed=asked.seed,
        most_evaluations=MOST_FOR_PAIRS,
        progress=progress,
    )


def _stability(
    found: Findings,
    model: Model,
    material: Material,
    asked: ExplanationParameters,
    trees: bool,
    progress: Progress,
) -> None:
    """Explain the same rows against other backgrounds, with other seeds."""
    size = min(asked.background_rows, len(next(iter(material.background.values()))))
    most = min(found.rows, _REPEAT_ROWS)
    rows = rows_within(model, most, size, trees=trees, most=_REPEAT_EVALUATIONS)
    if rows < min(_FEWEST_REPEATED, found.rows):
        found.warnings.append("stability was not measured: repeating the explanation would ask the model too often")
        return
    few = rows_of(material.rows, slice(rows))
    others = []
    for repeat in range(asked.stability_repeats):
        background = material.another_background(asked.background_rows, seed=asked.seed, repeat=repeat)
        each = part(progress, repeat / asked.stability_repeats, (repeat + 1) / asked.stability_repeats, "repeating")
        again = explain(
            model,
            few,
            background,
            seed=asked.seed + 1 + repeat,
            most_evaluations=_REPEAT_EVALUATIONS,
            progress=each,
        )
        others.append(again.values)
    for confidence in asked.confidences:
        found.stability[confidence] = stability_of(found.explanation.values[:rows], others, confidence, seed=asked.seed)


def _shuffle(
    found: Findings, model: Model, material: Material, label: Column, asked: ExplanationParameters, tell: Tell
) -> None:
    data = labelled(material.rows, label, model.interface, positive_of(model, asked.positive))
    if isinstance(data, str):
        found.warnings.append(f"permutation importance was not measured: {data}")
        return
    found.shuffled = data
    found.value, found.lost = drops(model, data, repeats=asked.permutation_repeats, seed=asked.seed, tell=tell)


def _nested(tell: Tell, place: int, of: int) -> Tell:
    return lambda done: tell((place + done) / of)


def _curves(found: Findings, model: Model, material: Material, asked: ExplanationParameters, tell: Tell) -> None:
    """Curves of the most important features, by the groups of the first sensitive column."""
    rows = rows_of(material.rows, slice(_CURVE_ROWS))
    groups = material.members(asked.sensitive[0], _CURVE_ROWS) if asked.sensitive else {}
    sizes = np.abs(found.explanation.values).mean(axis=0)
    chosen = [int(place) for place in np.argsort(-sizes, kind="stable")[: asked.dependence]]
    confidence = asked.confidences[0]
    for number, place in enumerate(chosen):
        name = found.explanation.features[place]
        curve = dependence_on(
            model, rows, name, groups=groups, confidence=confidence, tell=_nested(tell, number, len(chosen))
        )
        if curve is not None:
            found.curves.append(curve)


def positive_of(model: Model, stated: str | None) -> str:
    """The class that counts as positive: as stated, as the model is asked, or its last."""
    classes = model.signature.classes
    return stated or model.interface.positive or (classes[-1] if classes else "1")


def _reasons(
    found: Findings,
    model: Model,
    material: Material,
    dictionary: FeatureDictionary,
    asked: ExplanationParameters,
) -> None:
    side = asked.adverse or dictionary.adverse
    rows = rows_of(material.rows, slice(found.rows))
    adverse = adverse_decisions(model, rows, side=side, positive=positive_of(model, asked.positive))
    if isinstance(adverse, str):
        found.warnings.append(f"no reasons are told: {adverse}")
        return
    found.told = tell_reasons(
        found.explanation.values,
        rows,
        adverse,
        dictionary,
        side=side,
        sensitive=asked.sensitive,
        typical=typical_of(material.background),
    )


def adverse_decisions(
    model: Model, rows: Mapping[str, Column], *, side: str, positive: str
) -> npt.NDArray[np.bool_] | str:
    """Which rows the model decides against; or why that cannot be said."""
    task, threshold = model.interface.task, model.interface.threshold
    if task == "multiclass":
        return "of several classes it is not known which decision is adverse"
    scores, decisions = answers_of(model, rows)
    if task == "regression" and threshold is None:
        return "the model predicts a number, and no threshold turns it into a decision"
    if threshold is not None and task == "regression":
        favourable = scores >= threshold
    else:
        words: Callable[[object], str] = lambda value: class_words(value).casefold()  # noqa: E731 - a name for one line
        favourable = np.array([words(value) == words(positive) for value in decisions.tolist()], dtype=bool)
    adverse: npt.NDArray[np.bool_] = ~favourable if side == ADVERSE[0] else favourable
    return adverse
