"""The stages of a review as a page shows them: who signed, who may, and by when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from governance.models import SignOff
from governance.page_selectors.standing import Standing
from governance.sign_offs import StageProgress, state_of
from registry.canonical import parse_json
from registry.errors import InvalidInput
from registry.models import Person, RegisteredModel
from registry.roles import Role
from registry.selectors import people_with_role

_MARKS = {"done": "pass", "current": "pending", "waiting": "missing"}


@dataclass(frozen=True, slots=True)
class Signature:
    """One answer, as it was sealed, and whether it counts now."""

    sign_off: SignOff
    state: str
    status: str
    printed_name: str
    statement: str
    acknowledged: list[str]


@dataclass(frozen=True, slots=True)
class StageShown:
    """One stage: its mark, the people it waits for, and when it is due."""

    progress: StageProgress
    status: str
    role: str
    candidates: list[Person]
    due: datetime | None

    @property
    def word(self) -> str:
        """The state in words."""
        stage = self.progress.stage
        if self.progress.state == "done":
            return "signed"
        count = f"{len(self.progress.signed)} of {stage.quorum}"
        return f"waiting, {count}" if self.progress.state == "current" else f"later, {count}"


def stages_of(standing: Standing) -> list[StageShown]:
    """The stages of the standing's review, in order."""
    model = standing.version.model
    people: dict[str, list[Person]] = {}
    shown = []
    for progress in standing.progress:
        role = progress.stage.role
        if role not in people:
            people[role] = _candidates(role, model)
        done = progress.state == "done"
        shown.append(
            StageShown(
                progress=progress,
                status=_MARKS[progress.state],
                role=role.replace("-", " "),
                candidates=[] if done else people[role],
                due=standing.due if progress is standing.current else None,
            )
        )
    return shown


def _candidates(role: str, model: RegisteredModel) -> list[Person]:
    return list(people_with_role(Role(role), model).order_by("first_name", "username"))


def signatures_of(standing: Standing) -> list[Signature]:
    """Every answer in the standing's review, the latest first."""
    if standing.review is None:
        return []
    now, subject = timezone.now(), standing.review.subject_sha256
    return [_signature(item, state_of(item, subject, now).value) for item in reversed(standing.answers)]


def _signature(item: SignOff, state: str) -> Signature:
    said = _record(item)
    status = "error" if state == "broken" else "missing"
    if state == "live":
        status = "pass" if item.meaning == "approve" else "fail"
    return Signature(
        sign_off=item,
        state=state,
        status=status,
        printed_name=str(said.get("printed_name", item.person.printed_name)),
        statement=str(said.get("statement", "")),
        acknowledged=[str(rule) for rule in said.get("acknowledged", [])],
    )


def _record(item: SignOff) -> Mapping[str, Any]:
    try:
        return dict(parse_json(bytes(item.record), what="signature record"))
    except InvalidInput:
        return {}  # shown as broken, by its seal
