"""Datasets and their versions: registered by their owners, or declared by a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from registry import ledger
from registry.canonical import canonical_json, strip_algorithm
from registry.dataset_changes import announce
from registry.dataset_selectors import is_tender
from registry.datasheet import LONGEST_SCHEMA, column_name
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.ledger_actions import Action
from registry.lineage.names import dataset_place
from registry.models import Dataset, DatasetVersion, Person, Place, RegisteredModel
from registry.roles import Role
from registry.selectors import roles_of
from registry.services.lineage import tell_columns
from registry.services.people import has_duty
from registry.services.places import ensure_places, lock_lineage

REGISTERS_FOR_OTHERS = "registry.register_dataset"
LONGEST_PROFILE = 1_000_000
_LONGEST_TYPE = 200


def require_tender(actor: Person, dataset: Dataset, what: str) -> None:
    """Refuse whoever is neither owner nor steward, saying ``what`` only they may do."""
    if not is_tender(actor, dataset):
        raise NotAllowed(f"only the owner and the steward of {dataset.slug} may {what}")


def lock_dataset(dataset: Dataset) -> Dataset:
    """The dataset as it is now, held until the transaction ends."""
    return Dataset.objects.select_for_update().get(pk=dataset.pk)


@transaction.atomic
def register_dataset(*, actor: Person, slug: str, name: str, source: str, owner: Person | None = None) -> Dataset:
    """Register a dataset with its source and owner (the actor unless given), and make its place in the lineage.

    A dataset that a manifest merely declared already has models that stand on it. So it is taken over only by somebody
    with the duty to, or who is data owner or model owner of every model whose manifest names it.

    Raises
    ------
    InvalidInput
        If slug, name or source is malformed, or the owner is a service account.
    Conflict
        If somebody owns a dataset of this name already.
    NotAllowed
        If the actor names someone else as owner, or takes over what others depend on, without the duty to.
    """
    owner = owner or actor
    if owner != actor and not has_duty(actor, REGISTERS_FOR_OTHERS):
        raise NotAllowed("you may register datasets for yourself only", field="owner")
    if owner.is_service or not owner.is_active:
        raise InvalidInput("a dataset is owned by an active person: service accounts answer for nothing", field="owner")
    _check_fields(Dataset(slug=slug, name=name, source=source))
    lock_lineage()
    dataset, created = Dataset.objects.select_for_update().get_or_create(slug=slug, defaults={"name": name})
    if dataset.owner_id is not None:
        raise Conflict(f"the dataset {slug!r} is registered already", field="slug")
    if not created:
        _check_may_take_over(actor, dataset)
    dataset.name, dataset.source, dataset.owner = name, source, owner
    dataset.save()
    place_of(dataset)
    announce(dataset, because=f"{owner.printed_name} now answers for the dataset {slug}.")
    ledger.record(
        actor=actor,
        action=Action.DATASET_REGISTERED,
        obj_type="dataset",
        obj_id=str(dataset.pk),
        label=slug,
        data={"source": source, "owner": owner.username},
    )
    return dataset


def _check_fields(dataset: Dataset) -> None:
    try:
        dataset.clean_fields(exclude=["owner", "steward"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidInput(f"{field}: {' '.join(messages)}", field=field) from error


def _check_may_take_over(actor: Person, dataset: Dataset) -> None:
    if has_duty(actor, REGISTERS_FOR_OTHERS):
        return
    models = list(RegisteredModel.objects.filter(versions__training_dataset__dataset=dataset).distinct())
    if models and all(roles_of(actor, model) & {Role.DATA_OWNER, Role.MODEL_OWNER} for model in models):
        return
    raise NotAllowed(
        f"a manifest named {dataset.slug} before anybody registered it; somebody with the duty to register datasets, "
        "or a data owner or model owner of all models made from it, takes it over",
        field="slug",
    )


def place_of(dataset: Dataset) -> Place:
    """The dataset's place in the lineage, made where it is not there. Call it under the lineage's lock."""
    return ensure_places([dataset_place(dataset.slug)], timezone.now())[dataset_place(dataset.slug)]


@transaction.atomic
def register_dataset_version(
    *,
    actor: Person,
    dataset: Dataset,
    label: str,
    sha256: str,
    rows: int | None = None,
    columns: Sequence[Mapping[str, str]] = (),
    profile: Mapping[str, Any] | None = None,
    data_until: date | None = None,
) -> DatasetVersion:
    """State what one version of a dataset holds; afterwards it cannot change.

    Parameters
    ----------
    columns
        ``{"name": …, "type": …}`` in their order; they become the columns of the dataset's place in the lineage.
    profile
        ``{column: {…}}`` as whoever made it counted it.
    data_until
        The day up to which the data reach; not in the future.

    Raises
    ------
    NotAllowed
        If the actor neither owns nor tends the dataset.
    InvalidInput
        Naming the part that is malformed.
    Conflict
        If the version is known with other facts. Stating the same again changes nothing.
    """
    require_tender(actor, dataset, "state what its versions hold")
    digest = strip_algorithm(sha256)
    facts = {
        "rows": rows,
        "columns": check_columns(columns),
        "profile": _check_profile(profile),
        "data_until": _check_until(data_until),
    }
    # Before the dataset's row: whoever writes lineage holds this lock when it refers to datasets.
    lock_lineage()
    dataset = lock_dataset(dataset)
    version, _ = DatasetVersion.objects.select_for_update().get_or_create(dataset=dataset, label=label)
    if version.sha256 not in (None, digest):
        raise Conflict(f"{version} is known with another content (sha256:{version.sha256})", field="sha256")
    if version.sha256 == digest:
        _check_same(version, facts)
        return version
    version.sha256 = digest
    for field, value in facts.items():
        setattr(version, field, value)
    version.save()
    if facts["columns"]:
        tell_columns(place_of(dataset), {column["name"]: column["type"] for column in version.columns}, timezone.now())
    announce(dataset, because=f"The dataset {dataset.slug} has the new version {label}.")
    ledger.record(
        actor=actor,
        action=Action.DATASET_VERSION_REGISTERED,
        obj_type="dataset version",
        obj_id=str(version.pk),
        label=str(version),
        data={
            "sha256": digest,
            "rows": rows,
            "columns": [column["name"] for column in version.columns],
            "data_until": data_until.isoformat() if data_until else None,
        },
    )
    return version


def check_columns(columns: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Columns as they are kept: each with its name, once, and its type."""
    if len(columns) > LONGEST_SCHEMA:
        raise InvalidInput(f"columns: at most {LONGEST_SCHEMA}", field="columns")
    made: dict[str, dict[str, str]] = {}
    for index, column in enumerate(columns):
        at = f"columns[{index}]"
        name, kind = column_name(column.get("name"), f"{at}.name"), column.get("type", "")
        if not isinstance(kind, str) or len(kind) > _LONGEST_TYPE or not kind.isprintable():
            raise InvalidInput(f"{at}.type is a line of at most {_LONGEST_TYPE} characters", field=f"{at}.type")
        if name in made:
            raise InvalidInput(f"{at}.name: {name!r} is there twice", field=f"{at}.name")
        made[name] = {"name": name, "type": kind.strip()}
    return list(made.values())


