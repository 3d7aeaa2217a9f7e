"""Where a dataset lies elsewhere: names of tables, files and topics that are the dataset, in the words of lineage."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from registry import ledger
from registry.dataset_changes import announce
from registry.dataset_selectors import addresses_of
from registry.errors import Conflict, InvalidInput, NotFound
from registry.ledger_actions import Action
from registry.lineage.names import PlaceName
from registry.models import Dataset, Person, Place
from registry.services.aliases import merge_places
from registry.services.datasets import place_of, require_tender
from registry.services.places import ensure_places, lock_lineage

_OURS = "countersign:"


@transaction.atomic
def add_address(*, actor: Person, dataset: Dataset, namespace: str, name: str) -> Place:
    """Say that a table, file or topic is the dataset. All that lineage tells of it is told of the dataset from then on.

    Raises
    ------
    NotAllowed
        If the actor neither owns nor tends the dataset.
    InvalidInput
        If the name is malformed, or one of our own.
    Conflict
        If it is another dataset, or a model version.
    """
    require_tender(actor, dataset, "say where it lies")
    address = _address(namespace, name)
    lock_lineage()
    known = Place.objects.filter(key=address.key).select_related("alias_of").first()
    place = place_of(dataset)
    if known is not None and known.alias_of_id == place.pk:
        return known
    if known is not None and _is_taken(known):
        raise Conflict(f"{name} in {namespace} is another dataset already", field="name")
    other = ensure_places([address], timezone.now())[address]
    _, note = merge_places(place, other, keep=place)
    if note:
        raise Conflict(note, field="name")
    announce(dataset, because=f"{actor.printed_name} said that {name} in {namespace} is the dataset {dataset.slug}.")
    _record(actor, dataset, {"address_added": [namespace, name]})
    return Place.objects.get(key=address.key)


@transaction.atomic
def remove_address(*, actor: Person, dataset: Dataset, namespace: str, name: str) -> None:
    """Say that a table, file or topic is the dataset no longer.

    What lineage told of it until now stays told of the dataset, which errs on the safe side; what is told from now on
    is of a place by itself.

    Raises
    ------
    NotAllowed
        If the actor neither owns nor tends the dataset.
    NotFound
        If it is no address of the dataset.
    """
    require_tender(actor, dataset, "say where it lies")
    address = _address(namespace, name)
    lock_lineage()
    found = addresses_of(dataset).filter(key=address.key).first()
    if found is None:
        raise NotFound(f"{name} in {namespace} is no address of {dataset.slug}", field="name")
    # Nothing refers to a name that leads elsewhere; when it is told of again, its place is made anew.
    found.delete()
    announce(
        dataset, because=f"{actor.printed_name} said that {name} in {namespace} is not the dataset {dataset.slug}."
    )
    _record(actor, dataset, {"address_removed": [namespace, name]})


def _address(namespace: str, name: str) -> PlaceName:
    if not namespace.isprintable() or not name.isprintable():
        raise InvalidInput("namespace and name are one line each", field="namespace")
    address = PlaceName(namespace.strip(), name.strip())
    if address.namespace.startswith(_OURS):
        raise InvalidInput("names that begin with countersign: are ours", field="namespace")
    return address


def _is_taken(place: Place) -> bool:
    row = place.alias_of or place
    return row.dataset_id is not None


def _record(actor: Person, dataset: Dataset, data: dict[str, list[str]]) -> None:
    ledger.record(
        actor=actor,
        action=Action.DATASET_CHANGED,
        obj_type="dataset",
        obj_id=str(dataset.pk),
        label=dataset.slug,
        data=data,
    )
