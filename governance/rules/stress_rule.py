"""What rules over load and robustness share: a metric that is measured at many places, each of which must clear. Pure."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from governance.rules import wording
from governance.rules.facts import Facts
from governance.rules.measured_rule import Look, MeasuredRule, with_confidence
from governance.rules.metrics import Metric, parse_bounds
from governance.rules.rule import Detail
from registry.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class StressRule(MeasuredRule):
    """A rule that runs the model under stress.

    Attributes
    ----------
    at
        What of the places the rule names, such as ``{"rate": "20"}``: every measured place that agrees with it must clear.
    """

    metrics: ClassVar[Mapping[str, Metric]]
    keys: ClassVar[Mapping[str, tuple[str, ...]]]
    """Metric to the parts of a place that it is measured by; rules may name these and no others."""

    at: tuple[tuple[str, str], ...] = ()

    @property
    def quantity(self) -> str:
        """The metric in words."""
        return self.metrics[self.metric].words

    def look(self, facts: Facts) -> list[Look]:
        """Compare the value of every place that agrees with what the rule names; of none, it is missing."""
        wanted = dict(self.at)
        if not self.keys[self.metric]:
            return [self.look_at_place(facts, {})]
        looks = self.look_at_places(facts, lambda place: wanted.items() <= place.items())
        return looks or [self.unknown(self.absent(), self.how_to_measure(), slice=wanted)]

    def matches(self, found: Any) -> bool:
        """Whether a measurement is of the rule's metric."""
        return bool(found.metric == self.metric)

    @abstractmethod
    def absent(self) -> str:
        """What is said where no place agrees."""

    def statement(self) -> str:
        """The rule as one sentence."""
        return f"The {self.quantity}{self.at_words()} must be {self.bounds.words()}{self.sure_words()}."

    def at_words(self) -> str:
        """Where the rule looks, as it follows the name of the metric."""
        return f" at {self.place_words(dict(self.at))}" if self.at else ""

    def sure_words(self) -> str:
        """How a statement says what is compared."""
        return with_confidence(self.confidence)

    @staticmethod
    def place_words(place: Mapping[str, str]) -> str:
        """A place in words: ``rate 20 and batch size 1``."""
        return wording.listed(f"{key.replace('_', ' ')} {value}" for key, value in place.items())

    def phrase(self, detail: Detail, facts: Facts) -> str:
        """The quantity as the beginning of a sentence."""
        label = self.label(detail)
        return f"The {self.quantity} at {label}" if label else f"The {self.quantity}"

    def label(self, detail: Detail) -> str:
        """The quantity in a list."""
        return self.place_words(detail.slice)


def parse_place(rule: type[StressRule], data: Mapping[str, Any], names: Mapping[str, str], path: str) -> dict[str, Any]:
    """The fields ``metric``, ``bounds`` and ``at`` from YAML.

    Parameters
    ----------
    names
        The keys of a place that the rule names, with their values as they stand in slices.

    Raises
    ------
    InvalidInput
        If a key does not belong to the metric, or a bound lies where nothing could violate it or nothing could pass.
    """
    metric = rule.metrics[data["metric"]]
    allowed = rule.keys[data["metric"]]
    for key in names:
        if key not in allowed:
            raise InvalidInput(f"{path}.{key} does not belong to {data['metric']}", field=f"{path}.{key}")
    wrong = "at_least" if metric.lower_is_better else "at_most"
    if wrong in data:
        better = "smaller" if metric.lower_is_better else "larger"
        raise InvalidInput(f"{path}.{wrong}: of the {metric.words} a {better} value is better", field=f"{path}.{wrong}")
    return {"metric": data["metric"], "bounds": parse_bounds(data, metric, path), "at": tuple(names.items())}
