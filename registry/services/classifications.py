"""Noting which columns hold personal data: as a steward declares it, a scan finds it, or tags say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from registry import ledger
from registry.dataset_selectors import is_tender
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.ledger_actions import Action
from registry.lineage.classification import CLASSES, ENTITY_CLASSES, Stated, class_of_tag
from registry.lineage.names import LONGEST_COLUMN, OUR_DATASETS, PlaceName, dataset_place, model_place
from registry.manifest import trained_on
from registry.models import Classification, LineageColumn, ModelVersion, Person, Place
from registry.services.places import ensure_columns, ensure_places

Source, Role = Classification.Source, LineageColumn.Role
_LONGEST_DETAIL = 200
_CHUNK = 500


@transaction.atomic
def classify_column(*, actor: Person, column: LineageColumn, label: str, detail: str = "") -> Classification:
    """Declare that a column holds personal data of a class; saying it again changes nothing.

    Parameters
    ----------
    column
        A column of a registered dataset, or one of its whole-place nodes where all of the dataset is meant.
    label
        One of :data:`registry.lineage.classification.CLASSES`.
    detail
        What it is, such as ``email``; at most 200 characters.

    Raises
    ------
    NotAllowed
        Unless the actor owns or tends the dataset.
    InvalidInput
        If the class is unknown or the detail too long.
    """
    _require_keeper(actor, column)
    if label not in CLASSES:
        raise InvalidInput(f"label must be one of {', '.join(CLASSES)}", field="label")
    if len(detail) > _LONGEST_DETAIL:
        raise InvalidInput(f"detail has at most {_LONGEST_DETAIL} characters", field="detail")
    return _add(actor, column, label, Source.DECLARED, _one_line(detail), by=actor)


@transaction.atomic
def end_classification(*, actor: Person, classification: Classification, reason: str) -> Classification:
    """Say that a column does not hold what was said of it. It stays on record with the reason, and counts no more.

    The same scan report, or the same tag, does not bring it back.

    Raises
    ------
    NotAllowed
        Unless the actor owns or tends the dataset.
    InvalidInput
        Without a reason.
    Conflict
        If it was ended before.
    """
    held = Classification.objects.select_for_update(of=("self",)).select_related("column__place").get(
        pk=classification.pk
    )  # fmt: skip
    _require_keeper(actor, held.column)
    if not reason.strip() or "\0" in reason:
        raise InvalidInput("say in words why the column does not hold this", field="reason")
    if held.until is not None:
        raise Conflict("this classification was ended before")
    held.until, held.ended_by, held.ended_reason = timezone.now(), actor, reason.strip()
    held.save(update_fields=["until", "ended_by", "ended_reason"])
    _record(actor, Action.CLASSIFICATION_ENDED, held, reason=held.ended_reason)
    return held


@transaction.atomic
def record_scan(
    *, actor: ledger.Actor, place: PlaceName, found: Mapping[str, Iterable[str]], evidence: str
) -> list[Classification]:
    """Note what a scan found in the columns of a place.

    Parameters
    ----------
    found
        Entities by column, as the scan names them. Those that lead to nobody, such as web addresses, are left out.
    evidence
        SHA-256 of the scan's report.

    Returns
    -------
    list of Classification
        Those that count now; what was dismissed on the same evidence is not made again.
    """
    classes = {
        column: [(ENTITY_CLASSES[entity], entity) for entity in sorted(set(entities)) if entity in ENTITY_CLASSES]
        for column, entities in found.items()
    }
    named = sorted(column for column, there in classes.items() if there)
    if not named:
        return []
    if max(map(len, named)) > LONGEST_COLUMN:
        raise InvalidInput(
            f"names of columns have at most {LONGEST_COLUMN} characters; rename {max(named, key=len)[:50]}…"
        )
    columns = _columns(place, named)
    return [
        made
        for name in named
        for label, entity in classes[name]
        if (made := _find_or_add(actor, columns[name], label, Source.SCAN, entity, evidence)) is not None
    ]


@transaction.atomic
def record_tags(
    *, actor: ledger.Actor, place: PlaceName, column: str | None, tags: Iterable[str | tuple[str, str]]
) -> list[Classification]:
    """Note what imported tags say of a column, or of every column of a place where ``column`` is None.

    Parameters
    ----------
    tags
        Tags, or pairs of key and value; ``docs/personal-data.md`` lists what they mean. Others are left alone.

    Returns
    -------
    list of Classification
        Those that count now; what was dismissed is not made again by the same tag.
    """
    read = {(label, _words(tag)[:_LONGEST_DETAIL]) for tag in tags if (label := class_of_tag(tag)) is not None}
    if not read:
        return []
    held = _columns(place, [column])[column]
    person = actor if isinstance(actor, Person) else None
    return [
        made
        for label, words in sorted(read)
        if (made := _find_or_add(actor, held, label, Source.TAG, words, "", by=person)) is not None
    ]


def record_scan_of_version(
    *, actor: ledger.Actor, version: ModelVersion, found: Mapping[str, Iterable[str]], evidence: str
) -> list[Classification]:
    """Note what a scan of a version's training data found: in its dataset, or else in its own features.

    In its features where it names no dataset, or several: of which of them a column of the file came nobody can tell.
    """
    slugs = {reference.partition("@")[0] for reference in trained_on(version.facts)}
    if version.training_dataset is not None and len(slugs) == 1:
        place = dataset_place(version.training_dataset.dataset.slug)
    else:
        place = model_place(version.model.name, version.name)
        features = version.facts.get("schema", {}).get("features", ())
        found = {column: entities for column, entities in found.items() if column in features}
    return record_scan(actor=actor, place=place, found=found, evidence=evidence)


def stated_classes(columns: Iterable[int], *, at: datetime | None = None) -> list[Stated]:
    """What counts of these columns (row numbers of ``LineageColumn``) now or at a moment, in a fixed order.

    Returns
    -------
    list of Stated
        ``node`` is the row number of the column.
    """
    moment = at or timezone.now()
    wanted, found = sorted(set(columns)), []
    live = Classification.objects.filter(Q(until=None) | Q(until__gt=moment), since__lte=moment)
    for start in range(0, len(wanted), _CHUNK):
        rows = live.filter(column__in=wanted[start : start + _CHUNK])
        found += [Stated(*row) for row in rows.values_list("column_id", "label", "source", "detail")]
    return sorted(set(found))


def _require_keeper(actor: Person, column: LineageColumn) -> None:
    place = column.place.alias_of or column.place
    dataset = place.dataset
    if dataset is None:
        raise NotAllowed(f"nobody answers for {place.name}: register it as a dataset first")
    if not is_tender(actor, dataset):
        raise NotAllowed(f"only the owner or steward of {dataset.slug} may say what its columns hold")


def _columns(place: PlaceName, names: Iterable[str | None]) -> dict[str | None, LineageColumn]:
    """The columns by name, made where they are new; None is whatever goes into the place, and so touches them all."""
    now = timezone.now()
    held = ensure_places([place], now)[place]
    if place.namespace == OUR_DATASETS and held.dataset_id is None:
        raise InvalidInput(f"there is no dataset {place.name}", field="place")
    rows = ensure_columns({held.pk: names}, now, whole=Role.IN)
    by_number = LineageColumn.objects.select_related("place").in_bulk([rows[held.pk, name] for name in names])
    return {name: by_number[rows[held.pk, name]] for name in names}


def _find_or_add(
    actor: ledger.Actor,
    column: LineageColumn,
    label: str,
    source: str,
    detail: str,
    evidence: str,
    by: Person | None = None,
) -> Classification | None:
    """The live classification, made where it is new; None where people dismissed it as seen in the same evidence."""
    same = Classification.objects.filter(column=column, label=label, source=source, detail=detail)
    live = same.filter(until=None).first()
    if live is not None:
        return live
    if same.filter(evidence=evidence).exists():
        return None
    return _add(actor, column, label, source, detail, evidence=evidence, by=by)


def _add(
    actor: ledger.Actor,
    column: LineageColumn,
    label: str,
    source: str,
    detail: str,
    *,
    evidence: str = "",
    by: Person | None = None,
) -> Classification:
    made, created = Classification.objects.get_or_create(
        column=column,
        label=label,
        source=source,
        detail=detail,
        until=None,
        defaults={"evidence": evidence, "by": by, "since": timezone.now()},
    )
    if created:
        _record(actor, Action.CLASSIFICATION_ADDED, made)
    return made


def _record(actor: ledger.Actor, action: Action, made: Classification, **more: str) -> None:
    place: Place = made.column.place
    ledger.record(
        actor=actor,
        action=action,
        obj_type="classification",
        obj_id=str(made.pk),
        label=f"{place.name}.{made.column.name}" if made.column.name else place.name,
        data={
            "namespace": place.namespace,
            "name": place.name,
            "column": made.column.name or None,
            "class": made.label,
            "source": made.source,
            "detail": made.detail,
            "evidence": made.evidence,
            **more,
        },
    )


def _words(tag: str | tuple[str, str]) -> str:
    return _one_line(tag if isinstance(tag, str) else f"{tag[0]}: {tag[1]}")


def _one_line(text: str) -> str:
    """Text that stands in sentences: without line breaks and other characters that nobody sees."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
