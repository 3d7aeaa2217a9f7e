"""Policies as people read them: sentences, differences, and how often each rule blocked."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Max
from django.utils import timezone

from governance.models import Policy, PolicyVersion, Verdict
from governance.page_selectors.rules import stops
from governance.policies_in_force import document_of
from governance.rules.policy_document import PolicyDocument
from governance.rules.sentences import rule_sentence, stage_sentence
from registry.errors import NotFound
from registry.models import Person
from registry.selectors import models_for

_YEAR = timedelta(days=365)
_SIGNS = {"+": "added", "-": "removed", "@": "place"}


@dataclass(frozen=True, slots=True)
class RuleShown:
    """One rule as people read it; it blocked ``blocked`` of ``judged`` versions."""

    id: str
    sentence: str
    reason: str
    frameworks: tuple[str, ...]
    blocked: int
    judged: int


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a difference: ``added``, ``removed``, ``place`` or ``same``."""

    kind: str
    sign: str
    text: str


def get_policy_version(name: str, number: int) -> PolicyVersion:
    """The version of the policy.

    Raises
    ------
    NotFound
        If there is none.
    """
    found = PolicyVersion.objects.select_related("policy", "registered_by").filter(policy__name=name, number=number)
    version = found.first()
    if version is None:
        raise NotFound(f"there is no policy {name!r} with version {number}")
    return version


def policies_with_newest() -> list[tuple[PolicyVersion, PolicyDocument]]:
    """The newest version of every policy, read."""
    last = Policy.objects.annotate(last=Max("versions__pk")).order_by().values("last")
    found = PolicyVersion.objects.filter(pk__in=last).select_related("policy", "registered_by").order_by("policy__name")
    return [(version, document_of(version)) for version in found]


def rules_shown(person: Person, document: PolicyDocument, policy: Policy | None = None) -> list[RuleShown]:
    """The policy's rules as sentences, with what the last year's verdicts on versions ``person`` may see said of them."""
    judged, blocked = _counts(person, policy) if policy else (0, Counter[str]())
    return [
        RuleShown(rule.id, rule_sentence(rule), rule.reason, rule.frameworks, blocked[rule.id], judged)
        for rule in document.rules
    ]


def stages_shown(document: PolicyDocument) -> list[tuple[str, str]]:
    """The policy's stages by name, as sentences."""
    return [(stage.stage, stage_sentence(stage)) for stage in document.sign_off]


def difference(before: bytes, after: bytes, *, names: tuple[str, str]) -> list[DiffLine]:
    """What changed between two texts, in unified form without its two head lines."""
    lines = difflib.unified_diff(
        before.decode().splitlines(), after.decode().splitlines(), names[0], names[1], lineterm="", n=3
    )
    return [_line(line) for line in list(lines)[2:]]


def _line(line: str) -> DiffLine:
    sign = line[:1]
    kind = _SIGNS.get(sign, "same")
    if kind == "place":
        return DiffLine(kind, "", line)
    return DiffLine(kind, {"-": "−"}.get(sign, sign), line[1:])


def _counts(person: Person, policy: Policy) -> tuple[int, Counter[str]]:
    """How many versions were judged, and which rules stopped them in the end."""
    last = (
        Verdict.objects.filter(
            policy_version__policy=policy,
            created_at__gte=timezone.now() - _YEAR,
            version__model__in=models_for(person).values("pk"),
        )
        .exclude(outcome="pending")
        .order_by()
        .values("version", "environment")
        .annotate(last=Max("pk"))
        .values("last")
    )
    blocked: Counter[str] = Counter()
    judged = 0
    for verdict in Verdict.objects.filter(pk__in=last).only("content").iterator():
        judged += 1
        blocked.update(rule["id"] for rule in verdict.document["rules"] if stops(rule))
    return judged, blocked
