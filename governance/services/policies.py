"""Registering policies, and moving a review to a newer one."""

from __future__ import annotations

from django.db import connection, transaction

from governance.models import Policy, PolicyVersion, Review
from governance.policies_in_force import latest_versions, policy_in_force
from governance.rules.policy_document import PolicyDocument, parse_policy
from governance.services.assessment import Assessment, assess_version
from governance.services.reviews import advance, record_review
from governance.transitions import ACTIVE_STATES, ReviewEvent
from registry import ledger
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.ledger_actions import Action
from registry.models import ModelVersion, Person
from registry.roles import MANAGERS
from registry.selectors import roles_of
from registry.services.people import has_duty


def _wait_for_others() -> None:
    """One registration at a time: whether two policies overlap is seen only by who sees both. SQLite has one writer."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE governance_policy IN SHARE ROW EXCLUSIVE MODE")


def _check_overlap(document: PolicyDocument) -> None:
    for other in latest_versions():
        if other.policy.name == document.id or other.environment != document.applies_to.environment:
            continue
        if shared := sorted(set(other.risk_tiers) & set(document.applies_to.risk_tier)):
            raise Conflict(
                f"{other} covers risk tier {shared[0]!r} in {other.environment!r} already; two policies for one decision are none",
                field="applies_to",
            )


@transaction.atomic
def register_policy(*, actor: Person, content: bytes) -> tuple[PolicyVersion, bool]:
    """Register the exact bytes of a policy; whether they are new comes second. Reviews under way are not touched.

    Raises
    ------
    NotAllowed
        If the actor does not have the duty to register policies.
    InvalidInput
        Naming the key that is wrong, or a version number that does not follow the last one.
    Conflict
        If the number stands for other bytes, or another policy covers the same decision.
    """
    if not has_duty(actor, "governance.register_policy"):
        raise NotAllowed("you may not register policies; that is the compliance officers' duty")
    document = parse_policy(content)
    sha256 = document.sha256
    _wait_for_others()
    policy, _ = Policy.objects.get_or_create(name=document.id)
    policy = Policy.objects.select_for_update().get(pk=policy.pk)
    last = policy.versions.order_by("-number").first()
    known = policy.versions.filter(number=document.version).first()
    if known is not None:
        if known.sha256 == sha256:
            return known, False
        raise Conflict(
            f"{known} is registered with another text; a change needs the next version number", field="version"
        )
    expected = last.number + 1 if last else document.version
    if document.version != expected:
        raise InvalidInput(
            f"the last version of {policy} is {expected - 1}; this one must be {expected}", field="version"
        )
    _check_overlap(document)
    version = PolicyVersion.objects.create(
        policy=policy,
        number=document.version,
        content=content,
        sha256=sha256,
        environment=document.applies_to.environment,
        risk_tiers=list(document.applies_to.risk_tier),
        registered_by=actor,
    )
    ledger.record(
        actor=actor,
        action=Action.POLICY_REGISTERED,
        obj_type="policy",
        obj_id=str(version.pk),
        label=str(version),
        data={"sha256": sha256, "environment": version.environment, "risk_tiers": version.risk_tiers},
    )
    return version, True


@transaction.atomic
def adopt_newer_policy(*, actor: Person, review: Review) -> Assessment:
    """End a review under its old policy version and begin one under the newest. Its signatures count no longer.

    Raises
    ------
    NotAllowed
        If the actor is neither owner nor compliance officer of the model.
    Conflict
        If the review is over, or there is no newer policy.
    """
    # The version before its review, in the order of every other call, so that no two wait for each other.
    ModelVersion.objects.select_for_update(of=("self",)).get(pk=review.version_id)
    review = (
        Review.objects.select_for_update(of=("self",))
        .select_related("version__model__use_case", "policy_version__policy")
        .get(pk=review.pk)
    )
    if not roles_of(actor, review.version.model) & MANAGERS:
        raise NotAllowed("only owners and compliance officers of the model may move its review to a newer policy")
    newest = policy_in_force(environment=review.environment, risk_tier=review.version.model.use_case.risk_tier)
    if review.state not in ACTIVE_STATES or newest is None or newest.pk == review.policy_version_id:
        raise Conflict("there is no newer policy to move this review to")
    advance(review, ReviewEvent.NEWER_POLICY_ADOPTED)
    review.save()
    record_review(actor, Action.REVIEW_REBASED, review, {"from": str(review.policy_version), "to": str(newest)})
    return assess_version(version=review.version, environment=review.environment, actor=actor)
