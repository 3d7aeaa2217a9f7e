"""Who gets what from the API: every address and method there is, against every kind of caller.

The addresses come from the URL configuration: a new one fails here until it is said whom it answers.
"""

from dataclasses import dataclass

import pytest
from django.core.cache import cache
from django.urls import reverse

from governance.api.urls import urlpatterns
from governance.scopes import Scope
from governance.services.dossier_exports import request_dossier
from governance.services.gate import decide
from tests.registry.intake_cases import QUIET
from tests.registry.openlineage_cases import dataset as told
from tests.registry.openlineage_cases import event
from tests.scenario import POLICY, Caller, caller, manifest_yaml, run_tasks

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]

UNLISTED = {"api-ledger-checkpoint", "api-scorecard"}
QUERIES = dict.fromkeys(("api-lineage-upstream", "api-lineage-downstream"), "?dataset=hmda-boston")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PUBLIC = {"api-schema", "api-docs", "api-verification-key", None}
# What is about nobody's model, with the answer for somebody without any role.
FOR_EVERYBODY = {
    ("api-manifests", "POST"): 200,
    ("api-artifacts-missing", "POST"): 200,
    ("api-artifact", "PUT"): 422,
    ("api-use-cases", "GET"): 200,
    ("api-use-cases", "POST"): 403,
    ("api-datasets", "GET"): 200,
    ("api-datasets", "POST"): 201,
    ("api-croissant", "POST"): 201,
    ("api-intakes", "GET"): 200,
    ("api-intakes", "POST"): 201,
    ("api-scorecard", "GET"): 200,
    ("api-models", "GET"): 200,
    ("api-registries", "GET"): 200,
    ("api-registries", "POST"): 403,
    ("api-versions", "GET"): 200,
    ("api-reviews", "GET"): 200,
    ("api-policies", "GET"): 200,
    ("api-policies", "POST"): 403,
    ("api-policy", "GET"): 200,
    ("api-ledger-checkpoint", "GET"): 200,
    ("api-lineage", "POST"): 403,
    ("api-lineage-batch", "POST"): 403,
    ("api-lineage-imports", "POST"): 403,
}
# Lineage is about data, not about one use case: a role on any of them entitles to send it.
FOR_ANY_ROLE = {
    ("api-lineage", "POST"): 201,
    ("api-lineage-batch", "POST"): 200,
    ("api-lineage-imports", "POST"): 201,
}


@dataclass
class Subject:
    """Something of every kind that an address can name."""

    addresses: dict
    bodies: dict


def deployed_and_connected(world, version):
    """A deployment of the version, and another registry with a model that is linked to its model."""
    from registry.ledger import SYSTEM
    from registry.services.deployments import record_deployment
    from registry.services.external_imports import import_csv
    from registry.services.external_registries import add_registry, link_model
    from registry.services.people import grant_duty

    grant_duty(actor=SYSTEM, person=world.edsger, permission="registry.add_external_registry")
    told = {"environment": "production", "kind": "service", "location": "https://score.bank.example"}
    deployment = record_deployment(actor=world.ada, version=version, **told)
    sheet = add_registry(actor=world.edsger, name="sheet", kind="csv")
    import_csv(actor=world.edsger, registry=sheet, data=b"model,version\nchurn,1\n")
    link_model(actor=world.edsger, registry=sheet, model_name="churn", model=version.model)
    return deployment, sheet


def asked(world, version):
    """What ada asked the version."""
    from datetime import timedelta

    from django.utils import timezone

    from audits.models import WhatIf

    expires = timezone.now() + timedelta(hours=1)
    return WhatIf.objects.create(version=version, person=world.ada, row={"income": 1, "ratio": 2}, expires_at=expires)


