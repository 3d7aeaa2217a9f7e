"""Asking a version about one row: queueing, answering in a worker, deleting; and what the asker may read.

A row may hold personal data. It is kept for ``COUNTERSIGN_WHAT_IF_HOURS``, only its asker sees it, and the ledger says that
somebody asked, never what.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audits import jobs
from audits.data_roles import TEST, TRAINING
from audits.explain.asked_row import check_key, check_row
from audits.explain.feature_dictionary import FEATURE_DICTIONARY, NO_DICTIONARY, FeatureDictionary, read_dictionary
from audits.models import JobStatus, WhatIf
from audits.services.explanations import ranges_of, sampling_of
from audits.services.inputs import inputs_of, opened, require_all
from audits.tasks import answer_what_if as answer_what_if_task
from registry import artifact_store, ledger
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound
from registry.execution import MODEL, interface_of
from registry.ledger_actions import Action
from registry.models import ModelVersion, Person
from registry.roles import Role
from registry.selectors import roles_of, versions_for

ASKERS = frozenset({Role.DEVELOPER, Role.MODEL_OWNER, Role.VALIDATOR, Role.COMPLIANCE_OFFICER, Role.AUDITOR})
"""Whose duty it is to know how a model decides."""

MOST_UNFINISHED = 3
_SEEN_ROWS = 1000
_READING, _STARTING, _ASKING = 0.02, 0.1, 0.15


def may_ask(person: Person, version: ModelVersion) -> bool:
    """Whether the person has a duty on the version that asking serves."""
    return bool(roles_of(person, version.model) & ASKERS)


def what_ifs_for(person: Person) -> QuerySet[WhatIf]:
    """What the person asked, of versions that they may still see, and that has not expired."""
    mine = WhatIf.objects.filter(person=person, version__in=versions_for(person), expires_at__gt=timezone.now())
    return mine.select_related("version__model__use_case")


def get_what_if(person: Person, pk: uuid.UUID) -> WhatIf:
    """One's own, or :class:`NotFound`."""
    found = what_ifs_for(person).filter(pk=pk).first()
    if found is None:
        raise NotFound("there is no such what-if that you can see")
    return found


@transaction.atomic
def ask_what_if(
    *,
    actor: Person,
    version: ModelVersion,
    row: Mapping[str, Any] | None = None,
    key: Mapping[str, Any] | None = None,
    change: Mapping[str, Any] | None = None,
    counterfactual: bool = True,
) -> WhatIf:
    """Queue a question about one row.

    Parameters
    ----------
    row
        A value for every feature that the model reads; or
    key
        the key of a row of the test data, which a worker looks up.
    change
        Features that are different in the changed row.
    counterfactual
        Whether the nearest changes of the decision are wanted.

    Raises
    ------
    NotAllowed
        Unless the actor is a developer, owner, validator, compliance officer or auditor of the model.
    InvalidInput
        If the row is not one that the model can read, or the version lacks a model that can be run, or data to compare with.
    Conflict
        If the actor has three unanswered ones.
    """
    if not may_ask(actor, version):
        raise NotAllowed(
            "only developers, owners, validators, compliance officers and auditors of the model may ask it what if"
        )
    asked = _checked(version, row, key, change)
    options = {"counterfactual": counterfactual, **sampling_of(version), "background": background_role(version)}
    _inputs, missing = inputs_of(version, _plan(options, asked["key"]), None)
    require_all(missing, version, _plan(options, asked["key"])["roles"])
    # Locked, so that two requests at once are counted one after the other.
    Person.objects.select_for_update(no_key=True).get(pk=actor.pk)
    waiting = WhatIf.objects.filter(person=actor, status__in=[JobStatus.QUEUED, JobStatus.RUNNING])
    if waiting.count() >= MOST_UNFINISHED:
        raise Conflict(
            f"you have {MOST_UNFINISHED} questions that are not answered yet: wait for one of them, or delete one"
        )
    made = WhatIf.objects.create(
        version=version,
        person=actor,
        options=options,
        expires_at=timezone.now() + timedelta(hours=settings.COUNTERSIGN_WHAT_IF_HOURS),
        **asked,
    )
    _record(made, Action.WHAT_IF_ASKED, actor)
    answer_what_if_task.enqueue(str(made.pk))
    return made


def background_role(version: ModelVersion) -> str:
    """The role of the data whose rows stand for what is usual: the training data's where there are any."""
    _inputs, missing = inputs_of(version, {"roles": [TRAINING], "parameters": {}}, None)
    return TEST if missing else TRAINING


