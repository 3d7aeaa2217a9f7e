"""Which policy governs a version on its way to an environment."""

from __future__ import annotations

from governance.models import Policy, PolicyVersion
from governance.rules.policy_document import PolicyDocument, parse_policy


def document_of(policy_version: PolicyVersion) -> PolicyDocument:
    """The parsed policy."""
    return parse_policy(bytes(policy_version.content))


def latest_versions() -> list[PolicyVersion]:
    """The newest version of every policy."""
    found = [policy.versions.order_by("-number").select_related("policy").first() for policy in Policy.objects.all()]
    return [version for version in found if version is not None]


def policy_in_force(*, environment: str, risk_tier: str) -> PolicyVersion | None:
    """The newest version of the policy that covers the tier and environment; None where none does.

    Registration refuses overlaps, so there is at most one.
    """
    for version in latest_versions():
        if version.environment == environment and risk_tier in version.risk_tiers:
            return version
    return None


def environments_of(risk_tier: str) -> list[str]:
    """Environments for which some policy covers the tier."""
    return sorted({version.environment for version in latest_versions() if risk_tier in version.risk_tiers})
