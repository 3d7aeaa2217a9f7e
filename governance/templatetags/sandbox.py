"""What pages say where models cannot be run."""

from __future__ import annotations

from django import template

from audits.model_execution import model_execution
from governance.page_selectors.evidence import EvidencePart
from registry.execution import MODEL

register = template.Library()


RUN_A_MODEL = frozenset({"rescoring", "explanation", "robustness", "reproduction", "load"})
"""Checks that cannot be made without running something that was submitted."""


@register.filter
def why_not_run(part: EvidencePart) -> str:
    """The reason, if this check runs a model and a worker found out that none can be run here; otherwise nothing."""
    inputs = part.evaluation.inputs if part.evaluation else ()
    if part.key not in RUN_A_MODEL and not any(item.get("role") == MODEL for item in inputs):
        return ""
    found = model_execution()
    return found.reason if found.works is False else ""
