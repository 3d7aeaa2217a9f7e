"""A small world to tell stories in: a use case, its people, a policy, and versions submitted the way CI does it."""

from __future__ import annotations

import io
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace
from unittest import mock
from urllib.parse import quote

import pytest
from django.http import HttpResponse
from django.test import Client

from tests.cast import make_person

ON_POSTGRESQL = os.environ.get("COUNTERSIGN_TEST_DB") == "postgresql"

POLICY = b"""
policy: consumer-credit
version: 1
applies_to: {risk_tier: [high], environment: production}
evidence: {minimum_trust: claimed, max_age_days: 90}
rules:
  - {id: discrimination-power, check: performance, metric: roc_auc_score, at_least: 0.70, confidence: 0.95}
  - {id: impact-ratio, check: fairness, metric: demographic_parity_ratio, over: [race], at_least: 0.80, confidence: 0.95}
  - {id: no-worse-than-champion, check: comparison, metric: roc_auc_score, against: champion, margin: 0.05, confidence: 0.95}
  - {id: card-complete, check: documentation, requires: [intended_use, limitations]}
sign_off:
  - {stage: owner, role: model-owner}
  - {stage: validation, role: validator, independent_of: [developer, data-owner]}
  - {stage: compliance, role: compliance-officer, valid_days: 365}
"""

CARD = {
    "intended_use": "Support a loan officer.",
    "limitations": "Few applicants of some groups.",
    "owner": "Tony Hoare",
}


def predictions_csv(*, ratio: float = 1.0, n: int = 2000, seed: int = 1, skill: float = 0.35) -> bytes:
    """Test predictions in which group b is selected ``ratio`` times as often as group a.

    The rows are always the same ones; ``seed`` makes another model's scores of them.
    """
    import numpy as np

    rows = np.random.default_rng(1)
    group = np.where(rows.random(n) < 0.5, "a", "b")
    label = (rows.random(n) < 0.7).astype(int)
    noise = rows if seed == 1 else np.random.default_rng(seed)
    score = np.clip(0.5 + skill * (label - 0.7) + noise.normal(0, 0.15, n), 0, 1)
    cut = np.where(
        group == "a", np.quantile(score[group == "a"], 0.3), np.quantile(score[group == "b"], 1 - 0.7 * ratio)
    )
    predicted = (score >= cut).astype(int)
    lines = ["approve,predicted,score,race"]
    lines += [f"{y},{p},{s:.6f},{g}" for y, p, s, g in zip(label, predicted, score, group, strict=True)]
    return ("\n".join(lines) + "\n").encode()


def manifest_yaml(
    version: str, *, model: str = "mortgage-approval", card: dict[str, str] | None = None, extra: str = ""
) -> bytes:
    """A manifest with one model file and one file of test predictions."""
    sections = "".join(f"  {key}: {text!r}\n" for key, text in (CARD if card is None else card).items())
    return f"""
model: {model}
version: "{version}"
use_case: mortgage-underwriting
training: {{dataset: hmda-boston@1990, parameters: {{C: 1.0}}, seed: 7}}
code: {{repository: git.example/credit, commit: abc123}}
artifacts: [{{role: model, path: model.skops}}, {{role: test-predictions, path: predictions.csv}}]
schema: {{label: approve, prediction: predicted, score: score, sensitive: [race], features: [income, ratio]}}
{extra}{"card:" + chr(10) + sections if sections else ""}
""".encode()


def run_tasks() -> None:
    """Run everything that is queued, here and now, as a worker would."""
    from django.utils import timezone
    from django_tasks_db.management.commands import db_worker
    from django_tasks_db.models import DBTaskResult

    worker = db_worker.Worker(
        queue_names=["default"], interval=0, batch=True, backend_name="default", startup_delay=False,
        max_tasks=None, worker_id="test", excluded_queue_names=[],
    )  # fmt: skip
    # A worker drops old connections between tasks; the test's own, with its open transaction, must live on.
    with mock.patch.object(db_worker, "close_old_connections"):
        while DBTaskResult.objects.filter(status="READY").update(run_after=timezone.now()):
            worker.run()
    failed = DBTaskResult.objects.filter(status="FAILED").first()
    assert failed is None, failed.traceback


