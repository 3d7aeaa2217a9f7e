"""The bill of materials: valid by the library of CycloneDX itself, complete, and the same for the same version."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from audits.measures.environment.requirements import Package
from audits.ml_bom import ml_bom, ml_bom_json
from audits.series import Series
from tests.audits.dossier_factory import blocked, digest, evaluation, manifest, poisoned, promoted

PACKAGES = (
    Package(name="numpy", version="2.1.3", allowed="==2.1.3"),
    Package(name="torch", version="2.4.0+cpu", allowed="==2.4.0+cpu"),
    Package(name="scikit-learn", allowed=">=1.5"),
)
HOLES = Series(
    name="vulnerabilities",
    title="Known vulnerabilities",
    columns=("severity", "id", "package", "version", "fixed", "aliases", "counts", "note"),
    rows=(
        ("high", "CVE-2026-0001", "numpy", "2.1.3", ["2.1.4"], ["GHSA-x"], True, ""),
        ("unknown", "PYSEC-2026-2", "torch", "2.4.0+cpu", [], [], True, ""),
        ("high", "CVE-2026-0003", "numpy", "1.0", [], [], False, "of another version"),
        ("high", "CVE-2026-0004", "nowhere", "1.0", [], [], True, ""),
    ),
)


def composite():
    stated = {
        **manifest(),
        "description": "Reads documents, then decides.",
        "components": [{"model": "ocr", "version": "3"}, {"model": "text", "version": "1+x"}],
        "data": [{"role": "production-data", "url": "postgresql://db.example/bank/loans"}],
        "execution": {"inputs": ["income", "ratio"], "architecture": "mlp", "rebuild": {"script": "t", "model": "m"}},
    }
    return replace(
        promoted(),
        manifest=stated,
        evaluations=(*promoted().evaluations, evaluation("environment", (), series=(HOLES,))),
    )


@pytest.fixture(scope="module")
def validator():
    return JsonStrictValidator(SchemaVersion.V1_6)


@pytest.mark.parametrize(
    "dossier",
    [promoted(), blocked(), composite(), poisoned("<script>alert(1)</script>\u2028=cmd|' /C calc'!A0")],
    ids=["promoted", "blocked", "composite", "poisoned"],
)
@pytest.mark.parametrize("packages", [(), PACKAGES], ids=["no packages", "packages"])
def test_it_is_valid(validator, dossier, packages):
    document = ml_bom_json(dossier, packages).decode()
    assert validator.validate_str(document) is None
    bom = json.loads(document)
    refs = [bom["metadata"]["component"]["bom-ref"], *(component["bom-ref"] for component in bom["components"])]
    assert len(set(refs)) == len(refs)
    assert {entry["ref"] for entry in bom["dependencies"]} == set(refs)
    assert {ref for entry in bom["dependencies"] for ref in entry["dependsOn"]} <= set(refs)


def test_the_validator_does_object(validator):
    broken = ml_bom(promoted())
    broken["components"][0]["type"] = "machine learning model"
    assert validator.validate_str(json.dumps(broken)) is not None


def test_the_same_version_gives_the_same_bytes_whenever_they_are_written():
    later = replace(promoted(), generated_at="2027-01-01T00:00:00Z")
    assert ml_bom_json(later, PACKAGES) == ml_bom_json(promoted(), PACKAGES)
    bom = ml_bom(promoted())
    assert bom["metadata"]["timestamp"] == promoted().subject.submitted_at
    assert bom["serialNumber"].startswith("urn:uuid:")
    other = replace(promoted(), subject_sha256=digest("another subject"))
    assert ml_bom(other)["serialNumber"] != bom["serialNumber"]


def of_type(bom, kind):
    return {component["name"]: component for component in bom["components"] if component["type"] == kind}


def test_the_model_with_its_card():
    model = of_type(ml_bom(composite(), PACKAGES), "machine-learning-model")["mortgage-approval"]
    assert model["hashes"] == [{"alg": "SHA-256", "content": digest("model")}]
    parameters = model["modelCard"]["modelParameters"]
    assert parameters["task"] == "binary classification"
    assert parameters["modelArchitecture"] == "mlp"
    assert [item["format"] for item in parameters["inputs"]] == ["income", "ratio"]
    assert [item["format"] for item in parameters["outputs"]] == ["score", "predicted"]
    assert {"ref": "dataset:hmda-boston@1990"} in parameters["datasets"]
    metrics = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    auc = next(item for item in metrics if item["type"] == "roc_auc_score")
    assert (auc["value"], auc["confidenceInterval"]) == ("0.823", {"lowerBound": "0.797", "upperBound": "0.848"})
    assert auc["slice"] == "everyone; performance, claimed; confidence 0.95"
    ratio = next(item for item in metrics if item["type"] == "demographic_parity_ratio")
    assert ratio["slice"].startswith("over race;")
    considerations = model["modelCard"]["considerations"]
    assert considerations["useCases"][0].startswith("Recommend approval")
    assert considerations["fairnessAssessments"] == [{"groupAtRisk": "Applicants for owner-occupied mortgages"}]


def test_data_libraries_and_components():
    bom = ml_bom(composite(), PACKAGES)
    data = of_type(bom, "data")
    assert data["hmda-boston"]["version"] == "1990"
    assert data["hmda-boston"]["hashes"][0]["content"] == digest("dataset")
    assert data["predictions.parquet"]["hashes"][0]["content"] == digest("predictions")
    assert data["postgresql://db.example/bank/loans"]["data"][0]["contents"] == {
        "url": "postgresql://db.example/bank/loans"
    }
    libraries = of_type(bom, "library")
    assert libraries["numpy"]["purl"] == "pkg:pypi/numpy@2.1.3"
    assert libraries["torch"]["purl"] == "pkg:pypi/torch@2.4.0%2Bcpu"
    assert libraries["scikit-learn"]["purl"] == "pkg:pypi/scikit-learn"
    assert "version" not in libraries["scikit-learn"]
    assert set(of_type(bom, "machine-learning-model")) == {"mortgage-approval", "ocr", "text"}
    assert of_type(bom, "file")["requirements.txt"]["hashes"][0]["content"] == digest("requirements")
    edges = {entry["ref"]: entry["dependsOn"] for entry in bom["dependencies"]}
    assert "version:ocr@3" in edges["model:mortgage-approval@2026.11.2"]
    assert "pkg:pypi/numpy@2.1.3" in edges["version:mortgage-approval@2026.11.2"]


def test_known_vulnerabilities_of_recorded_packages_are_told():
    told = {item["id"]: item for item in ml_bom(composite(), PACKAGES)["vulnerabilities"]}
    assert set(told) == {"CVE-2026-0001", "PYSEC-2026-2"}
    assert told["CVE-2026-0001"]["affects"] == [{"ref": "pkg:pypi/numpy@2.1.3"}]
    assert told["CVE-2026-0001"]["recommendation"] == "Fixed in 2.1.4."
    assert "vulnerabilities" not in ml_bom(promoted(), PACKAGES)
