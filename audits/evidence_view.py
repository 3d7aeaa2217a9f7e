"""The evidence of a dossier in the order of the policy's rules: figures, and the table behind each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from audits.charts import group_rows, interval_chart, metric_chart, most_telling
from audits.dossier import Dossier, EvaluationRecord
from audits.exhibit import Exhibit
from audits.measurement import Measurement
from audits.metric_words import COUNT_METRICS, metric_value, metric_words
from audits.rule_view import (
    Rule,
    RuleView,
    check_title,
    detail_name,
    detail_rows,
    evaluation_of,
    rule_view,
    telling,
    threshold_of,
)
from audits.series_view import exhibits_of
from audits.tables import Cell, Table
from audits.wording import columns_words, group_words, interval, number, percent, whole

UNDERLYING: dict[str, tuple[str, ...]] = {
    "demographic_parity_ratio": ("selection_rate",),
    "demographic_parity_difference": ("selection_rate",),
    "equalized_odds_difference": ("true_positive_rate", "false_positive_rate"),
    "equal_opportunity_difference": ("true_positive_rate",),
    "true_positive_rate_difference": ("true_positive_rate",),
    "false_positive_rate_difference": ("false_positive_rate",),
    "accuracy_score_difference": ("accuracy_score",),
}
"""Aggregate over groups to the rates of groups that it is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One exhibit in a document: its number, caption, SVG, and the table behind it.

    Attributes
    ----------
    svg
        Empty where the table says it all.
    note
        What a reader must know to read it.
    rest, rest_title
        Rows without anything of note, and what to call them.
    omitted
        Rows that stand in the evidence file alone.
    """

    number: str
    caption: str
    svg: str
    table: Table
    note: str = ""
    rest: tuple[tuple[Cell, ...], ...] = ()
    rest_title: str = ""
    omitted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleEvidence:
    """A rule with its own table of details and the figures that show it."""

    rule: RuleView
    figures: tuple[Figure, ...]
    shown_above: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePart:
    """All rules of one kind of check, with the evaluation they rest on (``None``: it was never run)."""

    key: str
    title: str
    status: str
    basis: str
    problem: str
    rules: tuple[RuleEvidence, ...]
    exhibits: tuple[Figure, ...] = ()


def evidence_parts(dossier: Dossier, *, picture: Callable[[str], str] = str) -> list[EvidencePart]:
    """Parts by check, in the order in which the checks first appear among the rules; ``picture`` adapts every SVG."""
    gallery = _Gallery(dossier, picture)
    checks = list(dict.fromkeys(evaluation_of(rule) for rule in dossier.verdict.rules))
    return [gallery.part(check) for check in checks]


def measurement_table(measurements: Sequence[Measurement]) -> Table:
    """Every measurement but plain counts: metric, group, n, counts, value, interval, method, note."""
    rows = tuple(
        (
            ("text", metric_words(item.metric)),
            ("text", columns_words(item.over) if item.over else group_words(item.slice)),
            ("number", whole(item.n)),
            ("number", metric_value(item.metric, item.value)),
            ("number", interval(item.low, item.high)),
            ("text", f"{item.method}, {percent(item.confidence)}"),
        )
        for item in measurements
        if item.metric not in COUNT_METRICS
    )
    heads = (
        ("text", "Metric"), ("text", "Over"), ("number", "n"), ("number", "Value"), ("number", "Interval"),
        ("text", "Method"),
    )  # fmt: skip
    return Table(heads=heads, rows=rows)


class _Gallery:
    """Numbers the figures of one document and draws no picture twice."""

    def __init__(self, dossier: Dossier, picture: Callable[[str], str]) -> None:
        self.dossier = dossier
        self.picture = picture
        self.count = 0
        self.seen: dict[tuple[str, ...], str] = {}

    def part(self, check: str) -> EvidencePart:
        rules = [rule for rule in self.dossier.verdict.rules if evaluation_of(rule) == check]
        evaluation = next((item for item in self.dossier.evaluations if (item.key or item.kind) == check), None)
        measured = evaluation.measurements if evaluation else ()
        judged = tuple(self._rule(rule, measured) for rule in rules)
        return EvidencePart(
            key=check,
            title=check_title(check),
            status=evaluation.status if evaluation else "",
            basis=_basis(evaluation),
            problem=_problem(evaluation),
            rules=judged,
            exhibits=tuple(map(self._exhibit, exhibits_of(evaluation.kind, evaluation.series))) if evaluation else (),
        )

    def _exhibit(self, shown: Exhibit) -> Figure:
        self.count += bool(shown.draw)
        return Figure(
            number=str(self.count) if shown.draw else "",
            caption=f"{shown.title}.",
            svg=self.picture(shown.draw()) if shown.draw else "",
            table=shown.table,
            note=shown.note,
            rest=shown.rest,
            rest_title=shown.rest_title,
            omitted=shown.omitted,
        )

    def _rule(self, rule: Rule, measured: Sequence[Measurement]) -> RuleEvidence:
        figures: list[Figure] = []
        above: list[str] = []
        for key, draw in self._drawings(rule, measured):
            if key in self.seen:
                above.append(self.seen[key])
                continue
            self.count += 1
            self.seen[key] = str(self.count)
            caption, svg, table = draw()
            figures.append(Figure(number=str(self.count), caption=caption, svg=self.picture(svg), table=table))
        return RuleEvidence(
            rule=rule_view(rule),
            figures=tuple(figures),
            shown_above=", ".join(f"figure {item}" for item in dict.fromkeys(above)),
        )

    def _drawings(
        self, rule: Rule, measured: Sequence[Measurement]
    ) -> Iterator[tuple[tuple[str, ...], Callable[[], tuple[str, str, Table]]]]:
        details = [detail for detail in rule["details"] if detail["value"] is not None]
        if not details:
            return
        if rule["check"] == "performance" and not any(detail["slice"] or detail["over"] for detail in details):
            if _overall(measured):
                yield ("performance",), lambda: self._performance(_overall(measured))
            return
        if len(details) > 1 or details[0]["over"] or rule["check"] == "comparison":
            yield ("rule", rule["id"]), lambda: _rule_picture(rule)
        for detail in details:
            over = tuple(detail["over"])
            for metric in UNDERLYING.get(detail["metric"], ()) if over else ():
                if any(item.metric == metric and set(item.slice) == set(over) for item in measured):
                    minimum = _minimum_group(measured, detail["metric"], over)
                    yield (metric, *over), _group_picture(measured, metric, over, minimum)

    def _performance(self, measured: Sequence[Measurement]) -> tuple[str, str, Table]:
        thresholds = {
            rule["details"][0]["metric"]: bound
            for rule in self.dossier.verdict.rules
            if rule["check"] == "performance" and rule["details"] and (bound := threshold_of(rule)) is not None
        }
        metrics = _on_one_axis(measured)
        title = "Overall performance on the held-out test data"
        svg = metric_chart(measured, metrics=metrics, thresholds=thresholds, title=title)
        caption = f"{title}. Dot: value; bar: interval; dashed: the policy's threshold."
        return caption, svg, measurement_table(measured)


_BESIDE = ("log_loss", "calibration_slope", "calibration_intercept", "mean_squared_error", "r2_score")
"""Metrics in a unit of their own: in the table, but not on the axis that the others share."""


def _on_one_axis(measured: Sequence[Measurement]) -> list[str]:
    return list(dict.fromkeys(item.metric for item in measured if item.metric not in _BESIDE))


def _overall(measured: Sequence[Measurement]) -> list[Measurement]:
    return [item for item in measured if not item.slice and not item.over and item.metric not in COUNT_METRICS]


def _rule_picture(rule: Rule) -> tuple[str, str, Table]:
    metric = metric_words(rule["details"][0]["metric"])
    title = f"{metric}: what rule {rule['id']} judges"
    rows = detail_rows(rule)
    axis = f"{metric}: challenger minus champion" if rule["check"] == "comparison" else metric
    svg = interval_chart(rows, axis=axis, title=title, threshold=threshold_of(rule))
    heads = (("text", "Over"), ("number", "n"), ("number", metric), ("number", "Interval"), ("note", "Note"))
    table = Table(
        heads=heads,
        rows=tuple(
            (
                ("text", detail_name(detail)),
                ("number", whole(detail["n"])),
                ("number", number(detail["value"])),
                ("number", interval(detail["low"], detail["high"])),
                ("note", detail["note"] or ""),
            )
            for detail in telling(rule)
        ),
    )
    return f"{title}.", svg, table


def _group_picture(
    measured: Sequence[Measurement], metric: str, over: tuple[str, ...], minimum: float
) -> Callable[[], tuple[str, str, Table]]:
    def draw() -> tuple[str, str, Table]:
        title = f"{metric_words(metric)} by {columns_words(over)}"
        rows = group_rows(measured, metric=metric, over=over, minimum_group=minimum)
        shown = most_telling(rows)
        svg = interval_chart(shown, axis=title, title=title)
        hollow = f" Hollow: groups under {percent(minimum)} of the cases." if minimum else ""
        part = f" The highest and the lowest {len(shown)} of {len(rows)} groups; the table has all." * (
            len(shown) < len(rows)
        )
        return f"{title}, highest first.{hollow}{part}", svg, _group_table(measured, metric, over)

    return draw


def _group_table(measured: Sequence[Measurement], metric: str, over: tuple[str, ...]) -> Table:
    names = ("tp", "fp", "tn", "fn")
    groups = [item for item in measured if item.metric == metric and set(item.slice) == set(over)]
    groups.sort(key=lambda item: (item.value is None, -(item.value or 0.0)))
    heads = (
        ("text", columns_words(over).capitalize()), ("number", "n"), *(("number", name.upper()) for name in names),
        ("number", metric_words(metric)), ("number", "Interval"), ("text", "Method"),
    )  # fmt: skip
    rows = tuple(
        (
            ("text", group_words({column: item.slice[column] for column in over})),
            ("number", whole(item.n)),
            *(("number", whole(item.counts.get(name))) for name in names),
            ("number", number(item.value)),
            ("number", interval(item.low, item.high)),
            ("text", f"{item.method}, {percent(item.confidence)}"),
        )
        for item in groups
    )
    return Table(heads=heads, rows=rows)


def _minimum_group(measured: Sequence[Measurement], metric: str, over: tuple[str, ...]) -> float:
    return max((item.minimum_group for item in measured if item.metric == metric and item.over == over), default=0.0)


def _basis(evaluation: EvaluationRecord | None) -> str:
    if evaluation is None or evaluation.status != "succeeded":
        return ""
    engine = f", computed with {evaluation.engine}" if evaluation.engine else ""
    return f"Evidence is {evaluation.trust}{engine}."


def _problem(evaluation: EvaluationRecord | None) -> str:
    if evaluation is None:
        return ""
    if evaluation.error is None:
        return (
            ""
            if evaluation.status == "succeeded"
            else f"This evaluation is {evaluation.status}: nothing was measured yet."
        )
    error = evaluation.error
    row = None if error.row is None else f"row {error.row}"
    places = (("file ", error.file), ("column ", error.column), ("", row))
    place = ", ".join(f"{word}{shown}" for word, shown in places if shown and shown not in error.message)
    return f"{error.message} ({place})" if place else error.message
