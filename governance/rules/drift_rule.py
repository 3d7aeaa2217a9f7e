"""The check ``drift``: how far one data set has moved from another, by column or as a whole. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from audits.data_roles import TEST, TRAINING
from governance.rules.data_metrics import DRIFT
from governance.rules.data_rule import DataRule
from governance.rules.metrics import Metric
from governance.rules.prediction_needs import PLANNED_CONFIDENCE
from governance.rules.wording import data_words


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRule(DataRule):
    """``{check: drift, metric: psi, columns: all, at_most: 0.2, reference: training-data, current: test-data}``."""

    check: ClassVar[str] = "drift"
    metrics: ClassVar[Mapping[str, Metric]] = DRIFT
    evaluates: ClassVar[str] = "drift"
    usual: ClassVar[tuple[str, ...]] = (TRAINING, TEST)

    @classmethod
    def parse_roles(cls, data: Mapping[str, Any]) -> tuple[str, ...]:
        """What is compared with, and what is compared."""
        return data.get("reference", cls.usual[0]), data.get("current", cls.usual[1])

    @property
    def data_words(self) -> str:
        """What sentences call the data."""
        reference, current = self.roles
        return f"{data_words([current])} against {data_words([reference])}"

    def parameters(self, schema: Mapping[str, Any]) -> tuple[Mapping[str, tuple[Any, ...]], Mapping[str, Any]]:
        """The confidence, and the key by which rows are drawn."""
        keys = {"key": list(schema["key"])} if schema.get("key") else {}
        return {"confidences": (self.confidence or PLANNED_CONFIDENCE,)}, keys

    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""
        return (
            "Find in the evidence which columns moved and why; train on data like those it will meet, or leave the "
            "column out, and submit a new version."
        )
