"""Exhibits of an explanation: what matters, for whom, which way, how surely, and the reasons that are told. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from audits.charts import Row, interval_chart
from audits.exhibit import Column, Exhibit, counted, heads, measured, share, table_exhibit, text
from audits.explanation_charts import CurvePanel, Swarm, curve_panels, swarm_chart
from audits.series import Series
from audits.tables import Table
from audits.wording import number, whole

_LABEL = 32
_MOST_FEATURES, _MOST_BY_GROUP, _MOST_PANELS, _MOST_GROUPS, _MOST_POINTS = 20, 8, 6, 5, 400
_FEATURE = "feature"

_IMPORTANCE = (
    Column("name", "Feature"), Column("importance", "Mean contribution", measured), Column("low", "Low", measured),
    Column("high", "High", measured), Column("share", "Share", share), Column("rank", "Place", counted),
    Column("rank_low", "Best place", counted), Column("rank_high", "Worst place", counted),
)  # fmt: skip
_BY_GROUP = (
    Column("name", "Feature"), Column("share", "Share", measured), Column("low", "Low", measured),
    Column("high", "High", measured), Column("n", "n", counted), Column("few", "Too few rows"),
)  # fmt: skip
_PAIRS = (
    Column("first", "Feature"), Column("second", "with"), Column("strength", "Mean joint contribution", measured),
    Column("low", "Low", measured), Column("high", "High", measured),
)  # fmt: skip
_SHUFFLED = (
    Column("name", "Feature"), Column("drop", "Loss", measured), Column("low", "Low", measured),
    Column("high", "High", measured), Column("n", "n", counted),
)  # fmt: skip
_STABLE = (
    Column("quantity", "Quantity"), Column("value", "Value", measured), Column("low", "Low", measured),
    Column("high", "High", measured), Column("n", "n", counted),
)  # fmt: skip
_REASONS = (
    Column("reason", "Reason"), Column("first", "First", counted), Column("first_share", "Share first", share),
    Column("among", "Among the reasons", counted), Column("decisions", "Decisions", counted),
    Column("sensitive", "Sensitive attribute"),
)  # fmt: skip
_EXAMPLES = (
    Column("key_hash", "Key (hash)"), Column("order", "No.", counted), Column("reason", "Reason"),
    Column("share", "Part of what counted against", share),
)  # fmt: skip
_CURVE = Column("value", "Value", measured), Column("mean", "Mean score", measured), Column("low", "Low", measured), Column("high", "High", measured)  # fmt: skip
_SWARM = (Column("name", "Feature"), Column("lowest", "Lowest", measured), Column("highest", "Highest", measured))
_SCALES = {"probability": ", as probability", "log-odds": ", in log-odds", "value": ", in the predicted unit"}
_METRICS = {"roc_auc_score": "ROC AUC", "accuracy_score": "accuracy", "r2_score": "R²"}


def importance(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """The features, the most important first."""
    rows = partial(_rows, series[0], "importance")
    yield table_exhibit(
        f"{kind}-importance", series[0].title, series, _IMPORTANCE,
        draw=partial(_dots, rows, axis=f"Mean absolute contribution to the score{_scale(series)}", title=series[0].title),
        note="How far a feature moves the score from the background's mean, up or down, on average over the explained rows.",
    )  # fmt: skip


def by_group(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Shares of importance by the groups of each sensitive column, features side by side."""
    for column in dict.fromkeys(name for item in series for name in item.slice):
        members = [item for item in series if column in item.slice]
        yield table_exhibit(
            f"{kind}-importance-{column}", members[0].title, members, _BY_GROUP, group=column.capitalize(), most=40,
            draw=partial(
                _dots, partial(_group_rows, members), axis="Share of all contributions", title=members[0].title
            ),
            note="Does the score rest on other things for other groups? Groups with fewer than 30 explained rows are hollow.",
        )  # fmt: skip


