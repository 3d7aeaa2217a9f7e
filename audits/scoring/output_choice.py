"""Which outputs of an endpoint hold scores and which decisions, and the numbers taken from them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audits.sandbox.errors import ModelFailed
from audits.scoring.answers import REGRESSION
from audits.scoring.inference_protocol import BOOL, FLOATS
from registry.errors import InvalidInput
from registry.execution import Interface

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The names of the outputs that count; empty where there is none."""

    scores: str
    decisions: str

    def taken(
        self, answer: Mapping[str, tuple[str, np.ndarray[Any, Any]]], rows: int
    ) -> tuple[np.ndarray[Any, Any] | None, Sequence[str] | None]:
        """(rows, k) numbers and the decisions as texts.

        Raises
        ------
        ModelFailed
            If an output is not there, or has other rows than were asked.
        """
        values = decisions = None
        if self.scores:
            kind, tensor = _of(answer, self.scores, rows)
            if tensor.dtype.kind == "O":
                raise ModelFailed(f"the endpoint answered {self.scores!r} as {kind}, which are no numbers")
            values = tensor.reshape(rows, -1)
        if self.decisions:
            kind, tensor = _of(answer, self.decisions, rows)
            flat = tensor.reshape(-1)
            if len(flat) != rows:
                raise ModelFailed(
                    f"the endpoint answered {self.decisions!r} with {len(flat):,} values to {rows:,} rows"
                )
            decisions = [_named(value, kind) for value in flat.tolist()]
        return values, decisions


def chosen_outputs(kinds: Mapping[str, str], interface: Interface) -> Outputs:
    """Floating-point outputs hold scores, others decisions; the interface's ``output`` settles it where there are several.

    Raises
    ------
    InvalidInput
        If there is none, or several and none is named.
    """
    floats = [name for name, kind in kinds.items() if kind in FLOATS]
    others = [name for name, kind in kinds.items() if kind not in FLOATS]
    there = ", ".join(map(repr, list(kinds)[:20]))
    if interface.output:
        if interface.output not in kinds:
            raise _wrong(f"the endpoint has no output {interface.output!r}; it has {there}")
        if interface.output in floats or interface.task == REGRESSION:
            return Outputs(scores=interface.output, decisions=others[0] if _alone(others, interface) else "")
        return Outputs(scores="", decisions=interface.output)
    if len(floats) > 1:
        floats = [name for name in floats if "prob" in name.lower()]
        if len(floats) != 1:
            raise _wrong(f"the endpoint has the outputs {there}; say in execution.output which one is the score")
    if interface.task == REGRESSION and not floats and len(others) == 1:
        return Outputs(scores=others[0], decisions="")
    decisions = others[0] if _alone(others, interface) else ""
    if not floats and not decisions:
        raise _wrong(f"the endpoint has the outputs {there}; say in execution.output which one counts")
    return Outputs(scores=floats[0] if floats else "", decisions=decisions)


def _alone(others: Sequence[str], interface: Interface) -> bool:
    return len(others) == 1 and interface.task != REGRESSION


def _of(answer: Mapping[str, tuple[str, Any]], name: str, rows: int) -> tuple[str, Any]:
    if name not in answer:
        raise ModelFailed(f"the endpoint answered without {name!r}")
    kind, tensor = answer[name]
    if not tensor.shape or tensor.shape[0] != rows:
        raise ModelFailed(f"the endpoint answered {name!r} of shape {list(tensor.shape)} to {rows:,} rows")
    return kind, tensor


def _named(value: Any, kind: str) -> str:
    if kind == BOOL:
        return "true" if value is True or value == 1 else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def _wrong(sentence: str) -> InvalidInput:
    return InvalidInput(sentence, field="execution.output")
