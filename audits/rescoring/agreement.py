"""Counts, key by key, where the submitted predictions and the model's own differ. Pure of Django."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audits.rescoring.alignment import OURS, SIDE, SUBMITTED, Form, key_column, stated_column
from audits.scoring.model import DECISION

if TYPE_CHECKING:
    import ibis

    from audits.engines.port import Engine

EXAMPLES = 20
_SCORE = "s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What the comparison found, in rows.

    Attributes
    ----------
    rows
        Rows of the test data.
    left_out, added
        Rows of the test data without a prediction, and predictions of rows that are not in the test data.
    twice
        Keys that stand more than once on either side: such rows cannot be compared.
    scores_off, decisions_off
        Rows whose score differs by more than the tolerance, or whose decision differs.
    stated_off
        Stated column to the rows in which the predictions say something else than the test data.
    largest
        The largest difference of two scores; None where there are no scores to compare.
    examples
        Of rows that differ, the largest differences of score first: the key, both scores, both decisions.
    """

    rows: int
    left_out: int
    added: int
    twice: int
    scores_off: int
    decisions_off: int
    stated_off: dict[str, int]
    largest: float | None
    examples: tuple[tuple[Any, ...], ...]


def count_agreement(
    engine: Engine, form: Form, *, tolerance: float, regression: bool, threshold: float | None = None
) -> Agreement:
    """Compare both sides of the common form that ``engine`` holds.

    Parameters
    ----------
    tolerance
        Largest difference of two scores that agree, and of two decisions where they are numbers.
    regression
        Whether decisions are numbers.
    threshold
        Where the score decides: two decisions may differ where both scores lie within the tolerance of it.
    """
    import ibis

    paired = _paired(engine.table, form)
    both = (paired.submitted == 1) & (paired.ours == 1)
    differences = [_difference(paired, name) for name in form.numbers]
    far = [(difference > tolerance).fill_null(True) for difference in differences]
    decision = _decision_off(paired, tolerance, regression=regression)
    if threshold is not None and _SCORE in form.numbers:
        near = [(paired[f"{_SCORE}_{side}"] - threshold).abs() <= tolerance for side in (0, 1)]
        decision = decision & ~(near[0] & near[1]).fill_null(False)
    score_off = _any(far)
    marked = paired.mutate(
        both=both,
        score_off=both & score_off,
        decision_off=both & decision,
        largest=ibis.greatest(*differences) if differences else ibis.null("float64"),
        **{f"off_{stated_column(i)}": both & _unequal(paired, stated_column(i)) for i in range(len(form.stated))},
    )
    totals = marked.aggregate(
        rows=marked.ours.sum(),
        left_out=((marked.submitted == 0) & (marked.ours > 0)).sum(),
        added=((marked.ours == 0) & (marked.submitted > 0)).sum(),
        twice=((marked.submitted > 1) | (marked.ours > 1)).sum(),
        scores_off=marked.score_off.sum(),
        decisions_off=marked.decision_off.sum(),
        largest=marked.largest.max(),
        **{f"off_{stated_column(i)}": marked[f"off_{stated_column(i)}"].sum() for i in range(len(form.stated))},
    )
    found = {name: values[0] for name, values in engine.read(totals).to_pydict().items()}
    return Agreement(
        **{
            name: int(found[name] or 0)
            for name in ("rows", "left_out", "added", "twice", "scores_off", "decisions_off")
        },
        stated_off={name: int(found[f"off_{stated_column(i)}"] or 0) for i, name in enumerate(form.stated)},
        largest=found["largest"],
        examples=_examples(engine, marked, form),
    )


def _paired(table: ibis.Table, form: Form) -> ibis.Table:
    """One row per key: how often it stands on each side, and what is said there."""
    sides = {"0": table[SIDE] == SUBMITTED, "1": table[SIDE] == OURS}
    values = [*form.numbers, DECISION, *(stated_column(i) for i in range(len(form.stated)))]
    return table.group_by([key_column(i) for i in range(len(form.keys))]).aggregate(
        submitted=sides["0"].sum(),
        ours=sides["1"].sum(),
        **{f"{name}_{side}": table[name].max(where=where) for name in values for side, where in sides.items()},
    )


def _difference(paired: ibis.Table, name: str) -> Any:
    """Null where a score is missing on one side only or on both: a score that is not there agrees with nothing."""
    return (paired[f"{name}_0"] - paired[f"{name}_1"]).abs()


def _unequal(paired: ibis.Table, name: str) -> Any:
    first, second = paired[f"{name}_0"], paired[f"{name}_1"]
    return (first != second).fill_null(first.isnull() != second.isnull())


def _decision_off(paired: ibis.Table, tolerance: float, *, regression: bool) -> Any:
    if not regression:
        return _unequal(paired, DECISION).fill_null(True)
    first, second = paired[f"{DECISION}_0"].try_cast("float64"), paired[f"{DECISION}_1"].try_cast("float64")
    return ((first - second).abs() > tolerance).fill_null(True)


def _any(conditions: list[Any]) -> Any:
    import ibis

    result: Any = ibis.literal(value=False)
    for condition in conditions:
        result = result | condition
    return result


def _examples(engine: Engine, marked: ibis.Table, form: Form) -> tuple[tuple[Any, ...], ...]:
    import ibis

    keys = [key_column(i) for i in range(len(form.keys))]
    score = next(iter(form.numbers), None)
    scores = [marked[f"{score}_0"], marked[f"{score}_1"]] if score else [ibis.null("float64"), ibis.null("float64")]
    chosen = marked.filter(marked.score_off | marked.decision_off).select(
        *keys,
        score_0=scores[0],
        score_1=scores[1],
        decision_0=marked[f"{DECISION}_0"],
        decision_1=marked[f"{DECISION}_1"],
        by=marked.largest,
    )
    ordered = chosen.order_by([ibis.desc("by", nulls_first=True), *keys]).limit(EXAMPLES).drop("by")
    return tuple(tuple(row.values()) for row in engine.read(ordered).to_pylist())
