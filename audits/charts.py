"""The pictures of measurements, in one grammar: a dot with its interval on a shared axis, the threshold dashed.

Groups are sorted by value, n stands beside the name, groups under the policy's minimum are hollow. There is no legend:
labels stand at the marks. Every picture is an SVG in one ink (``currentColor``) that reads in grey print and on dark pages,
has the same bytes for the same input, and its title is its alternative text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import east_asian_width

from audits.chart_frame import SMALL, TEXT, WIDTH, Words, bare, draw, unit_axes
from audits.measurement import Measurement
from audits.metric_words import metric_words
from audits.svg import INK
from audits.wording import columns_words, group_words, interval, number, whole
from registry.errors import InvalidInput

MOST_ROWS = 40
"""So many dots at most stand in one picture."""

_ROW = 0.27
_TOP, _BOTTOM, _RIGHT = 0.12, 0.52, 1.32
_LINE = 0.2
_CHARACTER = 0.068
_LONGEST = 32
_DOT = 5.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One dot: its label, value with interval, sample size; ``hollow`` when under the minimum; its own ``threshold``."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int
    hollow: bool = False
    threshold: float | None = None


def group_chart(
    measurements: Iterable[Measurement],
    *,
    metric: str,
    over: Sequence[str],
    threshold: float | None = None,
    minimum_group: float = 0.0,
    title: str,
    confidence: float | None = None,
) -> str:
    """Draw ``metric`` of every group of the columns ``over``.

    Parameters
    ----------
    measurements
        Any measurements; those of ``metric`` whose slice names exactly the columns ``over`` are drawn.
    threshold
        Where the policy draws the line, in the metric's unit; drawn dashed with its value.
    minimum_group
        Share of all rows (0 to 1) under which a group is hollow; shares come from the groups' ``count`` measurements, or from
        their ``n`` where there are none.
    confidence
        Which of several intervals to draw; the first given by default.

    Raises
    ------
    InvalidInput
        When there is no such measurement.
    """
    rows = group_rows(measurements, metric=metric, over=over, minimum_group=minimum_group, confidence=confidence)
    if not rows:
        raise InvalidInput(f"no {metric} over {columns_words(over)} to draw", field="measurements")
    return interval_chart(
        rows, axis=f"{metric_words(metric)} by {columns_words(over)}", threshold=threshold, title=title
    )


def metric_chart(
    measurements: Iterable[Measurement],
    *,
    metrics: Sequence[str],
    thresholds: Mapping[str, float] | None = None,
    title: str,
    confidence: float | None = None,
) -> str:
    """Draw the overall values of ``metrics`` in the given order, each with its own threshold.

    Raises
    ------
    InvalidInput
        When none of ``metrics`` was measured.
    """
    wanted = [item for item in measurements if not item.slice and not item.over and item.metric in metrics]
    rows = [
        Row(
            label=metric_words(metric),
            value=found.value,
            low=found.low,
            high=found.high,
            n=found.n,
            threshold=(thresholds or {}).get(metric),
        )
        for metric in metrics
        if (found := _first(wanted, metric, confidence)) is not None
    ]
    if not rows:
        raise InvalidInput(f"none of {', '.join(metrics)} to draw", field="measurements")
    return interval_chart(rows, axis="Value, with its interval", title=title)


def group_rows(
    measurements: Iterable[Measurement],
    *,
    metric: str,
    over: Sequence[str],
    minimum_group: float = 0.0,
    confidence: float | None = None,
) -> list[Row]:
    """Rows of :func:`group_chart`, the highest value first, undefined values last; empty when nothing was measured."""
    wanted = [item for item in measurements if set(item.slice) == set(over) and item.slice]
    sizes = {_key(item): item.n for item in reversed(wanted)}
    sizes.update({_key(item): round(item.value or 0) for item in wanted if item.metric == "count"})
    total = sum(sizes.values())
    chosen: dict[tuple[str, ...], Measurement] = {}
    for item in wanted:
        if item.metric == metric and confidence in {None, item.confidence}:
            chosen.setdefault(_key(item), item)
    rows = [
        Row(
            label=group_words({column: item.slice[column] for column in over}),
            value=item.value,
            low=item.low,
            high=item.high,
            n=item.n,
            hollow=sizes[key] < minimum_group * total,
        )
        for key, item in chosen.items()
    ]
    return sorted(rows, key=lambda row: (row.value is None, -(row.value or 0.0), row.label))


def most_telling(rows: Sequence[Row]) -> list[Row]:
    """The rows of one picture: all, or where they are too many the first and the last, in their order."""
    half = MOST_ROWS // 2
    return list(rows) if len(rows) <= MOST_ROWS else [*rows[:half], *rows[-half:]]


def interval_chart(
    rows: Sequence[Row],
    *,
    axis: str,
    title: str,
    threshold: float | None = None,
    mark: str = "threshold",
    sizes: bool = True,
    fitted: bool = False,
) -> str:
    """Draw ``rows`` from top to bottom on one axis; ``threshold`` is common to all, a row's own is a tick at its dot.

    Parameters
    ----------
    mark
        What the dashed line at ``threshold`` is called.
    sizes
        Whether n stands beside the names.
    fitted
        Whether the axis ends with the values, where it would else go from 0 to 1.

    Returns
    -------
    str
        An inline ``<svg role="img">``; ``title`` and the values themselves are its alternative text.
    """
    left = max(1.5, max(_columns(_shown(row)) for row in rows) * _CHARACTER + 0.85)
    right = max(_RIGHT, max(len(_words(row)) for row in rows) * _CHARACTER * SMALL / TEXT + 0.2)
    top = _TOP if threshold is None else _TOP + _LINE
    inner, height = WIDTH - left - right, top + _BOTTOM + _ROW * len(rows)

    def paint(figure: Any, words: Words) -> None:
        axes = unit_axes(figure, (left, _BOTTOM, inner, height - top - _BOTTOM))
        _frame(axes, rows, words(axis), span=_span(rows, threshold, fitted=fitted))
        _marks(axes, rows, words, inches=inner, sizes=sizes)
        _threshold(axes, rows, threshold, mark)

    return draw(
        paint,
        height=height,
        salt=[axis, threshold, mark, sizes, *([fitted] if fitted else []), [_row_json(row) for row in rows]],
        title=title,
        alternative=alternative_text(rows, title=title, threshold=threshold, mark=mark, sizes=sizes),
    )


def alternative_text(
    rows: Sequence[Row],
    *,
    title: str,
    threshold: float | None = None,
    mark: str = "threshold",
    sizes: bool = True,
) -> str:
    """The picture in words: its title, the threshold, then every value with interval and n."""
    parts = [
        f"{row.label} {number(row.value)}"
        + (f" ({interval(row.low, row.high)})" if row.low is not None else "")
        + (f", n {whole(row.n)}" if sizes else "")
        for row in rows
    ]
    line = f" {mark.capitalize()} {_short(threshold)}." if threshold is not None else ""
    return f"{title}.{line} {'; '.join(parts)}."


def _row_json(row: Row) -> list[Any]:
    return [row.label, row.value, row.low, row.high, row.n, row.hollow, row.threshold]


def _shown(row: Row) -> str:
    return row.label if len(row.label) <= _LONGEST else f"{row.label[: _LONGEST - 1]}…"


def _columns(text: str) -> int:
    return sum(2 if east_asian_width(character) in {"W", "F"} else 1 for character in text)


def _short(value: float) -> str:
    text = number(value)
    return text.removesuffix("0")


def _key(item: Measurement) -> tuple[str, ...]:
    return tuple(f"{column}={group}" for column, group in sorted(item.slice.items()))


def _first(items: Iterable[Measurement], metric: str, confidence: float | None) -> Measurement | None:
    return next((item for item in items if item.metric == metric and confidence in {None, item.confidence}), None)


def _span(rows: Sequence[Row], threshold: float | None, *, fitted: bool = False) -> tuple[float, float]:
    values = [row_value for row in rows for row_value in (row.value, row.low, row.high, row.threshold)]
    numbers = [value for value in (*values, threshold) if value is not None]
    if not numbers or (not fitted and min(numbers) >= 0.0 and max(numbers) <= 1.0):
        return 0.0, 1.0
    low, high = min(*numbers, 0.0), max(*numbers, 0.0)
    margin = (high - low) * 0.08 or 0.5
    return low - (margin if low < 0 else 0.0), high + margin


def _frame(axes: Any, rows: Sequence[Row], axis: str, *, span: tuple[float, float]) -> None:
    axes.set_xlim(*span)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    bare(axes)
    axes.tick_params(axis="y", length=0)
    axes.set_yticks([])
    axes.set_xlabel(axis, fontsize=SMALL, labelpad=5)
    if span[0] < 0:
        axes.axvline(0.0, color=INK, linewidth=0.6, alpha=0.6)


def _marks(axes: Any, rows: Sequence[Row], words: Words, *, inches: float, sizes: bool) -> None:
    low_end, high_end = axes.get_xlim()
    radius = (_DOT / 2 + 0.6) / 72 / inches * (high_end - low_end)
    for y, row in enumerate(rows):
        axes.hlines(y, low_end, high_end, color=INK, linewidth=0.4, alpha=0.16)
        axes.annotate(
            words(_shown(row)), (0, y), xycoords=("axes fraction", "data"), xytext=(-52, 0), textcoords="offset points",
            ha="right", va="center_baseline", fontsize=TEXT,
        )  # fmt: skip
        axes.annotate(
            f"n {whole(row.n)}" if sizes else "", (0, y), xycoords=("axes fraction", "data"), xytext=(-8, 0), textcoords="offset points",
            ha="right", va="center_baseline", fontsize=SMALL,
        )  # fmt: skip
        axes.annotate(
            _words(row), (1, y), xycoords=("axes fraction", "data"), xytext=(8, 0), textcoords="offset points",
            ha="left", va="center_baseline", fontsize=SMALL,
        )  # fmt: skip
        if row.value is None:
            continue
        if row.low is not None and row.high is not None:
            for start, end in ((row.low, row.value - radius), (row.value + radius, row.high)):
                if end > start:
                    axes.hlines(y, start, end, color=INK, linewidth=1.3)
            axes.vlines([row.low, row.high], y - 0.11, y + 0.11, color=INK, linewidth=1.0)
        axes.plot(
            [row.value], [y], marker="o", markersize=_DOT, markeredgewidth=1.1, markeredgecolor=INK,
            markerfacecolor="none" if row.hollow else INK, linestyle="none", clip_on=False,
        )  # fmt: skip


def _words(row: Row) -> str:
    """Value and interval, as they stand at the right."""
    if row.value is None:
        return "undefined"
    bracket = f"  ({interval(row.low, row.high)})" if row.low is not None and row.high is not None else ""
    return f"{number(row.value)}{bracket}"


def _threshold(axes: Any, rows: Sequence[Row], threshold: float | None, mark: str) -> None:
    if threshold is not None:
        axes.axvline(threshold, color=INK, linewidth=0.9, dashes=(4, 2.5), linestyle="--")
        axes.annotate(
            f"{mark} {_short(threshold)}", (threshold, 1), xycoords=("data", "axes fraction"), xytext=(0, 4),
            textcoords="offset points", ha="center", va="bottom", fontsize=SMALL,
        )  # fmt: skip
    for y, row in enumerate(rows):
        if row.threshold is not None:
            axes.vlines(row.threshold, y - 0.42, y + 0.42, color=INK, linewidth=0.9, linestyles=[(0, (3, 1.8))])
            axes.annotate(
                _short(row.threshold), (row.threshold, y - 0.34), xytext=(3, 0), textcoords="offset points",
                ha="left", va="center", fontsize=6.5,
            )  # fmt: skip
