"""The intake of a use case as its form shows it, and what the form sends back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from registry.intake_form import FIELDS, KPI_KEYS, MOST_KPIS, RISK, SECTIONS, Field, Judged, Problem
from registry.scorecard import Question, Scorecard

_BLANK_ROWS = 2


@dataclass(frozen=True, slots=True)
class FieldShown:
    """One field with what is in it and what is wrong with it; what is merely missing is no error yet."""

    field: Field
    value: Any
    errors: list[str]
    missing: bool


@dataclass(frozen=True, slots=True)
class QuestionShown:
    """One question of the scorecard: options with whether they are chosen, or the number typed."""

    question: Question
    options: list[tuple[Any, bool]]
    value: str
    errors: list[str]
    missing: bool


@dataclass(frozen=True, slots=True)
class SectionShown:
    """One part of the form: fields or questions, and how many of them still ask for something."""

    id: str
    title: str
    help: str
    fields: list[FieldShown]
    questions: list[QuestionShown]
    open: int


def anchor(field: str) -> str:
    """The id of the element that shows a field."""
    return field.split("[", maxsplit=1)[0]


def form_sections(answers: Mapping[str, Any], judged: Judged, scorecard: Scorecard) -> list[SectionShown]:
    """The whole form: the intake's own sections, then those of the questionnaire."""
    problems: dict[str, list[Problem]] = {}
    for problem in judged.problems:
        problems.setdefault(anchor(problem.field), []).append(problem)
    shown = []
    for section in SECTIONS:
        fields = [_field(field, answers, problems.get(field.key, [])) for field in section.fields]
        open_ = sum(bool(item.errors or item.missing) for item in fields)
        shown.append(SectionShown(section.id, section.title, "", fields, [], open_))
    return shown + risk_sections(answers.get(RISK) or {}, judged.problems, scorecard)


def risk_sections(
    drafted: Mapping[str, Any], problems: tuple[Problem, ...], scorecard: Scorecard
) -> list[SectionShown]:
    """The questionnaire alone, by its sections."""
    by_question: dict[str, list[Problem]] = {}
    for problem in problems:
        by_question.setdefault(problem.field.removeprefix(f"{RISK}."), []).append(problem)
    shown = []
    for section in scorecard.sections:
        questions = [
            _question(question, drafted.get(question.id), by_question.get(question.id, []))
            for question in scorecard.questions
            if question.section == section.id
        ]
        open_ = sum(bool(item.errors or item.missing) for item in questions)
        shown.append(SectionShown(f"{RISK}-{section.id}", section.title, section.help, [], questions, open_))
    return shown


def _field(field: Field, answers: Mapping[str, Any], problems: list[Problem]) -> FieldShown:
    value = answers.get(field.key, "")
    if field.kind == "kpis":
        rows = list(value or [])
        rows += [dict.fromkeys(KPI_KEYS, "")] * min(_BLANK_ROWS if rows else 3, MOST_KPIS - len(rows))
        value = [[(key, row.get(key, "")) for key in KPI_KEYS] for row in rows]
    return FieldShown(field, value, *_told(problems))


def _question(question: Question, answer: Any, problems: list[Problem]) -> QuestionShown:
    given = answer if isinstance(answer, list) else [answer]
    options = [(option, option.id in given) for option in question.options]
    value = "" if answer is None or isinstance(answer, list) else str(answer)
    return QuestionShown(question, options, value, *_told(problems))


def _told(problems: list[Problem]) -> tuple[list[str], bool]:
    return [problem.message for problem in problems if not problem.missing], any(item.missing for item in problems)


def intake_sent(form: QueryDict, scorecard: Scorecard) -> dict[str, Any]:
    """Everything that the form sent, as a draft keeps it."""
    made: dict[str, Any] = {key: form.get(key, "") for key in FIELDS if key != "kpis"}
    rows = [{key: form.get(f"kpi-{index}-{key}", "") for key in KPI_KEYS} for index in range(MOST_KPIS)]
    made["kpis"] = [row for row in rows if any(text.strip() for text in row.values())]
    made[RISK] = risk_sent(form, scorecard)
    return made


def risk_sent(form: QueryDict, scorecard: Scorecard) -> dict[str, Any]:
    """The answers to the questionnaire that a form sent; an empty text or list where there is none."""
    return {
        question.id: form.getlist(f"{RISK}.{question.id}")
        if question.kind == "several"
        else form.get(f"{RISK}.{question.id}", "")
        for question in scorecard.questions
    }


@dataclass(frozen=True, slots=True)
class Difference:
    """A field in which what is saved and what was sent differ, both in words."""

    title: str
    saved: str
    sent: str


def differences(saved: Mapping[str, Any], sent: Mapping[str, Any], scorecard: Scorecard) -> list[Difference]:
    """What two windows disagree about, in the order of the form."""
    found = []
    for key, field in FIELDS.items():
        pair = (saved.get(key) or "", sent.get(key) or "")
        if pair[0] != pair[1]:
            found.append(Difference(field.title, *(_words(value) for value in pair)))
    for question in scorecard.questions:
        before, after = (side.get(RISK, {}).get(question.id) or "" for side in (saved, sent))
        if before != after:
            texts = {option.id: option.text for option in question.options}
            found.append(Difference(question.title, _chosen(before, texts), _chosen(after, texts)))
    return found


def _words(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join("{name}: {baseline} → {target} {unit}".format(**row) for row in value)
    return str(value)


def _chosen(value: Any, texts: Mapping[str, str]) -> str:
    given = value if isinstance(value, list) else [value]
    return "; ".join(texts.get(item, str(item)) for item in given if item)
