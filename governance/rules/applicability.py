"""Which policy governs a risk tier on its way to an environment. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from governance.rules.policy_document import PolicyDocument
from registry.errors import Conflict, NotFound


def applicable(policies: Iterable[PolicyDocument], risk_tier: str, environment: str) -> PolicyDocument:
    """Choose the one policy for a risk tier and an environment.

    Of several versions of a policy only the newest counts, also when an older one would match and the newest does not.

    Raises
    ------
    NotFound
        If no policy governs them: then nothing can be promoted there.
    Conflict
        If two do, or one version exists with different contents.
    """
    newest: dict[str, PolicyDocument] = {}
    for policy in policies:
        known = newest.setdefault(policy.id, policy)
        if policy.version == known.version and policy.sha256 != known.sha256:
            raise Conflict(f"policy {policy.id} version {policy.version} exists with two different contents")
        if policy.version > known.version:
            newest[policy.id] = policy
    matching = sorted(
        (
            policy
            for policy in newest.values()
            if policy.applies_to.environment == environment and risk_tier in policy.applies_to.risk_tier
        ),
        key=lambda policy: policy.id,
    )
    if len(matching) > 1:
        names = " and ".join(f"{policy.id} version {policy.version}" for policy in matching)
        raise Conflict(f"{names} both govern {risk_tier} risk on the way to {environment}; one of them must give way")
    if not matching:
        raise NotFound(f"no policy governs {risk_tier} risk on the way to {environment}: register one")
    return matching[0]
