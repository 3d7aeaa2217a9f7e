"""The check ``explanation``: what the model's scores rest on, for whom, and how stably that is told. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from audits.data_roles import FEATURE_DICTIONARY, OPTIONAL, TEST, TRAINING
from audits.measurement import Measurement
from governance.rules import wording
from governance.rules.bounds import Bounds
from governance.rules.facts import Facts
from governance.rules.measured_rule import Look, MeasuredRule, measured_fields, with_confidence
from governance.rules.metrics import Metric, parse_bounds
from governance.rules.model_needs import model_columns, model_need
from governance.rules.prediction_needs import PLANNED_CONFIDENCE
from governance.rules.rule import Detail, Need, common_fields
from registry.errors import InvalidInput
from registry.execution import MODEL

FEATURE = "feature"
RANK, SHARE, DIFFERENCE, SHUFFLED = (
    "importance_rank",
    "importance_share",
    "importance_share_difference",
    "permutation_importance",
)
TOP = 5
_ANY = math.inf

EXPLANATION: Mapping[str, Metric] = {
    SHARE: Metric("share of the importance", lower_is_better=True, per=FEATURE),
    DIFFERENCE: Metric("difference between groups' shares of the importance", lower_is_better=True),
    SHUFFLED: Metric("loss when a feature is shuffled", highest=_ANY, lowest=-_ANY, lower_is_better=True, per=FEATURE),
    "interaction_share": Metric("share of interactions", lower_is_better=True),
    "stability": Metric("rank correlation of repeated explanations", lowest=-1.0),
    "additivity_error": Metric("additivity error of the explanation", highest=_ANY, lower_is_better=True),
}
"""Measured of an explanation: of each feature, of each sensitive column, or as a whole."""

_NOT_READ = "the model does not read it"
_AGAIN = "Measure again under this policy."


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceBounds(Bounds):
    """The best place by importance that a feature may have."""

    def words(self) -> str:
        """``a place after the 5 most important features``."""
        top = int(self.at_least or 1) - 1
        return (
            f"a place after the {top} most important features"
            if top > 1
            else "a place after the most important feature"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationRule(MeasuredRule):
    """``{check: explanation, metric: importance_share, feature: zip, at_most: 0.05}``, or ``forbid_top: [zip], top: 5``.

    Attributes
    ----------
    features
        The features asked about; empty for every one, or for the whole.
    over
        The sensitive columns; empty for all that the manifest declares.
    """

    check: ClassVar[str] = "explanation"

    features: tuple[str, ...] = ()
    over: tuple[str, ...] = ()

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:
        """Make the rule from its YAML mapping.

        Raises
        ------
        InvalidInput
            If both forms are mixed, or a key stands with a metric that it says nothing of.
        """
        forbidden = data.get("forbid_top")
        if forbidden is not None:
            wrong = next((key for key in ("metric", "at_least", "at_most", FEATURE, "over") if key in data), None)
            if wrong:
                raise InvalidInput(f"{path}.{wrong} has no place beside forbid_top", field=f"{path}.{wrong}")
            metric, features = RANK, tuple(forbidden)
            bounds: Bounds = PlaceBounds(at_least=float(data.get("top", TOP) + 1), whole=True)
        else:
            metric = data["metric"]
            _refuse_strangers(data, metric, path)
            features = (data[FEATURE],) if FEATURE in data else ()
            bounds = parse_bounds(data, EXPLANATION[metric], path)
        return cls(
            **common_fields(data),
            **measured_fields(data, path),
            metric=metric,
            bounds=bounds,
            features=features,
            over=tuple(data.get("over", ())),
        )

    def needs(self, schema: Mapping[str, Any], *, has_champion: bool) -> Need | None:
        """The explanation on the test data, against the training data where there are such."""
        roles = (MODEL, TEST, f"{TRAINING}{OPTIONAL}", f"{FEATURE_DICTIONARY}{OPTIONAL}")
        confidences = {"confidences": (self.confidence or PLANNED_CONFIDENCE,)}
        return model_need(self.check, confidences, roles=roles, fixed=model_columns(schema))

    def statement(self) -> str:
        """The rule as one sentence."""
        surely = with_confidence(self.confidence)
        if self.metric == RANK:
            return f"{wording.listed(self.features)} must have {self.bounds.words()}{surely}."
        return f"The {self._words}{self._of(self.features, self.over)} must be {self.bounds.words()}{surely}."

    @property
    def _words(self) -> str:
        return EXPLANATION[self.metric].words

    def _of(self, features: tuple[str, ...], over: tuple[str, ...]) -> str:
        every = "every feature" if EXPLANATION[self.metric].per else ""
        of = wording.listed(features) or every
        groups = f" by {wording.listed(over)}" if over else " by every sensitive column"
        return f"{f' of {of}' if of else ''}{groups if self.metric == DIFFERENCE else ''}"

    def matches(self, found: Measurement) -> bool:
        """Whether a measurement is of the rule's metric; differences are of a feature over groups."""
        return found.metric == self.metric

    def look(self, facts: Facts) -> list[Look]:
        """Compare what was measured of every feature, of every sensitive column, or of the whole."""
        if self.metric == DIFFERENCE:
            return self._look_over(facts)
        if self.metric != RANK and not EXPLANATION[self.metric].per:
            return [self.look_at_overall(facts)]
        measured = self._explained(facts)
        # Every feature of which anything was measured: one that lacks just this must not be passed over.
        names = self.features or tuple(sorted(self._read(facts)))
        if not names:
            return [self.unknown("no feature was explained", self.how_to_measure())]
        return [self._look_at_feature(name, measured, facts) for name in names]

    def _explained(self, facts: Facts) -> set[str]:
        """The features of which the metric was measured over everybody."""
        return {
            m.slice[FEATURE]
            for m in facts.measurements[self.key]
            if self.matches(m) and set(m.slice) == {FEATURE} and not m.over
        }

    def _look_at_feature(self, name: str, measured: set[str], facts: Facts) -> Look:
        place = {FEATURE: name}
        if name in measured:
            return self.look_at_place(facts, place)
        if not measured or self._is_read(name, facts):
            return self.unknown("it was not measured", self.how_to_measure(), slice=place)
        return self._not_read(place, ())

    def _is_read(self, name: str, facts: Facts) -> bool:
        """Whether anything was measured of the feature: the explanation tells of every column that the model reads."""
        return name in self._read(facts)

    def _read(self, facts: Facts) -> set[str]:
        return {m.slice[FEATURE] for m in facts.measurements[self.key] if FEATURE in m.slice}

    def _not_read(self, place: Mapping[str, str], over: tuple[str, ...]) -> Look:
        """What the model does not read matters nothing, and has no place among what matters."""
        if self.metric == RANK:
            return Look(Detail(metric=self.metric, status="pass", slice=place, note=_NOT_READ))
        status = self.bounds.of_point(0.0)
        return Look(Detail(metric=self.metric, status=status, slice=place, over=over, value=0.0, note=_NOT_READ))

    def _look_over(self, facts: Facts) -> list[Look]:
        found = [m for m in facts.measurements[self.key] if self.matches(m) and len(m.over) == 1]
        columns = self.over or tuple(sorted({m.over[0] for m in found}))
        if not columns:
            return [self.unknown("no sensitive column was measured", self._how_to_declare("the sensitive columns"))]
        return [self._look_at_column(column, [m for m in found if m.over == (column,)], facts) for column in columns]

    def _look_at_column(self, column: str, found: list[Measurement], facts: Facts) -> Look:
        place = {FEATURE: self.features[0]} if self.features else {}
        if not found:
            fix = self._how_to_declare(column)
            return self.unknown("it was not measured", fix, over=(column,), slice=place)
        chosen = [m for m in found if dict(m.slice) == place]
        features = {m.slice[FEATURE] for m in found if FEATURE in m.slice}
        if place and not chosen and features and not self._is_read(self.features[0], facts):
            return self._not_read(place, (column,))
        # Where too few groups have enough rows there is one undefined measurement, and it says so.
        chosen = chosen or [m for m in found if not m.slice and m.value is None]
        absent = self.unknown("it was not measured", _AGAIN, over=(column,), slice=place)
        return self.compare(chosen, absent=absent, over=(column,), slice_=place)

    def _how_to_declare(self, what: str) -> str:
        return f"Declare {what} under schema.sensitive in the manifest, have the column in the test data, and submit again."

    def phrase(self, detail: Detail, facts: Facts) -> str:
        """The quantity as the beginning of a sentence."""
        feature = (detail.slice[FEATURE],) if FEATURE in detail.slice else ()
        if self.metric == RANK:
            return f"The place of {wording.listed(feature) or 'each feature'} by importance"
        return f"The {self._words}{self._of(feature, detail.over)}"

    def label(self, detail: Detail) -> str:
        """The feature, the sensitive column, or both."""
        return wording.listed([*detail.slice.values(), *detail.over])

    def _value(self, detail: Detail, *, n: int | None = None) -> str:
        if detail.status == "pass" and detail.value is None:
            return f"none ({detail.note})"
        if self.metric == RANK and detail.value is not None and detail.low is not None and detail.high is not None:
            between = "" if detail.low == detail.high else f", between {detail.low:g} and {detail.high:g}"
            return f"{wording.counted(detail.value)}{between} ({wording.percent(self.confidence or 0)} confidence)"
        # Named by the class: a dataclass with slots is made twice, and bare super() would look at the first.
        return MeasuredRule._value(self, detail, n=n)

    def how_to_measure(self) -> str:
        """The fix when the evaluation was never planned, or did not measure this."""
        if self.metric == SHUFFLED:
            return "Have the label in the test data, with both outcomes, and submit again."
        return (
            "Add an artifact with the role model in a format that can be run, one with the role test-data, name the columns "
            "under schema.features in the manifest, and submit again."
        )

    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""
        if self.metric == "stability":
            return "Look in the evidence which features change places; those that say the same may be put in one."
        return (
            "Look in the evidence what the score rests on; leave such features out or make them coarser, and submit a new "
            "version; or show in the model card why they are needed."
        )


def _refuse_strangers(data: Mapping[str, Any], metric: str, path: str) -> None:
    """Refuse keys that a metric says nothing of."""
    wrong = {
        FEATURE: metric not in (SHARE, DIFFERENCE, SHUFFLED),
        "over": metric != DIFFERENCE,
        "top": True,
    }
    for key, stranger in wrong.items():
        if stranger and key in data:
            raise InvalidInput(f"{path}.{key} has no meaning with {metric}", field=f"{path}.{key}")
