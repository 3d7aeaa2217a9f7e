"""What ``evaluate fairness`` says beyond rates of groups. Pure of Django."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from audits.kinds.addition import Addition

if TYPE_CHECKING:
    from audits.counted import Counted
    from audits.engines.opening import Data
    from audits.engines.port import Engine
    from audits.measurement import Measurement
    from audits.parameters import Parameters
    from audits.series import Series

MULTICLASS = "multiclass"


def extend(
    engine: Engine, data: Data, parameters: Parameters, over: Sequence[Sequence[str]], counted: Counted | None
) -> Addition:
    """What there is to say beyond the rates: scores, inequality, representation, remedies; all of it for other tasks.

    Parameters
    ----------
    engine, data
        The open data, and what was opened.
    over
        The sets of columns to group by: one for an attribute, several for their intersection.
    counted
        What was counted already, over all the columns named in ``over``; ``None`` where the task is not binary, so that
        everything is the extension's to say.
    """
    if counted is None:
        return _of_other_task(engine, data, parameters, over)
    measurements: list[Measurement] = []
    series: list[Series] = []
    for columns in map(tuple, over):
        measured, shown = _of_columns(counted, parameters, columns)
        measurements += measured
        series += shown
    absent = [column for column in parameters.population if (column,) not in set(map(tuple, over))]
    return Addition(
        measurements=tuple(measurements),
        series=tuple(series),
        warnings=tuple(f"population of {column!r}: that column is not compared here by itself" for column in absent),
    )


def _of_columns(
    counted: Counted, parameters: Parameters, columns: tuple[str, ...]
) -> tuple[list[Measurement], list[Series]]:
    """Measurements and series over the groups of one set of columns."""
    from audits.measures.group_scores_report import group_score_measurements, group_score_series
    from audits.measures.inequality import inequality_measurements
    from audits.measures.remedy.suggestion import remedied, remedies, remedy_series
    from audits.measures.representation import representation_measurements

    tensor = counted.tensor.margin(columns)
    confidences, minimums = parameters.confidences, parameters.minimum_groups
    held_back = counted.held_back
    measured = inequality_measurements(tensor, confidences, seed=parameters.seed, why_not=held_back)
    if len(columns) == 1 and columns[0] in parameters.population:
        population = parameters.population[columns[0]]
        measured += representation_measurements(tensor, columns[0], population, confidences, why_not=held_back)
    if counted.scores is None:
        return measured, []
    table = counted.scores.margin(columns)
    measured += group_score_measurements(table, confidences, minimums, seed=parameters.seed)
    series = group_score_series(table, confidences[0])
    for place, minimum in enumerate(minimums):
        found = remedies(tensor, table, minimum=minimum)
        for confidence in confidences:
            measured += remedied(found, tensor, minimum=minimum, confidence=confidence)
        if found and not place:
            series.append(remedy_series(found, columns, confidences[0]))
    return measured, series


def _of_other_task(engine: Engine, data: Data, parameters: Parameters, over: Sequence[Sequence[str]]) -> Addition:
    """Everything about predictions of classes or of numbers."""
    if parameters.task == MULTICLASS:
        from audits.measures.group_multiclass import multiclass_fairness

        measurements, warnings = multiclass_fairness(engine, data, parameters, over)
    else:
        from audits.measures.group_regression import regression_fairness

        measurements, warnings = regression_fairness(engine, data, parameters, over)
    return Addition(measurements=tuple(measurements), warnings=tuple(warnings))