def _checked(
    version: ModelVersion,
    row: Mapping[str, Any] | None,
    key: Mapping[str, Any] | None,
    change: Mapping[str, Any] | None,
) -> dict[str, Any]:
    if (row is None) == (key is None):
        raise InvalidInput(
            "give either row, with a value for every feature, or key, of a row of the test data", field="row"
        )
    features = interface_of(version.facts).inputs
    types = {name: found["type"] for name, found in ranges_of(version).items()}
    return {
        "row": {} if row is None else check_row(row, features, types=types),
        "key": {} if key is None else check_key(key, version.facts["schema"].get("key", ())),
        "change": check_row({} if change is None else change, features, types=types, field="change", partial=True),
    }


def _plan(options: Mapping[str, Any], key: Mapping[str, Any]) -> dict[str, Any]:
    return {"roles": [MODEL, options["background"], *([TEST] if key else [])], "parameters": {}}


def _record(what_if: WhatIf, action: Action, actor: ledger.Actor) -> None:
    ledger.record(
        actor=actor,
        action=action,
        obj_type="what_if",
        obj_id=str(what_if.pk),
        label=str(what_if.version),
        data={},
        model_name=what_if.version.model.name,
    )


@transaction.atomic
def delete_what_if(*, actor: Person, what_if: WhatIf) -> None:
    """Delete a question with its answer, at once and for good; a worker that is at it stops within seconds.

    Raises
    ------
    NotFound
        If it is somebody else's, or gone.
    """
    held = WhatIf.objects.select_for_update(of=("self",)).filter(pk=what_if.pk, person=actor).first()
    if held is None:
        raise NotFound("there is no such what-if that you can see")
    held.delete()
    _record(what_if, Action.WHAT_IF_DELETED, actor)


def delete_expired_what_ifs() -> int:
    """Delete what is older than it may become; how many there were."""
    deleted, _ = WhatIf.objects.filter(expires_at__lte=timezone.now()).delete()
    return deleted


def answer_what_if(*, what_if_id: uuid.UUID) -> None:
    """Answer: in a worker, safe to run twice. Whatever goes wrong ends as an error for the asker."""
    what_if = jobs.claim(WhatIf, what_if_id)
    if what_if is None:
        return
    with jobs.working(what_if, failed=_no_record) as progress:
        result = _answer(what_if, progress)
        with jobs.finishing(what_if) as held:
            held.result = result


def _no_record(what_if: WhatIf, said: object) -> None:
    """The ledger is not told how it went: a message may name values, and stays with the asker."""


def _answer(what_if: WhatIf, progress: jobs.Progress) -> dict[str, Any]:
    from audits.explain.row_lookup import find_row
    from audits.explain.what_if import Question, answer, plain
    from audits.scoring.opening import open_model
    from audits.scoring.rows import sample_of

    version, options = what_if.version, what_if.options
    plan = _plan(options, what_if.key)
    inputs, missing = inputs_of(version, plan, None)
    require_all(missing, version, plan["roles"])
    features = list(interface_of(version.facts).inputs)
    schema = version.facts["schema"]
    key = schema.get("key", ()) if options["background"] == TEST else ()
    with ExitStack() as stack:
        model, background, *test = opened(stack, plan["roles"], inputs)
        progress(_READING, "reading the data")
        row = what_if.row
        if what_if.key:
            found = find_row(test[0], features, what_if.key)
            row = {name: plain(found[name]) for name in features}
        drawn = {"key": key, "seed": options["seed"], "field": "background"}
        # Samples are nested: the first rows are the background of the evaluation, drawn in the same way.
        seen = sample_of(background, features, most=max(_SEEN_ROWS, options["background_rows"]), **drawn)
        progress(_STARTING, "starting the model")
        assert model.model is not None
        with open_model(model.model, progress=lambda _share, note: progress(_STARTING, note)) as opened_model:
            result = answer(
                opened_model,
                Question(
                    row=row,
                    change=what_if.change,
                    background=seen.table.slice(0, options["background_rows"]),
                    seen=seen.table,
                    dictionary=dictionary_of(version),
                    sensitive=schema.get("sensitive", ()),
                    counterfactual=options["counterfactual"],
                    seed=options["seed"],
                ),
                lambda share, note: progress(_ASKING + share * (1 - _ASKING), note),
            )
    return {**result, "background": options["background"], "rows_there": seen.total, "seed": options["seed"]}


def dictionary_of(version: ModelVersion) -> FeatureDictionary:
    """The version's feature dictionary; an empty one where it has none.

    Raises
    ------
    InvalidInput
        If the artifact is no such dictionary.
    """
    file = version.files.filter(role=FEATURE_DICTIONARY).order_by("path").first()
    if file is None:
        return NO_DICTIONARY
    return read_dictionary(artifact_store.read_bytes(file.artifact_id), what=f"feature dictionary {file.path}")


def reclaim_what_ifs() -> list[WhatIf]:
    """Take back questions of dead workers."""
    return jobs.reclaim(WhatIf, enqueue=lambda job: answer_what_if_task.enqueue(str(job.pk)), record=_no_record)
