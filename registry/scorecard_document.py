"""Scorecards as documents: read from their file, or as an assessment kept them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from registry.errors import InvalidInput
from registry.scorecard import KINDS, Band, Lifting, Option, Question, Scorecard, Section, rank


def parse_scorecard(document: Mapping[str, Any]) -> Scorecard:
    """The scorecard that a mapping (of its file, or kept by an assessment) describes.

    Raises
    ------
    InvalidInput
        Naming the question that contradicts itself, or the key that is missing or unknown.
    """
    try:
        made = Scorecard(
            id=document["scorecard"],
            version=document["version"],
            title=document["title"],
            source=document["source"],
            effective=document["effective"],
            thresholds=dict(document["thresholds"]),
            sections=tuple(Section(**section) for section in document["sections"]),
            questions=tuple(_question(question) for question in document["questions"]),
            exceptions=tuple(_lifting(item) for item in document.get("exceptions", [])),
            document=document,
        )
    except (KeyError, TypeError) as error:
        raise InvalidInput(f"the scorecard is malformed: {error}") from error
    _check_scorecard(made)
    return made


def _question(found: Mapping[str, Any]) -> Question:
    bands = [Band(band["from"], band.get("points", 0), band.get("floor", "low")) for band in found.get("bands", [])]
    options = [Option(**option) for option in found.get("options", [])]
    plain = {key: value for key, value in found.items() if key not in {"bands", "options", "needed_when"}}
    needed_when = tuple(found.get("needed_when", []))
    return Question(**plain, options=tuple(options), bands=tuple(bands), needed_when=needed_when)


def _lifting(found: Mapping[str, Any]) -> Lifting:
    when = tuple((item["question"], frozenset(item["is"])) for item in found["when"])
    return Lifting(frozenset(found["lifts"]), found["to"], when)


def _check_scorecard(scorecard: Scorecard) -> None:
    names = [question.id for question in scorecard.questions]
    if len(set(names)) != len(names):
        raise InvalidInput(f"{scorecard.key} has two questions of one name")
    sections = {section.id for section in scorecard.sections}
    for tier in (*scorecard.thresholds, *(item.to for item in scorecard.exceptions)):
        rank(tier)
    for item in scorecard.exceptions:
        for name in (*item.lifts, *(name for name, _ in item.when)):
            scorecard.question(name)
        if not item.when:
            raise InvalidInput(f"{scorecard.key}: an exception without a condition lifts everything")
    for question in scorecard.questions:
        _check_question(scorecard, question, sections)


def _check_question(scorecard: Scorecard, question: Question, sections: set[str]) -> None:
    if question.kind not in KINDS or question.section not in sections:
        raise InvalidInput(f"question {question.id!r} has an unknown kind or section", field=question.id)
    for name in question.needed_when:
        scorecard.question(name)
    effects: list[Option | Band] = [*question.options, *question.bands]
    for effect in effects:
        rank(effect.floor)
        if effect.points < 0:
            raise InvalidInput(f"question {question.id!r}: no answer takes points away", field=question.id)
    if question.kind == "number":
        _check_bands(question)
    elif len(question.options) < 2 or len({option.id for option in question.options}) < len(question.options):  # noqa: PLR2004 - a choice
        raise InvalidInput(f"question {question.id!r} needs options of different names", field=question.id)
    if question.kind == "yes-no" and {option.id for option in question.options} != {"yes", "no"}:
        raise InvalidInput(f"question {question.id!r} is answered by yes or no", field=question.id)


def _check_bands(question: Question) -> None:
    starts = [band.start for band in question.bands]
    weights = [(band.points, rank(band.floor)) for band in question.bands]
    rises = all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(weights))
    if not starts or starts[0] != 0 or starts != sorted(set(starts)) or not rises:
        raise InvalidInput(f"bands of {question.id!r} begin at 0, and rise in number and weight", field=question.id)
