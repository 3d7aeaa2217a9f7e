"""The inbox: what waits for one person, and what waits for others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from governance.page_selectors.roles import roles_by_model
from governance.page_selectors.rules import stops
from governance.page_selectors.standing import (
    Standing,
    active_reviews,
    newest_versions,
    no_longer_allowed,
    standings_of,
)
from governance.segregation import Case, Signer, objections
from governance.transitions import ReviewState
from registry.manifest import trained_on
from registry.models import Dataset, ModelVersion, Person
from registry.roles import AUTHORS, PROMOTERS, Role
from registry.selectors import models_for

BOXES = ("sign", "fix", "promote", "wait")


@dataclass(frozen=True, slots=True)
class Item:
    """One row: a version on its way to an environment, and what it wants of the reader."""

    box: str
    standing: Standing
    reason: str
    wants: str
    since: datetime
    due: datetime | None
    url: str


def inbox_for(person: Person) -> list[Item]:
    """Everything under way that ``person`` may see: theirs first, the most urgent on top."""
    models = list(models_for(person))
    roles = roles_by_model(person, models)
    owned = set(Dataset.objects.filter(owner=person).values_list("slug", flat=True))
    versions = {version.pk: version for version in [*newest_versions(models), *no_longer_allowed(models)]}
    found = standings_of(list(versions.values()), active_reviews(models))
    trained = training_datasets(found) if owned else {}
    items = [_item(person, standing, roles[standing.version.model_id], owned, trained) for standing in found]
    kept = [item for item in items if item is not None]
    kept.sort(
        key=lambda item: (BOXES.index(item.box), item.due or datetime.max.replace(tzinfo=item.since.tzinfo), item.since)
    )
    return kept


def training_datasets(standings: Iterable[Standing]) -> dict[int, set[str]]:
    """Slugs of all datasets that a manifest says its version was trained on, of versions whose stage asks who owns them."""
    asked = {
        standing.version.pk
        for standing in standings
        if standing.current is not None and "data-owner" in standing.current.stage.independent_of
    }
    if not asked:
        return {}
    versions = ModelVersion.objects.filter(pk__in=asked).order_by().only("manifest")
    return {
        version.pk: {reference.partition("@")[0] for reference in trained_on(version.facts)}
        for version in versions.iterator()
    }


def signing_objections(
    person: Person, standing: Standing, roles: set[Role], owned: set[str], trained: Mapping[int, Collection[str]]
) -> list[str]:
    """As :func:`governance.services.sign_offs.objections_to`, from what has been read already.

    ``trained`` is what :func:`training_datasets` tells; of somebody who owns no dataset it does not matter.
    """
    review, current, version = standing.review, standing.current, standing.version
    if review is None or current is None:
        return [_("No signature is wanted now.")]
    dataset = version.training_dataset
    return objections(
        Signer(person.pk, person.is_active, person.is_service, {role.value for role in roles}, owned),
        Case(
            role=current.stage.role,
            independent_of=current.stage.independent_of,
            submitted_by=version.submitted_by_id,
            responsible=version.responsible_id,
            training_dataset=dataset.dataset.slug if dataset else None,
            already_signed={
                item.person_id for item in standing.answers if item.subject_sha256 == review.subject_sha256
            },
            further_datasets=trained.get(version.pk, ()),
        ),
    )


def _item(
    person: Person, standing: Standing, roles: set[Role], owned: set[str], trained: Mapping[int, Collection[str]]
) -> Item | None:
    version = standing.version
    mine = bool(roles & AUTHORS) or person.pk in (version.submitted_by_id, version.responsible_id)
    url = reverse("version", args=[version.model.name, version.name])
    if standing.environment:
        url = f"{url}?environment={standing.environment}"
    since = standing.verdict.created_at if standing.verdict else version.created_at
    match standing.stage:
        case "review":
            may = standing.current is not None and not signing_objections(person, standing, roles, owned, trained)
            return _waiting_for_signature(standing, may)
        case "approved" if not standing.promoted:
            box = "promote" if roles & PROMOTERS else "wait"
            wants = _("yours to promote") if box == "promote" else _("waiting for promotion")
            return Item(box, standing, _("every signature is given"), wants, since, None, url)
        case "blocked" | "rejected" | "uncovered":
            wants = (
                _("yours to fix") if mine else _("waiting for %(name)s") % {"name": version.submitted_by.printed_name}
            )
            return Item("fix" if mine else "wait", standing, reason_of(standing), wants, since, None, url)
        case "measuring":
            return Item("wait", standing, _("the evidence is being gathered"), _("nothing yet"), since, None, url)
    return None


def _waiting_for_signature(standing: Standing, may: bool) -> Item:
    review, current = standing.review, standing.current
    assert review is not None
    role = current.stage.role.replace("-", " ") if current else ""
    return Item(
        "sign" if may else "wait",
        standing,
        reason_of(standing),
        _("your signature") if may else _("waiting for a %(role)s") % {"role": role},
        standing.asked_since,
        standing.due,
        reverse("review", args=[review.pk]),
    )


def reason_of(standing: Standing) -> str:
    """Why it stands there, in one sentence: the first rule that blocks, or what those who sign must accept."""
    review = standing.review
    if review is not None and review.state in (ReviewState.REJECTED, ReviewState.CHANGES_REQUESTED):
        last = max(standing.answers, key=lambda item: item.signed_at, default=None)
        return f"{last.person.printed_name}: {last.comment}" if last and last.comment else standing.word
    if standing.verdict is None:
        return _("risk tier %(tier)s has no policy, and without one nothing is let through") % {
            "tier": standing.version.model.use_case.risk_tier
        }
    rules = standing.verdict.document["rules"]
    stopping = [rule for rule in rules if stops(rule)]
    open_ = [rule for rule in rules if rule["status"] == "inconclusive"]
    if stopping:
        more = _(" and %(count)s more") % {"count": len(stopping) - 1} if len(stopping) > 1 else ""
        return f"{stopping[0]['sentence'].rstrip('.')}{more}"
    if open_:
        return _("the data cannot tell: %(rules)s") % {"rules": ", ".join(rule["id"] for rule in open_)}
    return _("meets every rule")
