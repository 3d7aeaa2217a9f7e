"""The check ``quality``: completeness, uniqueness, overlap, freshness and expectations of a data set. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from audits.data_roles import REFERENCE, TEST
from governance.rules.data_metrics import OVERLAPS, QUALITY
from governance.rules.data_rule import DataRule
from governance.rules.metrics import Metric
from registry.errors import InvalidInput

INTEGRITY = "referential_integrity"
_READS_SCHEMA = {"label_leakage": "label", "freshness_days": "timestamp"}
"""Metric to the key of the manifest's schema without which it is not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRule(DataRule):
    """``{check: quality, metric: completeness, columns: features, at_least: 0.99}``.

    Attributes
    ----------
    expectations
        Path of the artifact that states the expectations; empty where the rule needs none.
    """

    check: ClassVar[str] = "quality"
    metrics: ClassVar[Mapping[str, Metric]] = QUALITY
    evaluates: ClassVar[str] = "data quality"
    one_confidence: ClassVar[bool] = True

    expectations: str = ""

    @classmethod
    def parse_roles(cls, data: Mapping[str, Any]) -> tuple[str, ...]:
        """The data; for overlaps also the test data, for integrity also the data that are referred to."""
        main = data.get("data", cls.usual[0])
        if data["metric"] in OVERLAPS:
            return main, data.get("test", TEST)
        return (main, "", data.get("reference", REFERENCE)) if data["metric"] == INTEGRITY else (main,)

    @classmethod
    def parse_more(cls, data: Mapping[str, Any], path: str) -> dict[str, Any]:
        """The expectations.

        Raises
        ------
        InvalidInput
            If they are absent where they are counted, or other data are named than the metric reads.
        """
        metric = data["metric"]
        if "test" in data and metric not in OVERLAPS:
            raise InvalidInput(f"{path}.test belongs to {' and '.join(OVERLAPS)}", field=f"{path}.test")
        if "reference" in data and metric != INTEGRITY:
            raise InvalidInput(f"{path}.reference belongs to {INTEGRITY}", field=f"{path}.reference")
        if metric == "expectations_failed" and "expectations" not in data:
            raise InvalidInput(
                f"{path}.expectations is missing: name the artifact that states them", field=f"{path}.expectations"
            )
        return {"expectations": data.get("expectations", "")}

    def told(self) -> Mapping[str, Any]:
        """The expectations, and the confidence."""
        named = {"expectations": self.expectations} if self.expectations else {}
        # Named by the class: a dataclass with slots is made twice, and bare super() would look at the first.
        return {**DataRule.told(self), **named}

    def parameters(self, schema: Mapping[str, Any]) -> tuple[Mapping[str, tuple[Any, ...]], Mapping[str, Any]]:
        """The columns of the manifest's schema that the metric is about."""
        name = _READS_SCHEMA.get(self.metric, "")
        named = {name: schema[name]} if schema.get(name) else {}
        keys = {"key": list(schema["key"])} if schema.get("key") else {}
        return {}, {**named, **keys}

    def how_to_measure(self) -> str:
        """The fix when the evaluation was never planned, or did not measure this."""
        name = _READS_SCHEMA.get(self.metric)
        if name:
            return f"Name the column as schema.{name} in the manifest, have it in {self.data_words}, and submit again."
        if self.expectations:
            return f"Add the artifact {self.expectations} with the role expectations, and submit again."
        return DataRule.how_to_measure(self)
