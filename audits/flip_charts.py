"""The picture of changed sides: from every group's middle line, bars to the left lose and bars to the right gain. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audits.chart_frame import SMALL, TEXT, WIDTH, Words, bare, draw, unit_axes
from audits.svg import INK
from audits.wording import percent, whole

_ROW, _TOP, _BOTTOM = 0.3, 0.34, 0.12
_CHARACTER, _LONGEST = 0.068, 32
_ROOM = 0.36
"""Share of the longest side that is left beside the bars for their counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """One group: how many of its ``n`` decisions changed in each direction."""

    label: str
    n: int
    to_negative: int
    to_positive: int


def flips_chart(rows: Sequence[Sides], *, title: str) -> str:
    """Draw the shares of decisions that changed, on one scale for both directions, with their counts at the bars.

    Returns
    -------
    str
        An inline ``<svg role="img">``; the counts and shares are its alternative text.
    """
    left = max(1.3, max(min(len(row.label), _LONGEST) for row in rows) * _CHARACTER + 0.2)
    inner, height = WIDTH - left - 0.1, _TOP + _BOTTOM + _ROW * len(rows)
    longest = max((max(_shares(row)) for row in rows), default=0.0) or 1.0

    def paint(figure: Any, words: Words) -> None:
        axes = unit_axes(figure, (left, _BOTTOM, inner, height - _TOP - _BOTTOM))
        axes.set_xlim(-longest * (1 + 2 * _ROOM), longest * (1 + 2 * _ROOM))
        axes.set_ylim(len(rows) - 0.5, -0.5)
        bare(axes)
        axes.spines["bottom"].set_visible(False)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.axvline(0.0, color=INK, linewidth=0.8)
        _heads(axes, words)
        for y, row in enumerate(rows):
            _bars(axes, y, row, words)

    said = "; ".join(f"{row.label}: {_words(row, -1)} to negative, {_words(row, 1)} to positive" for row in rows)
    return draw(
        paint,
        height=height,
        salt=[[row.label, row.n, row.to_negative, row.to_positive] for row in rows],
        title=title,
        alternative=f"{title}. {said}.",
    )


def _shares(row: Sides) -> tuple[float, float]:
    return (row.to_negative / row.n, row.to_positive / row.n) if row.n else (0.0, 0.0)


def _words(row: Sides, side: int) -> str:
    count, share = (row.to_negative, _shares(row)[0]) if side < 0 else (row.to_positive, _shares(row)[1])
    return f"{whole(count)} ({percent(round(share, 3))})"


def _heads(axes: Any, words: Words) -> None:
    for side, text, where in ((-1, "← positive to negative", "right"), (1, "negative to positive →", "left")):
        axes.annotate(
            words(text), (0, 1), xycoords=("data", "axes fraction"), xytext=(6 * side, 5), textcoords="offset points",
            ha=where, va="bottom", fontsize=SMALL,
        )  # fmt: skip


def _bars(axes: Any, y: int, row: Sides, words: Words) -> None:
    label = row.label if len(row.label) <= _LONGEST else f"{row.label[: _LONGEST - 1]}…"
    axes.annotate(
        words(label), (0, y), xycoords=("axes fraction", "data"), xytext=(-6, 0), textcoords="offset points",
        ha="right", va="center_baseline", fontsize=TEXT,
    )  # fmt: skip
    for side, share in zip((-1, 1), _shares(row), strict=True):
        axes.barh(y, side * share, height=0.5, color=INK, alpha=0.75 if side < 0 else 0.35, linewidth=0)
        axes.annotate(
            words(_words(row, side)), (side * share, y), xytext=(4 * side, 0), textcoords="offset points",
            ha="right" if side < 0 else "left", va="center_baseline", fontsize=SMALL,
        )  # fmt: skip
