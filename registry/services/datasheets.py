"""Revising the datasheet of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from registry import ledger
from registry.canonical import canonical_json, sha256_hex
from registry.dataset_changes import announce
from registry.datasheet import check_datasheet
from registry.datasheet_terms import current_sheets
from registry.errors import Conflict, InvalidInput
from registry.ledger_actions import Action
from registry.models import Dataset, DatasheetRevision, Person
from registry.services.datasets import lock_dataset, require_tender

LONGEST_SHEET = 2_000_000


@transaction.atomic
def revise_datasheet(*, actor: Person, dataset: Dataset, sheet: Mapping[str, Any], base: int) -> DatasheetRevision:
    """Write a new revision of the datasheet; one that changes nothing is not made.

    Parameters
    ----------
    sheet
        The whole datasheet, as :func:`registry.datasheet.check_datasheet` reads it.
    base
        The number of the revision from which it was written; 0 where there was none.

    Raises
    ------
    NotAllowed
        If the actor neither owns nor tends the dataset.
    InvalidInput
        Naming the field that is wrong.
    Conflict
        If somebody else wrote a revision in the meantime: whose, and its number.
    """
    require_tender(actor, dataset, "write its datasheet")
    content = canonical_json(check_datasheet(sheet))
    if len(content) > LONGEST_SHEET:
        raise InvalidInput(f"a datasheet has at most {LONGEST_SHEET} bytes")
    dataset = lock_dataset(dataset)
    before = current_sheets([dataset.pk]).get(dataset.pk)
    sha256 = sha256_hex(content)
    if before and before.sha256 == sha256:
        return before
    _check_base(before, base)
    revision = DatasheetRevision.objects.create(
        dataset=dataset, number=before.number + 1 if before else 1, content=content, sha256=sha256, author=actor
    )
    announce(dataset, because=f"{actor.printed_name} revised the datasheet of {dataset.slug}.")
    ledger.record(
        actor=actor,
        action=Action.DATASHEET_REVISED,
        obj_type="dataset",
        obj_id=str(dataset.pk),
        label=dataset.slug,
        data={"revision": revision.number, "sha256": sha256, "before": before.sha256 if before else None},
    )
    return revision


def _check_base(before: DatasheetRevision | None, base: int) -> None:
    latest = before.number if before else 0
    if base == latest:
        return
    if before is None:
        raise Conflict("there is no datasheet yet: the base is 0", field="base", latest=0)
    raise Conflict(
        f"{before.author.printed_name} wrote revision {latest} while you wrote from revision {base}: look at what they "
        "changed, and write from theirs",
        field="base",
        latest=latest,
        author=before.author.printed_name,
    )