def _check_profile(profile: Mapping[str, Any] | None) -> dict[str, Any]:
    kept = dict(profile or {})
    if not all(isinstance(about, Mapping) for about in kept.values()):
        raise InvalidInput("profile is {column: {…}}", field="profile")
    text = canonical_json(kept)
    if len(text) > LONGEST_PROFILE:
        raise InvalidInput(f"profile has at most {LONGEST_PROFILE} bytes as JSON", field="profile")
    if b"\\u0000" in text:
        raise InvalidInput("profile holds NUL", field="profile")
    return kept


def _check_until(day: date | None) -> date | None:
    if day is not None and day > timezone.now().date():
        raise InvalidInput("data_until is the last day of the data, which is not in the future", field="data_until")
    return day


def _check_same(version: DatasetVersion, facts: Mapping[str, Any]) -> None:
    for field, value in facts.items():
        known = getattr(version, field)
        if known != value:
            words = "number of rows" if field == "rows" else field.replace("_", " ")
            shown = f" ({known})" if field in {"rows", "data_until"} else ""
            raise Conflict(f"{version} is known with another {words}{shown}", field=field)


def declared_dataset_version(*, actor: Person, reference: str) -> DatasetVersion:
    """The dataset version ``slug@label`` that a manifest names; recorded as merely declared where it is unknown."""
    slug, _, label = reference.partition("@")
    dataset, _ = Dataset.objects.get_or_create(slug=slug, defaults={"name": slug})
    version, created = DatasetVersion.objects.get_or_create(dataset=dataset, label=label)
    if created:
        ledger.record(
            actor=actor,
            action=Action.DATASET_VERSION_REGISTERED,
            obj_type="dataset version",
            obj_id=str(version.pk),
            label=str(version),
            data={"declared": True},
        )
    return version
