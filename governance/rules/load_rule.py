"""The check ``load``: how fast the model answers under load, how much it bears, and what it takes. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from audits.data_roles import CHAMPION, OPTIONAL, TEST
from governance.rules.against_champion import nothing_to_compare
from governance.rules.facts import Facts
from governance.rules.measured_rule import Look, MeasuredRule, measured_fields
from governance.rules.metrics import Metric
from governance.rules.model_needs import model_need
from governance.rules.prediction_needs import PLANNED_CONFIDENCE
from governance.rules.rule import EvidenceTerms, Judgement, Need, common_fields
from governance.rules.stress_rule import StressRule, parse_place
from registry.errors import InvalidInput
from registry.execution import MODEL

_ANY = math.inf
RATIO, SATURATION, BUSY = "latency_ratio_to_champion", "saturation_rate", "machine_busy"
_QUIET = "Measure again while the machine is quiet."


def _lower(words: str, highest: float = _ANY) -> Metric:
    return Metric(words, highest=highest, lower_is_better=True)


LOAD: Mapping[str, Metric] = {
    "latency_p50_ms": _lower("median latency in milliseconds"),
    "latency_p95_ms": _lower("p95 latency in milliseconds"),
    "latency_p99_ms": _lower("p99 latency in milliseconds"),
    "latency_p999_ms": _lower("p99.9 latency in milliseconds"),
    "throughput_rows_per_second": Metric("throughput in rows per second", highest=_ANY),
    "error_rate": _lower("share of requests that failed or timed out", highest=1.0),
    SATURATION: Metric("highest rate borne, in requests per second", highest=_ANY),
    "cold_start_seconds": _lower("cold start in seconds"),
    "peak_memory_mb": _lower("peak memory in megabytes"),
    "model_size_mb": _lower("size of the model in megabytes"),
    RATIO: _lower("latency by the champion's"),
}
"""Measured under load, in the unit that their words say."""

_BY_RATE = ("rate", "batch_size")
_WITH_INTERVAL = frozenset(
    {"latency_p50_ms", "latency_p95_ms", "latency_p99_ms", "latency_p999_ms", "error_rate", RATIO}
)
_UNTIMED = frozenset({"peak_memory_mb", "model_size_mb"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRule(StressRule):
    """``{check: load, metric: latency_p95_ms, at_most: 50, rate: 20, batch_size: 1, confidence: 0.95}``.

    Attributes
    ----------
    seconds
        How long the load is offered; None leaves it to the manifest.
    """

    check: ClassVar[str] = "load"
    metrics: ClassVar[Mapping[str, Metric]] = LOAD
    keys: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **dict.fromkeys(LOAD, ()),
        **dict.fromkeys((*_WITH_INTERVAL, "throughput_rows_per_second"), _BY_RATE),
        SATURATION: ("batch_size",),
        RATIO: (*_BY_RATE, "percentile"),
    }

    seconds: float | None = None

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:
        """Make the rule from its YAML mapping."""
        metric = data["metric"]
        if "confidence" in data and metric not in _WITH_INTERVAL:
            message = f"{path}.confidence: the {LOAD[metric].words} is measured without an interval"
            raise InvalidInput(message, field=f"{path}.confidence")
        names = {}
        if "rate" in data:
            names["rate"] = f"{data['rate']:g}"
        if "batch_size" in data:
            names["batch_size"] = str(data["batch_size"])
        if "percentile" in data or metric == RATIO:
            names["percentile"] = data.get("percentile", "p95")
        return cls(
            **common_fields(data),
            **measured_fields(data, path),
            **parse_place(cls, data, names, path),
            seconds=data.get("seconds"),
        )

    @property
    def key(self) -> str:
        """The run of the version alone, or that in turns with the champion."""
        return "load:champion" if self.metric == RATIO else self.check

    def needs(self, schema: Mapping[str, Any], *, has_champion: bool) -> Need | None:
        """The load that the manifest states and the rule names; in turns with the champion for the ratio alone."""
        if self.metric == RATIO and not has_champion:
            return None
        stated = schema.get("execution", {}).get("load", {})
        named = dict(self.at)
        lists: dict[str, tuple[Any, ...]] = {"confidences": (self.confidence or PLANNED_CONFIDENCE,)}
        rates = tuple(float(rate) for rate in (*stated.get("rates", ()), *([named["rate"]] if "rate" in named else [])))
        sizes = tuple(
            int(n) for n in (*stated.get("batch_sizes", ()), *([named["batch_size"]] if "batch_size" in named else []))
        )
        lists |= {"rates": rates} if rates else {}
        lists |= {"batch_sizes": sizes} if sizes else {}
        fixed = {"saturation": False, **({"key": list(schema["key"])} if schema.get("key") else {})}
        fixed |= {"seconds": stated["seconds"]} if "seconds" in stated else {}
        roles = (MODEL, TEST, f"{CHAMPION}{MODEL}{OPTIONAL}") if self.metric == RATIO else (MODEL, TEST)
        return model_need(self.check, lists, key=self.key, roles=roles, fixed=fixed)

    def told(self) -> Mapping[str, Any]:
        """How long to measure, and whether to look for saturation."""
        seconds = {} if self.seconds is None else {"seconds": self.seconds}
        return {**seconds, **({"saturation": True} if self.metric == SATURATION else {})}

    def judge(self, facts: Facts, terms: EvidenceTerms) -> Judgement:
        """Apply the rule; where there is no other champion, a ratio to it is nothing that could be too large."""
        nothing = nothing_to_compare(facts) if self.metric == RATIO else None
        if nothing is not None:
            return nothing
        # Named by the class: a dataclass with slots is made twice, and bare super() would look at the first.
        return MeasuredRule.judge(self, facts, terms)

    def look(self, facts: Facts) -> list[Look]:
        """Compare every place; what was too slow on a busy machine is not known to be too slow."""
        looks = StressRule.look(self, facts)
        if self.metric in _UNTIMED or not self._was_busy(facts):
            return looks
        return [self._doubted(look) if look.detail.status == "fail" else look for look in looks]

    def _was_busy(self, facts: Facts) -> bool:
        return {m.value for m in facts.measurements[self.key] if m.metric == BUSY} == {1.0}

    @staticmethod
    def _doubted(look: Look) -> Look:
        note = "the machine was busy with other work, and on a quiet one it may be faster"
        return Look(replace(look.detail, status="inconclusive", note=note), _QUIET)

    def _fix(self, look: Look, facts: Facts) -> str:
        if look.fix == _QUIET:
            return look.fix
        return MeasuredRule._fix(self, look, facts)

    def absent(self) -> str:
        """What is said where the load that the rule names was not offered."""
        return f"{self.place_words(dict(self.at))} was not measured" if self.at else "it was not measured"

    def sure_words(self) -> str:
        """How a statement says what is compared; nothing where there is no interval to speak of."""
        return StressRule.sure_words(self) if self.metric in _WITH_INTERVAL else ""

    def how_to_measure(self) -> str:
        """The fix when the evaluation was never planned, or did not measure this."""
        return (
            "Add an artifact with the role test-data and a model that can be run, state rates and batch sizes under "
            "execution.load in the manifest, and submit again."
        )

    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""
        return "Make the model smaller or faster, or run more of it, and submit a new version."
