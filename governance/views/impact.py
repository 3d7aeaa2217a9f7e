"""What depends on a dataset, and where its records went."""

from __future__ import annotations

import csv

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from governance.inventory_cells import safe_cell
from governance.page_selectors.impact import Impact, impact_of
from governance.views.page import reader
from registry.dataset_selectors import get_dataset

_HEAD = ["dataset", "column", "model", "version", "promoted to", "also runs in", "trained on it", "way"]


def _asked(request: HttpRequest, slug: str) -> Impact:
    person = reader(request)
    return impact_of(person, get_dataset(person, slug), request.GET.get("column", "").strip() or None)


@require_safe
def impact(request: HttpRequest, slug: str) -> HttpResponse:
    """Which model versions in which environments depend on the dataset, or on one column of it."""
    return render(request, "lineage/impact.html", {"impact": _asked(request, slug)})


@require_safe
def impact_csv(request: HttpRequest, slug: str) -> HttpResponse:
    """The same as a file for a spreadsheet."""
    found = _asked(request, slug)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{found.dataset.slug}-dependents.csv"'
    lines = csv.writer(response)
    lines.writerow(_HEAD)
    for item in found.dependents:
        promoted = ", ".join(place.environment for place in item.running if place.promoted)
        elsewhere = ", ".join(f"{place.environment} ({place.location})" for place in item.running if not place.promoted)
        trained = _("yes") if item.trained else _("not as far as known")
        cells = [found.dataset.slug, found.column, item.version.model.name, item.version.name, promoted, elsewhere]
        lines.writerow([safe_cell(cell) for cell in (*cells, trained, item.way)])
    return response


@require_safe
def records(request: HttpRequest, slug: str) -> HttpResponse:
    """Which versions of datasets and models hold records of the dataset, for requests of erasure and access."""
    person = reader(request)
    found = impact_of(person, get_dataset(person, slug), ever=True)
    context = {
        "impact": found,
        "trained": [item for item in found.dependents if item.trained],
        "fed": [item for item in found.dependents if not item.trained],
    }
    return render(request, "lineage/records.html", context)
