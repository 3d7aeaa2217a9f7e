"""What all pictures share: one ink, deterministic SVG, bare axes, and people's words kept out of matplotlib. Pure."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any

from audits.svg import INK, fit
from registry.canonical import digest_of

WIDTH = 6.6
"""Width of every picture, in inches."""

SMALL, TEXT = 7.5, 8.5

# matplotlib's settings are global: two threads drawing at once would mix their salts.
_drawing = threading.Lock()


class Words:
    """The texts of one picture. matplotlib draws placeholders: it would read $ as mathematics, and warn of foreign letters."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """The placeholder that stands for ``text``."""
        mark = f"text {len(self.texts)}"
        self.texts[mark] = text
        return mark


def draw(
    paint: Callable[[Any, Words], None], *, height: float, salt: Any, title: str, alternative: str, width: float = WIDTH
) -> str:
    """Draw a picture.

    Parameters
    ----------
    paint
        Called with an empty matplotlib ``Figure`` and the :class:`Words` of the picture.
    height, width
        In inches.
    salt
        Plain JSON of everything that is drawn: the ids inside the SVG follow from it, so that the same input has the
        same bytes and two pictures in one document share none.

    Returns
    -------
    str
        An inline ``<svg role="img">``.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": digest_of([title, salt]),
        "font.family": ["DejaVu Sans"],
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.unicode_minus": True,
    }
    words, out = Words(), io.StringIO()
    with _drawing, mpl.rc_context(settings):
        figure = Figure(figsize=(width, height))
        figure.patch.set_visible(False)
        paint(figure, words)
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(out, metadata={"Date": None, "Title": title})
    return fit(out.getvalue(), title=title, alternative=alternative, texts=words.texts)


def bare(axes: Any, *, left: bool = False) -> None:
    """Leave of a frame what carries meaning: the line at the bottom, and at the left where asked."""
    axes.set_facecolor("none")
    axes.patch.set_visible(False)
    for side in ("left", "right", "top", "bottom"):
        shown = side == "bottom" or (left and side == "left")
        axes.spines[side].set_visible(shown)
        axes.spines[side].set(color=INK, linewidth=0.6, alpha=0.6)
    axes.tick_params(axis="both", length=3, width=0.6, color=INK, labelcolor=INK, labelsize=SMALL)


def unit_axes(figure: Any, box: tuple[float, float, float, float]) -> Any:
    """Axes at ``box`` = (left, bottom, width, height) in inches."""
    width, height = figure.get_size_inches()
    left, bottom, wide, high = box
    return figure.add_axes((left / width, bottom / height, wide / width, high / height))
