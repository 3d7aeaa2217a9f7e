"""What re-scoring says: whether the predictions are the model's, and if not, where they differ. Pure."""

from __future__ import annotations

from audits.measurement import Measurement
from audits.rescoring.agreement import Agreement
from audits.rescoring.parameters import RescoringParameters
from audits.series import Series

AGREEMENT, VERIFIED = "prediction_agreement", "predictions_verified"
COUNT = "exact count"


def agrees(found: Agreement, parameters: RescoringParameters) -> bool:
    """Whether every row was predicted once, as the model predicts it, with the label and groups of the test data."""
    allowed = parameters.decision_tolerance * found.rows
    wrong = found.left_out or found.added or found.twice or found.scores_off or any(found.stated_off.values())
    return bool(found.rows) and not wrong and found.decisions_off <= allowed


def measurements_of(found: Agreement, parameters: RescoringParameters) -> list[Measurement]:
    """Counts, shares and the largest difference; none is a sample of anything, so none has an interval to speak of."""
    counts = {
        "rows_left_out": (found.left_out, "rows of the test data without a prediction"),
        "rows_added": (found.added, "predictions of rows that are not in the test data"),
        "rows_twice": (found.twice, "keys that stand more than once"),
        "scores_off": (found.scores_off, f"differ by more than {parameters.score_tolerance:g}"),
        "decisions_off": (found.decisions_off, ""),
        "stated_off": (sum(found.stated_off.values()), "labels, groups or weights that are not those of the test data"),
    }
    whole = [_exact(name, float(value), found.rows, note) for name, (value, note) in counts.items()]
    by_column = [
        Measurement(metric="stated_off", slice={"column": name}, value=float(off), low=float(off), high=float(off), n=found.rows, method=COUNT)
        for name, off in found.stated_off.items()
    ]  # fmt: skip
    if parameters.score or parameters.scores:
        whole.append(_exact("score_difference", found.largest, found.rows, "the largest of all rows"))
    same = agrees(found, parameters)
    unverified = [name for name in parameters.stated if name not in found.stated_off]
    beside = f"the test data have no {' and no '.join(unverified)}" if unverified else _sentence(found)
    return [
        _exact(AGREEMENT, float(same), found.rows, _sentence(found)),
        _exact(VERIFIED, float(same and not unverified), found.rows, beside),
        *whole,
        *by_column,
    ]


def series_of(found: Agreement, parameters: RescoringParameters) -> list[Series]:
    """The rows that differ most."""
    if not found.examples:
        return []
    columns = (*parameters.key, "submitted_score", "recomputed_score", "submitted_decision", "recomputed_decision")
    return [Series(name="rescored_rows", title="Rows that differ", columns=columns, rows=found.examples)]


def _exact(metric: str, value: float | None, n: int, note: str) -> Measurement:
    return Measurement(metric=metric, value=value, low=value, high=value, n=n, method=COUNT, note=note)


def _sentence(found: Agreement) -> str:
    parts = [
        (found.scores_off, "score differs", "scores differ"),
        (found.decisions_off, "decision differs", "decisions differ"),
        (found.left_out, "row was left out", "rows were left out"),
        (found.added, "row was added", "rows were added"),
        (found.twice, "key stands twice", "keys stand twice"),
        *((off, f"{name} is not as in the test data", f"values of {name} are not as in the test data") for name, off in found.stated_off.items()),
    ]  # fmt: skip
    said = [f"{count:,} {one if count == 1 else many}" for count, one, many in parts if count]
    return "; ".join(said)
