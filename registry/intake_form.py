"""What the intake of a use case asks, what a draft may hold, and what is still missing before it can be submitted. Pure.

A draft is kept as typed, however unfinished; only its shape is checked. What it says is judged when somebody asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from registry.errors import InvalidInput
from registry.scorecard import Scorecard, assess, chosen

LONGEST_TEXT = 10_000
LONGEST_LINE = 200
MOST_KPIS = 20
MOST_ITEMS = 200
RISK = "risk"
"""The key under which a draft holds the answers to the risk questionnaire."""

KPI_KEYS = ("name", "baseline", "target", "unit")

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_REGION = re.compile(r"[A-Z]{2,10}(-[A-Z0-9]{1,10})?")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_LARGEST = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Field:
    """One question of the form."""

    key: str
    title: str
    help: str
    kind: str = "text"
    required: bool = True
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class FormSection:
    """Fields that are asked together."""

    id: str
    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What stands in the way of submitting: the field, in which section, and what to do."""

    field: str
    section: str
    title: str
    message: str
    missing: bool = False

    def as_json(self) -> dict[str, str]:
        """As errors of the API name fields."""
        return {"field": self.field, "message": self.message}


@dataclass(frozen=True, slots=True)
class Judged:
    """A draft as it stands: its sound values, and every problem in the order of the form."""

    values: Mapping[str, Any]
    risk: Mapping[str, Any]
    problems: tuple[Problem, ...]


DEPLOYMENTS = (
    ("service", "A service that other systems call"),
    ("embedded", "Embedded in an application or device"),
    ("batch", "Batch: scores are computed and stored"),
)
ENOUGH = (("yes", "Yes"), ("partly", "For a first version"), ("no", "Not yet"))

SECTIONS = (
    FormSection("business", "The business", (
        Field("name", "Name", "As people will call it, such as Mortgage underwriting.", "line"),
        Field("slug", "Short name", "Small letters, digits and hyphens; manifests and addresses use it, and it never changes.", "slug"),
        Field("problem", "Business problem", "What goes wrong, or costs too much, today?"),
        Field("objective", "Objective", "What should be true once this works?"),
        Field("alternatives", "Without machine learning", "How is it done today, and which simpler ways were considered?"),
    )),
    FormSection("prediction", "The prediction", (
        Field("predicted", "What is predicted", "The target, for whom or what, and when it is known."),
        Field("predicted_from", "From what", "The inputs, and whether they are there at the moment of predicting."),
    )),
    FormSection("data", "Labelled data", (
        Field("labelled_enough", "Is there enough labelled data?", "", "choice", options=ENOUGH),
        Field("labelled_rows", "Rows with a known outcome", "", "number"),
        Field("labelled_positives", "Of these, with the rarer outcome", "Leave it empty where there are no classes.", "number", required=False),
        Field("labelled_from", "From", "The first day that the data cover, such as 2024-01-01.", "day"),
        Field("labelled_until", "Until", "The last day that the data cover.", "day"),
        Field("labelled_source", "Source", "Which systems or datasets they come from, and how outcomes became known."),
    )),
    FormSection("people", "People", (
        Field("affected_people", "Who is affected", "Everybody about whom, or upon whom, a result has effects."),
        Field("affected_how", "How they are affected", "What happens to them when it is right, and when it is wrong."),
        Field("oversight", "Human oversight", "Who looks at results, who can stop it, and how somebody affected can object."),
    )),
    FormSection("use", "Use", (
        Field("integration", "How it is integrated", "Which system asks it, and what that does with the answer."),
        Field("deployment", "Deployment", "", "choice", options=DEPLOYMENTS),
        Field("purpose", "Purpose", "One word for what data are used for here, as datasets permit it, such as credit-scoring.", "slug"),
        Field("regions", "Regions", "Where it is used, such as EU, US-NY.", "regions"),
    )),
    FormSection("success", "Success", (
        Field("kpis", "Measured by", "Each with its value today, the value that is wanted, and the unit.", "kpis"),
    )),
    FormSection("owner", "Owner", (
        Field("owner", "Owner", "User name of the person who answers for it, and becomes model owner of everything in it.", "line"),
    )),
)  # fmt: skip
FIELDS = {field.key: field for section in SECTIONS for field in section.fields}
DETAILS = tuple(
    key for key in FIELDS if key not in {"name", "slug", "objective", "purpose", "regions", "owner", "affected_people"}
)
"""What a registered use case keeps as its ``details``."""


