"""Datasets: registered by their owners, or declared by a manifest."""

from __future__ import annotations

from django.db import transaction

from registry import ledger
from registry.canonical import strip_algorithm
from registry.errors import Conflict, NotAllowed
from registry.ledger_actions import Action
from registry.models import Dataset, DatasetVersion, Person
from registry.services.people import has_duty


@transaction.atomic
def register_dataset(*, actor: Person, slug: str, name: str, source: str, owner: Person | None = None) -> Dataset:
    """Register a dataset with its source and owner (the actor unless given).

    Raises
    ------
    Conflict
        If somebody owns a dataset of this name already.
    NotAllowed
        If the actor names someone else as owner without the duty to register use cases.
    """
    owner = owner or actor
    if owner != actor and not has_duty(actor, "registry.create_use_case"):
        raise NotAllowed("you may register datasets for yourself only")
    dataset, _ = Dataset.objects.select_for_update().get_or_create(slug=slug, defaults={"name": name})
    if dataset.owner_id is not None:
        raise Conflict(f"the dataset {slug!r} is registered already", field="slug")
    dataset.name, dataset.source, dataset.owner = name, source, owner
    dataset.save()
    ledger.record(
        actor=actor,
        action=Action.DATASET_REGISTERED,
        obj_type="dataset",
        obj_id=str(dataset.pk),
        label=slug,
        data={"source": source, "owner": owner.username},
    )
    return dataset


@transaction.atomic
def register_dataset_version(
    *, actor: Person, dataset: Dataset, label: str, sha256: str, rows: int | None = None
) -> DatasetVersion:
    """State the content digest of one version of a dataset; afterwards it cannot change.

    Raises
    ------
    NotAllowed
        If the actor does not own the dataset.
    Conflict
        If the version is known with another digest or number of rows. Stating the same again changes nothing.
    """
    if dataset.owner_id != actor.pk:
        raise NotAllowed(f"only the owner of {dataset.slug} may state what its versions hold")
    digest = strip_algorithm(sha256)
    version, _ = DatasetVersion.objects.select_for_update().get_or_create(dataset=dataset, label=label)
    if version.sha256 not in (None, digest):
        raise Conflict(f"{version} is known with another content (sha256:{version.sha256})", field="sha256")
    if version.sha256 == digest:
        if version.rows != rows:
            raise Conflict(f"{version} is known with another number of rows ({version.rows})", field="rows")
        return version
    version.sha256, version.rows = digest, rows
    version.save()
    ledger.record(
        actor=actor,
        action=Action.DATASET_VERSION_REGISTERED,
        obj_type="dataset version",
        obj_id=str(version.pk),
        label=str(version),
        data={"sha256": digest, "rows": rows},
    )
    return version


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
