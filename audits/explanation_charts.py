"""Pictures of explanations: the swarm of single rows' contributions, and curves of how the score moves with a feature. Pure.

One ink as everywhere: dark is high and faint is low, groups differ by their dashes and their names at the line's end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from audits.chart_frame import SMALL, TEXT, WIDTH, Words, bare, draw, unit_axes
from audits.curve_charts import DASHES, apart
from audits.svg import INK

_ROW, _SWARM_TOP, _SWARM_BOTTOM, _NAME, _SIDE = 0.34, 0.1, 0.74, 1.9, 0.25
_BINS, _LEVELS, _DOT = 90, 6, 2.6
_SHADES = (0.28, 0.5, 0.74, 1.0)
_PANEL, _HEAD, _FOOT, _AXIS, _LABELS = 1.35, 0.3, 0.36, 0.5, 0.75
_LONGEST, _LONGEST_GROUP = 26, 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Swarm:
    """The contributions of one feature: one point per row, and where its value stands among all, from 0 to 1 (None: unknown)."""

    label: str
    contributions: tuple[float, ...]
    places: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePanel:
    """How the score moves with one feature.

    Attributes
    ----------
    ticks
        What the values are called; of numbers the first and the last are shown.
    x
        Where they stand: the numbers themselves, or 0, 1, 2 ... of categories.
    mean, low, high
        Mean score and its interval at each value.
    groups
        Name and mean scores of each group.
    lines
        Scores of single rows.
    lasting
        Whether points are joined: values are numbers.
    """

    title: str
    ticks: tuple[str, ...]
    x: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    groups: tuple[tuple[str, tuple[float, ...]], ...]
    lines: tuple[tuple[float, ...], ...]
    lasting: bool


def swarm_chart(swarms: Sequence[Swarm], *, title: str, axis: str, said: str) -> str:
    """One line of points per feature: to the left what lowers the score, to the right what raises it.

    Parameters
    ----------
    axis
        Words at the horizontal axis.
    said
        The alternative text after the title.
    """
    height = _SWARM_TOP + _SWARM_BOTTOM + _ROW * len(swarms)
    everything = [value for swarm in swarms for value in swarm.contributions] or [0.0]
    low, high = min(*everything, 0.0), max(*everything, 0.0)
    margin = (high - low) * 0.03 or 1.0

    def paint(figure: Any, words: Words) -> None:
        box = (_NAME, _SWARM_BOTTOM, WIDTH - _NAME - _SIDE, height - _SWARM_TOP - _SWARM_BOTTOM)
        axes = unit_axes(figure, box)
        bare(axes)
        axes.set_xlim(low - margin, high + margin)
        axes.set_ylim(len(swarms) - 0.5, -0.5)
        axes.set_yticks([])
        axes.axvline(0.0, color=INK, linewidth=0.7, alpha=0.6)
        for row, swarm in enumerate(swarms):
            axes.annotate(
                words(_short(swarm.label, _LONGEST)), (0, row), xycoords=("axes fraction", "data"), xytext=(-8, 0),
                textcoords="offset points", ha="right", va="center_baseline", fontsize=TEXT,
            )  # fmt: skip
        for shade, points in enumerate(_by_shade(swarms, low, high)):
            _dots(axes, points, _SHADES[shade])
        axes.set_xlabel(words(axis), fontsize=SMALL, labelpad=5)
        axes.annotate(
            words("faint: low values of the feature, dark: high ones"), (0, 0), xycoords="axes fraction", xytext=(0, -38),
            textcoords="offset points", ha="left", va="top", fontsize=SMALL,
        )  # fmt: skip

    salt = [axis, [[s.label, list(s.contributions), list(s.places)] for s in swarms]]
    return compact(draw(paint, height=height, salt=salt, title=title, alternative=f"{title}. {said}"))


def _by_shade(swarms: Sequence[Swarm], low: float, high: float) -> list[list[tuple[float, float]]]:
    """Points of each shade, those that would lie on one another moved apart: up and down in turn, in the rows' order."""
    shades: list[list[tuple[float, float]]] = [[] for _ in _SHADES]
    width = (high - low) / _BINS or 1.0
    for row, swarm in enumerate(swarms):
        taken: dict[int, int] = {}
        for value, place in zip(swarm.contributions, swarm.places, strict=True):
            cell = round((value - low) / width)
            before = taken.get(cell, 0)
            taken[cell] = before + 1
            step = (before + 1) // 2 % (_LEVELS + 1) * (1 if before % 2 else -1)
            shade = len(_SHADES) // 2 if place is None else min(int(place * len(_SHADES)), len(_SHADES) - 1)
            shades[shade].append((value, row + step * 0.38 / _LEVELS))
    return shades


