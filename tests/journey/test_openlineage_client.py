"""The official OpenLineage client sends real events over HTTP to a real server, and they appear in the graph."""

import json
import os
import socket
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.journey.test_main_job import ENVIRONMENT, ROOT, await_server, python

pytestmark = pytest.mark.journey

OPERATOR = """
import io, os
import django
os.environ["DJANGO_SETTINGS_MODULE"] = "governance.settings"
django.setup()
from django.core.management import call_command
out = io.StringIO()
os.environ["COUNTERSIGN_PASSWORD"] = "ada-signs-at-dawn"
call_command("migrate", "-v", "0")
call_command("create_person", "ada", stdout=io.StringIO())
call_command("create_person", "scheduler", "--service", stdout=io.StringIO())
call_command("issue_token", "scheduler", "--responsible", "ada", "--name", "etl", "--scope", "lineage", stdout=out)
print(out.getvalue().strip())
"""

GRAPH = """
import json, os
import django
os.environ["DJANGO_SETTINGS_MODULE"] = "governance.settings"
django.setup()
from registry.models import LineageEdge
rows = LineageEdge.objects.exclude(level="structure").filter(until=None).select_related("source__place", "target__place")
print(json.dumps(sorted(f"{r.source.place.name}.{r.source.name} -> {r.target.place.name}.{r.target.name}" for r in rows)))
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Address, token and settings of a running server."""
    folder = tmp_path_factory.mktemp("lineage-service")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    settings = {"COUNTERSIGN_DATA_DIR": str(folder / "data"), "COUNTERSIGN_URL": url, "PYTHONPATH": str(ROOT)}
    prepared = python("-c", OPERATOR, cwd=folder, **settings)
    assert prepared.returncode == 0, prepared.stderr
    command = [sys.executable, str(ROOT / "manage.py"), "serve", "--port", str(port)]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env={**ENVIRONMENT, **settings}, cwd=folder, stdout=log, stderr=log)
        try:
            await_server(url, server, folder)
            yield url, prepared.stdout.strip().splitlines()[-1], settings, folder
        finally:
            server.kill()
            server.wait()


def graph(settings: dict, folder: Path) -> list[str]:
    asked = python("-c", GRAPH, cwd=folder, **settings)
    assert asked.returncode == 0, asked.stderr
    return json.loads(asked.stdout)


def run_events(source: str, target: str):
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
    from openlineage.client.generated import column_lineage_dataset as lineage
    from openlineage.client.generated import schema_dataset

    run, job = Run(runId=str(uuid.uuid4())), Job(namespace="airflow", name=f"load.{target}")
    made = lineage.ColumnLineageDatasetFacet(
        fields={
            "mail_hash": lineage.Fields(
                inputFields=[
                    lineage.InputField(
                        "pg://crm",
                        source,
                        "mail",
                        [lineage.Transformation("DIRECT", "TRANSFORMATION", "sha256(mail)", masking=True)],
                    )
                ]
            )
        }
    )
    columns = schema_dataset.SchemaDatasetFacet(
        fields=[schema_dataset.SchemaDatasetFacetFields("mail_hash", "VARCHAR")]
    )
    output = OutputDataset("pg://mart", target, facets={"columnLineage": made, "schema": columns})
    now = datetime.now(UTC).isoformat()
    return [
        RunEvent(eventTime=now, eventType=RunState.START, run=run, job=job, inputs=[InputDataset("pg://crm", source)]),
        RunEvent(eventTime=now, eventType=RunState.COMPLETE, run=run, job=job, outputs=[output]),
    ]


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_events_of_the_official_client_appear_in_the_graph(service, compression):
    from openlineage.client import OpenLineageClient
    from openlineage.client.transport.http import ApiKeyTokenProvider, HttpCompression, HttpConfig, HttpTransport

    url, token, settings, folder = service
    target = f"people_{compression}"
    transport = HttpTransport(
        HttpConfig(
            url=url, auth=ApiKeyTokenProvider({"apiKey": token}), compression=HttpCompression(compression) if compression else None,
        )
    )  # fmt: skip
    client = OpenLineageClient(transport=transport)
    for sent in run_events("customers", target):
        client.emit(sent)
    client.close()
    assert f"customers.mail -> {target}.mail_hash" in graph(settings, folder)


SENDER = """
import sys
sys.path.insert(0, sys.argv[1])
from openlineage.client import OpenLineageClient
from tests.journey.test_openlineage_client import run_events
client = OpenLineageClient()
for event in run_events("customers", "by_environment"):
    client.emit(event)
client.close()
"""


def test_two_environment_variables_are_enough(service):
    url, token, settings, folder = service
    sent = subprocess.run(
        [sys.executable, "-c", SENDER, str(ROOT)], cwd=folder, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "OPENLINEAGE_URL": url, "OPENLINEAGE_API_KEY": token},
    )  # fmt: skip
    assert sent.returncode == 0, sent.stderr
    assert "customers.mail -> by_environment.mail_hash" in graph(settings, folder)


def test_the_client_hears_of_a_wrong_token(service):
    from openlineage.client import OpenLineageClient
    from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

    url, *_ = service
    config = HttpConfig(url=url, auth=ApiKeyTokenProvider({"apiKey": "cs_wrong"}))
    client = OpenLineageClient(transport=HttpTransport(config))
    with pytest.raises(Exception, match="401"):
        client.emit(run_events("customers", "nowhere")[0])
    client.close()
