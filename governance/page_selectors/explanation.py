"""The explanation page of a version: what was measured of how it decides, and what its reader asked it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from audits.data_roles import TEST, TRAINING
from audits.models import Evaluation, WhatIf
from audits.sandbox.errors import SandboxUnavailable
from audits.sandbox.probe import require_sandbox
from audits.services.evaluations import MEASURERS
from audits.services.explanations import EXPLANATION
from audits.services.inputs import inputs_of
from audits.services.model_inputs import model_input, runs_in_sandbox
from audits.services.what_ifs import may_ask, what_ifs_for
from governance.page_selectors.evidence import EvidencePart, current_by_kind, evidence_of
from governance.page_selectors.rules import rules_of
from governance.page_selectors.standing import Standing
from governance.page_selectors.versions import is_settling
from governance.page_selectors.what_if_answer import AnswerShown, answer_shown
from governance.page_selectors.what_if_form import WhatIfForm, words_of
from registry.models import ModelVersion, Person
from registry.selectors import roles_of

_MOST_MINE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationPage:
    """What the templates under ``explanation/`` read.

    Attributes
    ----------
    parts
        The evidence of explanations, as on the version's page.
    obstacles
        Why a model cannot be run, each with what to do; empty where nothing stands in the way.
    mine
        What the reader asked this version and has not deleted, the latest first.
    shown, answer
        The question that the page is about, and its answer.
    """

    version: ModelVersion
    environment: str
    parts: list[EvidencePart]
    running: list[Evaluation]
    is_settling: bool
    obstacles: list[str]
    form: WhatIfForm
    mine: list[WhatIf]
    shown: WhatIf | None
    answer: AnswerShown | None
    may_ask: bool
    may_measure: bool

    @property
    def is_live(self) -> bool:
        """Whether the page changes by itself."""
        return self.is_settling or (self.shown is not None and not self.shown.is_finished)


def explanation_page(
    person: Person, version: ModelVersion, standing: Standing, form: WhatIfForm, shown: WhatIf | None = None
) -> ExplanationPage:
    """Gather the page, as ``person`` may see and use it."""
    evaluations = explanations_of(current_by_kind(version))
    rules = [rule for rule in rules_of(standing.verdict).everything if rule.evaluation.startswith(EXPLANATION)]
    parts = [
        _unfolded(part)
        for part in evidence_of(standing.verdict, rules, evaluations)
        if part.key.startswith(EXPLANATION) and (part.rules or part.evaluation)
    ]
    running = [item for item in evaluations.values() if not item.is_finished]
    return ExplanationPage(
        version=version,
        environment=standing.environment,
        parts=parts,
        running=running,
        is_settling=bool(running) and is_settling(standing, running),
        obstacles=obstacles(version),
        form=form,
        mine=list(what_ifs_for(person).filter(version=version)[:_MOST_MINE]),
        shown=shown,
        answer=answer_shown(shown, words_of(version)[0]) if shown else None,
        may_ask=may_ask(person, version),
        may_measure=bool(roles_of(person, version.model) & MEASURERS),
    )


def _unfolded(part: EvidencePart) -> EvidencePart:
    """All pictures open, those of the evaluation first: here they are what the page is about."""
    return replace(part, pictures=[], exhibits=[*part.exhibits, *part.pictures])


def explanations_of(evaluations: Mapping[str, Evaluation]) -> dict[str, Evaluation]:
    """The explanations among a version's evaluations."""
    return {key: item for key, item in evaluations.items() if item.kind == EXPLANATION}


def obstacles(version: ModelVersion) -> list[str]:
    """What keeps the model of ``version`` from being run and explained here, and what to do about each."""
    found = []
    item = model_input(version)
    if item is None:
        found.append(
            _(
                "The version has no model that can be run: its manifest must name the columns that the model reads, and a "
                "model file of a safe format (ONNX, skops, safetensors), an endpoint, or a graph of components."
            )
        )
    elif runs_in_sandbox(item):
        try:
            require_sandbox()
        except SandboxUnavailable as error:
            found.append(_("Models are not run on this server: %(why)s.") % {"why": error.message.rstrip(".")})
    _inputs, missing = inputs_of(version, {"roles": [TEST], "parameters": {}}, None)
    _inputs, without = inputs_of(version, {"roles": [TRAINING], "parameters": {}}, None)
    if missing and without:
        found.append(
            _(
                "The version has no rows to compare with: add an artifact, or an entry of the manifest's data list, with the "
                "role test-data that holds every feature, and submit again."
            )
        )
    return found
