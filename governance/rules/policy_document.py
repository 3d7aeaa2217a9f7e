"""A policy as its owner wrote it, read from YAML into frozen dataclasses. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from governance.rules.checks import CHECKS
from governance.rules.policy_schema import require_valid
from governance.rules.rule import EvidenceTerms, Rule
from registry.canonical import sha256_hex
from registry.errors import InvalidInput
from registry.safe_yaml import load_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliesTo:
    """Which versions a policy governs: those whose use case has one of the tiers, on their way to the environment."""

    risk_tier: tuple[str, ...]
    environment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of sign-off, called ``stage``: ``quorum`` people in ``role``, none of whom has a role of ``independent_of``.

    ``valid_days`` is how long a signature holds, ``due_days`` how long people have to give it; None is without limit.
    """

    stage: str
    role: str
    quorum: int = 1
    independent_of: tuple[str, ...] = ()
    valid_days: int | None = None
    due_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDocument:
    """A policy version. ``sha256`` is of ``source``, the bytes exactly as registered."""

    id: str
    version: int
    title: str
    reason: str
    applies_to: AppliesTo
    evidence: EvidenceTerms
    rules: tuple[Rule, ...]
    sign_off: tuple[Stage, ...]
    sha256: str
    source: bytes

    @property
    def reads(self) -> frozenset[str]:
        """The parts of the facts that some rule reads and that are gathered only then."""
        return frozenset().union(*(rule.reads for rule in self.rules))


@lru_cache(maxsize=64)
def parse_policy(data: bytes) -> PolicyDocument:
    """Read and check a policy.

    Raises
    ------
    InvalidInput
        Naming the path of what is wrong, such as ``rules[2].at_lest``. ``details["errors"]`` lists everything the
        schema refused as ``{"field", "message"}``.
    """
    document = load_yaml(data, what="policy")
    require_valid(document)
    _require_unique([rule["id"] for rule in document["rules"]], "rules", "id")
    _require_unique([stage["stage"] for stage in document["sign_off"]], "sign_off", "stage")
    applies_to, evidence = document["applies_to"], document["evidence"]
    rules = tuple(
        CHECKS[rule["check"]].form(rule).parse(rule, f"rules[{index}]") for index, rule in enumerate(document["rules"])
    )
    _require_joinable(rules)
    return PolicyDocument(
        id=document["policy"],
        version=int(document["version"]),
        title=document.get("title", ""),
        reason=document.get("reason", ""),
        applies_to=AppliesTo(risk_tier=tuple(applies_to["risk_tier"]), environment=applies_to["environment"]),
        evidence=EvidenceTerms(
            minimum_trust=evidence["minimum_trust"],
            max_age_days=_whole(evidence.get("max_age_days")),
            reason=evidence.get("reason", ""),
        ),
        rules=rules,
        sign_off=tuple(_stage(stage, f"sign_off[{index}]") for index, stage in enumerate(document["sign_off"])),
        sha256=sha256_hex(data),
        source=data,
    )


def _stage(data: Mapping[str, Any], path: str) -> Stage:
    independent_of = tuple(data.get("independent_of", ()))
    if data["role"] in independent_of:
        raise InvalidInput(
            f"{path}.independent_of holds the stage's own role {data['role']}: nobody could sign",
            field=f"{path}.independent_of",
        )
    return Stage(
        stage=data["stage"],
        role=data["role"],
        quorum=int(data.get("quorum", 1)),
        independent_of=independent_of,
        valid_days=_whole(data.get("valid_days")),
        due_days=_whole(data.get("due_days")),
    )


def _whole(number: float | None) -> int | None:
    # JSON Schema counts 90.0 among the integers.
    return None if number is None else int(number)


def _require_joinable(rules: tuple[Rule, ...]) -> None:
    """Refuse two rules that tell one evaluation different things: it could obey only one of them."""
    told: dict[tuple[str, ...], tuple[Any, str]] = {}
    for index, rule in enumerate(rules):
        for name, value in rule.told().items():
            parts = value.items() if isinstance(value, Mapping) else [("", value)]
            for part, said in parts:
                known, first = told.setdefault((rule.key, name, part), (said, rule.id))
                if known != said:
                    path = f"rules[{index}].{name}{f'.{part}' if part else ''}"
                    raise InvalidInput(
                        f"{path} differs from that of rule {first}, which reads the same evaluation", field=path
                    )


def _require_unique(names: list[str], collection: str, key: str) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            path = f"{collection}[{index}].{key}"
            raise InvalidInput(f"{path}: {name!r} is already the {key} of another", field=path)
