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
_DASHES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
_LABEL_GAP = 0.062


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """A bin of scores: its mean score, the observed rate with interval, and rows."""

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
        curve.set_ylim(low, high)
        curve.set_xticklabels([])
        curve.plot([low, high], [low, high], color=INK, linewidth=0.8, linestyle=(0, (4, 2.5)), alpha=0.7)
        curve.annotate(
            words("perfectly calibrated"), (high, high), xytext=(6, 0), textcoords="offset points", ha="left",
            va="center", fontsize=SMALL,
        )  # fmt: skip
        for item in shown:
            if item.low is not None and item.high is not None:
                curve.vlines(item.score, item.low, item.high, color=INK, linewidth=1.2)
        points = [(item.score, item.rate) for item in shown if item.rate is not None]
        curve.plot([x for x, _ in points], [y for _, y in points], color=INK, linewidth=0.7, alpha=0.5)
        curve.plot(
            [x for x, _ in points], [y for _, y in points], marker="o", markersize=5, linestyle="none",
            markeredgecolor=INK, markerfacecolor=INK,
        )  # fmt: skip
        curve.set_ylabel(words(axis), fontsize=SMALL, labelpad=6)
        _bars(bars, shown, words, width=(high - low) / max(len(shown), 1) * 0.7)
        bars.set_xlabel(words(score_axis), fontsize=SMALL, labelpad=5)

    said = "; ".join(
        f"at {number(item.score)} observed {number(item.rate)} ({interval(item.low, item.high)}), n {whole(item.n)}"
        for item in shown
    )
    salt = [axis, score_axis, [[item.score, item.rate, item.low, item.high, item.n] for item in shown]]
    return draw(paint, height=height, salt=salt, title=title, alternative=f"{title}. {said}.")


def _present(bins: Sequence[ReliabilityBin]) -> list[float]:
    return [value for item in bins for value in (item.rate, item.low, item.high) if value is not None]


def _span(values: Sequence[float]) -> tuple[float, float]:
    if not values or (min(values) >= 0 and max(values) <= 1):
        return 0.0, 1.0
    margin = (max(values) - min(values)) * 0.04 or 1.0
    return min(values) - margin, max(values) + margin


def _bars(axes: Any, bins: Sequence[ReliabilityBin], words: Words, *, width: float) -> None:
    most = max((item.n for item in bins), default=1)
    axes.set_ylim(0, most * 1.05)
    axes.set_yticks([])
    axes.bar([item.score for item in bins], [item.n for item in bins], width=width, color=INK, alpha=0.35)
    axes.annotate(
        words(f"most in a bin: {whole(most)}"), (1, 1), xycoords="axes fraction", xytext=(6, -2),
        textcoords="offset points", ha="left", va="top", fontsize=SMALL,
    )  # fmt: skip


def curves_chart(
    curves: Sequence[Curve], *, title: str, axis: str, threshold: float | None = None, said: str = ""
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
                color=INK, linewidth=1.2, linestyle=_DASHES[index % len(_DASHES)],
            )  # fmt: skip
        for curve, place in zip(curves, _apart([_last(curve) for curve in curves]), strict=True):
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


def _apart(places: Sequence[float]) -> list[float]:
    """Heights for labels, in their order, so that none covers another."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    heights = list(places)
    before = -1.0
    for index in order:
        heights[index] = max(heights[index], before + _LABEL_GAP)
        before = heights[index]
    over = max(before - 1.0, 0.0)
    return [height - over for height in heights]
