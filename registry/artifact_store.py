"""Content-addressed bytes: stored once under their SHA-256, checked on the way in and on the way out."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, storages

from registry.errors import IntegrityFailure, InvalidInput

CHUNK = 1024 * 1024


def _storage() -> Storage:
    return storages["artifacts"]


def storage_name(sha256: str) -> str:
    """Where the bytes lie within the storage: two levels of folders keep directories small."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


class _MovableFile(File):  # type: ignore[type-arg]
    """A finished temporary file that local storage may rename into place instead of copying."""

    def temporary_file_path(self) -> str:
        """Django's protocol for files that can be moved."""
        return str(self.name)


def _incoming() -> Path:
    # Beside the local store, so that moving into place is a rename within one file system.
    path = Path(settings.DATA_DIR) / "incoming"
    path.mkdir(parents=True, exist_ok=True, mode=0o750)
    return path


def put(stream: IO[bytes], *, expected: str | None = None) -> tuple[str, int]:
    """Store a stream and return its SHA-256 (hexadecimal) and size in bytes. Storing twice is a no-op.

    Parameters
    ----------
    expected
        The digest that the sender claims.

    Raises
    ------
    InvalidInput
        If there are no bytes, or they have another digest than ``expected`` or exceed
        ``COUNTERSIGN_MAX_ARTIFACT_BYTES``; nothing is stored then.
    """
    digest, size, limit = hashlib.sha256(), 0, settings.COUNTERSIGN_MAX_ARTIFACT_BYTES
    descriptor, name = tempfile.mkstemp(dir=_incoming())
    try:
        with os.fdopen(descriptor, "wb") as file:
            while chunk := stream.read(CHUNK):
                size += len(chunk)
                if size > limit:
                    raise InvalidInput(
                        f"the artifact is larger than the {limit} bytes this service accepts", field="body"
                    )
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if not size:
            raise InvalidInput("the artifact is empty", field="body")
        sha256 = digest.hexdigest()
        if expected is not None and sha256 != expected:
            raise InvalidInput(
                f"the bytes received have the digest sha256:{sha256}, not sha256:{expected}; the upload was damaged or is another file",
                field="sha256",
            )
        _keep(Path(name), sha256)
    finally:
        Path(name).unlink(missing_ok=True)
    return sha256, size


def put_bytes(data: bytes) -> tuple[str, int]:
    """:func:`put` for bytes already in memory."""
    from io import BytesIO

    return put(BytesIO(data))


def _keep(path: Path, sha256: str) -> None:
    storage, target = _storage(), storage_name(sha256)
    if storage.exists(target):
        return
    with path.open("rb") as raw:
        stored = storage.save(target, _MovableFile(raw, name=str(path)))
    if stored != target:  # someone stored the same bytes at the same moment: theirs stands
        storage.delete(stored)


def exists(sha256: str) -> bool:
    """Whether the store holds something under this digest."""
    return bool(_storage().exists(storage_name(sha256)))


def open_stream(sha256: str) -> IO[bytes]:
    """Open the stored bytes for reading.

    Raises
    ------
    IntegrityFailure
        If the store has lost them.
    """
    try:
        return _storage().open(storage_name(sha256), "rb")
    except FileNotFoundError:
        raise IntegrityFailure(f"the artifact store has lost sha256:{sha256}") from None


def verify(sha256: str) -> None:
    """Read the stored bytes and compare them with their digest.

    Raises
    ------
    IntegrityFailure
        If they differ or are gone.
    """
    digest = hashlib.sha256()
    with open_stream(sha256) as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != sha256:
        raise IntegrityFailure(
            f"the stored bytes of sha256:{sha256} have been changed (now sha256:{digest.hexdigest()})"
        )


def read_bytes(sha256: str) -> bytes:
    """The stored bytes of a small artifact, verified.

    Raises
    ------
    IntegrityFailure
        If they differ from their digest or are gone.
    """
    with open_stream(sha256) as stream:
        data = stream.read()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise IntegrityFailure(f"the stored bytes of sha256:{sha256} have been changed")
    return data


@contextmanager
def local_path(sha256: str, *, suffix: str = "") -> Iterator[Path]:
    """A verified private copy of the bytes as a local file, gone afterwards.

    A copy, because a worker must compute on the very bytes that were verified.

    Raises
    ------
    IntegrityFailure
        If the bytes differ from their digest or are gone.
    """
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory(dir=_incoming()) as folder:
        path = Path(folder) / f"data{suffix}"
        with open_stream(sha256) as source, path.open("wb") as target:
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                target.write(chunk)
        if digest.hexdigest() != sha256:
            raise IntegrityFailure(f"the stored bytes of sha256:{sha256} have been changed")
        yield path
