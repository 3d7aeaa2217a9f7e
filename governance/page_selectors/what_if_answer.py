"""The answer to a what-if in words and small pictures, for its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from audits.explain.feature_dictionary import FeatureDictionary
from audits.explain.reason_codes import value_words
from audits.explain.what_if_picture import contributions_picture, score_picture, strongest
from audits.models import WhatIf
from audits.wording import number

_BARS = 10
_METHODS = {
    "tree-interventional": "exact, from the model's trees",
    "exact": "exact, over all coalitions of features",
    "permutation": "sampled orders of features",
}
_SCALES = {
    "probability": "points of the score",
    "log-odds": "log-odds of the score",
    "value": "units of the prediction",
}


@dataclass(frozen=True, slots=True)
class SideShown:
    """What the model says of one row, and the reasons against it, the strongest first."""

    score: str
    decision: str
    against: bool | None
    reasons: list[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ValueShown:
    """One feature: what it was and became, and its contributions."""

    name: str
    column: str
    before: str
    after: str
    contribution: str
    changed: str
    difference: str


@dataclass(frozen=True, slots=True)
class CounterfactualShown:
    """One change that changes the decision: a sentence for each feature, how far it is, and what the model then says."""

    steps: list[str]
    distance: str
    score: str
    decision: str


@dataclass(frozen=True, slots=True)
class AnswerShown:
    """Everything that ``explanation/_answer.html`` reads."""

    asked: SideShown
    changed: SideShown | None
    changes: list[str]
    score_svg: str
    contributions_svg: str
    values: list[ValueShown]
    turned: bool
    searched: bool
    has_decision: bool
    counterfactuals: list[CounterfactualShown]
    tried: int
    features: int
    most_features: int
    method: str
    scale: str
    base: str
    additivity_error: str
    background_rows: int
    background: str
    sandboxed: bool


def answer_shown(what_if: WhatIf, dictionary: FeatureDictionary) -> AnswerShown | None:
    """The answer of a what-if; None while there is none."""
    result = what_if.result
    if result is None:
        return None
    asked, changed = result["asked"], result["changed"]
    names = {name: dictionary.feature(name).name for name in asked["row"]}
    sought = result["counterfactuals"]
    sides = asked["contributions"], changed["contributions"] if changed else None
    return AnswerShown(
        asked=_side(asked),
        changed=_side(changed) if changed else None,
        changes=[_step(dictionary, name, asked["row"][name], changed["row"][name]) for name in what_if.change]
        if changed
        else [],
        score_svg=_score_picture(result),
        contributions_svg=contributions_picture(
            title=_("What moved the score away from that of a usual row"),
            contributions=strongest(*sides, names, most=_BARS, rest=_("all others")),
        ),
        values=[_value(dictionary, name, result) for name in sorted(names, key=lambda name: -abs(sides[0][name]))],
        turned=bool(changed and result["difference"]["decision"]),
        searched=sought is not None,
        has_decision=asked["decision"] is not None,
        counterfactuals=[_counterfactual(dictionary, item) for item in (sought or {}).get("found", ())],
        tried=(sought or {}).get("tried", 0),
        features=(sought or {}).get("features", 0),
        most_features=(sought or {}).get("most_features", 0),
        method=_(_METHODS.get(result["method"], result["method"])),
        scale=_(_SCALES.get(result["scale"], result["scale"])),
        base=number(result["base"]),
        additivity_error=f"{result['additivity_error']:.1e}",
        background_rows=result["background_rows"],
        background=result["background"],
        sandboxed=result["model"]["sandboxed"],
    )


def _side(side: Mapping[str, Any]) -> SideShown:
    return SideShown(number(side["score"]), side["decision"] or "", side["adverse"], side["reasons"])


def _score_picture(result: Mapping[str, Any]) -> str:
    asked, changed, threshold = result["asked"]["score"], result["changed"], result["threshold"]
    after = changed["score"] if changed else None
    if result["task"] == "regression":
        shown = [value for value in (asked, after, threshold) if value is not None]
        margin = (max(shown) - min(shown)) / 5 or abs(asked) / 5 or 1.0
        limits = min(shown) - margin, max(shown) + margin
    else:
        limits = 0.0, 1.0
    return score_picture(
        title=_("The score of the row"),
        score=asked,
        said=_("as asked %(score)s") % {"score": number(asked)},
        limits=limits,
        threshold=threshold,
        threshold_said="" if threshold is None else _("threshold %(value)s") % {"value": f"{threshold:g}"},
        changed=after,
        changed_said="" if after is None else _("changed %(score)s") % {"score": number(after)},
    )


def _value(dictionary: FeatureDictionary, name: str, result: Mapping[str, Any]) -> ValueShown:
    feature, asked, changed = dictionary.feature(name), result["asked"], result["changed"]
    return ValueShown(
        name=feature.name,
        column=name if feature.name != name else "",
        before=value_words(asked["row"][name], feature.unit),
        after=value_words(changed["row"][name], feature.unit) if changed else "",
        contribution=number(asked["contributions"][name]),
        changed=number(changed["contributions"][name]) if changed else "",
        difference=number(result["difference"]["contributions"][name]) if changed else "",
    )


def _counterfactual(dictionary: FeatureDictionary, item: Mapping[str, Any]) -> CounterfactualShown:
    return CounterfactualShown(
        steps=[_step(dictionary, step["feature"], step["before"], step["after"]) for step in item["changes"]],
        distance=number(item["distance"], decimals=2),
        score=number(item["score"]),
        decision=item["decision"],
    )


def _step(dictionary: FeatureDictionary, name: str, before: Any, after: Any) -> str:
    feature = dictionary.feature(name)
    said = {"name": feature.name, "before": value_words(before), "after": value_words(after, feature.unit)}
    return _("%(name)s %(before)s → %(after)s") % said
