"""The pieces of the lineage's picture: escaped elements, texts that fit, icons and lines. Pure.

Everything is drawn with ``currentColor`` and presentation attributes, so that it reads on paper and in grey; classes let
a page's stylesheet add colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from unicodedata import east_asian_width

from audits.wording import printable

Point = tuple[float, float]

_ICONS = {
    "table": "M0 1h12v10H0zM0 4.5h12M4 4.5V11",
    "dataset": "M0 2.5C0 .2 12 .2 12 2.5S0 4.8 0 2.5v7c0 2.3 12 2.3 12 0v-7",
    "model": "M6 0l5.6 3.2v5.6L6 12 .4 8.8V3.2z",
    "group": "M2.5 0H12v8M0 2.5h9.5V11H0z",
    "hidden": "M0 6c3-6 9-6 12 0-3 6-9 6-12 0M1 11L11 1",
}


def element(tag: str, *children: str, **attributes: str | float | None) -> str:
    """An element; names of attributes have ``_`` for ``-``, and a trailing one where Python keeps the word for itself."""
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{given}>{''.join(children)}</{tag}>" if children else f"<{tag}{given}/>"


def words(text: str) -> str:
    """People's text, as it may stand between tags."""
    return escape(" ".join(printable(text).split()), quote=False)


def label(text: str, x: float, y: float, size: float, **attributes: str | float | None) -> str:
    """A line of text whose baseline begins at ``(x, y)``."""
    return element("text", words(text), x=x, y=y, font_size=size, **attributes)


def cut(text: str, most: float, *, keep_end: bool = False) -> str:
    """``text`` no wider than so many usual letters; the end of a name says more than its beginning."""
    clean = " ".join(printable(text).split())
    if columns(clean) <= most:
        return clean
    kept, room = [], most - columns("…")
    for letter in reversed(clean) if keep_end else clean:
        room -= columns(letter)
        if room < 0:
            break
        kept.append(letter)
    return f"…{''.join(reversed(kept))}" if keep_end else f"{''.join(kept)}…"


def columns(text: str) -> float:
    """About how many letters of usual width a text is as wide as."""
    return sum(_width(letter) for letter in text)


def _width(letter: str) -> float:
    if east_asian_width(letter) in {"W", "F"}:
        return 2.0
    if letter in "ijlrtfI.,:;'|!()[]-/ ":
        return 0.6
    if letter in "mwMW@…":
        return 1.4
    return 1.15 if letter.isupper() else 1.0


def icon(kind: str, x: float, y: float) -> str:
    """The shape of a kind of place, twelve pixels wide."""
    return element(
        "path",
        d=_ICONS[kind],
        fill="none",
        stroke="currentColor",
        stroke_width=1.1,
        transform=f"translate({number(x)} {number(y)})",
    )


def hatching(x: float, y: float, width: float, height: float) -> str:
    """Slanted lines over a box of which the reader may not know more."""
    step, lines = 9.0, []
    reach = -height
    while reach < width:
        start, end = max(reach, 0.0), min(reach + height, width)
        if end > start:
            lines.append(
                f"M{number(x + start)} {number(y + height - (start - reach))}L{number(x + end)} {number(y + height - (end - reach))}"
            )
        reach += step
    return element("path", d="".join(lines), fill="none", stroke="currentColor", stroke_width=0.6, stroke_opacity=0.35)


def curve(points: Sequence[Point], *, passes: Iterable[tuple[float, float]] = (), shift: float = 0.0) -> str:
    """Path data of a line with level ends through the points, smooth; ``passes`` are stretches ``(x, width)`` run level."""
    widths = dict(passes)
    start, *rest = points
    parts = [f"M{number(start[0])} {number(start[1] + shift)}"]
    here = start
    for there in rest:
        bend = max((there[0] - here[0]) / 2, 24.0)
        parts.append(
            f"C{number(here[0] + bend)} {number(here[1] + shift)} {number(there[0] - bend)} {number(there[1] + shift)} "
            f"{number(there[0])} {number(there[1] + shift)}"
        )
        here = there
        if there[0] in widths:
            here = (there[0] + widths[there[0]], there[1])
            parts.append(f"H{number(here[0])}")
    return "".join(parts)


def chevron(x: float, y: float, size: float = 4.5) -> str:
    """Path data of the head of an arrow that points to the right at ``(x, y)``."""
    return f"M{number(x - size)} {number(y - size * 0.75)}L{number(x)} {number(y)}L{number(x - size)} {number(y + size * 0.75)}"


def number(value: float) -> str:
    """A coordinate, to a tenth of a pixel."""
    return f"{value:.1f}".removesuffix(".0").replace("-0.0", "0")


def _value(value: str | float) -> str:
    return number(value) if isinstance(value, float) else printable(str(value))
