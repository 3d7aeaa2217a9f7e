"""The lineage around a place or a column, as one person may see it: graph, classes and terms, as plain data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.utils import timezone

from audits.lineage_cut import part_of, union, within
from audits.lineage_marks import TermsState, class_order, terms_state
from governance.page_selectors.lineage_asked import BOTH, DOWN, UP, Asked
from registry.datasheet_terms import terms_of_all
from registry.errors import NotFound
from registry.lineage.classification import Accepted, Propagation, Stated, propagate
from registry.lineage.graph import Graph
from registry.lineage_queries import downstream, upstream
from registry.lineage_visibility import visible
from registry.models import Dataset, LineageColumn, Person
from registry.services.classifications import stated_classes

_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """The part of the lineage that is asked for, as the reader may see it.

    Attributes
    ----------
    focus
        Indices of the nodes that were asked about.
    classes
        Index of a node to its classes.
    spread
        All that was found out about classes, over a graph that may be larger; nodes there have other numbers.
    terms
        State of the terms by slug.
    places
        Row number of each place that is not hidden.
    """

    graph: Graph
    focus: frozenset[int]
    classes: Mapping[int, tuple[str, ...]]
    spread: Propagation
    terms: Mapping[str, TermsState]
    places: Mapping[int, int]


def neighbourhood(person: Person, columns: Collection[int], asked: Asked) -> Neighbourhood:
    """Gather what is around the columns (row numbers).

    Raises
    ------
    NotFound
        If the person may not see the place of the columns.
    """
    at, wanted = asked.at, frozenset(columns)
    found = downstream(wanted, at=at) if asked.direction == DOWN else upstream(wanted, at=at)
    whole = union(found, downstream(wanted, at=at)) if asked.direction == BOTH else found
    cut = _near(whole, wanted, asked)
    # Classes come from upstream: of all that is shown, not only of what was asked about.
    behind = (
        found if asked.direction != DOWN and _holds(found, cut) else upstream([node.id for node in cut.nodes], at=at)
    )
    spread = propagate(behind, _stated(behind, at), Accepted())
    shown = visible(cut, person)
    focus = frozenset(index for index, node in enumerate(shown.nodes) if node.id in wanted)
    if not focus or any(shown.place_of(index).hidden for index in focus):
        raise NotFound("there is nothing here that you can see")
    return Neighbourhood(
        graph=shown,
        focus=focus,
        classes=_held(shown, spread),
        spread=replace(spread, graph=shown if behind is cut else visible(behind, person)),
        terms=terms_states(shown, (asked.day or timezone.now().date())),
        places=_rows_of_places(shown),
    )


def _holds(graph: Graph, part: Graph) -> bool:
    known = {node.id for node in graph.nodes}
    return all(node.id in known for node in part.nodes)


def _near(graph: Graph, columns: Collection[int], asked: Asked) -> Graph:
    """What is no more steps away than asked."""
    if asked.steps is None:
        return graph
    focus = [index for index, node in enumerate(graph.nodes) if node.id in columns]
    near: set[int] = set()
    if asked.direction != DOWN:
        near |= within(graph, focus, asked.steps, upstream=True)
    if asked.direction != UP:
        near |= within(graph, focus, asked.steps, upstream=False)
    return part_of(graph, near)


def _stated(graph: Graph, at: datetime | None) -> list[Stated]:
    number = {node.id: index for index, node in enumerate(graph.nodes)}
    return [
        Stated(number[item.node], item.label, item.source, item.detail)
        for item in stated_classes([row for row in number if row], at=at)
    ]


def _held(shown: Graph, spread: Propagation) -> dict[int, tuple[str, ...]]:
    by_row: dict[int, list[str]] = {}
    for (node, label), finding in spread.findings.items():
        if not finding.influence:
            by_row.setdefault(spread.graph.nodes[node].id, []).append(label)
    return {
        index: tuple(class_order(by_row[node.id]))
        for index, node in enumerate(shown.nodes)
        if node.id in by_row and not shown.place_of(index).hidden
    }


def terms_states(graph: Graph, on: date, purpose: str = "") -> dict[str, TermsState]:
    """The state of the terms of every registered dataset in a graph that may be seen."""
    slugs = {place.dataset for place in graph.places if place.dataset and not place.hidden}
    if not slugs:
        return {}
    terms = terms_of_all(Dataset.objects.filter(slug__in=slugs))
    return {slug: terms_state(terms.get(slug), on=on, purpose=purpose) for slug in sorted(slugs)}


def _rows_of_places(graph: Graph) -> dict[int, int]:
    one = {
        node.place: node.id for index, node in enumerate(graph.nodes) if node.id and not graph.place_of(index).hidden
    }
    rows = _place_rows(sorted(one.values()))
    return {place: rows[node] for place, node in one.items() if node in rows}


def _place_rows(nodes: list[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for start in range(0, len(nodes), _CHUNK):
        found |= dict(LineageColumn.objects.filter(pk__in=nodes[start : start + _CHUNK]).values_list("pk", "place_id"))
    return found
