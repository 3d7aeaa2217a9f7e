"""matplotlib's SVG made fit to stand inside our pages and papers: one ink, no inline style, accessible, small. Pure.

A content security policy forbids ``style`` attributes, a dark page needs ink that follows the text, two pictures in one
document must not share ids, and a reader of the screen needs the title: this module turns style into presentation
attributes, ink into ``currentColor``, drops metadata and unused ids, and names the picture.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree as ET

from audits.wording import printable

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
INK = "#010203"
"""The colour that charts draw with; it leaves here as ``currentColor``."""

_FONT_SIZE = re.compile(r"(?:^|\s)([\d.]+)px\b")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_KEPT_STYLE = frozenset(
    {"fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-dashoffset",
     "stroke-linecap", "stroke-linejoin", "opacity", "text-anchor", "font-size", "font-weight"}
)  # fmt: skip


def fit(svg: str, *, title: str, alternative: str, texts: Mapping[str, str]) -> str:
    """Clean matplotlib's ``svg`` (made by us, so trusted), name it ``title`` and describe it as ``alternative``.

    Parameters
    ----------
    texts
        Placeholders drawn by matplotlib to the words that stand there in truth.

    Returns
    -------
    str
        One ``<svg role="img">`` element without XML declaration, ready for inline use; the same input gives the same text.
    """
    root = ET.fromstring(svg)  # noqa: S314 - matplotlib's own output, nobody else's
    _drop_noise(root)
    for element in root.iter():
        _style_to_attributes(element)
        if element.tag == f"{{{SVG}}}text" and element.text is not None and element.text in texts:
            element.text = _printable(texts[element.text])
    _drop_unused_ids(root)
    for old in root.findall(f"{{{SVG}}}title"):
        root.remove(old)
    name = ET.Element(f"{{{SVG}}}title")
    name.text = _printable(title)
    root.insert(0, name)
    root.set("role", "img")
    root.set("aria-label", _printable(alternative))
    root.set("fill", "currentColor")
    root.set("stroke-linejoin", "round")
    root.set("class", "chart")
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", XLINK)
    return re.sub(r">\s+<", "><", ET.tostring(root, encoding="unicode")).replace(INK, "currentColor")


def for_paper(svg: str, *, ink: str, font: str) -> str:
    """The same picture for a renderer in which neither colour nor font flows into a picture from around it."""
    return svg.replace("currentColor", ink).replace("<svg ", f'<svg font-family="{font}" ', 1)


def _printable(text: str) -> str:
    return " ".join(printable(text).split())


def _drop_noise(root: ET.Element) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{{{SVG}}}metadata", f"{{{SVG}}}style"}:
                parent.remove(child)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == f"{{{SVG}}}defs" and not len(child):
                parent.remove(child)


def _style_to_attributes(element: ET.Element) -> None:
    declarations = dict(part.split(":", 1) for part in element.attrib.pop("style", "").split(";") if ":" in part)
    for raw_name, raw_value in declarations.items():
        name, value = raw_name.strip(), raw_value.strip()
        if name == "font":
            found = _FONT_SIZE.search(value)
            if found:
                element.set("font-size", found.group(1))
            if re.match(r"(bold|[67]00)\b", value):
                element.set("font-weight", "bold")
        elif name in _KEPT_STYLE:
            element.set(name, value.removesuffix("px"))
    if element.get("fill-opacity") == "0":
        element.set("fill", "none")
        del element.attrib["fill-opacity"]


def _drop_unused_ids(root: ET.Element) -> None:
    used: set[str] = set()
    for element in root.iter():
        for name, value in element.attrib.items():
            used.update(_REFERENCE.findall(value))
            if name in {f"{{{XLINK}}}href", "href"}:
                used.add(value.removeprefix("#"))
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)
