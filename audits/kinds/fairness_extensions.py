"""What ``evaluate fairness`` says beyond rates of groups. Pure of Django."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from audits.kinds.addition import Addition

if TYPE_CHECKING:
    from audits.counted import Counted
    from audits.engines.port import Engine
    from audits.parameters import Parameters


def extend(engine: Engine, parameters: Parameters, over: Sequence[Sequence[str]], counted: Counted | None) -> Addition:
    """What there is to say beyond the rates: so far nothing.

    Parameters
    ----------
    engine
        The open data.
    over
        The sets of columns to group by: one for an attribute, several for their intersection.
    counted
        What was counted already, over all the columns named in ``over``; ``None`` where the task is not binary, so that
        everything is the extension's to say.
    """
    return Addition()
