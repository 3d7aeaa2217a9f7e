"""The check ``documentation``: sections of the model card that must be written. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from governance.rules import wording
from governance.rules.facts import Facts
from governance.rules.rule import EvidenceTerms, Judgement, Need, Rule, common_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentationRule(Rule):
    """``{check: documentation, requires: [intended_use, limitations]}``. A blank section is not written."""

    check: ClassVar[str] = "documentation"

    requires: tuple[str, ...]

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:  # noqa: ARG003 - the schema sees everything here
        """Make the rule from its YAML mapping."""
        return cls(**common_fields(data), requires=tuple(data["requires"]))

    def statement(self) -> str:
        """The rule as one sentence."""
        return f"The model card must state {_sections(self.requires)}."

    def expected(self) -> str:
        """What the rule asks, in a few words."""
        return _sections(self.requires)

    def needs(self, schema: Mapping[str, Any], *, has_champion: bool) -> Need | None:
        """Nothing: the card is written, not measured."""
        return None

    def judge(self, facts: Facts, terms: EvidenceTerms) -> Judgement:
        """Apply the rule; people vouch for the card by signing, so it has no trust grade."""
        blank = [section for section in self.requires if not facts.documentation.get(section, "").strip()]
        written = len(self.requires) - len(blank)
        observed = f"{written} of {len(self.requires)} sections written"
        if not blank:
            return Judgement(
                status="pass", observed=observed, sentence=f"The model card states {_sections(self.requires)}."
            )
        return Judgement(
            status="missing",
            observed=f"{observed}; blank: {', '.join(blank)}",
            sentence=f"The model card does not state {_sections(blank)}; the policy requires {_sections(self.requires)}.",
            fix=f"Write {'this section' if len(blank) == 1 else 'these sections'} of the model card: {', '.join(blank)}.",
        )


def _sections(names: tuple[str, ...] | list[str]) -> str:
    return wording.listed(name.replace("_", " ") for name in names)
