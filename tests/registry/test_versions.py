"""Registering versions: the same manifest is a no-op, another under its name a conflict; only one's own files count."""

import pytest

from registry.canonical import sha256_hex
from registry.errors import Conflict, IntegrityFailure, InvalidInput, NotAllowed, NotFound
from registry.ledger import SYSTEM
from registry.models import CardRevision, ModelVersion, RegisteredModel, VersionArtifact
from registry.roles import Role
from registry.selectors import get_version, roles_of
from registry.services.people import assign_role
from registry.services.use_cases import create_use_case
from registry.services.versions import register_version
from tests.scenario import at_once, ledger_actions, manifest_yaml

pytestmark = pytest.mark.django_db

FILES = {"model.skops": b"model", "predictions.csv": b"approve,predicted\n1,1\n"}


def register(world, version="1", *, actor=None, uploader=None, files=FILES, **manifest):
    who = actor or world.ada
    digests = {path: world.upload(data, uploader or who) for path, data in files.items()}
    return register_version(actor=who, manifest=manifest_yaml(version, **manifest), files=digests)


def test_a_version_is_known_by_the_digest_of_its_manifest(world):
    version, created = register(world)
    assert created
    assert version.sha256 == sha256_hex(bytes(version.manifest))
    assert get_version(world.ada, "mortgage-approval", f"sha256:{version.sha256}") == version
    assert (version.submitted_by, version.responsible) == (world.ada, world.ada)
    assert str(version.training_dataset) == "hmda-boston@1990"
    assert set(VersionArtifact.objects.values_list("path", "role")) == {
        ("model.skops", "model"),
        ("predictions.csv", "test-predictions"),
    }
    assert CardRevision.objects.get().number == 1


def test_the_same_manifest_again_changes_nothing(world):
    first, _ = register(world)
    before = ledger_actions()
    again, created = register(world)
    assert (again, created) == (first, False)
    assert ledger_actions() == before


def test_another_manifest_under_a_known_name_is_a_conflict_with_both_digests(world):
    first, _ = register(world)
    with pytest.raises(Conflict) as refused:
        register(world, files={**FILES, "model.skops": b"other model"})
    assert refused.value.field == "version"
    assert refused.value.details["registered_sha256"] == first.sha256
    assert refused.value.details["submitted_sha256"] not in (None, first.sha256)
    assert ModelVersion.objects.count() == 1


def test_the_first_submission_registers_the_model_and_makes_nobody_a_manager(world):
    register(world)
    model = RegisteredModel.objects.get()
    assert roles_of(world.ada, model) == {Role.DEVELOPER}
    assert ledger_actions(model_name=model.name) == [
        "model.registered",
        "version.registered",
        "lineage.declared",
    ]


@pytest.mark.parametrize("who", ["grace", "edsger", "tony", "barbara"])
def test_only_developers_submit(world, who):
    with pytest.raises(NotAllowed, match="not a developer"):
        register(world, actor=getattr(world, who))
    register(world)
    with pytest.raises(NotFound, match="no model"):
        register(world, "2", actor=getattr(world, who))
    assert ModelVersion.objects.count() == 1


def test_to_strangers_neither_use_case_nor_model_is_there(world):
    register(world)
    with pytest.raises(NotFound, match="no use case"):
        register(world, "2", actor=world.mallory)


def test_a_model_stays_with_its_use_case(world):
    register(world)
    other = create_use_case(
        actor=world.edsger, slug="cards", name="Cards", objective="o", kpis=[], affected_people="p", risk_tier="low",
        owner=world.tony,
    )  # fmt: skip
    assign_role(actor=SYSTEM, person=world.ada, role=Role.DEVELOPER, on=other)
    digests = {path: world.upload(data) for path, data in FILES.items()}
    manifest = manifest_yaml("2").replace(b"mortgage-underwriting", b"cards")
    with pytest.raises(Conflict, match="serves the use case"):
        register_version(actor=world.ada, manifest=manifest, files=digests)


def test_nobody_claims_anothers_file_by_its_digest(world):
    assign_role(actor=SYSTEM, person=world.mallory, role=Role.DEVELOPER, on=world.use_case)
    with pytest.raises(InvalidInput, match="not been uploaded by you") as refused:
        register(world, actor=world.mallory, uploader=world.ada)
    assert refused.value.field == "files"
    assert not RegisteredModel.objects.exists()


def test_a_file_that_the_store_has_lost_is_asked_for_again(world, settings):
    from registry import artifact_store

    digest = world.upload(FILES["model.skops"])
    (settings.DATA_DIR / "artifacts" / artifact_store.storage_name(digest)).unlink()
    with pytest.raises(IntegrityFailure, match="upload it again"):
        register_version(
            actor=world.ada,
            manifest=manifest_yaml("1"),
            files={"model.skops": digest, "predictions.csv": world.upload(FILES["predictions.csv"])},
        )


@pytest.mark.parametrize("digest", ["", "abc", "sha256:", "g" * 64, "A" * 64])
def test_what_is_no_digest_is_refused(world, digest):
    with pytest.raises(InvalidInput):
        register_version(
            actor=world.ada, manifest=manifest_yaml("1"), files={"model.skops": digest, "predictions.csv": digest}
        )


def test_nothing_is_left_of_a_submission_that_fails_at_its_end(world, monkeypatch):
    from registry.services import versions

    def broken(**entry):
        if entry["action"] == "version.registered":
            raise OSError("disk full")
        return real(**entry)

    real = versions.ledger.record
    before = len(ledger_actions())
    monkeypatch.setattr(versions.ledger, "record", broken)
    with pytest.raises(OSError, match="disk full"):
        register(world)
    assert (ModelVersion.objects.count(), RegisteredModel.objects.count(), CardRevision.objects.count()) == (0, 0, 0)
    assert set(ledger_actions()[before:]) == {"artifact.stored"}


def test_one_submission_sent_twice_at_once_is_one_version(shared_world):
    world = shared_world
    digests = {path: world.upload(data) for path, data in FILES.items()}

    def submit():
        return register_version(actor=world.ada, manifest=manifest_yaml("1"), files=digests)

    answers = at_once(submit, submit, submit)
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert sorted(created for _, created in answers) == [False, False, True]
    assert len({version.pk for version, _ in answers}) == 1
