"""What changed since the version approved last: metrics, data, features, parameters, card, code."""

import pytest

from governance.changes import changes_since, last_approved
from tests.scenario import CARD, predictions_csv

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]


def changed(version) -> dict[tuple[str, str], tuple[str, str]]:
    found, _ = changes_since(version, "production")
    return {(change.area, change.item): (change.before, change.after) for change in found}


def test_the_first_version_has_nothing_to_be_compared_with(world):
    assert changes_since(world.submit("1"), "production") == ((), None)


def test_only_an_approved_version_is_compared_with(world):
    world.submit("1")
    second = world.submit("2", predictions=predictions_csv(seed=2))
    assert last_approved(second, "production") is None


def test_the_last_approved_before_it_counts_not_a_later_or_another_environments(world):
    first = world.submit("1")
    world.approve(first)
    second = world.submit("2", predictions=predictions_csv(seed=2))
    third = world.submit("3", predictions=predictions_csv(seed=3))
    world.approve(third)
    assert last_approved(second, "production") == first
    assert last_approved(third, "production") == first
    assert last_approved(second, "staging") is None


def test_equal_versions_differ_in_nothing_but_their_model_file(world):
    first = world.submit("1")
    world.approve(first)
    assert changed(world.submit("2")) == {}


def test_every_area_is_compared(world):
    first = world.submit("1")
    world.approve(first)
    second = world.submit(
        "2",
        predictions=predictions_csv(seed=2, skill=0.4),
        card={**CARD, "limitations": "Fewer people."},
        extra="environment: {python: '3.12'}\n",
    )
    found = changed(second)
    assert found["card", "Limitations"] == ("Few applicants of some groups.", "Fewer people.")
    assert found["code", "python"] == ("–", "3.12")
    assert ("data", "predictions.csv") in found
    metrics = {item for area, item in found if area == "metrics"}
    assert any("race" in item for item in metrics)
    assert len(metrics) >= 5


def test_parameters_and_features_are_compared(world, monkeypatch):
    from governance.services import submissions
    from tests import scenario

    first = world.submit("1")
    world.approve(first)
    manifest = scenario.manifest_yaml("2").replace(b"C: 1.0", b"C: 2.0, penalty: l1").replace(b"seed: 7", b"seed: 8")
    manifest = manifest.replace(b"[income, ratio]", b"[income, debt]").replace(b"hmda-boston@1990", b"hmda-boston@1991")
    files = {"model.skops": world.upload(b"m"), "predictions.csv": world.upload(predictions_csv())}
    second, _ = submissions.submit_version(actor=world.ada, manifest=manifest, files=files)
    found = changed(second)
    assert found["parameters", "C"] == ("1", "2")
    assert found["parameters", "penalty"] == ("–", "l1")
    assert found["parameters", "seed"] == ("7", "8")
    assert found["features", "features"] == ("ratio", "debt")
    assert found["data", "training dataset"] == ("hmda-boston@1990", "hmda-boston@1991")


def test_data_are_compared_by_digest_and_by_address():
    from governance.changes import _data

    def facts(**more):
        file = {"role": "training-data", "path": "training.csv", "sha256": "a" * 64}
        other = {"role": "model", "path": "model.skops", "sha256": "b" * 64}
        return {"artifacts": [file, other], **more}

    assert _data(facts()) == {"training.csv": "sha256:aaaaaaaaaaaa…"}
    address = "postgresql://warehouse.example/credit?table=t"
    there = [{"role": "production-data", "url": address}]
    assert _data(facts(data=there))["production-data"] == address