@pytest.fixture
def subject(world):
    from registry.checkpoints import make_checkpoint
    from registry.services.dataset_standing import change_visibility
    from registry.services.datasets import register_dataset
    from registry.services.datasheets import revise_datasheet
    from registry.services.intake import start_intake

    version = world.submit("1")
    world.approve(version)
    promotion = world.promote(version)
    decision = decide(actor=world.ada, version=version, environment="production")
    export = request_dossier(actor=world.ada, version=version, environment="production")
    dataset = register_dataset(actor=world.tony, slug="hmda-boston", name="HMDA", source="Federal Reserve")
    change_visibility(actor=world.tony, dataset=dataset, visibility="restricted")
    revise_datasheet(actor=world.tony, dataset=dataset, sheet={"purposes": ["*"]}, base=0)
    intake = start_intake(actor=world.ada)
    deployment, sheet = deployed_and_connected(world, version)
    make_checkpoint()
    evaluation = version.evaluations.get(kind="fairness")
    review = version.reviews.get()
    which = {"model": "mortgage-approval", "version": "1"}
    addresses = {
        "api-artifact": [version.files.get(role="model").artifact_id],
        "api-use-case": ["mortgage-underwriting"],
        "api-use-case-roles": ["mortgage-underwriting"],
        "api-risk": ["mortgage-underwriting"],
        "api-risk-override": ["mortgage-underwriting"],
        "api-risk-answer": ["mortgage-underwriting"],
        "api-intake": [intake.pk],
        "api-intake-submit": [intake.pk],
        "api-dataset": ["hmda-boston"],
        "api-dataset-versions": ["hmda-boston"],
        "api-dataset-dependents": ["hmda-boston"],
        "api-datasheets": ["hmda-boston"],
        "api-datasheet": ["hmda-boston", 1],
        "api-dataset-withdraw": ["hmda-boston"],
        "api-dataset-restore": ["hmda-boston"],
        "api-dataset-addresses": ["hmda-boston"],
        "api-dataset-croissant": ["hmda-boston"],
        "api-model": ["mortgage-approval"],
        "api-version": ["mortgage-approval", "1"],
        "api-card": ["mortgage-approval", "1"],
        "api-components": ["mortgage-approval", "1"],
        "api-ml-bom": ["mortgage-approval", "1"],
        "api-deployments": ["mortgage-approval"],
        "api-deployment-end": [deployment.pk],
        **{f"api-registry{end}": [sheet.name] for end in ("", "-poll", "-versions", "-imports", "-links")},
        "api-version-evaluations": ["mortgage-approval", "1"],
        "api-version-dossier": ["mortgage-approval", "1"],
        "api-what-ifs": ["mortgage-approval", "1"],
        "api-what-if": ["mortgage-approval", "1", asked(world, version).pk],
        "api-evaluation": [evaluation.pk],
        "api-evaluation-repeat": [evaluation.pk],
        "api-evaluation-cancel": [evaluation.pk],
        "api-evidence": [evaluation.report_id],
        "api-gate": ["production"],
        "api-decision": [decision.pk],
        "api-review": [review.pk],
        "api-sign-offs": [review.pk],
        "api-adopt-policy": [review.pk],
        "api-policy": ["consumer-credit", 1],
        "api-dossier": [export.pk],
        "api-dossier-file": [export.pk, "model-card.html"],
        "api-attestation": [promotion.attestation_id],
        "api-attestation-status": [promotion.attestation_id],
    }
    bodies = {
        "api-lineage": event(outputs=[told("customers")]),
        "api-lineage-batch": [event(outputs=[told("customers")])],
        "api-lineage-imports": {
            "format": "features",
            "document": {"set": "s", "features": [{"name": "x", "from": [{"dataset": "d", "column": "c"}]}]},
        },
        "api-manifests": manifest_yaml("2"),
        "api-artifacts-missing": {"sha256": ["a" * 64]},
        "api-artifact": b"other bytes",
        "api-use-cases": {
            "slug": "new", "name": "n", "objective": "o", "kpis": [], "affected_people": "p", "risk_tier": "low",
            "owner": "tony",
        },
        "api-use-case-roles": {"username": "mallory", "role": "auditor"},
        "api-risk": {"answers": QUIET},
        "api-risk-override": {"tier": "low", "reason": "r"},
        "api-risk-answer": {"accept": False, "reason": "r"},
        "api-intake": {"revision": 0, "answers": {"name": "n"}},
        "api-intake-submit": {"revision": 0},
        "api-datasets": {"slug": "mine", "name": "n", "source": "s"},
        "api-croissant": {"@type": "sc:Dataset", "name": "n", "identifier": "described"},
        "api-dataset": {"visibility": "restricted"},
        "api-dataset-versions": {"label": "1", "sha256": "a" * 64},
        "api-datasheets": {"sheet": {}, "base": 1},
        "api-dataset-withdraw": {"reason": "r"},
        "api-dataset-restore": {"reason": "r"},
        "api-dataset-addresses": {"namespace": "warehouse", "name": "loans"},
        "api-dataset-croissant": {"@type": "sc:Dataset", "name": "n"},
        "api-versions": {"manifest": manifest_yaml("2").decode(), "files": {}},
        "api-card": {"sections": {"limitations": "x"}},
        "api-deployments": {"version": "1", "environment": "staging", "kind": "batch", "location": "nightly"},
        "api-registries": {"name": "mine", "kind": "csv"},
        "api-registry-imports": {"content": "model,version\nchurn,1\n"},
        "api-registry-links": {"model_there": "churn", "model": "mortgage-approval"},
        "api-version-dossier": {"environment": "production"},
        "api-what-ifs": {"row": {"income": 1, "ratio": 2}},
        "api-gate": {"subject": which},
        "api-sign-offs": {"meaning": "approve", "subject_sha256": review.subject_sha256, "password": "x"},
        "api-promotions": {**which, "environment": "production"},
        "api-rollbacks": {"model": "mortgage-approval", "environment": "production"},
        "api-policies": POLICY,
    }  # fmt: skip
    return Subject(addresses, bodies)


