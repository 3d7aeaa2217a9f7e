"""Datasets: declared by manifests, registered by owners, and never changed once their content is stated."""

import pytest

from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.models import Dataset, DatasetVersion
from registry.services.datasets import declared_dataset_version, register_dataset, register_dataset_version
from tests.scenario import ledger_actions

pytestmark = pytest.mark.django_db

DIGEST = "a" * 64


def test_a_manifest_only_declares(world):
    version = declared_dataset_version(actor=world.ada, reference="hmda-boston@1990")
    assert (version.sha256, version.dataset.owner) == (None, None)
    assert declared_dataset_version(actor=world.tony, reference="hmda-boston@1990") == version
    assert ledger_actions(object_type="dataset version") == ["dataset_version.registered"]


def test_an_owner_takes_a_declared_dataset_over_once(world):
    declared = declared_dataset_version(actor=world.ada, reference="hmda-boston@1990")
    dataset = register_dataset(actor=world.tony, slug="hmda-boston", name="HMDA Boston", source="Federal Reserve")
    assert (dataset, dataset.owner) == (declared.dataset, world.tony)
    with pytest.raises(Conflict, match="already"):
        register_dataset(actor=world.mallory, slug="hmda-boston", name="Mine", source="now")
    assert Dataset.objects.get().owner == world.tony


def test_nobody_makes_others_owners_without_the_duty(world):
    with pytest.raises(NotAllowed):
        register_dataset(actor=world.mallory, slug="d", name="d", source="s", owner=world.tony)
    assert register_dataset(actor=world.edsger, slug="d", name="d", source="s", owner=world.tony).owner == world.tony


def test_content_once_stated_stands(world):
    dataset = register_dataset(actor=world.tony, slug="d", name="d", source="s")
    stated = register_dataset_version(actor=world.tony, dataset=dataset, label="1", sha256=f"sha256:{DIGEST}", rows=7)
    assert (stated.sha256, stated.rows) == (DIGEST, 7)
    register_dataset_version(actor=world.tony, dataset=dataset, label="1", sha256=DIGEST, rows=7)
    with pytest.raises(Conflict, match="another content"):
        register_dataset_version(actor=world.tony, dataset=dataset, label="1", sha256="b" * 64)
    with pytest.raises(Conflict, match="rows"):
        register_dataset_version(actor=world.tony, dataset=dataset, label="1", sha256=DIGEST, rows=8)
    assert DatasetVersion.objects.get().rows == 7
    assert ledger_actions(object_type="dataset version") == ["dataset_version.registered"]


def test_only_the_owner_states_content(world):
    dataset = register_dataset(actor=world.tony, slug="d", name="d", source="s")
    with pytest.raises(NotAllowed, match="only the owner"):
        register_dataset_version(actor=world.mallory, dataset=dataset, label="1", sha256=DIGEST)
    unowned = declared_dataset_version(actor=world.ada, reference="other@1").dataset
    with pytest.raises(NotAllowed):
        register_dataset_version(actor=world.ada, dataset=unowned, label="1", sha256=DIGEST)


def test_a_digest_has_its_form(world):
    dataset = register_dataset(actor=world.tony, slug="d", name="d", source="s")
    with pytest.raises(InvalidInput, match="SHA-256"):
        register_dataset_version(actor=world.tony, dataset=dataset, label="1", sha256="md5")
    assert not DatasetVersion.objects.exists()
