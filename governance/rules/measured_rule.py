"""What rules over measurements share: finding the measurement, comparing it, and saying what came out. Pure."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audits.measurement import Measurement
from governance.rules import wording
from governance.rules.bounds import Bounds
from governance.rules.evidence_gate import unusable
from governance.rules.facts import Facts
from governance.rules.rule import SEVERITY, Detail, EvidenceTerms, Judgement, Rule, worst
from registry.errors import InvalidInput

_NAMED_BESIDE = 3
"""So many further quantities that do not pass are named in the sentence; the details hold all."""


@dataclass(frozen=True, slots=True)
class Look:
    """One quantity a rule looked at, and the fix if it could not be known."""

    detail: Detail
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRule(Rule):
    """A rule that holds measured quantities against bounds.

    Attributes
    ----------
    metric
        Name of the metric.
    bounds
        What the policy allows.
    confidence
        The whole interval at this confidence must clear; None compares the point value alone.
    """

    metric: str
    bounds: Bounds
    confidence: float | None = None

    @property
    def key(self) -> str:
        """The evaluation that the rule reads, as it is keyed in facts."""
        return self.check

    @property
    def evaluation_name(self) -> str:
        """What sentences call that evaluation."""
        return self.check

    @abstractmethod
    def look(self, facts: Facts) -> list[Look]:
        """Find and compare every quantity the rule asks about, at least one, in the policy's order."""

    @abstractmethod
    def phrase(self, detail: Detail, facts: Facts) -> str:
        """The quantity as the beginning of a sentence: ``The impact ratio by race``."""

    @abstractmethod
    def label(self, detail: Detail) -> str:
        """The quantity in a list: ``race``; empty where the rule has only one."""

    @abstractmethod
    def how_to_measure(self) -> str:
        """The fix when the evaluation was never planned."""

    @abstractmethod
    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""

    def expected(self) -> str:
        """What the rule asks, in a few words."""
        return self.bounds.words()

    def judge(self, facts: Facts, terms: EvidenceTerms) -> Judgement:
        """Apply the rule to the measurements, if the evaluation may be relied on."""
        gate = unusable(self.key, facts, terms, how_to_measure=self.how_to_measure(), name=self.evaluation_name)
        if gate is not None:
            return gate
        looks = self.look(facts)
        first = min(looks, key=lambda look: (SEVERITY.index(look.detail.status), self._slack(look.detail)))
        details = tuple(look.detail for look in looks)
        beside = [detail for detail in details if detail is not first.detail and detail.status != "pass"]
        digest = facts.evaluations[self.key].sha256
        return Judgement(
            status=worst(detail.status for detail in details),
            observed=self._observed(first.detail),
            sentence=self._sentence(first.detail, beside, facts),
            fix=self._fix(first, facts),
            n=first.detail.n,
            evidence=(digest,) if digest else (),
            details=details,
        )

    def look_at_overall(self, facts: Facts) -> Look:
        """Compare the metric's value over everybody."""
        candidates = [
            measurement
            for measurement in facts.measurements[self.key]
            if measurement.metric == self.metric and not measurement.slice and not measurement.over
        ]
        absent = Look(Detail(metric=self.metric, status="missing", note="it was not measured"), self.how_to_measure())
        return self.compare(candidates, absent=absent)

    def matches(self, found: Measurement) -> bool:
        """Whether a measurement is of the rule's metric, on a slice or as a whole."""
        return found.metric == self.metric and not (found.slice and found.over)

    def look_at_place(self, facts: Facts, slice_: Mapping[str, str]) -> Look:
        """Compare the metric's value of one slice."""
        candidates = [m for m in facts.measurements[self.key] if self.matches(m) and m.slice == slice_]
        absent = Look(
            Detail(metric=self.metric, slice=slice_, status="missing", note="it was not measured"),
            "Measure again under this policy.",
        )
        return self.compare(candidates, absent=absent, slice_=slice_)

    def look_at_places(self, facts: Facts, accept: Callable[[Mapping[str, str]], bool]) -> list[Look]:
        """Compare the metric's value of every measured slice that is accepted, in a fixed order."""
        places = {
            tuple(sorted(m.slice.items())): m.slice
            for m in facts.measurements[self.key]
            if self.matches(m) and accept(m.slice)
        }
        return [self.look_at_place(facts, places[place]) for place in sorted(places)]

    def unknown(self, note: str, fix: str, **place: Any) -> Look:
        """A quantity that is missing, why, and the fix."""
        return Look(Detail(metric=self.metric, status="missing", note=note, **place), fix)

    def compare(
        self, candidates: Iterable[Measurement], *, absent: Look, over: tuple[str, ...] = (), slice_: Any = None
    ) -> Look:
        """Compare the one measurement among ``candidates`` that has the rule's confidence.

        Parameters
        ----------
        candidates
            Measurements of the same quantity.
        absent
            What to say when there is none at all.
        over, slice_
            The quantity, for the detail.
        """
        found = list(candidates)
        if not found:
            return absent
        if self.confidence is not None:
            found = [measurement for measurement in found if measurement.confidence == self.confidence]
        place: dict[str, Any] = {"metric": self.metric, "over": over, "slice": slice_ or {}}
        again = "Measure again under this policy."
        if not found:
            note = f"it was not measured at {wording.percent(self.confidence or 0)} confidence"
            return Look(Detail(**place, status="missing", note=note), again)
        if len({self._reading(measurement) for measurement in found}) > 1:
            return Look(Detail(**place, status="error", note="it was measured twice with different results"), again)
        value, low, high, n = self._reading(found[0])
        if value is None:
            note = min(measurement.note for measurement in found).strip(". ") or "it is undefined on this data"
            return Look(Detail(**place, status="missing", n=n, note=note), "Measure on data on which it is defined.")
        if self.confidence is None:
            status = self.bounds.of_point(value)
        elif low is None or high is None:
            note = f"it has no {wording.percent(self.confidence)} interval"
            return Look(Detail(**place, status="missing", value=value, n=n, note=note), "Measure on more data.")
        else:
            status = self.bounds.of_interval(low, high)
        note = min(measurement.note for measurement in found)
        return Look(Detail(**place, status=status, value=value, low=low, high=high, n=n, note=note))

    def _reading(self, found: Measurement) -> tuple[float | None, float | None, float | None, int]:
        """The part of a measurement that counts: without a confidence, intervals are not looked at."""
        if self.confidence is None:
            return found.value, None, None, found.n
        return found.value, found.low, found.high, found.n

    def _slack(self, detail: Detail) -> float:
        return 0.0 if detail.value is None else self.bounds.slack(detail.value)

    def _value(self, detail: Detail, *, n: int | None = None) -> str:
        if detail.value is None:
            return "not known"
        if self.bounds.whole:
            return wording.counted(detail.value, n=n)
        return wording.measured(
            detail.value, detail.low, detail.high, confidence=self.confidence, n=n, beside=self.bounds.marks
        )

    def _observed(self, detail: Detail) -> str:
        label = self.label(detail)
        return f"{label}: {self._value(detail)}" if label else self._value(detail)

    def _sentence(self, detail: Detail, beside: list[Detail], facts: Facts) -> str:
        phrase, required = self.phrase(detail, facts), f"the policy requires {self.bounds.words()}"
        if detail.status in ("missing", "error"):
            text = f"{phrase} is not known: {detail.note}; {required}"
        elif detail.status == "inconclusive":
            text = f"{phrase} is {self._value(detail, n=detail.n)}; {required}, and the data cannot tell"
        else:
            text = f"{phrase} is {self._value(detail, n=detail.n)}; {required}"
        return f"{text}{self._also(beside)}."

    def _also(self, beside: list[Detail]) -> str:
        if not beside:
            return ""
        named = [f"{self.label(detail)} ({self._short(detail)})" for detail in beside[:_NAMED_BESIDE]]
        if len(beside) > _NAMED_BESIDE:
            named.append(f"{len(beside) - _NAMED_BESIDE} more")
        return f"; nor is it shown for {wording.listed(named)}"

    def _short(self, detail: Detail) -> str:
        if detail.value is None:
            return detail.status
        if self.bounds.whole:
            return f"{wording.counted(detail.value)}, {detail.status}"
        return f"{wording.number(detail.value, beside=self.bounds.marks)}, {detail.status}"

    def mend(self, detail: Detail, facts: Facts) -> str:
        """The fix of a quantity that violates the bounds, as far as the facts tell more than :meth:`how_to_mend`."""
        return self.how_to_mend()

    def _fix(self, look: Look, facts: Facts) -> str:
        detail = look.detail
        if detail.status == "fail":
            return self.mend(detail, facts)
        if detail.status != "inconclusive":
            return look.fix
        if detail.value is None or detail.low is None or detail.high is None or detail.n is None:
            return look.fix
        needed = self.bounds.samples_to_settle(detail.value, detail.low, detail.high, detail.n)
        accept = "; or those who sign accept it by name" if self.on_inconclusive == "review" else ""
        return f"{wording.samples(needed, detail.n)}{accept}."


def measured_fields(data: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The confidence that subclasses take from YAML.

    Raises
    ------
    InvalidInput
        If ``on_inconclusive`` stands without ``confidence``: without an interval nothing is ever inconclusive.
    """
    if "on_inconclusive" in data and "confidence" not in data:
        raise InvalidInput(
            f"{path}.on_inconclusive has no effect without confidence: add confidence, such as 0.95",
            field=f"{path}.on_inconclusive",
        )
    return {"confidence": data.get("confidence")}


def with_confidence(confidence: float | None) -> str:
    """How a statement says what is compared."""
    return ", point value alone" if confidence is None else f" with {wording.percent(confidence)} confidence"