@dataclass
class World:
    """The cast with their roles, one use case, one policy."""

    ada: object
    grace: object
    edsger: object
    tony: object
    barbara: object
    mallory: object
    use_case: object
    policy: object

    def upload(self, data: bytes, person=None) -> str:
        """Store bytes; their digest."""
        from registry.canonical import sha256_hex
        from registry.services.artifacts import store_artifact

        artifact, _ = store_artifact(actor=person or self.ada, stream=io.BytesIO(data), expected=sha256_hex(data))
        return artifact.sha256

    def submit(
        self,
        version: str = "1",
        *,
        actor=None,
        predictions: bytes | None = None,
        card=None,
        measured: bool = True,
        **manifest,
    ):
        """Submit a version as ada (or ``actor``), and measure it unless told not to."""
        from governance.services.submissions import submit_version

        who = actor or self.ada
        files = {
            "model.skops": self.upload(f"model bytes {version}".encode(), who),
            "predictions.csv": self.upload(predictions or predictions_csv(), who),
        }
        made, _ = submit_version(actor=who, manifest=manifest_yaml(version, card=card, **manifest), files=files)
        if measured:
            run_tasks()
        return made

    def assess(self, version, environment: str = "production"):
        """Judge now."""
        from governance.services.assessment import assess_version

        return assess_version(version=version, environment=environment)

    def sign(self, person, version, *, meaning: str = "approve", subject=None, acknowledged=(), comment: str = ""):
        """Answer for ``person`` in the version's review, freshly re-authenticated."""
        from django.utils import timezone

        from governance.reauthentication import Reauthentication
        from governance.services.sign_offs import sign_review
        from governance.signature_record import Meaning

        review = self.assess(version).review
        return sign_review(
            actor=person,
            review=review,
            meaning=Meaning(meaning),
            proof=Reauthentication(person.pk, "password", timezone.now()),
            subject_sha256=subject or review.subject_sha256,
            acknowledged=acknowledged,
            comment=comment or ("" if meaning == "approve" else "Because."),
        )

    def approve(self, version) -> None:
        """All three stages sign."""
        for person in (self.tony, self.grace, self.edsger):
            self.sign(person, version)

    def promote(self, version, actor=None):
        """Promote to production."""
        from governance.services.promotions import promote_version

        return promote_version(actor=actor or self.ada, version=version, environment="production")[0]


_REPORTS: dict[tuple[str, ...], bytes] = {}


@pytest.fixture
def brisk(monkeypatch):
    """For tests that are not about measuring: the same file is measured once in all of them, and no chart is drawn."""
    from audits import evaluate as engine
    from governance.services import pictures
    from registry.canonical import canonical_json, parse_json, sha256_hex

    measure = engine.evaluate

    def remember(kind, files, parameters, **options):
        # A model, a table elsewhere, or several files at once: run each time.
        if any((file.path is None and file.name) or file.facts for file in files):
            return measure(kind, files, parameters, **options)
        digests = [f"{file.name} {sha256_hex(file.path.read_bytes()) if file.path else ''}" for file in files]
        key = (kind, canonical_json(dict(parameters)).decode(), *digests)
        if key not in _REPORTS:
            _REPORTS[key] = canonical_json(measure(kind, files, parameters, **options))
        return parse_json(_REPORTS[key])

    monkeypatch.setattr(engine, "evaluate", remember)
    monkeypatch.setattr(pictures, "draw_verdict", lambda verdict_id: None)


@pytest.fixture
def unset(monkeypatch):
    """For tests that are not about the PDF: it takes seconds to set."""
    from audits import audit_pdf

    monkeypatch.setattr(audit_pdf, "audit_pdf", lambda dossier, evidence: b"%PDF-not-set")


@pytest.fixture
def world(ada, grace, edsger, tony, barbara, mallory):
    """Everybody in their role on the mortgage use case, under the consumer-credit policy."""
    return build_world(
        SimpleNamespace(ada=ada, grace=grace, edsger=edsger, tony=tony, barbara=barbara, mallory=mallory)
    )


