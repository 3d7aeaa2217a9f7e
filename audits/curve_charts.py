"""Pictures of curves: reliability with the histogram beneath, and rates over the decision threshold. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audits.chart_frame import SMALL, WIDTH, Words, bare, draw, unit_axes
from audits.svg import INK
from audits.wording import interval, number, whole

_LEFT, _RIGHT, _BOTTOM = 0.75, 1.15, 0.5
_CURVE, _BARS, _GAP = 2.7, 0.55, 0.12
DASHES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
_LABEL_GAP = 0.062


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """A bin of scores: its limits and mean, the observed rate with interval, and rows."""

    lower: float
    upper: float
    score: float
    rate: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One line: its name, and ``(x, y)`` points; a missing y breaks the line."""

    label: str
    points: tuple[tuple[float, float | None], ...]


def reliability_chart(bins: Sequence[ReliabilityBin], *, title: str, axis: str, score_axis: str) -> str:
    """Observed rate against mean score per bin, the diagonal of perfect calibration, and the histogram of scores beneath.

    Parameters
    ----------
    axis, score_axis
        Words at the vertical and the horizontal axis.
    """
    shown = [item for item in bins if item.n]
    height = 0.15 + _CURVE + _GAP + _BARS + _BOTTOM
    low, high = _span([*(item.score for item in shown), *_present(shown)])

    def paint(figure: Any, words: Words) -> None:
        inner = WIDTH - _LEFT - _RIGHT
        curve = unit_axes(figure, (_LEFT, _BOTTOM + _BARS + _GAP, inner, _CURVE))
        bars = unit_axes(figure, (_LEFT, _BOTTOM, inner, _BARS))
        for axes in (curve, bars):
            bare(axes, left=axes is curve)
            axes.set_xlim(low, high)
        curve.set_xticklabels([])
        _reliability(curve, shown, low, high)
        curve.annotate(
            words("perfectly calibrated"), (high, high), xytext=(6, 0), textcoords="offset points", ha="left",
            va="center", fontsize=SMALL,
        )  # fmt: skip
        curve.set_ylabel(words(axis), fontsize=SMALL, labelpad=6)
        _density(bars, shown, words)
        bars.set_xlabel(words(score_axis), fontsize=SMALL, labelpad=5)

    return draw(
        paint,
        height=height,
        salt=[axis, score_axis, _bins_json(shown)],
        title=title,
        alternative=f"{title}. {_said(shown)}.",
    )


