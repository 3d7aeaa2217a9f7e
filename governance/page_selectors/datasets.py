"""Datasets as pages show them: how each stands, its columns with their classes, and what depends on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from governance.models import EnvironmentPointer
from registry.dataset_selectors import addresses_of, datasets_for, dependent_versions
from registry.datasheet_terms import current_sheets, sheet_of, terms_of_all
from registry.models import (
    Classification,
    Dataset,
    DatasetVersion,
    DatasheetRevision,
    LineageColumn,
    ModelVersion,
    Person,
    Place,
)
from registry.selectors import models_for
from registry.terms import ANY_PURPOSE, Terms

SOON = timedelta(days=30)
STATES = ("alive", "soon", "ended", "withdrawn", "nothing", "undescribed", "declared")
"""Keys of how a dataset stands, as the list filters them."""

_STATUS = {
    "alive": "pass", "soon": "inconclusive", "ended": "fail", "withdrawn": "fail", "nothing": "fail",
    "undescribed": "missing", "declared": "missing",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a dataset may be used: the key, its status as the marks know it, and the word and sentences for people."""

    key: str
    status: str
    word: str
    sentences: tuple[str, ...] = ()


def state_words() -> dict[str, str]:
    """What each state is called."""
    return {
        "alive": _("may be used"),
        "soon": _("needs attention soon"),
        "ended": _("ended"),
        "withdrawn": _("withdrawn"),
        "nothing": _("permits nothing"),
        "undescribed": _("no datasheet"),
        "declared": _("merely declared"),
    }


def standing_of(terms: Terms, today: date) -> Standing:
    """How a dataset stands on a day; what stops it says so first."""
    key, sentences = _judged(terms, today)
    return Standing(key, _STATUS[key], state_words()[key], tuple(sentences))


def _judged(terms: Terms, today: date) -> tuple[str, list[str]]:
    if terms.withdrawn_at is not None:
        return "withdrawn", [_("It may not be used any more: %(reason)s") % {"reason": terms.withdrawn_reason}]
    ends = sorted(_ends(terms))
    over = [sentence for day, sentence in ends if day < today.isoformat()]
    if over:
        return "ended", over
    lacking = _lacking(terms)
    if lacking is not None:
        return lacking
    near = [sentence for day, sentence in ends if day <= (today + SOON).isoformat()]
    if terms.fresh_until is not None and terms.fresh_until < today.isoformat():
        near.append(_("It has not counted as fresh since %(day)s.") % {"day": terms.fresh_until})
    if near:
        return "soon", near
    return "alive", [ends[0][1]] if ends else []


def _lacking(terms: Terms) -> tuple[str, list[str]] | None:
    if not terms.owner:
        return "declared", [_("A manifest named it; nobody answers for it yet.")]
    if terms.datasheet is None:
        return "undescribed", [_("Nobody has said on which terms it may be used.")]
    if not terms.purposes:
        return "nothing", [_("Its datasheet permits no purpose.")]
    return None


def _ends(terms: Terms) -> Iterable[tuple[str, str]]:
    for day, words in (
        (terms.licence_until, _("The licence holds until %(day)s.")),
        (terms.retention_until, _("It may be kept until %(day)s.")),
    ):
        if day is not None:
            yield day, words % {"day": day}


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """One line of the list."""

    dataset: Dataset
    terms: Terms
    standing: Standing
    newest: DatasetVersion | None

    @property
    def purposes(self) -> str:
        """For what it may be used."""
        return _("every purpose") if ANY_PURPOSE in self.terms.purposes else ", ".join(self.terms.purposes)


def dataset_rows(person: Person, *, q: str = "", state: str = "", owner: str = "") -> list[DatasetRow]:
    """The datasets that ``person`` may see, by name, searched and filtered; in as many queries as for one."""
    found = datasets_for(person).select_related("owner", "steward")
    if owner:
        found = found.filter(owner__username=owner)
    today = timezone.now().date()
    listed = list(found)
    terms = terms_of_all(listed)
    words = q.casefold()
    kept = [
        (dataset, standing)
        for dataset in listed
        if words in f"{dataset.slug} {dataset.name} {dataset.source}".casefold()
        and state in {"", (standing := standing_of(terms[dataset.slug], today)).key}
    ]
    newest = _newest([dataset.pk for dataset, _standing in kept])
    return [DatasetRow(dataset, terms[dataset.slug], standing, newest.get(dataset.pk)) for dataset, standing in kept]


