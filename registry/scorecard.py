"""A questionnaire that sets a risk tier: its questions, the answers to them, and what follows. Pure.

Every answer can only raise the tier: by a floor, or by points. An exception lifts floors, and only while every question
that it rests on is answered in its favour. What is not answered concludes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry.errors import InvalidInput

TIERS = ("low", "limited", "high")
KINDS = ("choice", "several", "number", "yes-no")
_LARGEST = 2**53 - 1

Answers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Option:
    """One answer that can be chosen. ``alone`` says that it excludes the others, as "none of these" does."""

    id: str
    text: str
    points: int = 0
    floor: str = "low"
    prohibited: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """What numbers from ``start`` on count, up to the next band."""

    start: int
    points: int = 0
    floor: str = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question. ``needed_when`` names questions: it must be answered only if one of them found something."""

    id: str
    section: str
    title: str
    text: str
    kind: str
    help: str = ""
    unit: str = ""
    area: str = ""
    provision: str = ""
    verified: bool = True
    options: tuple[Option, ...] = ()
    bands: tuple[Band, ...] = ()
    needed_when: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """Questions that belong together."""

    id: str
    title: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Lifting:
    """Floors that the questions ``lifts`` set become ``to``, if every question in ``when`` has one of its answers."""

    lifts: frozenset[str]
    to: str
    when: tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """One version of a questionnaire. ``document`` is the mapping that it was read from; assessments keep it."""

    id: str
    version: int
    title: str
    source: str
    effective: str
    thresholds: Mapping[str, int]
    sections: tuple[Section, ...]
    questions: tuple[Question, ...]
    exceptions: tuple[Lifting, ...]
    document: Mapping[str, Any]

    @property
    def key(self) -> str:
        """``id@version``."""
        return f"{self.id}@{self.version}"

    def question(self, name: str) -> Question:
        """The question of that name, or :class:`InvalidInput`."""
        for question in self.questions:
            if question.id == name:
                return question
        raise InvalidInput(f"{self.key} asks nothing called {name!r}", field=name)