def reliability_panels(groups: Sequence[tuple[str, Sequence[ReliabilityBin]]], *, title: str) -> str:
    """The reliability of several groups as small pictures side by side, each with its name and number of rows."""
    across = min(len(groups), 3)
    side = min((WIDTH - 0.35 * across - 0.1) / across, 1.85)
    each = side + 0.62
    height = each * -(-len(groups) // across) + 0.05

    def paint(figure: Any, words: Words) -> None:
        for index, (name, bins) in enumerate(groups):
            row, place = divmod(index, across)
            shown = [item for item in bins if item.n]
            box = (0.35 + place * (side + 0.35), height - (row + 1) * each + 0.3, side, side)
            axes = unit_axes(figure, box)
            bare(axes, left=True)
            axes.set_xlim(0, 1)
            axes.set_xticks([0, 0.5, 1])
            axes.set_yticks([0, 0.5, 1])
            _reliability(axes, shown, 0.0, 1.0)
            axes.annotate(
                words(f"{name[:22]}, n {whole(sum(item.n for item in bins))}"), (0, 1), xycoords="axes fraction",
                xytext=(0, 5), textcoords="offset points", ha="left", va="bottom", fontsize=SMALL, fontweight="bold",
            )  # fmt: skip

    return draw(
        paint,
        height=height,
        salt=[[name, _bins_json(bins)] for name, bins in groups],
        title=title,
        alternative=f"{title}. " + " ".join(f"{name}: {_said(bins)}." for name, bins in groups),
    )


def _reliability(axes: Any, bins: Sequence[ReliabilityBin], low: float, high: float) -> None:
    axes.set_ylim(low, high)
    axes.plot([low, high], [low, high], color=INK, linewidth=0.8, linestyle=(0, (4, 2.5)), alpha=0.7)
    for item in bins:
        if item.low is not None and item.high is not None:
            axes.vlines(item.score, item.low, item.high, color=INK, linewidth=1.1)
    points = [(item.score, item.rate) for item in bins if item.rate is not None]
    axes.plot([x for x, _ in points], [y for _, y in points], color=INK, linewidth=0.7, alpha=0.5)
    axes.plot(
        [x for x, _ in points], [y for _, y in points], marker="o", markersize=4.2, linestyle="none",
        markeredgecolor=INK, markerfacecolor=INK,
    )  # fmt: skip


def _said(bins: Sequence[ReliabilityBin]) -> str:
    return "; ".join(
        f"at {number(item.score)} observed {number(item.rate)} ({interval(item.low, item.high)}), n {whole(item.n)}"
        for item in bins
    )


def _bins_json(bins: Sequence[ReliabilityBin]) -> list[Any]:
    return [[item.lower, item.upper, item.score, item.rate, item.low, item.high, item.n] for item in bins]


def _present(bins: Sequence[ReliabilityBin]) -> list[float]:
    return [value for item in bins for value in (item.rate, item.low, item.high) if value is not None]


def _span(values: Sequence[float]) -> tuple[float, float]:
    if not values or (min(values) >= 0 and max(values) <= 1):
        return 0.0, 1.0
    margin = (max(values) - min(values)) * 0.04 or 1.0
    return min(values) - margin, max(values) + margin


def _density(axes: Any, bins: Sequence[ReliabilityBin], words: Words) -> None:
    """Rows per width of the bin: bins of equal mass stand tall where scores are dense."""
    least = (axes.get_xlim()[1] - axes.get_xlim()[0]) / 400
    widths = [max(item.upper - item.lower, least) for item in bins]
    heights = [item.n / width for item, width in zip(bins, widths, strict=True)]
    axes.set_ylim(0, max(heights, default=1.0) * 1.05)
    axes.set_yticks([])
    axes.bar([item.lower for item in bins], heights, width=widths, align="edge", color=INK, alpha=0.35)
    axes.annotate(
        words(f"scores, n {whole(sum(item.n for item in bins))}"), (1, 1), xycoords="axes fraction",
        xytext=(6, -2), textcoords="offset points", ha="left", va="top", fontsize=SMALL,
    )  # fmt: skip


def curves_chart(
    curves: Sequence[Curve],
    *,
    title: str,
    axis: str,
    threshold: float | None = None,
    said: str = "",
) -> str:
    """Several rates over one quantity, each line named at its right end; ``threshold`` is drawn dashed with its value.

    Parameters
    ----------
    said
        What the picture shows, in words, for its alternative text.
    """
    height = 0.3 + _CURVE + _BOTTOM
    everything = [x for curve in curves for x, _ in curve.points]
    low, high = min(everything, default=0.0), max(everything, default=1.0)

    def paint(figure: Any, words: Words) -> None:
        axes = unit_axes(figure, (_LEFT, _BOTTOM, WIDTH - _LEFT - _RIGHT - 0.35, _CURVE))
        bare(axes, left=True)
        axes.set_xlim(low, high if high > low else low + 1)
        axes.set_ylim(0, 1)
        for index, curve in enumerate(curves):
            axes.plot(
                [x for x, _ in curve.points],
                [float("nan") if y is None else y for _, y in curve.points],
                color=INK, linewidth=1.2, linestyle=DASHES[index % len(DASHES)],
            )  # fmt: skip
        for curve, place in zip(curves, apart([_last(curve) for curve in curves]), strict=True):
            axes.annotate(
                words(curve.label), (1, place), xycoords="axes fraction", xytext=(6, 0), textcoords="offset points",
                ha="left", va="center", fontsize=SMALL,
            )  # fmt: skip
        if threshold is not None:
            axes.axvline(threshold, color=INK, linewidth=0.9, linestyle=(0, (4, 2.5)))
            axes.annotate(
                words(f"threshold {number(threshold)}"), (threshold, 1), xycoords=("data", "axes fraction"),
                xytext=(0, 4), textcoords="offset points", ha="center", va="bottom", fontsize=SMALL,
            )  # fmt: skip
        axes.set_xlabel(words(axis), fontsize=SMALL, labelpad=5)

    salt = [axis, threshold, [[curve.label, [list(point) for point in curve.points]] for curve in curves]]
    names = ", ".join(curve.label for curve in curves)
    return draw(paint, height=height, salt=salt, title=title, alternative=f"{title}. Lines: {names}. {said}".strip())


def _last(curve: Curve) -> float:
    return next((y for _, y in reversed(curve.points) if y is not None), 0.0)


def apart(places: Sequence[float], *, gap: float = _LABEL_GAP) -> list[float]:
    """Heights for labels, in their order, as shares of the picture's, so that none is nearer than ``gap`` to another."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    heights = list(places)
    before = -1.0
    for index in order:
        heights[index] = max(heights[index], before + gap)
        before = heights[index]
    over = max(before - 1.0, 0.0)
    return [height - over for height in heights]
