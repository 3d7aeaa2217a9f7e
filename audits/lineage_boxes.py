"""The boxes of the lineage's picture: what stands in them, how high they are, and how they are drawn. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from audits.lineage_blocks import Block
from audits.lineage_layers import BOX_WIDTH, Box
from audits.lineage_marks import TermsState, class_mark, class_order
from audits.lineage_svg import columns, cut, element, hatching, icon, label, words
from registry.lineage.graph import COLUMN, Graph

HEAD = 42.0
_LINE, _ROW, _PAD = 15.0, 18.0, 10.0
_NAME, _SMALL, _TEXT = 12.0, 10.5, 11.5
_BOLD, _THIN, _USUAL = 8.4, 6.4, 7.3
"""Width of a usual letter of a name, of what is small, and of a column, in pixels and with room to spare."""
_SIDES, _ICON, _SIGN = 20.0, 18.0, 16.0
_MOST_NAMES = 3
_KINDS = {
    "table": "table",
    "dataset": "registered dataset",
    "model": "model version",
    "hidden": "something you may not see",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where the picture's texts lead: addresses by place, by node, of opening or closing a place, and of unfolding a namespace."""

    places: Mapping[int, str] = field(default_factory=dict)
    columns: Mapping[int, str] = field(default_factory=dict)
    toggles: Mapping[int, str] = field(default_factory=dict)
    namespaces: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What of the graph is shown, as the picture's caller asked for it."""

    graph: Graph
    open_places: Collection[int]
    classes: Mapping[int, Collection[str]]
    terms: Mapping[str, TermsState]
    touched: Collection[int]
    focus: int | None
    links: Links
    found: Collection[int]
    muted: bool
    ids: bool = True
    width: float = BOX_WIDTH

    @property
    def small_columns(self) -> float:
        """How many small letters a line holds."""
        return (self.width - _SIDES) / _THIN

    @property
    def name_columns(self) -> float:
        """How many letters of a name stand beside its icon, and where places open, the sign for it."""
        sign = _SIGN if self.links.toggles else 0.0
        return (self.width - _SIDES - _ICON - sign) / _BOLD


@dataclass(frozen=True, slots=True)
class Content:
    """What stands in one box: lines under its name, columns as nodes, how many more there are, and its height in pixels."""

    name: str
    whole: str
    below: str
    lines: tuple[tuple[str, str], ...]
    rows: tuple[int, ...]
    more: int
    kind: str

    @property
    def height(self) -> float:
        """In pixels."""
        extra = len(self.rows) * _ROW + (_LINE if self.more else 0) + (4.0 if self.rows or self.more else 0.0)
        return HEAD + len(self.lines) * _LINE + extra + (2.0 if self.lines and not self.rows else 0.0)

    def row_y(self, number: int) -> float:
        """The middle of a column's row, from the upper edge of the box."""
        return HEAD + len(self.lines) * _LINE + number * _ROW + _ROW / 2


def contents(shown: Shown, blocks: Sequence[Block]) -> list[Content]:
    """What stands in each box."""
    columns_of: defaultdict[int, list[int]] = defaultdict(list)
    nodes_of: defaultdict[int, list[int]] = defaultdict(list)
    for number, node in enumerate(shown.graph.nodes):
        nodes_of[node.place].append(number)
        if node.role == COLUMN:
            columns_of[node.place].append(number)
    for members in columns_of.values():
        members.sort(key=lambda number: (shown.graph.nodes[number].column, number))
    return [
        _group(shown, block, nodes_of) if block.is_group else _single(shown, block.places[0], columns_of, nodes_of)
        for block in blocks
    ]


def _single(
    shown: Shown, place: int, columns_of: Mapping[int, list[int]], nodes_of: Mapping[int, list[int]]
) -> Content:
    found = shown.graph.places[place]
    if found.hidden:
        return Content(found.title, found.title, "", (), (), 0, "hidden")
    every = columns_of.get(place, [])
    is_open = place in shown.open_places
    rows = [number for number in every if is_open or number in shown.touched or number == shown.focus]
    lines = []
    if found.dataset is not None and found.dataset in shown.terms:
        state = shown.terms[found.dataset]
        lines.append((state.status, f"{state.mark} {state.words}"))
    # The whole of a place holds what its columns do: it is told of only where no column is known.
    untold = [number for number in every or nodes_of.get(place, []) if number not in rows]
    unseen = {name for number in untold for name in shown.classes.get(number, ())}
    if unseen:
        lines.append(("class", _class_words(unseen, shown.small_columns)))
    below = found.namespace if found.kind == "table" else _KINDS.get(found.kind, found.kind)
    kind = found.kind if found.kind in _KINDS else "table"
    more = len(every) - len(rows) if rows else 0
    whole = f"{_KINDS[kind]} {found.name} in {found.namespace}, {_count(len(every), 'column')}"
    return Content(found.name, whole, below, tuple(lines), tuple(rows), more, kind)


def _group(shown: Shown, block: Block, nodes_of: Mapping[int, list[int]]) -> Content:
    places = [shown.graph.places[place] for place in block.places]
    names = sorted(place.name for place in places if not place.hidden)
    hidden = len(places) - len(names)
    listed = (
        [*names[:_MOST_NAMES]]
        if len(names) <= _MOST_NAMES
        else [*names[: _MOST_NAMES - 1], f"and {len(names) - _MOST_NAMES + 1} more"]
    )
    lines = [("name", name) for name in listed]
    lines += [("hidden", f"{hidden} that you may not see")] if hidden else []
    slugs = [place.dataset for place in places if place.dataset in shown.terms]
    worst = [shown.terms[slug] for slug in slugs if slug is not None and shown.terms[slug].status != "pass"]
    if worst:
        lines.append(
            (worst[0].status, f"{worst[0].mark} {worst[0].words}" + (f", {len(worst) - 1} more" if worst[1:] else ""))
        )
    held = {
        name for place in block.places for number in nodes_of.get(place, []) for name in shown.classes.get(number, ())
    }
    lines += [("class", _class_words(held, shown.small_columns))] if held else []
    title = _count(len(places), "place")
    return Content(title, f"{title}: {', '.join(names[:20])}", block.namespace, tuple(lines), (), 0, "group")


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _class_words(classes: Iterable[str], most: float) -> str:
    marks = [class_mark(name) for name in class_order(classes)]
    text = " · ".join(f"{letters} {said}" for letters, said in marks)
    return text if columns(text) <= most else " · ".join(letters for letters, _ in marks)


