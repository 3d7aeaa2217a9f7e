"""A dossier is plain JSON in and out, the same bytes again, and refuses what it does not know."""

from __future__ import annotations

import copy
import json
import subprocess
import sys

import pytest

from audits.dossier import Dossier
from registry.canonical import canonical_json, sha256_hex
from registry.errors import InvalidInput
from tests.audits.dossier_factory import blocked, promoted


@pytest.mark.parametrize("make", [promoted, blocked])
def test_a_dossier_survives_the_way_through_json(make):
    dossier = make()
    again = Dossier.from_json(json.loads(json.dumps(dossier.as_json())))
    assert again == dossier
    assert again.canonical() == dossier.canonical()


def test_its_bytes_are_canonical_json_of_plain_values():
    dossier = promoted()
    assert dossier.canonical() == canonical_json(json.loads(dossier.canonical()))
    assert dossier.as_json()["sign_offs"][1]["printed_name"] == "Grace Hopper"
    assert dossier.as_json()["evaluations"][1]["measurements"][1]["metric"] == "selection_rate"
    assert len(sha256_hex(dossier.canonical())) == 64


def test_what_is_absent_is_null_and_never_left_out():
    plain = blocked().as_json()
    assert plain["promotion"] is None
    assert plain["checkpoint"] is None
    assert plain["compared_with"] is None
    assert plain["sign_offs"] == []
    assert plain["evaluations"][0]["error"] == {
        "message": "score 1.7 lies outside 0 to 1", "file": "predictions.parquet", "column": "score", "row": 17,
    }  # fmt: skip


def unknown(plain):
    plain["sign_offs"][0]["waived"] = True
    return "dossier.sign_offs[0].waived"


def missing(plain):
    del plain["verdict"]["sha256"]
    return "dossier.verdict.sha256"


def mistyped(plain):
    plain["stages"][2]["quorum"] = True
    return "dossier.stages[2].quorum"


def text_for_a_list(plain):
    plain["artifacts"] = "model.skops"
    return "dossier.artifacts"


def half_a_measurement(plain):
    del plain["evaluations"][0]["measurements"][3]["n"]
    return "dossier.evaluations[0].measurements[3]"


def null_for_text(plain):
    plain["subject"]["model"] = None
    return "dossier.subject.model"


@pytest.mark.parametrize("spoil", [unknown, missing, mistyped, text_for_a_list, half_a_measurement, null_for_text])
def test_a_spoilt_dossier_is_refused_and_the_place_named(spoil):
    plain = copy.deepcopy(promoted().as_json())
    where = spoil(plain)
    with pytest.raises(InvalidInput) as refused:
        Dossier.from_json(plain)
    assert refused.value.field == where
    assert where in str(refused.value)


def test_reading_a_dossier_loads_no_django_and_nothing_heavy():
    heavy = ["django", "matplotlib", "weasyprint", "numpy", "pandas", "nh3", "markdown_it", "segno"]
    code = (
        "import sys, audits.dossier, audits.charts, audits.svg, audits.seal, audits.markdown, audits.wording, audits.document_view,"
        f" audits.model_card, audits.audit_pdf; print([name for name in {heavy} if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.strip() == "[]"
