"""The seal of a document, drawn from the digest it seals: the same digest gives the same seal, another a different one. Pure."""

from __future__ import annotations

import math

from registry.canonical import is_sha256
from registry.errors import InvalidInput

_SIZE = 120.0
_INNER, _STEP = 36.0, 1.15


def seal(digest: str, *, ink: str, words: tuple[str, str], font: str) -> str:
    """Draw ``digest`` as 64 rays, one per hexadecimal digit, each as long as its digit, around two lines of ``words``.

    Parameters
    ----------
    digest
        64 lowercase hexadecimal digits.
    ink
        Any SVG colour.
    words
        Our own two words for the middle, such as ``("promoted", "production")``.
    font
        Font families for the words, as in CSS.

    Returns
    -------
    str
        An inline ``<svg>``; the first digit stands at twelve o'clock, and they go clockwise.

    Raises
    ------
    InvalidInput
        When ``digest`` is not a SHA-256.
    """
    if not is_sha256(digest):
        raise InvalidInput("a seal is drawn from a SHA-256 digest", field="digest")
    middle = _SIZE / 2
    rays = "".join(_ray(middle, index, int(digit, 16)) for index, digit in enumerate(digest))
    lines = "".join(
        f'<text x="{middle:.0f}" y="{middle + offset:.0f}" text-anchor="middle" font-size="{size}" fill="{ink}">{_text(word)}</text>'
        for word, offset, size in zip(words, (0, 10), (10, 6.5), strict=True)
    )
    rings = "".join(
        f'<circle cx="{middle:.0f}" cy="{middle:.0f}" r="{radius}" fill="none" stroke="{ink}" stroke-width="{width}"/>'
        for radius, width in ((58.5, 0.9), (33.5, 0.5))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE:.0f} {_SIZE:.0f}" role="img" class="seal" '
        f'aria-label="Seal drawn from digest {digest[:12]}" font-family="{_text(font)}">'
        f'{rings}<path d="{rays}" fill="none" stroke="{ink}" stroke-width="1.3"/>{lines}</svg>'
    )


def _ray(middle: float, index: int, digit: int) -> str:
    angle = math.tau * index / 64
    start, end = _INNER, _INNER + 2.0 + _STEP * digit
    across, up = math.sin(angle), -math.cos(angle)
    return (
        f"M{middle + start * across:.2f} {middle + start * up:.2f}L{middle + end * across:.2f} {middle + end * up:.2f}"
    )


def _text(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