@dataclass(frozen=True, slots=True)
class Reason:
    """An answer that bears on the tier, in words. ``lifted`` says that an exception took its floor away."""

    question: str
    title: str
    answer: str
    tier: str
    points: int = 0
    provision: str = ""
    lifted: bool = False

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the answers come to.

    Attributes
    ----------
    tier
        ``low``, ``limited`` or ``high``; None while something is unanswered, and where the practice is forbidden.
    prohibited
        Answers for which no use case may exist; empty where there are none.
    reasons
        Answers that set a floor or count points, the heaviest first.
    points, points_tier
        Sum of the points, and the tier that it reaches by itself.
    areas
        Areas of high risk that were ticked, whether or not an exception holds.
    unanswered
        Names of questions that need an answer, in their order.
    """

    tier: str | None
    prohibited: tuple[Reason, ...]
    reasons: tuple[Reason, ...]
    points: int
    points_tier: str
    areas: tuple[str, ...]
    unanswered: tuple[str, ...]

    @property
    def outcome(self) -> str:
        """``low``, ``limited``, ``high``, ``prohibited`` or ``incomplete``."""
        if self.prohibited:
            return "prohibited"
        return self.tier or "incomplete"

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "outcome": self.outcome,
            "tier": self.tier,
            "prohibited": [reason.as_json() for reason in self.prohibited],
            "reasons": [reason.as_json() for reason in self.reasons],
            "points": self.points,
            "points_tier": self.points_tier,
            "areas": list(self.areas),
            "unanswered": list(self.unanswered),
        }


def rank(tier: str) -> int:
    """How high a tier is, from 0; :class:`InvalidInput` for anything else."""
    if tier not in TIERS:
        raise InvalidInput(f"there is no tier {tier!r}; tiers are {', '.join(TIERS)}", field="tier")
    return TIERS.index(tier)


def assess(scorecard: Scorecard, answers: Answers) -> Result:
    """What ``answers`` come to; the same answers always come to the same.

    Parameters
    ----------
    answers
        ``{question: answer}``: the name of an option (``yes`` or ``no`` for a yes-no question), a list of names where
        several may be chosen, a whole number from 0. None, an empty text and an empty list are no answer.

    Raises
    ------
    InvalidInput
        If a question or option is unknown, or an answer is of another kind; ``field`` names the question.
    """
    for name in answers:
        scorecard.question(name)
    given = {question.id: chosen(question, answers.get(question.id)) for question in scorecard.questions}
    unanswered = tuple(
        question.id
        for question in scorecard.questions
        if not given[question.id] and _is_needed(scorecard, question, given)
    )
    floors, prohibited, areas = [], [], []
    for question in scorecard.questions:
        lifted_to = _lifted_to(scorecard, question, given)
        for option in given[question.id]:
            if option.prohibited:
                prohibited.append(_reason(question, option, "high"))
            elif option.floor != "low" or option.points:
                floors.append(_reason(question, option, option.floor, lifted_to=lifted_to))
            if question.area and not option.alone:
                areas.append(question.area)
    points = sum(reason.points for reason in floors)
    points_tier = _tier_of_points(scorecard, points)
    reached = max((reason.tier for reason in floors), key=rank, default="low")
    concludes = not unanswered and not prohibited
    return Result(
        tier=max(reached, points_tier, key=rank) if concludes else None,
        prohibited=tuple(prohibited),
        reasons=tuple(sorted(floors, key=lambda reason: (-rank(reason.tier), -reason.points))),
        points=points,
        points_tier=points_tier,
        areas=tuple(dict.fromkeys(areas)),
        unanswered=unanswered,
    )


def chosen(question: Question, answer: object) -> tuple[Option, ...]:
    """The options that an answer stands for, in the question's order; none where there is no answer.

    Raises
    ------
    InvalidInput
        Naming the question, and what it wants.
    """
    if answer is None or answer in ("", []):
        return ()
    if question.kind == "number":
        return (_of_number(question, answer),)
    if question.kind == "several":
        return _of_several(question, answer)
    found = [option for option in question.options if option.id == answer]
    if not found:
        raise _wrong(question, f"is answered by one of {_names(question)}")
    return tuple(found)


def answer_in_words(question: Question, answer: object) -> tuple[str, ...]:
    """What was answered, as people read it; nothing where there is no answer."""
    return tuple(option.text for option in chosen(question, answer))


def _of_number(question: Question, answer: object) -> Option:
    if isinstance(answer, bool) or not isinstance(answer, int) or not 0 <= answer <= _LARGEST:
        raise _wrong(question, "is answered by a whole number from 0")
    band = max((band for band in question.bands if band.start <= answer), key=lambda band: band.start)
    return Option(str(answer), f"{answer:,} {question.unit}".strip(), band.points, band.floor)


def _of_several(question: Question, answer: object) -> tuple[Option, ...]:
    if not isinstance(answer, Sequence) or isinstance(answer, str):
        raise _wrong(question, f"is answered by a list of {_names(question)}")
    wanted = {item for item in answer if isinstance(item, str)}
    found = tuple(option for option in question.options if option.id in wanted)
    if len(found) != len(answer):
        raise _wrong(question, f"is answered by different ones of {_names(question)}")
    if len(found) > 1 and any(option.alone for option in found):
        raise _wrong(question, "is answered by some of the others or by “none”, not by both")
    return found


def _names(question: Question) -> str:
    return ", ".join(option.id for option in question.options)


def _wrong(question: Question, wanted: str) -> InvalidInput:
    return InvalidInput(f"“{question.title}” {wanted}", field=question.id)


def _is_needed(scorecard: Scorecard, question: Question, given: Mapping[str, tuple[Option, ...]]) -> bool:
    return not question.needed_when or any(
        option.floor != "low" or option.points for name in question.needed_when for option in given[name]
    )


def _lifted_to(scorecard: Scorecard, question: Question, given: Mapping[str, tuple[Option, ...]]) -> str | None:
    """The tier that floors of the question are lifted to; None where they stand."""
    for lifting in scorecard.exceptions:
        if question.id not in lifting.lifts:
            continue
        if all(
            given[name] and {option.id for option in given[name]} <= favourable for name, favourable in lifting.when
        ):
            return lifting.to
    return None


def _reason(question: Question, option: Option, tier: str, *, lifted_to: str | None = None) -> Reason:
    lifted = lifted_to is not None and rank(lifted_to) < rank(tier)
    return Reason(
        question=question.id,
        title=question.title,
        answer=option.text,
        tier=lifted_to if lifted and lifted_to else tier,
        points=option.points,
        provision=question.provision,
        lifted=lifted,
    )


def _tier_of_points(scorecard: Scorecard, points: int) -> str:
    reached = [tier for tier, least in scorecard.thresholds.items() if points >= least]
    return max(reached, key=rank, default="low")
