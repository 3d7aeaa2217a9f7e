"""Artifacts lie in local files by default, in S3-compatible storage by setting; either way they are checked."""

import io

import pytest

from registry import artifact_store
from registry.canonical import sha256_hex
from registry.errors import IntegrityFailure, InvalidInput

DATA = b"model bytes " * 1000
DIGEST = sha256_hex(DATA)


@pytest.fixture(params=["local files", "S3"])
def store(request, settings, monkeypatch):
    """The artifact storage, and a way to change what it holds behind its back."""
    from django.core.files.storage import storages

    if request.param == "local files":
        yield _tamper
        return
    import boto3
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="evidence")
        options = {"bucket_name": "evidence", "location": "artifacts", "file_overwrite": False, "default_acl": None}
        settings.STORAGES = {
            **settings.STORAGES,
            "artifacts": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options},
        }
        yield _tamper
        assert storages["artifacts"].bucket.name == "evidence"


def _tamper(data: bytes) -> None:
    from django.core.files.base import ContentFile
    from django.core.files.storage import storages

    storages["artifacts"].delete(artifact_store.storage_name(DIGEST))
    storages["artifacts"].save(artifact_store.storage_name(DIGEST), ContentFile(data))


def test_bytes_are_stored_once_and_come_back_as_they_were(store):
    assert not artifact_store.exists(DIGEST)
    assert artifact_store.put(io.BytesIO(DATA), expected=DIGEST) == (DIGEST, len(DATA))
    assert artifact_store.put(io.BytesIO(DATA)) == (DIGEST, len(DATA))
    assert artifact_store.exists(DIGEST)
    assert artifact_store.read_bytes(DIGEST) == DATA
    with artifact_store.local_path(DIGEST, suffix=".csv") as path:
        assert (path.read_bytes(), path.suffix) == (DATA, ".csv")
    assert not path.exists()


def test_bytes_with_another_digest_are_not_kept(store):
    with pytest.raises(InvalidInput, match="damaged"):
        artifact_store.put(io.BytesIO(DATA + b"!"), expected=DIGEST)
    assert not artifact_store.exists(DIGEST)
    assert not artifact_store.exists(sha256_hex(DATA + b"!"))


def test_more_bytes_than_allowed_are_refused_while_they_come(store, settings):
    settings.COUNTERSIGN_MAX_ARTIFACT_BYTES = 100
    with pytest.raises(InvalidInput, match="larger than the 100 bytes"):
        artifact_store.put(io.BytesIO(DATA))
    assert not artifact_store.exists(DIGEST)


def test_bytes_changed_behind_the_service_are_found_on_every_way_out(store):
    artifact_store.put(io.BytesIO(DATA))
    store(DATA[:-1] + b"?")
    for read in (artifact_store.verify, artifact_store.read_bytes):
        with pytest.raises(IntegrityFailure, match="changed"):
            read(DIGEST)
    with pytest.raises(IntegrityFailure, match="changed"), artifact_store.local_path(DIGEST):
        pytest.fail("a changed artifact was handed out")


def test_lost_bytes_are_an_integrity_failure(store):
    with pytest.raises(IntegrityFailure, match="lost"):
        artifact_store.read_bytes(DIGEST)


def test_nothing_is_left_behind_by_a_refused_upload(settings):
    with pytest.raises(InvalidInput):
        artifact_store.put(io.BytesIO(DATA), expected="0" * 64)
    assert list((settings.DATA_DIR / "incoming").iterdir()) == []