def box_id(number: int) -> str:
    """The id of a box in its page, by which an address leads to it."""
    return f"lg{number}"


def draw_box(shown: Shown, number: int, block: Block, content: Content, box: Box) -> str:
    """One box as a group of elements."""
    place = None if block.is_group else block.places[0]
    dim = shown.muted and not _is_touched(shown, block)
    names = ["lg-box", content.kind, *(["muted"] if dim else []), *(["found"] if place in shown.found else [])]
    focused = place is not None and shown.focus is not None and shown.graph.nodes[shown.focus].place == place
    names += ["focus"] if focused else []
    strong = 2.2 if focused or place in shown.found else 1.6 if shown.muted and not dim else 0.9
    parts = [element("title", words("; ".join([content.whole, *(text for _, text in content.lines)])))]
    parts.append(
        element(
            "rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=3.0 if content.kind != "model" else 10.0,
            fill="none", stroke="currentColor", stroke_width=strong,
            stroke_dasharray="5 3" if content.kind == "group" else None,
        )
    )  # fmt: skip
    if content.kind == "hidden":
        parts.append(hatching(box.x, box.y, box.width, box.height))
        parts.append(label(content.name, box.x + _PAD, box.y + 26, _TEXT, font_style="italic", class_="lg-name"))
    else:
        parts += _texts(shown, block, content, box)
    return element(
        "g",
        *parts,
        class_=" ".join(names),
        id=box_id(number) if shown.ids else None,
        opacity=0.6 if dim else None,
        data_name=content.name if shown.ids else None,
    )


def _is_touched(shown: Shown, block: Block) -> bool:
    return any(shown.graph.nodes[node].place in block.places for node in shown.touched)


def _texts(shown: Shown, block: Block, content: Content, box: Box) -> list[str]:
    x, right, links = box.x + _PAD, box.x + box.width - _PAD, shown.links
    place = block.places[0]
    href = links.namespaces.get(block.namespace) if block.is_group else links.places.get(place)
    name = label(
        cut(content.name, shown.name_columns, keep_end=True),
        x + 18,
        box.y + 18,
        _NAME,
        font_weight="600",
        class_="lg-name",
    )
    parts = [icon(content.kind, x, box.y + 7.5), _linked(name, href, content.whole)]
    if content.below:
        parts.append(
            label(cut(content.below, shown.small_columns), x, box.y + 33, _SMALL, class_="lg-below", fill_opacity=0.8)
        )
    toggle = None if block.is_group else links.toggles.get(place)
    if toggle:
        is_open = place in shown.open_places
        sign = label("−" if is_open else "+", right, box.y + 18, 15.0, text_anchor="end", class_="lg-sign")
        said = f"{'Close' if is_open else 'Open'} the columns of {content.name}"
        parts.append(_linked(sign, toggle, said, in_place=True))
    for number, (kind, text) in enumerate(content.lines):
        parts.append(
            label(
                cut(text, (shown.width - _SIDES) / (_USUAL if kind == "fail" else _THIN)), x,
                box.y + HEAD + number * _LINE + 7, _SMALL, class_=f"lg-said {kind}",
                font_weight="600" if kind == "fail" else None,
            )
        )  # fmt: skip
    parts += [_row(shown, node, content, number, box) for number, node in enumerate(content.rows)]
    if content.more:
        y = box.y + content.row_y(len(content.rows))
        parts.append(label(f"+ {content.more} more", x, y, _SMALL, class_="lg-below", fill_opacity=0.8))
    return parts


def _row(shown: Shown, node: int, content: Content, number: int, box: Box) -> str:
    y, x, right = box.y + content.row_y(number), box.x + _PAD, box.x + box.width - _PAD
    name = shown.graph.nodes[node].column
    classes = class_order(shown.classes.get(node, ()))
    marks = [class_mark(item) for item in classes]
    said = " ".join(marks[0]) if len(marks) == 1 else " ".join(letters for letters, _ in marks)
    room = (shown.width - _SIDES) / _USUAL - columns(said) - 1
    strong = node == shown.focus or node in shown.touched
    text = label(cut(name, max(room, 8)), x, y + 4, _TEXT, class_="lg-column", font_weight="600" if strong else None)
    parts = [
        element("title", words(f"{name}{': ' if marks else ''}{', '.join(word for _, word in marks)}")),
        element("path", d=f"M{box.x:.1f} {y - _ROW / 2:.1f}h{box.width:.1f}", stroke="currentColor", stroke_width=0.5, stroke_opacity=0.3),
        _linked(text, shown.links.columns.get(node), name, in_place=True),
    ]  # fmt: skip
    if said:
        parts.append(
            label(said, right, y + 4, _SMALL, text_anchor="end", font_weight="600", class_=f"lg-class {classes[0]}")
        )
    return element("g", *parts)


def _linked(text: str, href: str | None, said: str, *, in_place: bool = False) -> str:
    if not href:
        return text
    return element("a", text, href=href, aria_label=" ".join(said.split()), data_in_place="" if in_place else None)
