"""What every rule of a policy has, and what judging one yields; each kind of check derives from it. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from governance.rules.facts import Facts

SEVERITY = ("error", "missing", "fail", "pending", "inconclusive", "pass")
"""Statuses that judging yields, the worst first; ``excepted`` is laid over them afterwards."""


def worst(statuses: Iterable[str]) -> str:
    """The worst of some statuses; of none it is ``missing``, since nothing was shown."""
    return min(statuses, key=SEVERITY.index, default="missing")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceTerms:
    """What the policy asks of all evidence: a trust grade, and an age in days (None is any)."""

    minimum_trust: str
    max_age_days: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One measured quantity that a rule looked at, with its own status."""

    metric: str
    status: str
    over: tuple[str, ...] = ()
    slice: Mapping[str, str] = field(default_factory=dict)
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The object that stands in verdicts."""
        return {
            "over": list(self.over),
            "slice": dict(self.slice),
            "metric": self.metric,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "status": self.status,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What applying one rule to the facts yields: a status, and how it explains itself to people."""

    status: str
    observed: str
    sentence: str
    fix: str = ""
    n: int | None = None
    evidence: tuple[str, ...] = ()
    details: tuple[Detail, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """An evaluation that a rule needs. Rules that need the same ``key`` share one evaluation.

    Attributes
    ----------
    kind
        The kind of evaluation.
    key
        What tells it from others of its kind; see :func:`governance.rules.keys.evaluation_key`.
    roles
        The roles of the data that it reads, in the order in which the kind takes them.
    parameters
        Lists that are joined over all rules that share the evaluation.
    fixed
        Parameters that do not depend on the single rule; mappings among them are joined key by key.
    """

    kind: str
    key: str
    roles: tuple[str, ...]
    parameters: Mapping[str, tuple[Any, ...]]
    fixed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(ABC):
    """One rule of a policy.

    A new kind of check is one file with a subclass, one line in :data:`governance.rules.checks.CHECKS`, and its keys
    in ``policy.schema.json``.

    Attributes
    ----------
    id
        Unique within the policy.
    title
        For people; the rule's own :meth:`statement` unless the policy gives one.
    reason, frameworks
        Why the rule is there, and which external requirements it serves.
    on_inconclusive
        ``block``, or ``review``: those who sign must acknowledge it by name.
    """

    check: ClassVar[str]
    reads: ClassVar[frozenset[str]] = frozenset()
    """Parts of the facts that are gathered only for policies with a rule that reads them."""

    id: str
    title: str = ""
    reason: str = ""
    frameworks: tuple[str, ...] = ()
    on_inconclusive: str = "block"

    @classmethod
    def form(cls, data: Mapping[str, Any]) -> type[Rule]:  # noqa: ARG003 - for checks that have several
        """The class that reads this YAML mapping, where a check is written in several forms."""
        return cls

    @classmethod
    @abstractmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:
        """Make the rule from its YAML mapping, which the schema has accepted already.

        Raises
        ------
        InvalidInput
            Naming the path of what the schema cannot see.
        """

    @abstractmethod
    def statement(self) -> str:
        """The rule as one sentence, without what happens when the data cannot tell."""

    @abstractmethod
    def expected(self) -> str:
        """What the rule asks, in a few words: ``at least 0.80``."""

    @abstractmethod
    def needs(self, schema: Mapping[str, Any], *, has_champion: bool) -> Need | None:
        """The evaluation that the rule needs of a version whose manifest declares ``schema``."""

    def told(self) -> Mapping[str, Any]:
        """Parameters that the rule itself fixes for its evaluation: two rules that share one must not contradict."""
        return {}

    @property
    def key(self) -> str:
        """The key of the evaluation that the rule reads; empty where it reads none."""
        return ""

    @abstractmethod
    def judge(self, facts: Facts, terms: EvidenceTerms) -> Judgement:
        """Apply the rule. Evidence that is absent, too weak or too old never passes."""


def common_fields(data: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that every subclass of :class:`Rule` takes, from the YAML mapping."""
    return {
        "id": data["id"],
        "title": data.get("title", ""),
        "reason": data.get("reason", ""),
        "frameworks": tuple(data.get("frameworks", ())),
        "on_inconclusive": data.get("on_inconclusive", "block"),
    }
