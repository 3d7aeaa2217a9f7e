"""Asks a model about perturbed rows, and finds out which of them it refuses. Pure of Django."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from audits.robustness.rows import Changes, Rows
from audits.sandbox.errors import ModelFailed

if TYPE_CHECKING:
    from audits.scoring.model import Model

Places = npt.NDArray[np.intp]

_MOST_QUESTIONS = 2000
_OF_REOPENING = 50
"""Starting a model anew takes as long as so many questions."""

_TRIED = 8


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Answers:
    """What a model said of some rows.

    Attributes
    ----------
    score
        (n,) float64, NaN where it refused.
    decision
        (n,) objects: the class, or for regression the number; ``None`` where it refused.
    answered
        (n,) truth.
    message
        Its first refusal in words.
    """

    score: npt.NDArray[np.float64]
    decision: npt.NDArray[Any]
    answered: npt.NDArray[np.bool_]
    message: str = ""


@dataclass(slots=True, eq=False)
class Asker:
    """A model that is asked again and again, and opened anew where a question ended it.

    Parameters
    ----------
    open_model
        Opens it.
    rows
        The rows as they are in the data: what shows whether it still answers.
    """

    open_model: Callable[[], AbstractContextManager[Model]]
    rows: Rows
    model: Model = field(init=False)
    reopened: int = 0
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        self.model = self._stack.enter_context(self.open_model())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, value, trace)

    def ask(self, changes: Changes | None = None) -> Answers:
        """Score the rows, with some columns changed.

        A model refuses a question as a whole. Where it does, single rows are tried, and if any of them is answered the
        question is halved until the rows are found that it refuses, as far as some 2,000 questions tell; the rest of a part that
        is refused counts as refused, and the message says so.

        Raises
        ------
        ModelFailed
            If the model does not even answer about rows as they are.
        """
        n = len(self.rows)
        found = _Found(n)
        everything = np.arange(n, dtype=np.intp)
        if not self._try(changes, everything, found):
            tried = everything[np.linspace(0, n - 1, min(_TRIED, n)).astype(int)]
            if any(self._try(changes, tried[index : index + 1], found) for index in range(len(tried))):
                self._halve(changes, everything, found)
        return Answers(score=found.score, decision=found.decision, answered=found.answered, message=found.message)

    def _halve(self, changes: Changes | None, places: Places, found: _Found) -> None:
        waiting, asked, reopened = [places], 0, self.reopened
        while waiting:
            if asked + _OF_REOPENING * (self.reopened - reopened) > _MOST_QUESTIONS:
                rest = sum(map(len, waiting))
                found.message += f" ({rest:,} rows were refused together with others and count as refused)"
                return
            part = waiting.pop(0)
            for half in np.array_split(part, 2):
                asked += 1
                if not self._try(changes, half, found) and len(half) > 1:
                    waiting.append(half)

    def _try(self, changes: Changes | None, places: Places, found: _Found) -> bool:
        whole = len(places) == len(self.rows)
        try:
            scores, decisions = _told(self.model, self.rows, changes, None if whole else places)
        except ModelFailed as error:
            found.message = found.message or str(error)
            self._revive()
            return False
        found.score[places], found.decision[places], found.answered[places] = scores, decisions, True
        return True

    def _revive(self) -> None:
        """Open the model anew if it no longer answers about the first row as it is."""
        first = np.zeros(1, dtype=np.intp)
        try:
            _told(self.model, self.rows, None, first)
        except ModelFailed:
            self._stack.close()
            self.model = self._stack.enter_context(self.open_model())
            self.reopened += 1
            _told(self.model, self.rows, None, first)


class _Found:
    def __init__(self, rows: int) -> None:
        self.score = np.full(rows, np.nan)
        self.decision = np.full(rows, None, dtype=object)
        self.answered = np.zeros(rows, dtype=bool)
        self.message = ""


def _told(
    model: Model, rows: Rows, changes: Changes | None, places: Places | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[Any]]:
    from audits.scoring.model import DECISION, SCORE

    answers = list(model.score(iter([rows.batch(changes, places)])))
    scores = np.concatenate([answer.column(SCORE).to_numpy(zero_copy_only=False) for answer in answers])
    decisions = np.array([value for answer in answers for value in answer.column(DECISION).to_pylist()], dtype=object)
    return scores.astype(np.float64), decisions