def _newest(keys: list[int]) -> dict[int, DatasetVersion]:
    rows = DatasetVersion.objects.filter(dataset__in=keys).order_by("created_at", "pk").defer("profile", "columns")
    return {row.dataset_id: row for row in rows}


def owners_for(person: Person) -> list[Person]:
    """Who owns the datasets that ``person`` may see."""
    owners = datasets_for(person).exclude(owner=None).values("owner")
    return list(Person.objects.filter(pk__in=owners).order_by("last_name", "first_name", "username"))


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """A column: as the datasheet describes it, as the newest version holds it, and the classes of data in it."""

    name: str
    type: str = ""
    description: str = ""
    node: int | None = None
    dropped: bool = False
    prohibited: tuple[str, ...] = ()
    classes: tuple[Classification, ...] = ()


@dataclass(frozen=True, slots=True)
class Dependents:
    """The models made from a dataset, as one person may see them."""

    versions: list[ModelVersion]
    running: list[EnvironmentPointer]
    hidden: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPage:
    """All that the page of a dataset shows."""

    dataset: Dataset
    terms: Terms
    standing: Standing
    sheet: Mapping[str, Any]
    revision: DatasheetRevision | None
    revisions: list[DatasheetRevision]
    versions: list[DatasetVersion]
    columns: list[ColumnRow]
    whole: ColumnRow | None
    addresses: list[Place] = field(default_factory=list)


def dataset_page(dataset: Dataset) -> DatasetPage:
    """The page of a dataset that the reader may see."""
    revision = current_sheets([dataset.pk]).get(dataset.pk)
    sheet = sheet_of(revision) if revision else {}
    terms = terms_of_all([dataset])[dataset.slug]
    versions = list(dataset.versions.order_by("-created_at", "-pk").defer("profile"))
    columns, whole = _columns(dataset, sheet, next((version for version in versions if version.columns), None))
    return DatasetPage(
        dataset=dataset,
        terms=terms,
        standing=standing_of(terms, timezone.now().date()),
        sheet=sheet,
        revision=revision,
        revisions=list(dataset.datasheets.select_related("author").defer("content")),
        versions=versions,
        columns=columns,
        whole=whole,
        addresses=list(addresses_of(dataset)),
    )


def _columns(
    dataset: Dataset, sheet: Mapping[str, Any], version: DatasetVersion | None
) -> tuple[list[ColumnRow], ColumnRow | None]:
    stored = {column["name"]: column.get("type", "") for column in (version.columns if version else ())}
    about = sheet.get("columns", {})
    nodes = list(LineageColumn.objects.filter(place__dataset=dataset))
    told = {node.name: node for node in nodes if node.role == LineageColumn.Role.COLUMN}
    classes = _classes(nodes)
    prohibited: dict[str, list[str]] = {}
    for entry in sheet.get("prohibited", []):
        for name in entry["columns"]:
            prohibited.setdefault(name, []).append(entry["purpose"])
    rows = []
    for name in dict.fromkeys([*stored, *about, *sorted(told)]):
        node, said = told.get(name), about.get(name, {})
        rows.append(
            ColumnRow(
                name=name,
                type=said.get("type") or stored.get(name) or (node.type if node else ""),
                description=said.get("description", ""),
                node=node.pk if node else None,
                dropped=node is not None and node.dropped_at is not None,
                prohibited=tuple(prohibited.get(name, ())),
                classes=tuple(classes.get(node.pk, ())) if node else (),
            )
        )
    ends = [node for node in nodes if node.role != LineageColumn.Role.COLUMN]
    of_all = [label for node in ends for label in classes.get(node.pk, ())]
    return rows, ColumnRow(name="", classes=tuple(of_all)) if of_all else None


def _classes(nodes: list[LineageColumn]) -> dict[int, list[Classification]]:
    found: dict[int, list[Classification]] = {}
    rows = Classification.objects.filter(column__in=[node.pk for node in nodes], until=None).select_related("by")
    for row in rows.order_by("label", "source", "detail"):
        found.setdefault(row.column_id, []).append(row)
    return found


def dependents_for(person: Person, dataset: Dataset) -> Dependents:
    """What stands on a dataset: versions that ``person`` may see, where they run, and how many more there are."""
    versions = dependent_versions(dataset)
    seen = set(models_for(person).values_list("pk", flat=True))
    shown = [version for version in versions if version.model_id in seen]
    running = EnvironmentPointer.objects.filter(promotion__version__in=[version.pk for version in shown])
    return Dependents(
        versions=shown,
        running=list(
            running.select_related("model", "promotion__version__model").order_by("model__name", "environment")
        ),
        hidden=len(versions) - len(shown),
    )
