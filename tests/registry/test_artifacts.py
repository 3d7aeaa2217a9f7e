"""Artifacts: stored once under their digest, checked on the way in and out, and nobody else's by naming them."""

import io

import pytest

from registry import artifact_store
from registry.canonical import sha256_hex
from registry.errors import IntegrityFailure, InvalidInput
from registry.models import Artifact, ArtifactUpload
from registry.selectors import artifacts_for
from registry.services.artifacts import store_artifact
from tests.scenario import at_once, ledger_actions

pytestmark = pytest.mark.django_db

DATA = b"weights" * 1000
DIGEST = sha256_hex(DATA)


def store(person, data=DATA, expected=None):
    return store_artifact(actor=person, stream=io.BytesIO(data), expected=expected or sha256_hex(data))


def stored_files(settings):
    root = settings.DATA_DIR
    return sorted(path.name for path in root.rglob("*") if path.is_file() and "keys" not in path.parts)


def test_bytes_are_kept_once_and_each_upload_is_recorded_once(ada, grace, settings):
    assert store(ada) == (Artifact.objects.get(), True)
    assert store(ada)[1] is False
    assert store(grace)[1] is True
    assert stored_files(settings) == [DIGEST]
    assert artifact_store.read_bytes(DIGEST) == DATA
    assert ledger_actions(object_id=DIGEST) == ["artifact.stored", "artifact.stored"]


def test_other_bytes_than_announced_are_not_stored(ada, settings):
    with pytest.raises(InvalidInput) as refused:
        store(ada, expected="0" * 64)
    assert refused.value.field == "sha256"
    assert DIGEST in refused.value.message
    assert (stored_files(settings), Artifact.objects.count(), ledger_actions()) == ([], 0, [])


def test_too_many_bytes_are_not_stored(ada, settings):
    settings.COUNTERSIGN_MAX_ARTIFACT_BYTES = len(DATA) - 1
    with pytest.raises(InvalidInput, match="larger than"):
        store(ada)
    assert (stored_files(settings), Artifact.objects.count()) == ([], 0)


def test_nothing_is_no_artifact(ada, settings):
    with pytest.raises(InvalidInput, match="empty"):
        store(ada, b"")
    assert (stored_files(settings), Artifact.objects.count()) == ([], 0)


def test_a_broken_stream_leaves_nothing(ada, settings):
    class Breaks(io.BytesIO):
        def read(self, size=-1):
            if self.tell():
                raise ConnectionResetError
            return super().read(10)

    with pytest.raises(ConnectionResetError):
        store_artifact(actor=ada, stream=Breaks(DATA), expected=DIGEST)
    assert (stored_files(settings), Artifact.objects.count()) == ([], 0)


def test_an_upload_shows_its_bytes_to_the_uploader_alone(ada, mallory):
    store(ada)
    assert artifacts_for(ada).count() == 1
    assert artifacts_for(mallory).count() == 0
    assert ArtifactUpload.objects.get().person == ada


def test_changed_bytes_are_never_handed_out_as_the_artifact(ada, settings):
    store(ada)
    path = settings.DATA_DIR / "artifacts" / artifact_store.storage_name(DIGEST)
    path.chmod(0o600)
    path.write_bytes(b"X" + DATA[1:])
    for read in (
        artifact_store.verify,
        artifact_store.read_bytes,
        lambda sha: artifact_store.local_path(sha).__enter__(),
    ):
        with pytest.raises(IntegrityFailure, match="changed"):
            read(DIGEST)


def test_lost_bytes_are_said_to_be_lost_and_may_be_uploaded_again(ada, settings):
    store(ada)
    (settings.DATA_DIR / "artifacts" / artifact_store.storage_name(DIGEST)).unlink()
    assert not artifact_store.exists(DIGEST)
    with pytest.raises(IntegrityFailure, match="lost"):
        artifact_store.verify(DIGEST)
    store(ada)
    artifact_store.verify(DIGEST)


def test_a_worker_reads_a_private_copy_that_goes_away(ada):
    store(ada)
    with artifact_store.local_path(DIGEST, suffix=".csv") as path:
        assert (path.read_bytes(), path.suffix) == (DATA, ".csv")
    assert not path.exists()


def test_the_same_bytes_at_the_same_moment_are_stored_once(shared_world):
    people = (shared_world.ada, shared_world.grace, shared_world.tony, shared_world.ada)
    answers = at_once(*(lambda person=person: store(person)[0].sha256 for person in people))
    assert answers == [DIGEST] * 4
    assert (Artifact.objects.count(), ArtifactUpload.objects.count()) == (1, 3)
    artifact_store.verify(DIGEST)
