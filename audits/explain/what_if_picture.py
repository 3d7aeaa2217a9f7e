"""What a model says of a row, drawn small enough for a phone: its score on an axis, and what moved it. Pure.

The web process draws these itself, as plain SVG: they show one person's row and are never stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from audits.wording import number, printable

WIDTH = 460.0
_LEFT, _RIGHT = 12.0, 448.0
_LABELS, _LONGEST = 164.0, 21
_ROW, _BAR, _THIN = 34.0, 13.0, 6.0
_CHARACTER, _NUMBER = 7.6, 56.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """One feature's part of a score, of the asked row and of the changed one where there is one."""

    label: str
    value: float
    changed: float | None = None


def score_picture(
    *,
    title: str,
    score: float,
    said: str,
    limits: tuple[float, float],
    threshold: float | None = None,
    threshold_said: str = "",
    changed: float | None = None,
    changed_said: str = "",
) -> str:
    """The score of a row on an axis, the threshold as a dashed line, and the changed row's score as a ring.

    Parameters
    ----------
    said, changed_said, threshold_said
        Words at the marks.
    limits
        Ends of the axis; what lies outside widens it.
    """
    shown = [value for value in (score, changed, threshold, *limits) if value is not None]
    low, high = min(shown), max(shown)
    high = high if high > low else low + 1.0

    def place(value: float) -> float:
        return _LEFT + (value - low) / (high - low) * (_RIGHT - _LEFT)

    axis = 66.0
    parts = [
        f'<line x1="{_LEFT}" x2="{_RIGHT}" y1="{axis}" y2="{axis}" class="ex-axis"/>',
        _text(_LEFT, axis + 46, number(low), "start", "ex-tick"),
        _text(_RIGHT, axis + 46, number(high), "end", "ex-tick"),
    ]
    if threshold is not None:
        at = place(threshold)
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="22" y2="{axis + 12}" class="ex-threshold"/>')
        parts.append(_near(at, 15, threshold_said))
    if changed is not None:
        start, end = place(score), place(changed)
        parts.append(f'<line x1="{start:.1f}" x2="{end:.1f}" y1="{axis}" y2="{axis}" class="ex-way"/>')
        parts.append(f'<circle cx="{end:.1f}" cy="{axis}" r="6.5" class="ex-ring"/>')
        parts.append(_near(end, 48, changed_said))
    parts.append(f'<circle cx="{place(score):.1f}" cy="{axis}" r="6" class="ex-dot"/>')
    parts.append(_near(place(score), axis + 26, said))
    return _svg(title, axis + 54, parts)


def contributions_picture(*, title: str, contributions: Sequence[Contribution]) -> str:
    """Contributions as bars from one zero line, those of the changed row as thin ones beneath, each with its number."""
    values = [value for item in contributions for value in (item.value, item.changed) if value is not None]
    low, high = min([0.0, *values]), max([0.0, *values])
    # At both ends there is room for the numbers.
    scale = (_RIGHT - _LABELS - 2 * _NUMBER) / ((high - low) or 1.0)
    middle = _LABELS + _NUMBER - low * scale
    parts: list[str] = []
    for place, item in enumerate(contributions):
        top = 8 + place * _ROW
        parts.append(_text(0, top + 12, _shortened(item.label), "start", "ex-label"))
        parts += _bar(middle, item.value * scale, top, _BAR, number(item.value), "ex-bar", top + 11)
        if item.changed is not None:
            words = number(item.changed)
            parts += _bar(middle, item.changed * scale, top + 17, _THIN, words, "ex-thin", top + 26)
    height = 12 + len(contributions) * _ROW
    parts.append(f'<line x1="{middle:.1f}" x2="{middle:.1f}" y1="2" y2="{height - 4:.1f}" class="ex-axis"/>')
    return _svg(title, height, parts)


def _bar(middle: float, width: float, top: float, thickness: float, said: str, kind: str, base: float) -> Sequence[str]:
    left = min(middle, middle + width)
    way = "ex-up" if width > 0 else "ex-down"
    anchor, at = ("start", middle + width + 5) if width >= 0 else ("end", middle + width - 5)
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{abs(width):.1f}" height="{thickness:.1f}" class="{kind} {way}"/>',
        _text(at, base, said, anchor, "ex-number" if kind == "ex-bar" else "ex-number ex-small"),
    )


def _near(x: float, y: float, words: str) -> str:
    """A label in the middle under or over its mark, kept inside the picture."""
    half = len(words) * _CHARACTER / 2
    at = min(max(x, _LEFT + half), _RIGHT - half) if 2 * half < _RIGHT - _LEFT else (_LEFT + _RIGHT) / 2
    return _text(at, y, words, "middle", "ex-said")


def _shortened(words: str) -> str:
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"


def _text(x: float, y: float, words: str, anchor: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(printable(words))}</text>'


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    name = quoteattr(" ".join(printable(title).split()))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label={name} '
        f'class="chart ex-picture" fill="currentColor" font-size="14">{"".join(parts)}</svg>'
    )


def strongest(
    asked: Mapping[str, float], changed: Mapping[str, float] | None, names: Mapping[str, str], *, most: int, rest: str
) -> tuple[Contribution, ...]:
    """The ``most`` largest contributions of either row, the largest first, and the sum of the others as ``rest``."""

    def size(name: str) -> float:
        return max(abs(asked[name]), abs(changed[name]) if changed else 0.0)

    ranked = sorted(asked, key=lambda name: -size(name))
    shown = [
        Contribution(label=names.get(name, name), value=asked[name], changed=changed[name] if changed else None)
        for name in ranked[:most]
    ]
    others = ranked[most:]
    if others:
        total = sum(changed[name] for name in others) if changed else None
        shown.append(Contribution(label=rest, value=sum(asked[name] for name in others), changed=total))
    return tuple(shown)