def endpoints():
    """``(name, method, view class)`` of everything below /api/v1."""
    for pattern in urlpatterns:
        view = getattr(pattern.callback, "view_class", None) or pattern.callback.cls
        for method in METHODS:
            if hasattr(view, method.lower()):
                yield pattern.name, method, view


def media_type(name) -> str:
    return {
        "api-manifests": "application/yaml", "api-policies": "application/yaml", "api-artifact": "application/octet-stream",
    }.get(name, "application/json")  # fmt: skip


def ask(calls: Caller, subject: Subject, name: str, method: str):
    # Reading the whole list of addresses takes more calls than strangers may make in a minute.
    cache.clear()
    path = reverse(name, args=subject.addresses.get(name, [])).removeprefix("/api/v1") + QUERIES.get(name, "")
    body = None if method == "GET" else subject.bodies.get(name)
    return calls.call(method, path, body, media_type=media_type(name))


def guarded():
    return [(name, method, view) for name, method, view in endpoints() if name not in PUBLIC]


def test_there_is_something_to_guard():
    names = {name for name, _, _ in guarded()}
    assert {"api-sign-offs", "api-promotions", "api-gate", "api-attestation", "api-ledger"} <= names
    assert len(guarded()) >= 35


def test_without_a_token_everything_guarded_is_401(subject):
    answers = {(name, method): ask(Caller(None), subject, name, method).status_code for name, method, _ in guarded()}
    assert {question: code for question, code in answers.items() if code != 401} == {}


@pytest.mark.parametrize("power", ["nobody", "superuser", "every global permission", "another use case"])
def test_without_a_role_there_is_nothing(world, subject, power):
    from django.contrib.auth.models import Permission

    from registry.ledger import SYSTEM
    from registry.roles import Role
    from registry.services.people import assign_role
    from registry.services.use_cases import create_use_case

    if power == "superuser":
        world.mallory.is_superuser = world.mallory.is_staff = True
        world.mallory.save()
    if power == "every global permission":
        duties = ("create_use_case", "register_policy", "view_whole_ledger", "add_external_registry")
        world.mallory.user_permissions.set(Permission.objects.exclude(codename__in=duties))
    if power == "another use case":
        other = create_use_case(
            actor=world.edsger, slug="other", name="Other", objective="o", kpis=[], affected_people="p", risk_tier="high",
            owner=world.mallory,
        )  # fmt: skip
        for role in Role:
            assign_role(actor=SYSTEM, person=world.mallory, role=role, on=other)
    calls = caller(world.mallory)
    wrong = {}
    for name, method, _ in guarded():
        response = ask(calls, subject, name, method)
        answers = {**FOR_EVERYBODY, **FOR_ANY_ROLE} if power == "another use case" else FOR_EVERYBODY
        if response.status_code != answers.get((name, method), 404):
            wrong[name, method] = (response.status_code, response.content[:200])
        elif (name, method) in FOR_EVERYBODY and method == "GET" and "polic" not in name and name not in UNLISTED:
            seen = [item for item in response.json()["results"] if item.get("slug") != "other"]
            assert seen == [], f"{name} shows {seen}"
    assert wrong == {}


