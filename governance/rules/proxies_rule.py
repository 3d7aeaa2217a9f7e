"""The check ``proxies``: how well the features give away a sensitive attribute. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from governance.rules.data_metrics import PROXIES
from governance.rules.data_rule import DataRule
from governance.rules.facts import Facts
from governance.rules.measured_rule import Look
from governance.rules.metrics import Metric
from governance.rules.prediction_needs import PLANNED_CONFIDENCE
from governance.rules.rule import Detail
from governance.rules.selection import FEATURES, Columns, columns_of, columns_words, parse_columns

ATTRIBUTE, FEATURE = "attribute", "feature"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxiesRule(DataRule):
    """``{check: proxies, metric: proxy_roc_auc, attribute: race, at_most: 0.8}``.

    Attributes
    ----------
    attribute
        The sensitive column.
    single
        The features that must clear each by itself; None asks about all of them together.
    """

    check: ClassVar[str] = "proxies"
    metrics: ClassVar[Mapping[str, Metric]] = PROXIES
    evaluates: ClassVar[str] = "proxies"

    attribute: str
    single: Columns | None = None

    @classmethod
    def parse_more(cls, data: Mapping[str, Any], path: str) -> dict[str, Any]:  # noqa: ARG003 - the schema sees everything here
        """The attribute, and the features that are asked about one by one."""
        return {"attribute": data["attribute"], "single": parse_columns(data.get("each"))}

    def needs(self, schema: Mapping[str, Any], *, has_champion: bool) -> Any:
        """The attribute as predicted by the manifest's features; nothing where it names none."""
        if not schema.get("features"):
            return None
        return DataRule.needs(self, schema, has_champion=has_champion)

    def parameters(self, schema: Mapping[str, Any]) -> tuple[Mapping[str, tuple[Any, ...]], Mapping[str, Any]]:
        """The attributes of all rules, and the features."""
        return (
            {"confidences": (self.confidence or PLANNED_CONFIDENCE,), "sensitive": (self.attribute,)},
            {"features": list(schema["features"])},
        )

    def statement(self) -> str:
        """The rule as one sentence."""
        by = "the features together" if self.single is None else columns_words(self.single, noun="feature")
        return (
            f"The {self.quantity} {self.attribute} by {by} in {self.data_words} must be {self.bounds.words()}"
            f"{self._with_confidence()}."
        )

    def look(self, facts: Facts) -> list[Look]:
        """Compare all features together, or each by itself."""
        if self.single is None:
            return [self.look_at_place(facts, {ATTRIBUTE: self.attribute})]
        if self.single == FEATURES and not facts.features:
            return [self.no_features()]
        measured = {
            m.slice[FEATURE]
            for m in facts.measurements[self.key]
            if self.matches(m) and m.slice.get(ATTRIBUTE) == self.attribute and FEATURE in m.slice
        }
        names = [name for name in columns_of(self.single, measured, facts.features or ()) if name != self.attribute]
        if not names:
            return [self.unknown("no feature was measured", self.how_to_measure())]
        return [self.look_at_place(facts, {ATTRIBUTE: self.attribute, FEATURE: name}) for name in names]

    def phrase(self, detail: Detail, facts: Facts) -> str:
        """The quantity as the beginning of a sentence."""
        feature = detail.slice.get(FEATURE)
        by = f"feature {feature}" if feature else "the features"
        return f"The {self.quantity} {self.attribute} by {by} of {self.data_words}"

    def label(self, detail: Detail) -> str:
        """The quantity in a list."""
        return f"feature {detail.slice[FEATURE]}" if FEATURE in detail.slice else ""

    def how_to_measure(self) -> str:
        """The fix when the evaluation was never planned."""
        return (
            "Name the features under schema.features in the manifest, have them and "
            f"{self.attribute} in {self.data_words}, and submit again."
        )

    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""
        return (
            f"Leave out, or make coarser, the features that give {self.attribute} away most, and submit a new version; "
            "or show in the model card why they are needed."
        )
