"""The inventory: every model one may see, filtered and sorted; the views one keeps of it; and its export."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.inventory_export import begin_export, csv_lines, xlsx_file
from governance.page_selectors.inventory import Filters, Inventory, Key, inventory_rows, read_filters
from governance.page_selectors.inventory_choices import choices_for
from governance.page_selectors.stage_filter import STAGES
from governance.services.saved_views import delete_view, get_view, rename_view, save_view, views_of
from governance.views.page import reader
from registry.errors import CountersignError
from registry.external_selectors import DUTY
from registry.models import Deployment, RiskTier
from registry.services.people import has_duty

PAGE = "models"
_PER_PAGE = 50
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head: its words, the query that sorts by it, and how it is sorted now."""

    words: str
    query: str
    sorted: str


@require_safe
def inventory(request: HttpRequest) -> HttpResponse:
    """Every model that the reader may see, and those of other registries."""
    person = reader(request)
    filters = read_filters(request.GET.dict())
    found = Inventory(person, filters)
    page: Page[Key] = Paginator(found, _PER_PAGE).get_page(request.GET.get("page"))  # type: ignore[arg-type]
    here, elsewhere = found.counts
    views = views_of(person, PAGE)
    context = {
        "page": page,
        "rows": inventory_rows(list(page.object_list)),
        "here": here,
        "elsewhere": elsewhere,
        "asked": filters,
        "query": filters.query,
        "filtered": bool(filters.given),
        "narrowed": bool(set(filters.given) - {"q", "use_case", "tier", "stage"}),
        "choices": choices_for(person),
        "tiers": RiskTier.choices,
        "stages": STAGES,
        "kinds": Deployment.Kind.choices,
        "heads": _heads(filters),
        "views": views,
        "view": next((view for view in views if view.query == filters.query), None),
        "may_connect": has_duty(person, DUTY),
    }
    return render(request, "inventory/list.html", context)


def _heads(filters: Filters) -> dict[str, Head]:
    words = {
        "name": _("Model"),
        "use_case": _("use case"),
        "tier": _("Risk tier"),
        "owner": _("Owner"),
        "newest": _("Newest version"),
    }
    by, backwards = filters.order
    heads = {}
    for key, text in words.items():
        turned = f"-{key}" if key == by and not backwards else key
        way = ("descending" if backwards else "ascending") if key == by else ""
        heads[key] = Head(text, replace(filters, sort=turned).query, way)
    return heads


@require_safe
def export_csv(request: HttpRequest) -> HttpResponseBase:
    """Exactly the rows that the filters let through, as CSV; streamed."""
    export = begin_export(reader(request), read_filters(request.GET.dict()))
    response = StreamingHttpResponse(csv_lines(export), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{export.name}.csv"'
    return response


@require_safe
def export_xlsx(request: HttpRequest) -> HttpResponseBase:
    """The same as a workbook, with a sheet that says what was asked, when, and at which ledger entry."""
    export = begin_export(reader(request), read_filters(request.GET.dict()))
    return FileResponse(xlsx_file(export), as_attachment=True, filename=f"{export.name}.xlsx", content_type=_XLSX)


@require_POST
def keep_view(request: HttpRequest) -> HttpResponse:
    """Keep the filters that are shown, under a name."""
    person = reader(request)
    query = read_filters(QueryDict(request.POST.get("query", "")).dict()).query
    view = save_view(actor=person, page=PAGE, name=request.POST.get("name", ""), query=query)
    messages.success(request, _("The view “%(view)s” is kept.") % {"view": view})
    return redirect(f"{reverse('models')}?{view.query}")


@require_http_methods(["GET", "HEAD", "POST"])
def saved_view(request: HttpRequest, view: int) -> HttpResponse:
    """Rename one of the reader's views, or delete it once that is confirmed."""
    person = reader(request)
    found = get_view(person, view)
    filters = read_filters(QueryDict(found.query).dict())
    context = {"view": found, "given": filters.given, "sort": filters.sort, "name": found.name}
    if request.method != "POST":
        return render(request, "inventory/view.html", context)
    if request.POST.get("act") == "delete":
        delete_view(actor=person, view=found)
        messages.success(request, _("The view “%(view)s” is deleted.") % {"view": found})
        return redirect("models")
    name = request.POST.get("name", "")
    try:
        renamed = rename_view(actor=person, view=found, name=name)
    except CountersignError as error:
        return render(request, "inventory/view.html", {**context, "name": name, "error": error}, status=422)
    messages.success(request, _("The view is called “%(view)s” now.") % {"view": renamed})
    return redirect(f"{reverse('models')}?{renamed.query}")
