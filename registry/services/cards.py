"""Revising the written part of a model card."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from registry import ledger
from registry.canonical import canonical_json, sha256_hex
from registry.errors import InvalidInput, NotAllowed
from registry.ledger_actions import Action
from registry.models import CARD_KEYS, CardRevision, ModelVersion, Person
from registry.roles import AUTHORS
from registry.selectors import current_card, roles_of

MAX_SECTION = 50_000


@transaction.atomic
def revise_card(*, actor: Person, version: ModelVersion, sections: Mapping[str, str]) -> CardRevision:
    """Write a new revision of the card's sections; one that changes nothing is not made.

    Signatures given on the old text become stale: the caller judges anew.

    Raises
    ------
    NotAllowed
        If the actor is neither developer nor owner of the model.
    InvalidInput
        On an unknown section or a text past 50,000 characters.
    """
    version = ModelVersion.objects.select_for_update().select_related("model__use_case").get(pk=version.pk)
    if not roles_of(actor, version.model) & AUTHORS:
        raise NotAllowed("only developers and owners of the model write its card")
    for key, text in sections.items():
        if key not in CARD_KEYS:
            raise InvalidInput(f"a model card has no section {key!r}; sections are {', '.join(CARD_KEYS)}", field=key)
        if len(text) > MAX_SECTION:
            raise InvalidInput(f"the section {key!r} is longer than {MAX_SECTION} characters", field=key)
    before = current_card(version)
    content = canonical_json({key: text.strip() for key, text in sections.items() if text.strip()})
    sha256 = sha256_hex(content)
    if before and before.sha256 == sha256:
        return before
    revision = CardRevision.objects.create(
        version=version, number=before.number + 1 if before else 1, content=content, sha256=sha256, author=actor
    )
    ledger.record(
        actor=actor,
        action=Action.DOCUMENT_REVISED,
        obj_type="version",
        obj_id=str(version.pk),
        label=str(version),
        data={
            "document": "model card",
            "revision": revision.number,
            "sha256": sha256,
            "before": before.sha256 if before else None,
        },
        model_name=version.model.name,
    )
    return revision