def check_draft(changes: object) -> dict[str, Any]:
    """Answers as a draft keeps them: texts with plain line ends, nothing but what the form asks.

    Raises
    ------
    InvalidInput
        If a key is unknown, or a value has another shape or is too long; ``field`` names it.
    """
    if not isinstance(changes, Mapping):
        raise InvalidInput("answers is a mapping from field to answer", field="answers")
    made: dict[str, Any] = {}
    for key, value in changes.items():
        if key == RISK:
            made[key] = _risk(value)
        elif key not in FIELDS:
            raise InvalidInput(f"the intake asks nothing called {_shown(key)}", field=_shown(key))
        elif key == "kpis":
            made[key] = _kpis(value)
        elif key == "regions" and isinstance(value, list):
            made[key] = ", ".join(_said(item, key, LONGEST_LINE) for item in _bounded(value, key))
        elif FIELDS[key].kind == "number" and isinstance(value, int) and not isinstance(value, bool):
            made[key] = str(value) if abs(value) <= _LARGEST else _refuse(key, "is too large")
        else:
            made[key] = _said(value, key, LONGEST_TEXT if FIELDS[key].kind == "text" else LONGEST_LINE)
    return made


def _shown(key: object) -> str:
    return _UNPRINTABLE.sub("?", str(key))[:60]


def _refuse(field: str, wanted: str) -> Any:
    raise InvalidInput(f"{field} {wanted}", field=field)


