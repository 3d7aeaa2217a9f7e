"""Pictures of distributions: one step line or several small panels side by side, each named where it stands. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from audits.chart_frame import SMALL, WIDTH, Words, bare, draw, unit_axes
from audits.svg import INK

_PANEL, _HEAD, _FOOT, _SIDE, _GAP = 0.75, 0.28, 0.34, 0.15, 0.3
_LONGEST = 44


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One distribution, or two laid over one another.

    Attributes
    ----------
    title
        Stands over the panel.
    ticks
        Words under the first and the last bar (and those between, where there are few bars).
    filled
        Share of rows per bar, drawn as grey bars.
    outlined
        Share of rows per bar, drawn as a line; empty where there is only one distribution.
    note
        A few words at the right of the title.
    """

    title: str
    ticks: tuple[str, ...]
    filled: tuple[float, ...]
    outlined: tuple[float, ...] = ()
    note: str = ""


def panels_chart(panels: Sequence[Panel], *, title: str, said: str, across: int = 2) -> str:
    """Draw small panels in rows of ``across``, all with the same vertical scale within a panel.

    Parameters
    ----------
    said
        The alternative text after the title.
    """
    rows = ceil(len(panels) / across)
    each = _HEAD + _PANEL + _FOOT
    wide = (WIDTH - 2 * _SIDE - (across - 1) * _GAP) / across
    height = rows * each + 0.1

    def paint(figure: Any, words: Words) -> None:
        for index, panel in enumerate(panels):
            row, place = divmod(index, across)
            bottom = height - 0.05 - (row + 1) * each + _FOOT
            axes = unit_axes(figure, (_SIDE + place * (wide + _GAP), bottom, wide, _PANEL))
            _panel(axes, panel, words)

    salt = [[p.title, list(p.ticks), list(p.filled), list(p.outlined), p.note] for p in panels]
    return draw(paint, height=height, salt=salt, title=title, alternative=f"{title}. {said}")


def _panel(axes: Any, panel: Panel, words: Words) -> None:
    bare(axes)
    count = len(panel.filled)
    most = max([*panel.filled, *panel.outlined], default=0.0) or 1.0
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(0, most * 1.06)
    axes.set_yticks([])
    axes.bar(range(count), panel.filled, width=0.92, color=INK, alpha=0.28)
    if panel.outlined:
        edges = [place - 0.5 for place in range(count + 1)]
        axes.stairs(panel.outlined, edges, color=INK, linewidth=1.3)
    axes.set_xticks([])
    _ticks(axes, panel.ticks, words)
    axes.annotate(
        words(_short(panel.title)), (0, 1), xycoords="axes fraction", xytext=(0, 6), textcoords="offset points",
        ha="left", va="bottom", fontsize=SMALL + 0.5, fontweight="bold",
    )  # fmt: skip
    if panel.note:
        axes.annotate(
            words(panel.note), (1, 1), xycoords="axes fraction", xytext=(0, 6), textcoords="offset points",
            ha="right", va="bottom", fontsize=SMALL,
        )  # fmt: skip


_MOST_TICKS = 5
_TICK_CHARACTERS = 40


def _ticks(axes: Any, ticks: Sequence[str], words: Words) -> None:
    """Every tick where few and short ones stand; else the first and the last."""
    all_fit = len(ticks) <= _MOST_TICKS and sum(map(len, ticks)) <= _TICK_CHARACTERS
    shown = range(len(ticks)) if all_fit else {0, len(ticks) - 1} if ticks else ()
    for place in sorted(shown):
        side = "center" if all_fit else "left" if place == 0 else "right"
        x = place if all_fit else -0.5 if place == 0 else len(ticks) - 0.5
        axes.annotate(
            words(_short(ticks[place], 18)), (x, 0), xytext=(0, -4), textcoords="offset points", ha=side, va="top",
            fontsize=SMALL,
        )  # fmt: skip


def _short(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
