"""Changing a dataset by hand: its datasheet, its withdrawal, its steward, who sees it, where it lies, its classes."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from governance.datasheet_form import FIELDS, GROUPS, field_of_error, form_of, sheet_of_form
from governance.page_selectors.datasets import dependents_for
from governance.views.datasets import document_in
from governance.views.page import reader
from registry.croissant_import import read_croissant
from registry.dataset_selectors import addresses_of, get_dataset, may_withdraw
from registry.datasheet import check_datasheet
from registry.datasheet_differences import differences
from registry.datasheet_terms import current_sheets, sheet_of
from registry.errors import Conflict, CountersignError, InvalidInput, NotAllowed, NotFound
from registry.models import Classification, Dataset, DatasheetRevision, LineageColumn, Person
from registry.services.classifications import classify_column, end_classification
from registry.services.dataset_addresses import add_address, remove_address
from registry.services.dataset_standing import change_visibility, name_steward, restore_dataset, withdraw_dataset
from registry.services.datasets import require_tender
from registry.services.datasheets import revise_datasheet

_LONGEST_NUMBER = 9


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Write the datasheet: fill in, see what changes, save."""
    person = reader(request)
    dataset = get_dataset(person, slug)
    require_tender(person, dataset, _("write its datasheet"))
    latest = current_sheets([dataset.pk]).get(dataset.pk)
    if request.method == "POST":
        return _sent(request, person, dataset, latest)
    texts = form_of(sheet_of(latest) if latest else {})
    return _form(request, dataset, texts, base=latest.number if latest else 0)


def _sent(request: HttpRequest, person: Person, dataset: Dataset, latest: DatasheetRevision | None) -> HttpResponse:
    texts = {field.name: request.POST.get(field.name, "") for field in FIELDS}
    base, step = _number(request.POST.get("base", "")), request.POST.get("step", "")
    if step == "write":
        return _form(request, dataset, texts, base=base)
    try:
        if step == "croissant":
            return _from_croissant(request, dataset, texts, base)
        sheet = check_datasheet(sheet_of_form(texts))
        if step == "save":
            revision = revise_datasheet(actor=person, dataset=dataset, sheet=sheet, base=base)
            messages.success(request, _("Datasheet %(number)s is saved.") % {"number": revision.number})
            return redirect("dataset", slug=dataset.slug)
    except InvalidInput as error:
        return _form(request, dataset, texts, base=base, error=error)
    except Conflict:
        # Somebody else saved: theirs is what would be replaced now, so the differences to theirs are shown.
        latest = current_sheets([dataset.pk]).get(dataset.pk)
    return _preview(request, dataset, texts, sheet, latest, base)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else 0


def _form(
    request: HttpRequest,
    dataset: Dataset,
    texts: dict[str, str],
    *,
    base: int,
    error: InvalidInput | None = None,
    unread: tuple[str, ...] = (),
) -> HttpResponse:
    wrong = field_of_error(error.field) if error else ""
    title = next((field.title for field in FIELDS if field.name == wrong), "")
    # People know the field by its title, not by its path in the datasheet.
    said = error.message.replace(error.field or "", title, 1) if error and title else error
    groups = [(title, [(field, texts[field.name]) for field in fields]) for title, fields in GROUPS]
    context = {"dataset": dataset, "groups": groups, "base": base, "error": error, "wrong": wrong, "unread": unread}
    context["said"] = said
    return render(request, "datasets/edit.html", context, status=422 if error else 200)


def _from_croissant(request: HttpRequest, dataset: Dataset, texts: dict[str, str], base: int) -> HttpResponse:
    """Fill the form from a description; nothing is saved."""
    upload = request.FILES.get("croissant")
    if upload is None:
        raise InvalidInput(_("Choose a file with the description."), field="croissant")
    found = read_croissant(document_in(upload))
    filled = {key: text for key, text in form_of(found.sheet).items() if text}
    return _form(request, dataset, {**texts, **filled}, base=base, unread=found.unread)


