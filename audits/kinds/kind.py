"""What every kind of evaluation has: its inputs, its parameters, how it runs, and its words on the command line. Pure."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from audits.engines.opening import Data
from audits.engines.port import Progress
from audits.report import Report

NOT_GIVEN = Data(name="")
"""Stands in the place of an optional data set that was not given."""

Run: TypeAlias = Callable[[Sequence[Data], Any, Progress], Report]


class Parameters(Protocol):
    """Checked parameters of an evaluation."""

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, all defaults spelled out: what stands in the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of evaluation.

    Attributes
    ----------
    name
        As policies, the API and ``countersign evaluate`` call it.
    help
        What it measures, in a few words, for ``countersign evaluate --help``.
    inputs
        What each of its data sets is: ``("data",)``, ``("reference", "current")``.
    optional
        Further data sets that may be given, after those: ``("test",)``, on the command line ``--test PATH``. ``run``
        always gets as many data sets as ``inputs`` and ``optional`` name; one that was not given is :data:`NOT_GIVEN`.
    parse
        Checks parameters that came as JSON; raises ``InvalidInput`` naming the one that is wrong.
    run
        Measures: data sets, what ``parse`` returned, and a callback for progress.
    add_arguments
        Adds the kind's own options to its parser; the positional inputs and ``--json`` are there already.
    parameters_of
        The parameters, as JSON, that parsed options mean.
    """

    name: str
    help: str
    inputs: tuple[str, ...]
    parse: Callable[[Mapping[str, Any]], Parameters]
    run: Run
    add_arguments: Callable[[argparse.ArgumentParser], None]
    parameters_of: Callable[[argparse.Namespace], dict[str, Any]]
    optional: tuple[str, ...] = ()
