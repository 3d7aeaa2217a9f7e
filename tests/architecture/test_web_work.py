"""A whole decision in the web process, from the gate's question to the promotion, without a heavy library."""

import os
import subprocess
import sys
from pathlib import Path

from tests.scenario import caller

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "pandas", "sklearn", "fairlearn", "shap", "matplotlib", "weasyprint", "numba", "scipy", "numpy", "pyarrow", "ibis",
    "duckdb", "sqlglot", "pyspark", "stdnum", "presidio_analyzer",
)  # fmt: skip

PROGRAM = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "governance.settings"
from governance.wsgi import application
from django.conf import settings
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
from django.test import Client
from governance.models import Review
tokens, heavy = json.loads(sys.argv[1]), sys.argv[2].split()

def call(who, method, path, body=None):
    answer = Client().generic(method, "/api/v1" + path, json.dumps(body) if body else "", content_type="application/json",
                              headers={"Authorization": "Bearer " + tokens[who]})
    assert answer.status_code < 300, (path, answer.content)
    return answer

version = {"model": "mortgage-approval", "version": "1"}
assert call("ada", "POST", "/gates/production/decisions", {"subject": version}).json()["result"] == "pending"
review = Review.objects.get()
for who in ("tony", "grace", "edsger"):
    call(who, "POST", f"/reviews/{review.pk}/sign-offs",
         {"meaning": "approve", "subject_sha256": review.subject_sha256, "password": who + "-passphrase-1"})
assert call("ada", "POST", "/gates/production/decisions", {"subject": version}).json()["result"] == "allow"
promoted = call("ada", "POST", "/promotions", {**version, "environment": "production"}).json()
call("ada", "GET", "/attestations/" + promoted["attestation_sha256"])
call("ada", "GET", "/versions/mortgage-approval/1/evaluations")
call("ada", "PUT", "/versions/mortgage-approval/1/card", {"sections": {"limitations": "Other words."}})
call("ada", "POST", "/versions/mortgage-approval/1/dossier", {"environment": "production"})
browser = Client()
browser.force_login(review.version.submitted_by, backend="django.contrib.auth.backends.ModelBackend")
for page in ("/", "/models/mortgage-approval/versions/1", f"/reviews/{review.pk}"):
    assert browser.get(page).status_code == 200, page
print("LOADED", *[name for name in heavy if name in sys.modules])
"""


def test_gate_signatures_promotion_and_pages_load_no_heavy_library(shared_world, shared_database, settings):
    import json

    from registry.checkpoints import make_checkpoint

    world = shared_world
    world.submit("1")
    make_checkpoint()
    people = {name: caller(getattr(world, name)).secret for name in ("ada", "tony", "grace", "edsger")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(people), " ".join(HEAVY)],
        env={
            **os.environ,
            "DATABASE_URL": shared_database,
            "COUNTERSIGN_ENV": "development",
            "COUNTERSIGN_DATA_DIR": str(settings.DATA_DIR),
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.rsplit("LOADED", 1)[1].split() == []