def _dots(axes: Any, points: Sequence[tuple[float, float]], shade: float) -> None:
    """Many points as one path of lines of no length with round ends: a hundredth of the size of as many markers."""
    ordered = sorted(points, key=lambda point: (point[1], point[0]))
    _strokes(axes, [(point, point) for point in ordered], width=_DOT, shade=shade, ends="round")


def _strokes(
    axes: Any, lines: Sequence[Sequence[tuple[float, float]]], *, width: float, shade: float, ends: str = "butt"
) -> None:
    """Many lines as one path."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    if not lines:
        return
    codes = [code for line in lines for code in (Path.MOVETO, *[Path.LINETO] * (len(line) - 1))]
    path = Path([point for line in lines for point in line], codes)
    path.should_simplify = False
    patch: Any = PathPatch(path, facecolor="none", edgecolor=INK, linewidth=width, alpha=shade)
    patch.set_capstyle(ends)
    axes.add_patch(patch)


def curve_panels(panels: Sequence[CurvePanel], *, title: str, axis: str, said: str, across: int = 2) -> str:
    """Small panels with one scale of scores: faint single rows, the mean with its interval, groups dashed and named.

    Parameters
    ----------
    axis
        Words at the vertical axis.
    said
        The alternative text after the title.
    """
    rows = ceil(len(panels) / across)
    each = _HEAD + _PANEL + _FOOT
    named = any(panel.groups for panel in panels)
    wide = (WIDTH - across * (_AXIS + (_LABELS if named else 0.1))) / across
    height = rows * each + 0.1
    span = _scores(panels)

    def paint(figure: Any, words: Words) -> None:
        for index, panel in enumerate(panels):
            row, place = divmod(index, across)
            left = _AXIS + place * (wide + _AXIS + (_LABELS if named else 0.1))
            axes = unit_axes(figure, (left, height - 0.05 - (row + 1) * each + _FOOT, wide, _PANEL))
            bare(axes, left=True)
            axes.set_ylim(*span)
            _panel(axes, panel, words)
            if not place:
                axes.set_ylabel(words(axis), fontsize=SMALL, labelpad=4)

    salt = [axis, [[p.title, list(p.ticks), list(p.x), list(p.mean), [list(line) for line in p.lines],
                    [[name, list(means)] for name, means in p.groups]] for p in panels]]  # fmt: skip
    return compact(draw(paint, height=height, salt=salt, title=title, alternative=f"{title}. {said}"))


def _panel(axes: Any, panel: CurvePanel, words: Words) -> None:
    low, high = min(panel.x), max(panel.x)
    margin = 0.4 if not panel.lasting else (high - low) * 0.02
    axes.set_xlim(low - margin, high + margin)
    join = "-" if panel.lasting else "none"
    single = [list(zip(panel.x, line, strict=True)) for line in panel.lines]
    _strokes(axes, single, width=0.5, shade=0.2)
    intervals = [((x, low), (x, high)) for x, low, high in zip(panel.x, panel.low, panel.high, strict=True)]
    _strokes(axes, intervals, width=0.9, shade=0.7)
    # Pale where groups lie on it, so that their dashes are seen.
    axes.plot(panel.x, panel.mean, color=INK, linewidth=2.2, linestyle=join, alpha=0.4 if panel.groups else 1.0)
    if not panel.lasting:
        axes.plot(panel.x, panel.mean, color=INK, linestyle="none", marker="o", markersize=4)
    for index, (_, means) in enumerate(panel.groups):
        axes.plot(panel.x, means, color=INK, linewidth=1.1, linestyle=DASHES[1 + index % (len(DASHES) - 1)])
    _names(axes, panel, words)
    axes.set_xticks([])
    shown = range(len(panel.ticks)) if not panel.lasting else (0, len(panel.ticks) - 1)
    for place in shown:
        side = "center" if not panel.lasting else "right" if place else "left"
        axes.annotate(
            words(_short(panel.ticks[place], 12)), (panel.x[place], 0), xycoords=("data", "axes fraction"), xytext=(0, -4),
            textcoords="offset points", ha=side, va="top", fontsize=SMALL,
        )  # fmt: skip
    axes.annotate(
        words(_short(panel.title, 2 * _LONGEST)), (0, 1), xycoords="axes fraction", xytext=(0, 6),
        textcoords="offset points", ha="left", va="bottom", fontsize=SMALL + 0.5, fontweight="bold",
    )  # fmt: skip


def _names(axes: Any, panel: CurvePanel, words: Words) -> None:
    """The groups' names at the ends of their lines, each beside a piece of its dashes."""
    bottom, top = axes.get_ylim()
    ends = [(means[-1] - bottom) / (top - bottom) for _, means in panel.groups]
    for index, ((name, _), place) in enumerate(zip(panel.groups, apart(ends, gap=0.11), strict=True)):
        axes.plot(
            [1.02, 1.12], [place, place], transform=axes.transAxes, color=INK, linewidth=1.1, clip_on=False,
            linestyle=DASHES[1 + index % (len(DASHES) - 1)],
        )  # fmt: skip
        axes.annotate(
            words(_short(name, _LONGEST_GROUP)), (1.14, place), xycoords="axes fraction", ha="left", va="center",
            fontsize=SMALL,
        )  # fmt: skip


