"""What machines fetch without signing in: health, metrics, the client, the verifier."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from audits.model_execution import model_execution
from audits.models import Evaluation
from governance.models import GateDecision, Review
from governance.pyz import client_pyz
from registry.models import Checkpoint, LedgerEntry


@login_not_required
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """The database answers and has the tables that this code expects."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return JsonResponse({"status": "migrations are missing: run manage.py migrate"}, status=503)
    # Said and no reason to be taken out of service: all that needs no model still works.
    return JsonResponse({"status": "ok", "model_execution": asdict(model_execution())})


def _count(registry: CollectorRegistry, name: str, text: str, label: str, rows: dict[str, int]) -> None:
    gauge = Gauge(name, text, [label], registry=registry)
    for value, number in rows.items():
        gauge.labels(value).set(number)


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text: counts only, no names."""
    registry = CollectorRegistry()
    evaluations = dict(Evaluation.objects.order_by().values_list("status").annotate(Count("pk")))
    reviews = dict(Review.objects.order_by().values_list("state").annotate(Count("pk")))
    decisions = dict(GateDecision.objects.order_by().values_list("result").annotate(Count("pk")))
    _count(registry, "countersign_evaluations", "Evaluations by status", "status", evaluations)
    _count(registry, "countersign_reviews", "Reviews by state", "state", reviews)
    _count(registry, "countersign_gate_decisions", "Gate decisions by result", "result", decisions)
    last, checkpoint = LedgerEntry.objects.order_by("-seq").first(), Checkpoint.objects.order_by("-size").first()
    Gauge("countersign_ledger_entries", "Entries in the ledger", registry=registry).set(last.seq if last else 0)
    Gauge("countersign_ledger_anchored", "Entries under the last checkpoint", registry=registry).set(
        checkpoint.size if checkpoint else 0
    )
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


@login_not_required
@require_safe
def pyz(request: HttpRequest) -> HttpResponse:
    """The client as one file."""
    return HttpResponse(client_pyz(), content_type="application/zip")


@login_not_required
@require_safe
def verifier(request: HttpRequest) -> HttpResponse:
    """The offline verifier as one file."""
    import countersign_verify

    return HttpResponse(Path(countersign_verify.__file__).read_bytes(), content_type="text/x-python; charset=utf-8")