def _said(value: object, field: str, longest: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput(f"{field} is a text", field=field)
    text = value.replace("\r\n", "\n")
    if len(text) > longest:
        raise InvalidInput(f"{field} has at most {longest:,} characters; it has {len(text):,}", field=field)
    if _UNPRINTABLE.search(text):
        raise InvalidInput(f"{field} holds characters that cannot be shown", field=field)
    return text


def _bounded(value: list[Any], field: str) -> list[Any]:
    if len(value) > MOST_ITEMS:
        raise InvalidInput(f"{field} has at most {MOST_ITEMS} entries", field=field)
    return value


def _kpis(value: object) -> list[dict[str, str]]:
    if not isinstance(value, list) or len(value) > MOST_KPIS:
        raise InvalidInput(f"kpis is a list of at most {MOST_KPIS}", field="kpis")
    made = []
    for index, kpi in enumerate(value):
        here = f"kpis[{index}]"
        if not isinstance(kpi, Mapping) or set(kpi) - set(KPI_KEYS):
            raise InvalidInput(f"{here} is a mapping of {', '.join(KPI_KEYS)}", field=here)
        row = {key: _said(kpi.get(key), f"{here}.{key}", LONGEST_LINE).strip() for key in KPI_KEYS}
        if any(row.values()):
            made.append(row)
    return made


def _risk(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping) or len(value) > MOST_ITEMS:
        raise InvalidInput("risk is a mapping from question to answer", field=RISK)
    made: dict[str, Any] = {}
    for name, answer in value.items():
        field = f"{RISK}.{_shown(name)}"
        if not isinstance(name, str) or len(name) > LONGEST_LINE or _UNPRINTABLE.search(name):
            raise InvalidInput("questions have short names", field=field)
        if isinstance(answer, list):
            made[name] = [_said(item, field, LONGEST_LINE) for item in _bounded(answer, field)]
        elif isinstance(answer, int) and not isinstance(answer, bool):
            made[name] = str(answer) if abs(answer) <= _LARGEST else _refuse(field, "is too large")
        else:
            made[name] = _said(answer, field, LONGEST_LINE)
    return made


def judge(answers: Mapping[str, Any], scorecard: Scorecard) -> Judged:
    """What a draft says, and everything that is missing or wrong, in the order of the form."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for section in SECTIONS:
        for field in section.fields:
            try:
                value = _CHECKS[field.kind](answers.get(field.key) or "", field)
            except InvalidInput as error:
                problems.append(Problem(error.field or field.key, section.id, field.title, error.message))
                continue
            if value not in ("", None, []):
                values[field.key] = value
            elif field.required:
                problems.append(
                    Problem(field.key, section.id, field.title, f"{field.title}: not answered yet", missing=True)
                )
        problems += _contradictions(section.id, values)
    risk, wrong = judge_risk(answers.get(RISK) or {}, scorecard)
    return Judged(values, risk, (*problems, *wrong))


def _contradictions(section: str, values: Mapping[str, Any]) -> list[Problem]:
    if section != "data":
        return []
    found = []
    if values.get("labelled_positives", 0) > values.get("labelled_rows", _LARGEST):
        message = "Of these, with the rarer outcome: cannot be more than all rows"
        found.append(Problem("labelled_positives", section, FIELDS["labelled_positives"].title, message))
    if values.get("labelled_from", "") > values.get("labelled_until", "9999-12-31"):
        message = "Until: is not before the day on which the data begin"
        found.append(Problem("labelled_until", section, FIELDS["labelled_until"].title, message))
    return found


def judge_risk(drafted: Mapping[str, Any], scorecard: Scorecard) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """Answers to the scorecard out of a draft, and what is missing, wrong or forbidden in them.

    Answers to what the scorecard does not ask (any more) are left out.
    """
    sound: dict[str, Any] = {}
    problems: dict[str, Problem] = {}
    for question in scorecard.questions:
        answer: Any = drafted.get(question.id)
        if question.kind == "number" and isinstance(answer, str):
            answer = _whole(answer) if _whole(answer) is not None else answer.strip()
        try:
            if chosen(question, answer):
                sound[question.id] = answer
        except InvalidInput as error:
            problems[question.id] = Problem(f"{RISK}.{question.id}", RISK, question.title, error.message)
    result = assess(scorecard, sound)
    for name in result.unanswered:
        title = scorecard.question(name).title
        missing = Problem(f"{RISK}.{name}", RISK, title, f"{title}: not answered yet", missing=True)
        problems.setdefault(name, missing)
    for reason in result.prohibited:
        message = f"No use case can be registered for this: {reason.provision} forbids it. {reason.answer}"
        problems[reason.question] = Problem(f"{RISK}.{reason.question}", RISK, reason.title, message)
    order = [question.id for question in scorecard.questions]
    return sound, tuple(problems[name] for name in order if name in problems)


def _whole(text: str) -> int | None:
    """``1 200``, ``1,200`` and ``1200`` are all one number; None where it is none."""
    digits = re.sub(r"[ ,\u00a0\u202f'’]", "", text.strip())
    return int(digits) if re.fullmatch(r"[0-9]{1,15}", digits) else None


def _checked_text(value: Any, field: Field) -> str:
    return str(value).strip()


def _checked_line(value: Any, field: Field) -> str:
    text = str(value).strip()
    if "\n" in text or "\t" in text:
        raise InvalidInput(f"{field.title}: is one line", field=field.key)
    return text


def _checked_slug(value: Any, field: Field) -> str:
    text = str(value).strip()
    if text and not _SLUG.fullmatch(text):
        message = f"{field.title}: is a word of small letters, digits, - and _, such as mortgage-underwriting"
        raise InvalidInput(message, field=field.key)
    return text


def _checked_number(value: Any, field: Field) -> int | None:
    if value == "":
        return None
    number = _whole(str(value))
    if number is None:
        raise InvalidInput(f"{field.title}: is a whole number from 0", field=field.key)
    return number


def _checked_day(value: Any, field: Field) -> str:
    text = str(value).strip()
    try:
        sound = not text or date.fromisoformat(text).isoformat() == text
    except ValueError:
        sound = False
    if not sound:
        raise InvalidInput(f"{field.title}: is a day such as 2026-12-31", field=field.key)
    return text


def _checked_choice(value: Any, field: Field) -> str:
    if value and value not in {key for key, _ in field.options}:
        raise InvalidInput(f"{field.title}: is one of {', '.join(key for key, _ in field.options)}", field=field.key)
    return str(value)


def _checked_regions(value: Any, field: Field) -> list[str]:
    return check_regions([part.strip() for part in str(value).replace("\n", ",").split(",") if part.strip()])


def check_regions(regions: list[str]) -> list[str]:
    """Sorted, without repetition; :class:`InvalidInput` for what is not written like EU or US-NY."""
    wrong = [region for region in regions if not isinstance(region, str) or not _REGION.fullmatch(region)]
    if wrong:
        message = f"Regions: are written in capitals, such as EU, US or US-NY, separated by commas; not {wrong[0]!r}"
        raise InvalidInput(message, field="regions")
    return sorted(set(regions))


def _checked_kpis(value: Any, field: Field) -> list[dict[str, str]]:
    for index, kpi in enumerate(value or []):
        for key in KPI_KEYS:
            if not kpi.get(key):
                raise InvalidInput(f"Measured by, row {index + 1}: the {key} is missing", field=f"kpis[{index}].{key}")
    return list(value or [])


_CHECKS: dict[str, Callable[[Any, Field], Any]] = {
    "text": _checked_text,
    "line": _checked_line,
    "slug": _checked_slug,
    "number": _checked_number,
    "day": _checked_day,
    "choice": _checked_choice,
    "regions": _checked_regions,
    "kpis": _checked_kpis,
}