def swarms(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Every explained row as a point, by feature."""
    found = series[0].records()
    table = Series(
        name="swarm", title=series[0].title, columns=("name", "lowest", "highest"),
        rows=tuple((r["name"], min(r["contributions"]), max(r["contributions"])) for r in found),
    )  # fmt: skip
    yield table_exhibit(
        f"{kind}-swarm", series[0].title, [table], _SWARM, draw=partial(_swarms, series[0]), plot=True,
        note="One point is one row: to the right it raises the score, to the left it lowers it.",
    )  # fmt: skip


def dependence(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """How the mean score moves with each feature, by group where groups are known."""
    whole_curves = [item for item in series if set(item.slice) == {_FEATURE}]
    shown = whole_curves[:_MOST_PANELS]
    rows = tuple(
        (("text", item.title), *(column.write(record[column.name]) for column in _CURVE))
        for item in shown
        for record in item.records()
    )
    table_heads = (("text", "Feature"), *heads(_CURVE))
    title = "How the score moves with a feature"
    yield Exhibit(
        key=f"{kind}-dependence",
        title=title,
        table=Table(heads=table_heads, rows=rows),
        draw=partial(_panels, shown, series, title),
        note=(
            "Thick: mean score if every row had this value. Faint: single rows. Dashed: groups. Such rows may be impossible "
            "where features hang together."
        ),
        plot=True,
    )


def interactions(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Pairs of features that move the score together."""
    title = series[0].title
    yield table_exhibit(
        f"{kind}-interactions", title, series, _PAIRS,
        draw=partial(_dots, partial(_pair_rows, series[0]), axis=f"Mean absolute joint contribution{_scale(series)}", title=title),
        note="What a pair moves beyond what each feature moves by itself.",
    )  # fmt: skip


def shuffled(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """What is lost when one feature is shuffled."""
    metric = _METRICS.get(series[0].records()[0]["metric"], "the metric")
    title = series[0].title
    yield table_exhibit(
        f"{kind}-shuffled", title, series, _SHUFFLED,
        draw=partial(_dots, partial(_rows, series[0], "drop"), axis=f"Loss of {metric}", title=title),
        note=f"Loss of {metric}. Of two features that say the same, shuffling one loses little.",
    )  # fmt: skip


def stability(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """How alike the explanation is under other backgrounds."""
    yield table_exhibit(f"{kind}-stability", series[0].title, series, _STABLE)


def reasons(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """How often each reason is told, of everybody and by group."""
    everybody = [item for item in series if not item.slice]
    columns = list(dict.fromkeys(name for item in series for name in item.slice))
    for column in columns or [""]:
        shown = [*everybody, *(item for item in series if column in item.slice)]
        title = f"{series[0].title}, by {column}" if column else series[0].title
        yield table_exhibit(
            f"{kind}-reasons-{column}", title, shown, _REASONS, group=column.capitalize() or "Group", most=40,
            draw=partial(
                _dots, partial(_reason_rows, shown), axis="Share of adverse decisions of which it is the first reason", title=title
            ),
        )  # fmt: skip


def examples(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """What some people would be told."""
    yield table_exhibit(
        f"{kind}-reason-examples", series[0].title, series, _EXAMPLES,
        note="Single decisions as they would be explained. Nobody's values are here; who has the key can find the row.",
    )  # fmt: skip


def _scale(series: Sequence[Series]) -> str:
    """In what contributions are counted."""
    scale = series[0].records()[0].get("scale", "")
    return _SCALES.get(scale, "")


def _dots(rows: Callable[[], Sequence[Row]], *, axis: str, title: str) -> str:
    return interval_chart(rows(), axis=axis, title=title, fitted=True)


def _rows(series: Series, what: str) -> list[Row]:
    found = series.records()[:_MOST_FEATURES]
    return [Row(label=r["name"], value=r[what], low=r["low"], high=r["high"], n=r["n"]) for r in found]


def _group_rows(series: Sequence[Series]) -> list[Row]:
    """The most important features, each with all groups one under the other."""
    by_feature: dict[str, list[Row]] = {}
    for item in series:
        (group,) = item.slice.values()
        for r in item.records():
            row = Row(
                label=_beside(r["name"], group),
                value=r["share"],
                low=r["low"],
                high=r["high"],
                n=r["n"],
                hollow=bool(r["few"]),
            )
            by_feature.setdefault(r["name"], []).append(row)
    features = list(by_feature)[: max(_MOST_BY_GROUP if len(series) <= _MOST_GROUPS else 40 // len(series), 1)]
    return [row for name in features for row in by_feature[name][:40]]


def _beside(name: str, other: str, between: str = " · ") -> str:
    """Two names as the label of one row; both are shortened, or a long first one would hide which row it is."""
    half = max((_LABEL - len(between)) // 2, _LABEL - len(between) - len(other))
    first = name if len(name) <= half else f"{name[: half - 1]}…"
    rest = _LABEL - len(between) - len(first)
    return f"{first}{between}{other if len(other) <= rest else f'{other[: rest - 1]}…'}"


def _pair_rows(series: Series) -> list[Row]:
    return [
        Row(label=_beside(r["first"], r["second"], " × "), value=r["strength"], low=r["low"], high=r["high"], n=r["n"])
        for r in series.records()[:_MOST_FEATURES]
    ]


def _reason_rows(series: Sequence[Series]) -> list[Row]:
    """The most frequent first reasons of everybody, each with all groups."""
    everybody = series[0].records()
    names = [record["reason"] for record in everybody if record["first"]][:_MOST_BY_GROUP]
    rows = []
    for name in names:
        for item in series[: _MOST_GROUPS + 1]:
            who = " × ".join(item.slice.values()) or "everyone"
            found = next((record for record in item.records() if record["reason"] == name), None)
            if found is not None:
                rows.append(
                    Row(
                        label=_beside(name, who),
                        value=found["first_share"],
                        low=found["low"],
                        high=found["high"],
                        n=found["decisions"],
                    )
                )
    return rows


def _swarms(series: Series) -> str:
    found = [
        Swarm(
            label=r["name"],
            contributions=tuple(r["contributions"][:_MOST_POINTS]),
            places=tuple(r["places"][:_MOST_POINTS]),
        )
        for r in series.records()
    ]
    said = "; ".join(f"{s.label} from {number(min(s.contributions))} to {number(max(s.contributions))}" for s in found)
    return swarm_chart(found, title=series.title, axis=f"Contribution to the score{_scale([series])}", said=f"{said}.")


def _panels(shown: Sequence[Series], series: Sequence[Series], title: str) -> str:
    panels = [_panel(item, [other for other in series if _of_group(other, item)]) for item in shown]
    said = "; ".join(
        f"{p.title}: {number(p.mean[0])} at {p.ticks[0]}, {number(p.mean[-1])} at {p.ticks[-1]}" for p in panels
    )
    return curve_panels(panels, title=title, axis="Score", said=f"{said}.")


def _of_group(other: Series, item: Series) -> bool:
    return len(other.slice) > 1 and other.slice[_FEATURE] == item.slice[_FEATURE]


def _panel(item: Series, groups: Sequence[Series]) -> CurvePanel:
    records = item.records()
    values = [record["value"] for record in records]
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    ranked = sorted(groups, key=lambda group: -group.records()[0]["n"])[:_MOST_GROUPS]
    lines = list(zip(*(record["lines"] for record in records), strict=True)) if numbers else []
    return CurvePanel(
        title=item.title,
        ticks=tuple(_tick(value) for value in values),
        x=tuple(map(float, values)) if numbers else tuple(map(float, range(len(values)))),
        mean=tuple(record["mean"] for record in records),
        low=tuple(record["low"] for record in records),
        high=tuple(record["high"] for record in records),
        groups=tuple(
            (next(name for column, name in group.slice.items() if column != _FEATURE), tuple(r["mean"] for r in group.records()))
            for group in ranked
        ),
        lines=tuple(lines),
        lasting=numbers,
    )  # fmt: skip


def _tick(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return text(value)[1]
    return whole(value) if float(value).is_integer() else f"{value:.4g}".replace("-", "−")
