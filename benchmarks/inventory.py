"""The inventory at ten thousand models: first byte of the page, and the way it was done in Python before.

Run it with a database of its own::

    COUNTERSIGN_DATA_DIR=$(mktemp -d) python benchmarks/inventory.py [models]

It fills a fresh database with models, versions, verdicts and reviews as services store them, then asks for pages.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")

ASKED = {
    "first page": "", "page 100": "page=100", "text": "q=model-0042", "tier": "tier=high", "stage blocked": "stage=blocked",
    "stage approved": "stage=approved", "stage review": "stage=review", "environment": "environment=production",
    "not compliant": "noncompliant=yes", "region": "region=EU", "newest first": "sort=-newest", "by owner": "sort=owner",
    "elsewhere": "source=elsewhere",
}  # fmt: skip


def fill(n: int) -> None:
    """``n`` models, each with a judged version; a fifth of them reviewed to the end, with real signatures, and running."""
    from django.utils import timezone

    from governance.models import EnvironmentPointer, Promotion, Review, SignOff, Stage, Verdict
    from registry.models import Deployment, ExternalRegistry, ExternalVersion, ModelVersion, Person, RegisteredModel
    from tests.scenario import predictions_csv

    ada = Person.objects.get(username="ada")
    world = _world()
    version = world.submit("1", predictions=predictions_csv(n=400))
    world.approve(version)
    promotion = world.promote(version)
    verdict, review = version.verdicts.order_by("-pk").first(), version.reviews.get()
    stages, answers = list(review.stages.all()), list(review.sign_offs.all())
    models = RegisteredModel.objects.bulk_create(
        [RegisteredModel(name=f"model-{i:05d}", use_case=world.use_case, created_by=ada) for i in range(n)]
    )
    versions = ModelVersion.objects.bulk_create(
        [
            ModelVersion(
                model=model, name="1", manifest=bytes(version.manifest), sha256=version.sha256, submitted_by=ada,
                responsible=ada, training_dataset=version.training_dataset,
            )
            for model in models
        ]
    )  # fmt: skip
    same = {"policy_version": verdict.policy_version, "facts": bytes(verdict.facts), "content": bytes(verdict.content)}
    kinds = ("clear", "blocked", "pending", "review", "clear")
    verdicts = Verdict.objects.bulk_create(
        [
            Verdict(version=item, environment="production", sha256=verdict.sha256, outcome=kinds[i % 5], **same)
            for i, item in enumerate(versions)
        ]
    )
    reviewed = [(i, item) for i, item in enumerate(verdicts) if i % 5 in (0, 3)]
    reviews = Review.objects.bulk_create(
        [
            Review(
                version=item.version, environment="production", policy_version=review.policy_version, verdict=item,
                subject=bytes(review.subject), subject_sha256=review.subject_sha256,
                state="approved" if i % 5 == 0 else "open",
            )
            for i, item in reviewed
        ]
    )  # fmt: skip
    made = Stage.objects.bulk_create(
        [
            Stage(
                review=item, position=stage.position, name=stage.name, role=stage.role, quorum=stage.quorum,
                independent_of=stage.independent_of, valid_days=stage.valid_days,
            )
            for item in reviews
            for stage in stages
        ]
    )  # fmt: skip
    by_review = {(stage.review_id, stage.name): stage for stage in made}
    SignOff.objects.bulk_create(
        [
            SignOff(
                stage=by_review[item.pk, answer.stage.name], review=item, person=answer.person, meaning=answer.meaning,
                record=bytes(answer.record), record_sha256=f"{item.pk.hex}{answer.pk:032x}", seal=answer.seal,
                subject_sha256=answer.subject_sha256, method=answer.method, signed_at=answer.signed_at,
                valid_until=answer.valid_until,
            )
            for item in reviews
            if item.state == "approved"
            for answer in answers
        ]
    )  # fmt: skip
    now = timezone.now()
    ran = [item for item in reviews if item.state == "approved"]
    promotions = Promotion.objects.bulk_create(
        [
            Promotion(
                kind="promote", model=item.version.model, version=item.version, environment="production", review=item,
                verdict=item.verdict, attestation=promotion.attestation, promoted_by=ada,
            )
            for item in ran
        ]
    )  # fmt: skip
    EnvironmentPointer.objects.bulk_create(
        [
            EnvironmentPointer(
                model=item.model, environment="production", promotion=item, noncompliant_since=None if i % 7 else now
            )
            for i, item in enumerate(promotions)
        ]
    )
    Deployment.objects.bulk_create(
        [
            Deployment(
                version=item.version, environment="production", kind="service", location=f"svc-{i}", region="EU",
                since=now, recorded_by=ada,
            )
            for i, item in enumerate(promotions)
        ]
    )  # fmt: skip
    registry = ExternalRegistry.objects.create(name="lab", kind="csv", added_by=ada)
    ExternalVersion.objects.bulk_create(
        [
            ExternalVersion(
                registry=registry, model_name=f"lab-{i // 4}", name=str(i % 4), first_seen=now, last_seen=now
            )
            for i in range(n // 2)
        ]
    )


def _world():  # noqa: ANN202 - the tests' own cast
    from types import SimpleNamespace

    from registry.models import Person
    from tests.cast import make_person
    from tests.scenario import build_world

    cast = {"ada": "Lovelace", "grace": "Hopper", "edsger": "Dijkstra", "tony": "Hoare", "barbara": "Liskov"}
    people = {
        name: Person.objects.filter(username=name).first() or make_person(name, name.title(), last)
        for name, last in cast.items()
    }
    return build_world(SimpleNamespace(**people, mallory=make_person("mallory", "Mallory", "Intruder")))


def page(client, path: str, times: int = 5) -> tuple[float, float, int]:  # noqa: ANN001 - Django's test client
    """Median wall clock and least CPU time of a whole page in milliseconds, without network; and its queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    took, worked = [], []
    for _ in range(times):
        started, began = time.perf_counter(), time.process_time()
        response = client.get(path)
        took.append((time.perf_counter() - started) * 1000)
        worked.append((time.process_time() - began) * 1000)
        assert response.status_code == 200, path  # noqa: PLR2004 - HTTP's number
    with CaptureQueriesContext(connection) as captured:
        client.get(path)
    return statistics.median(took), min(worked), len(captured)


