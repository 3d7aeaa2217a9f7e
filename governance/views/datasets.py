"""Datasets: the list, the page of one, its revisions and its Croissant description, and registering a new one."""

from __future__ import annotations

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from governance.datasheet_form import GROUPS, form_of
from governance.page_selectors.datasets import dataset_page, dataset_rows, dependents_for, owners_for, state_words
from governance.views.page import reader
from registry.canonical import canonical_json, parse_json
from registry.dataset_selectors import get_dataset, is_tender, may_withdraw
from registry.datasheet_differences import differences
from registry.datasheet_terms import sheet_of
from registry.errors import CountersignError, InvalidInput, NotFound
from registry.lineage.classification import CLASSES
from registry.services.dataset_descriptions import croissant_document, register_from_croissant
from registry.services.datasets import register_dataset

_PER_PAGE = 50
LARGEST_FILE = 2_000_000


@require_safe
def datasets(request: HttpRequest) -> HttpResponse:
    """Every dataset that the reader may see, searched and filtered."""
    person = reader(request)
    asked = {key: request.GET.get(key, "").strip() for key in ("q", "state", "owner")}
    rows = Paginator(dataset_rows(person, **asked), _PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": rows,
        "asked": asked,
        "filtered": any(asked.values()),
        "states": state_words(),
        "owners": owners_for(person),
    }
    return render(request, "datasets/list.html", context)


@require_safe
def dataset(request: HttpRequest, slug: str) -> HttpResponse:
    """One dataset: may it be used, for what and until when; what it holds; who said so."""
    person = reader(request)
    found = get_dataset(person, slug)
    page = dataset_page(found)
    dependents = dependents_for(person, found)
    texts = form_of(page.sheet)
    context = {
        "page": page,
        "dataset": found,
        "dependents": dependents,
        "models": sorted({version.model.name for version in dependents.versions}),
        "parts": _parts(texts),
        "may_edit": is_tender(person, found),
        "may_withdraw": may_withdraw(person, found),
        "is_owner": found.owner_id == person.pk,
        "class_names": CLASSES,
        "declarable": [row for row in page.columns if row.node is not None],
    }
    return render(request, "datasets/page.html", context)


_ABOVE = frozenset(
    {"purposes", "lawful_basis", "licence.name", "licence.url", "licence.until", "prohibited", "regions", "retention.until",
     "retention.days", "freshness_days", "is_source", "update_rhythm", "columns"}
)  # fmt: skip


def _parts(texts: dict[str, str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The written texts by group, without what the terms at the top of the page say already."""
    groups = [
        (
            title,
            [(field.title, texts[field.name]) for field in fields if field.name not in _ABOVE and texts[field.name]],
        )
        for title, fields in GROUPS
    ]
    return [(title, said) for title, said in groups if said]


@require_safe
def datasheet(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One revision of a datasheet, and what it changed."""
    found = get_dataset(reader(request), slug)
    wanted = found.datasheets.select_related("author")
    revision = wanted.filter(number=number).first()
    if revision is None:
        raise NotFound(f"the dataset {slug!r} has no datasheet {number}")
    before = wanted.filter(number=number - 1).first()
    texts = form_of(sheet_of(revision))
    context = {
        "dataset": found,
        "revision": revision,
        "before": before,
        "changed": differences(sheet_of(before) if before else {}, sheet_of(revision)),
        "groups": [
            (title, [(field, texts[field.name]) for field in fields if texts[field.name]]) for title, fields in GROUPS
        ],
        "latest": wanted.first(),
    }
    return render(request, "datasets/revision.html", context)


@require_safe
def croissant(request: HttpRequest, slug: str) -> HttpResponse:
    """The dataset as a Croissant document, to keep."""
    found = get_dataset(reader(request), slug)
    response = HttpResponse(canonical_json(croissant_document(found)), content_type="application/ld+json")
    response["Content-Disposition"] = f'attachment; filename="{found.slug}.croissant.json"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Register a dataset by name, or from its Croissant description."""
    person = reader(request)
    asked = {key: request.POST.get(key, "").strip() for key in ("slug", "name", "source")}
    context: dict[str, object] = {"asked": asked}
    if request.method != "POST":
        return render(request, "datasets/register.html", context)
    try:
        upload = request.FILES.get("croissant")
        if upload is not None:
            taken = register_from_croissant(actor=person, document=document_in(upload), slug=asked["slug"])
            for note in taken.unread:
                messages.warning(request, note)
            made = taken.dataset
        else:
            made = register_dataset(actor=person, slug=asked["slug"], name=asked["name"], source=asked["source"])
    except CountersignError as error:
        return render(request, "datasets/register.html", {**context, "error": error}, status=422)
    messages.success(request, _("%(dataset)s is registered; you answer for it.") % {"dataset": made.slug})
    return redirect("dataset", slug=made.slug)


def document_in(upload: UploadedFile[bytes]) -> object:
    """The JSON of an uploaded file; an error for people where it is none."""
    if upload.size is None or upload.size > LARGEST_FILE:
        raise InvalidInput(_("A description has at most 2 MB."), field="croissant")
    return parse_json(upload.read(), what="description")
