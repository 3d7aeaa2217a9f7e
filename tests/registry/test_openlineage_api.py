"""The endpoints that receive events: one by one, in batches, as gzip; and what they refuse, quickly."""

import gzip
import json
import tracemalloc
from unittest import mock

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client

from registry.canonical import canonical_json, sha256_hex
from registry.models import LedgerEntry, LineageEvent
from tests.registry.openlineage_cases import CRM, MART, dataset, event
from tests.scenario import caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def send(emitter, ada):
    """Send bytes or JSON with a token of the scheduler."""
    cache.clear()
    token = caller(emitter, "lineage", issued_by=ada).secret

    def post(body, path="lineage", **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Client().post(
            f"/api/v1/{path}", data, content_type="application/json",
            headers={"Authorization": f"Bearer {token}", **{key.replace("_", "-"): text for key, text in headers.items()}},
        )  # fmt: skip

    return post


@pytest.fixture
def sample() -> dict:
    return event(inputs=[dataset(CRM)], outputs=[dataset(MART)])


def test_an_event_is_answered_by_its_digest(send, sample):
    answer = send(sample)
    assert answer.status_code == 201
    assert answer.json() == {"id": sha256_hex(canonical_json(sample)), "notes": []}
    assert send(sample).json() == answer.json()
    assert LineageEvent.objects.count() == 1


def test_gzip_is_read(send, sample):
    assert send(gzip.compress(json.dumps(sample).encode()), Content_Encoding="gzip").status_code == 201
    assert LineageEvent.objects.get().sha256 == sha256_hex(canonical_json(sample))


def test_a_batch_is_counted_and_sealed(send, sample):
    other = event(hour=1, run=1, outputs=[dataset(MART)])
    answer = send([sample, other, sample], "lineage/batch")
    assert answer.json() == {"received": 3, "new": 2, "repeated": 1, "notes": {}}
    entry = LedgerEntry.objects.get(action="lineage.sealed")
    assert set(LineageEvent.objects.values_list("sealed_in", flat=True)) == {entry.seq}


def test_a_malformed_event_is_refused_with_its_path(send, sample):
    del sample["outputs"][0]["name"]
    answer = send(sample)
    assert (answer.status_code, answer.json()["field"]) == (422, "$.outputs[0].name")
    answer = send([event(), sample], "lineage/batch")
    assert (answer.status_code, answer.json()["field"]) == (422, "$[1].outputs[0].name")
    assert not LineageEvent.objects.exists()


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'"text"', b"\xff", b'{"a":1,"a":2}', b'{"x":NaN}'])
def test_what_is_no_event_is_refused(send, body):
    assert send(body).status_code in {400, 422}


def test_a_batch_is_an_array(send, sample):
    assert send(sample, "lineage/batch").status_code == 422
    assert send([], "lineage/batch").json() == {"received": 0, "new": 0, "repeated": 0, "notes": {}}


@pytest.mark.parametrize(
    "body", [b"no gzip", gzip.compress(b"{}", mtime=0)[:-4], gzip.compress(b"{}", mtime=0) + b"rest"], ids=str
)
def test_a_broken_gzip_is_refused(send, body):
    assert send(body, Content_Encoding="gzip").status_code == 400


def test_a_gzip_bomb_is_refused_before_it_is_inflated(send):
    bomb = gzip.compress(bytes(200_000_000), 9)
    tracemalloc.start()
    answer = send(bomb, Content_Encoding="gzip")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status_code == 413
    assert peak < 40_000_000


def test_another_encoding_is_not_read(send):
    assert send(b"{}", Content_Encoding="br").status_code == 415


def test_a_body_that_is_too_large_is_refused(send):
    assert send(b" " * 10_000_001).status_code == 413
    assert send({**event(), "padding": "x" * 2_500_000}).status_code == 422


def test_a_busy_database_asks_to_try_again(send, sample):
    with mock.patch("registry.services.lineage_events.lock_lineage", side_effect=OperationalError("locked")):
        answer = send(sample)
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert send(sample).status_code == 201


def test_a_token_without_the_scope_is_refused(emitter, ada, sample):
    assert caller(emitter, "read", "submit", issued_by=ada).post("/lineage", sample).status_code == 403


def test_somebody_without_a_role_sends_no_lineage(mallory, sample):
    answer = caller(mallory, "lineage").post("/lineage", sample)
    assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed")
    assert not LineageEvent.objects.exists()
