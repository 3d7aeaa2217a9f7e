"""The lineage: looking for places and columns, the graph around one, and where a version's features come from."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from governance.page_selectors.lineage import neighbourhood
from governance.page_selectors.lineage_asked import BOTH, DOWN, STEPS, UP, asked_of
from governance.page_selectors.lineage_column import classes_of, dependants_of, jobs_of
from governance.page_selectors.lineage_drawn import draw
from governance.page_selectors.lineage_search import column_for, place_for, search_lineage
from governance.page_selectors.lineage_version import version_lineage
from governance.views.page import reader
from registry.errors import NotFound
from registry.lineage.names import PlaceName, dataset_place, model_place
from registry.lineage_queries import column_of, nodes_of_place, place_named
from registry.models import LineageColumn, Person, Place
from registry.selectors import get_version

Role = LineageColumn.Role


@require_safe
def lineage(request: HttpRequest) -> HttpResponse:
    """Search, or the way to the page of what is named by dataset, or by model, version and feature."""
    asked = {
        name: request.GET.get(name, "").strip() for name in ("q", "dataset", "model", "version", "feature", "column")
    }
    if asked["dataset"]:
        return _to(reader(request), dataset_place(asked["dataset"]), asked["column"])
    if asked["model"] and asked["version"]:
        return _to(reader(request), model_place(asked["model"], asked["version"]), asked["feature"])
    found, more = search_lineage(reader(request), asked["q"])
    return render(request, "lineage/search.html", {"found": found, "more": more, "q": asked["q"]})


def _to(person: Person, name: PlaceName, column: str) -> HttpResponse:
    found = place_named(name)
    if found is None:
        raise NotFound(f"no lineage is known of {name.name!r}")
    place = place_for(person, found.pk)
    number = column_of(name, column) if column else None
    if column and number is None:
        raise NotFound(f"no lineage is known of {column!r} there")
    return redirect("lineage-column", number) if number else redirect("lineage-place", place.pk)


@require_safe
def place(request: HttpRequest, place: int) -> HttpResponse:
    """The graph around a place."""
    person = reader(request)
    found = place_for(person, place)
    return _page(request, person, found, None, nodes_of_place(found).all)


@require_safe
def column(request: HttpRequest, column: int) -> HttpResponse:
    """The graph around a column, and what is known of it."""
    person = reader(request)
    found = column_for(person, column)
    if found.role != Role.COLUMN:
        return redirect("lineage-place", found.place.pk)
    return _page(request, person, found.place, found, [found.pk])


def _page(
    request: HttpRequest, person: Person, place: Place, column: LineageColumn | None, nodes: list[int]
) -> HttpResponse:
    asked = asked_of(request.GET, direction=UP if place.kind == Place.Kind.MODEL else BOTH)
    around = neighbourhood(person, nodes, asked)
    title = f"{place.name}.{column.name}" if column else place.name
    dependants, unseen = dependants_of(person, nodes, at=asked.at)
    context: dict[str, Any] = {
        "place": place,
        "column": column,
        "title": title,
        "asked": asked,
        "addresses": {
            "now": asked.query(day=None),
            "unmarked": f"{asked.query(way=None)}#picture",
            "everything": f"{asked.query(everything=True)}#picture",
            "together": f"{asked.query(everything=False, unfolded=())}#picture",
        },
        "directions": _directions(),
        "steps": STEPS,
        "drawn": draw(around, asked, title=_("Lineage of %(name)s") % {"name": title}),
        "classes": classes_of(around, column.pk) if column else [],
        "columns": [] if column else _columns(place),
        "jobs": jobs_of(around, set(nodes)) if asked.direction != DOWN else [],
        "dependants": dependants,
        "unseen": unseen,
    }
    return render(request, "lineage/page.html", context)


def _columns(place: Place) -> list[LineageColumn]:
    return list(place.columns.filter(role=Role.COLUMN).order_by("name"))


def _directions() -> list[tuple[str, str]]:
    return [(UP, _("what it is made from")), (DOWN, _("what is made from it")), (BOTH, _("both"))]


@require_safe
def version(request: HttpRequest, model: str, version: str) -> HttpResponse:
    """Where every feature of a version comes from, what of people is in it, and on which terms its datasets may be used."""
    person = reader(request)
    found = get_version(person, model, version)
    return render(
        request, "lineage/version.html", {"page": version_lineage(person, found, request.GET.get("feature", ""))}
    )