def build_world(people) -> World:
    """Set the world up through services, as operators and officers would."""
    from governance.services.policies import register_policy
    from registry.ledger import SYSTEM
    from registry.roles import Role
    from registry.services.people import assign_role, grant_duty
    from registry.services.use_cases import create_use_case

    for duty in ("registry.create_use_case", "governance.register_policy", "registry.view_whole_ledger"):
        grant_duty(actor=SYSTEM, person=people.edsger, permission=duty)
    grant_duty(actor=SYSTEM, person=people.barbara, permission="registry.view_whole_ledger")
    use_case = create_use_case(
        actor=people.edsger,
        slug="mortgage-underwriting",
        name="Mortgage underwriting",
        objective="Decide on mortgage applications consistently.",
        kpis=["default rate under 2 %"],
        affected_people="Applicants for home loans",
        risk_tier="high",
        owner=people.tony,
    )
    for person, role in (
        (people.ada, Role.DEVELOPER),
        (people.grace, Role.VALIDATOR),
        (people.edsger, Role.COMPLIANCE_OFFICER),
        (people.barbara, Role.AUDITOR),
    ):
        assign_role(actor=SYSTEM, person=person, role=role, on=use_case)
    policy, _ = register_policy(actor=people.edsger, content=POLICY)
    return World(**vars(people), use_case=use_case, policy=policy)


@dataclass
class Caller:
    """Somebody who calls the API with a bearer token, as CI does."""

    secret: str | None

    def call(self, method: str, path: str, body=None, *, key: str | None = None, media_type="application/json"):
        """One request below ``/api/v1``; the response."""
        headers = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        if key is not None:
            headers["Idempotency-Key"] = key
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        response = Client(raise_request_exception=True).generic(
            method, f"/api/v1{path}", data, content_type=media_type, headers=headers
        )
        if not response.streaming:
            return response
        # Read to its end, where the client closes the file behind it.
        return HttpResponse(b"".join(response), status=response.status_code, headers=dict(response.items()))

    def get(self, path: str):
        """GET."""
        return self.call("GET", path)

    def post(self, path: str, body=None, **options):
        """POST."""
        return self.call("POST", path, body, **options)


def caller(person, *scopes: str, issued_by=None) -> Caller:
    """``person`` at the API, with a token of these scopes (all, unless named)."""
    from governance.scopes import Scope
    from governance.services.tokens import issue_token
    from registry.ledger import SYSTEM

    _, secret = issue_token(
        actor=SYSTEM, person=person, issued_by=issued_by or person, name="test", scopes=list(scopes or Scope)
    )
    return Caller(secret)


def tamper(row, **columns) -> None:
    """Change a row in the database behind the service's back, as somebody with its password could."""
    type(row)._default_manager.filter(pk=row.pk).update(**columns)


def ledger_actions(**wanted) -> list[str]:
    """What the ledger says happened, in order."""
    from registry import ledger

    return [entry.action for entry in reversed(ledger.entries(**wanted))]


@pytest.fixture
def shared_database(transactional_db, tmp_path):
    """A database that other threads and processes see too; its address.

    PostgreSQL's test database is one. SQLite's lives in this process's memory, so it is copied, migrated and empty
    as it is, to a file, which takes its place for the test.
    """
    from django.db import connections

    if ON_POSTGRESQL:
        at = connections["default"].settings_dict
        host = quote(at["HOST"] or at["OPTIONS"]["host"], safe="")
        yield f"postgresql://{at['USER']}:{at['PASSWORD'] or ''}@/{at['NAME']}?host={host}"
        return
    path, memory = tmp_path / "shared.sqlite3", connections["default"]
    with memory.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(path)])
    name, connections.settings["default"]["NAME"] = connections.settings["default"]["NAME"], str(path)
    del connections["default"]
    yield f"sqlite:///{path}"
    # The memory's database lives as long as its connection does.
    connections["default"].close()
    connections.settings["default"]["NAME"] = name
    connections["default"] = memory


@pytest.fixture
def shared_world(shared_database, _private_directories):
    """The world, committed to a database that other threads and processes see."""
    cast = {"ada": "Lovelace", "grace": "Hopper", "edsger": "Dijkstra", "tony": "Hoare", "barbara": "Liskov"}
    people = {name: make_person(name, name.title(), last) for name, last in cast.items()}
    return build_world(SimpleNamespace(**people, mallory=make_person("mallory", "Mallory", "Intruder")))


def at_once(*calls) -> list[object]:
    """Run the calls in threads, each on its own connection; what each gave, or the error it raised."""
    from django.db import connection

    ready = threading.Barrier(len(calls))

    def run(call):
        try:
            ready.wait()
            return call()
        except Exception as error:  # noqa: BLE001 - the test judges it
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]