def _scores(panels: Sequence[CurvePanel]) -> tuple[float, float]:
    everything = [
        value
        for panel in panels
        for values in (panel.low, panel.high, *(means for _, means in panel.groups), *panel.lines)
        for value in values
    ]
    low, high = min(everything, default=0.0), max(everything, default=1.0)
    margin = (high - low) * 0.05 or 0.5
    return low - margin, high + margin


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


_PATH = re.compile(r' d="((?:[ML] -?[\d.]+ -?[\d.]+ ?\s*)+)"')
_POINT = re.compile(r"([ML]) (-?[\d.]+) (-?[\d.]+)")


def compact(svg: str) -> str:
    """The same picture with paths of straight lines in tenths of a point, written as steps; lines of no length as dots."""
    return _PATH.sub(lambda found: f' d="{_steps(found.group(1))}"', svg)


def _steps(path: str) -> str:
    written, at = [], (0, 0)
    for letter, *numbers in _POINT.findall(path):
        to = (round(float(numbers[0]) * 10), round(float(numbers[1]) * 10))
        dx, dy = to[0] - at[0], to[1] - at[1]
        if letter == "L" and not dx and not dy:
            written.append("h0")
            continue
        if not written:
            written.append(f"M{_tenths(to[0])} {_tenths(to[1])}")
        else:
            written.append(f"{'m' if letter == 'M' else 'l'}{_tenths(dx)}{_joined(dy)}")
        at = to
    return "".join(written)


def _tenths(value: int) -> str:
    """``-1.2`` as SVG takes it in the fewest characters."""
    whole, part = divmod(abs(value), 10)
    text = f"{whole or ''}{f'.{part}' if part else ''}" or "0"
    return f"-{text}" if value < 0 and text != "0" else text


def _joined(value: int) -> str:
    """The second number of a pair: a minus sign parts it from the first by itself."""
    text = _tenths(value)
    return text if text.startswith("-") else f" {text}"