def in_python(person) -> float:  # noqa: ANN001 - a Person
    """CPU milliseconds of the way before: compute every model's standings, filter by stage in Python.

    In parts of 500, because SQLite refuses to read the reviews of more than about a thousand versions at once.
    """
    from governance.page_selectors.models import rows_of
    from registry.selectors import models_for

    began = time.process_time()
    models = list(models_for(person))
    rows = [row for start in range(0, len(models), 500) for row in rows_of(models[start : start + 500])]
    [row for row in rows if any(item.stage == "blocked" for item in row.standings)]
    return (time.process_time() - began) * 1000


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.test import Client

    from registry.models import Person

    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    call_command("migrate", verbosity=0)
    if not Person.objects.exists():
        from tests.cast import make_person

        make_person("ada", "Ada", "Lovelace")
        fill(n)
    barbara = Person.objects.get(username="barbara")
    client = Client()
    client.force_login(barbara)
    client.get("/models")
    print(f"{n:,} models, {n // 8:,} models elsewhere")
    for words, query in ASKED.items():
        took, worked, queries = page(client, f"/models?{query}")
        print(f"  {words:16} {took:8.1f} ms wall  {worked:8.1f} ms CPU  {queries:3} queries")
    for ending in ("csv", "xlsx"):
        began = time.process_time()
        size = sum(len(part) for part in client.get(f"/inventory/export.{ending}"))
        print(f"  export {ending:9} {time.process_time() - began:8.1f} s CPU   {size:,} bytes")
    print(f"  before, in Python{in_python(barbara):9.1f} ms CPU for the rows alone")


if __name__ == "__main__":
    main()