def test_each_call_needs_its_scope_and_no_other(world, subject):
    wrong = {}
    for name, method, view in guarded():
        needed = getattr(view, "read_scope", "read") if method == "GET" else getattr(view, "required_scope", None)
        assert needed in set(Scope), f"{name} {method} declares no scope"
        without = caller(world.ada, *(scope for scope in Scope if scope != needed))
        refused = ask(without, subject, name, method)
        if refused.status_code != 403 or refused.json()["code"] != "permission-denied":
            wrong[name, method, "without"] = refused.status_code
        answer = ask(caller(world.ada, needed), subject, name, method)
        if answer.status_code == 401 or (answer.status_code == 403 and answer.json()["code"] == "permission-denied"):
            wrong[name, method, "with"] = answer.status_code
    assert wrong == {}


def test_what_changes_state_is_not_read_scope(subject):
    reading = {(name, method) for name, method, view in guarded() if method != "GET" and view.required_scope == "read"}
    # Asking for a rendering shows what its reader may see already.
    assert reading == {("api-version-dossier", "POST")}


def test_every_role_reads_what_its_model_is_about(world, subject):
    own, wrong = {"api-dossier", "api-dossier-file", "api-intake", "api-what-if"}, {}
    for who in ("ada", "grace", "edsger", "tony", "barbara"):
        calls = caller(getattr(world, who))
        for name in {name for name, method, _ in guarded() if method == "GET"} - own:
            response = ask(calls, subject, name, "GET")
            if response.status_code != (404 if name == "api-ledger" and who not in {"edsger", "barbara"} else 200):
                wrong[who, name] = (response.status_code, response.content[:200])
    assert wrong == {}


def test_a_dossier_is_for_who_asked_for_it(world, subject, unset):
    run_tasks()
    assert ask(caller(world.ada), subject, "api-dossier", "GET").json()["status"] == "succeeded"
    assert ask(caller(world.ada), subject, "api-dossier-file", "GET").status_code == 200
    assert ask(caller(world.tony), subject, "api-dossier", "GET").status_code == 404
    assert ask(caller(world.tony), subject, "api-dossier-file", "GET").status_code == 404


WRITES = {
    "api-use-case-roles": {"tony", "edsger"},
    "api-card": {"ada", "tony"},
    "api-risk": {"tony", "edsger"},
    "api-risk-override": {"tony", "edsger"},
    "api-risk-answer": {"tony", "edsger"},
    "api-dataset": {"tony"},
    "api-dataset-versions": {"tony"},
    "api-datasheets": {"tony"},
    "api-dataset-withdraw": {"tony", "edsger"},
    "api-dataset-restore": {"tony", "edsger"},
    "api-dataset-addresses": {"tony"},
    "api-dataset-croissant": {"tony"},
    "api-promotions": {"ada", "tony", "edsger"},
    "api-rollbacks": {"ada", "tony", "edsger"},
    "api-adopt-policy": {"tony", "edsger"},
    "api-evaluation-repeat": {"ada", "tony", "grace"},
    "api-evaluation-cancel": {"ada", "tony", "grace"},
    "api-what-ifs": {"ada", "tony", "grace", "edsger", "barbara"},
}


WRITTEN_BY = {"api-card": "PUT", "api-dataset": "PATCH", "api-dataset-croissant": "PUT"}


def test_what_each_role_may_change(world, subject):
    for name, entitled in WRITES.items():
        for who in ("ada", "grace", "edsger", "tony", "barbara"):
            response = ask(caller(getattr(world, who)), subject, name, WRITTEN_BY.get(name, "POST"))
            assert (response.status_code != 403) == (who in entitled), (name, who, response.content)
