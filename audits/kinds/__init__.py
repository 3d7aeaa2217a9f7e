"""The kinds of evaluation, one module each, loaded when wanted. Pure of Django.

A new kind is one module with a ``KIND`` and one line here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.kinds.kind import Kind

MODULES = {
    "performance": "audits.kinds.performance",
    "fairness": "audits.kinds.fairness",
    "comparison": "audits.kinds.comparison",
    "bias-audit": "audits.kinds.bias_audit",
    "proxies": "audits.kinds.proxies",
    "remedy": "audits.kinds.remedy",
    "anonymity": "audits.kinds.anonymity",
    "quality": "audits.kinds.quality",
    "pii": "audits.kinds.pii",
    "drift": "audits.kinds.drift",
    "representation": "audits.kinds.representation",
    "explanation": "audits.kinds.explanation",
    "load": "audits.kinds.load",
    "robustness": "audits.kinds.robustness",
    "environment": "audits.kinds.environment",
    "reproduction": "audits.kinds.reproduction",
    "rescoring": "audits.kinds.rescoring",
}
"""Name of the kind to the module that runs it."""


VERBS = {"explain": "explanation", "compare": "comparison", "reproduce": "reproduction", "rescore": "rescoring"}
"""What ``countersign evaluate`` calls some kinds as well."""


def kind_named(name: str) -> Kind:
    """The kind of evaluation called ``name``.

    Raises
    ------
    InvalidInput
        If there is none.
    """
    if name not in MODULES:
        raise InvalidInput(f"{name!r} is no kind of evaluation; there are {', '.join(MODULES)}", field="kind")
    kind: Kind = import_module(MODULES[name]).KIND
    return kind