def _preview(
    request: HttpRequest,
    dataset: Dataset,
    texts: dict[str, str],
    sheet: dict[str, Any],
    latest: DatasheetRevision | None,
    base: int,
) -> HttpResponse:
    number = latest.number if latest else 0
    context = {
        "dataset": dataset,
        "changed": differences(sheet_of(latest) if latest else {}, sheet),
        "texts": texts,
        "latest": latest,
        "base": number,
        "overtaken": latest if number != base else None,
        "written_from": base,
        "dependents": dependents_for(reader(request), dataset),
    }
    return render(request, "datasets/preview.html", context, status=409 if number != base else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask, naming the models that stand on it; then withdraw the dataset."""
    return _standing(request, slug, restoring=False)


@require_http_methods(["GET", "HEAD", "POST"])
def restore(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask; then let the dataset be used again."""
    return _standing(request, slug, restoring=True)


def _standing(request: HttpRequest, slug: str, *, restoring: bool) -> HttpResponse:
    person = reader(request)
    dataset = get_dataset(person, slug)
    if not may_withdraw(person, dataset):
        raise NotAllowed(
            _(
                "Only its owner and steward, and compliance officers of models made from it, withdraw or restore a dataset."
            )
        )
    context: dict[str, object] = {"dataset": dataset, "restoring": restoring, "reason": request.POST.get("reason", "")}
    context["dependents"] = dependents_for(person, dataset)
    if request.method == "POST":
        change = restore_dataset if restoring else withdraw_dataset
        try:
            change(actor=person, dataset=dataset, reason=request.POST.get("reason", ""))
        except (InvalidInput, Conflict) as error:
            status = 422 if isinstance(error, InvalidInput) else 409
            return render(request, "datasets/withdraw.html", {**context, "error": error}, status=status)
        said = _("%(dataset)s may be used again.") if restoring else _("%(dataset)s is withdrawn.")
        again = _("Every model that depends on it is judged again.")
        messages.success(request, f"{said % {'dataset': dataset.slug}} {again}")
        return redirect("dataset", slug=dataset.slug)
    return render(request, "datasets/withdraw.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, slug: str) -> HttpResponse:
    """Name a steward, say who sees the dataset and where it lies."""
    person = reader(request)
    dataset = get_dataset(person, slug)
    require_tender(person, dataset, _("change this"))
    context = {
        "dataset": dataset,
        "visibilities": Dataset.Visibility.choices,
        "is_owner": dataset.owner_id == person.pk,
        "asked": request.POST,
    }
    if request.method == "POST":
        try:
            said = _change(request, person, dataset)
        except CountersignError as error:
            dataset.refresh_from_db()
            context |= {"error": error, "addresses": addresses_of(dataset)}
            return render(
                request, "datasets/settings.html", context, status=403 if isinstance(error, NotAllowed) else 422
            )
        messages.success(request, said)
        return redirect("dataset-settings", slug=dataset.slug)
    return render(request, "datasets/settings.html", {**context, "addresses": addresses_of(dataset)})


def _change(request: HttpRequest, person: Person, dataset: Dataset) -> str:
    what, sent = request.POST.get("what", ""), request.POST
    address = {"namespace": sent.get("namespace", ""), "name": sent.get("name", "")}
    if what == "steward":
        name_steward(actor=person, dataset=dataset, steward=_steward(person, dataset, sent.get("steward", "").strip()))
        return _("The steward is changed.")
    if what == "visibility":
        change_visibility(actor=person, dataset=dataset, visibility=sent.get("visibility", ""))
        return _("Who sees it is changed.")
    if what == "add":
        add_address(actor=person, dataset=dataset, **address)
        return _("%(name)s is the dataset now.") % address
    if what == "remove":
        remove_address(actor=person, dataset=dataset, **address)
        return _("%(name)s is not the dataset any more.") % address
    raise InvalidInput(_("There is no such change."), field="what")


def _steward(person: Person, dataset: Dataset, username: str) -> Person | None:
    # Who may not name a steward learns no user names here.
    if not username or dataset.owner_id != person.pk:
        return None
    found = Person.objects.filter(username=username, is_active=True).first()
    if found is None:
        raise NotFound(_("There is no active person called %(name)s.") % {"name": username}, field="steward")
    return found


@require_POST
def classify(request: HttpRequest, slug: str) -> HttpResponse:
    """Declare that a column holds personal data of a class."""
    person = reader(request)
    dataset = get_dataset(person, slug)
    column = _column(dataset, request.POST.get("column", ""))
    made = classify_column(
        actor=person,
        column=column,
        label=request.POST.get("label", ""),
        detail=request.POST.get("detail", ""),
    )
    said = _("%(column)s is declared to hold: %(label)s.")
    messages.success(request, said % {"column": column.name or dataset.slug, "label": made.get_label_display()})
    return redirect("dataset", slug=dataset.slug)


def _column(dataset: Dataset, pk: str) -> LineageColumn:
    found = LineageColumn.objects.filter(place__dataset=dataset, pk=_number(pk)).select_related("place").first()
    if found is None:
        raise NotFound(f"{dataset.slug} has no such column in the lineage", field="column")
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def end_class(request: HttpRequest, slug: str, classification: int) -> HttpResponse:
    """Ask why; then say that a column does not hold what was said of it."""
    person = reader(request)
    dataset = get_dataset(person, slug)
    require_tender(person, dataset, _("say what its columns hold"))
    held = (
        Classification.objects.filter(pk=classification, column__place__dataset=dataset, until=None)
        .select_related("column", "by")
        .first()
    )
    if held is None:
        raise NotFound("there is no such classification in force")
    context: dict[str, object] = {"dataset": dataset, "held": held, "reason": request.POST.get("reason", "")}
    if request.method == "POST":
        try:
            end_classification(actor=person, classification=held, reason=request.POST.get("reason", ""))
        except InvalidInput as error:
            return render(request, "datasets/end_class.html", {**context, "error": error}, status=422)
        messages.success(request, _("It counts no more; the record of it is kept."))
        return redirect("dataset", slug=dataset.slug)
    return render(request, "datasets/end_class.html", context)
