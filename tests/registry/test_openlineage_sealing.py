"""Seals: one ledger entry for many events, and nothing under it changes unnoticed."""

import hashlib
import json

import pytest
from django.core.management import CommandError, call_command

from registry.models import LineageAssertions, LineageEvent, LineageStatement
from registry.services.lineage_events import record_events
from registry.services.sealing import seal_events, verify_seals
from tests.registry.openlineage_cases import MART, dataset, event

pytestmark = pytest.mark.django_db


@pytest.fixture
def sealed(emitter):
    record_events(actor=emitter, events=[event(run=run, outputs=[dataset(MART)]) for run in range(3)])
    return seal_events()


def test_one_entry_covers_all_that_came_since_the_last(emitter, sealed):
    digests = LineageEvent.objects.order_by("pk").values_list("sha256", flat=True)
    said = json.loads(bytes(sealed.body))["data"]
    assert said["count"] == 3
    assert said["sha256"] == hashlib.sha256("".join(f"{digest}\n" for digest in digests).encode()).hexdigest()
    assert seal_events() is None
    record_events(actor=emitter, events=[event(run=9, outputs=[dataset(MART)])])
    assert json.loads(bytes(seal_events().body))["data"]["count"] == 1
    assert list(verify_seals()) == []


@pytest.mark.parametrize("tampering", ["changed", "changed with its digest", "removed", "moved to another seal"])
def test_tampering_is_found(sealed, tampering):
    row = LineageEvent.objects.order_by("pk")[1]
    if tampering == "removed":
        LineageStatement.objects.update(event=None)
        LineageAssertions.objects.all().delete()
        row.delete()
    elif tampering == "moved to another seal":
        LineageEvent.objects.filter(pk=row.pk).update(sealed_in=sealed.seq + 1)
    else:
        body = bytes(row.body).replace(b"COMPLETE", b"START")
        digest = hashlib.sha256(body).hexdigest() if "digest" in tampering else row.sha256
        LineageEvent.objects.filter(pk=row.pk).update(body=body, sha256=digest)
    assert list(verify_seals())
    with pytest.raises(CommandError):
        call_command("seal_lineage", "--verify")
    with pytest.raises(CommandError):
        call_command("rebuild_lineage")


def test_the_commands(sealed, capsys):
    call_command("seal_lineage")
    call_command("seal_lineage", "--verify")
    call_command("rebuild_lineage")
    assert capsys.readouterr().out.splitlines() == [
        "There is nothing to seal.", "Every sealed lineage event is what it was.", "Took 3 events in again.",
    ]  # fmt: skip
