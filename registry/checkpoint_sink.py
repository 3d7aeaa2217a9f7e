"""Where checkpoints are kept outside the database: one file per size in a directory, and ``latest``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from registry.errors import IntegrityFailure

_NAME = re.compile(r"checkpoint-([1-9][0-9]{0,17})\.txt")


class FileSink:
    """Signed checkpoints as files that are only ever added.

    Parameters
    ----------
    directory
        Made if absent. It should lie on other storage than the database, or be copied there.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def publish(self, size: int, note: bytes) -> None:
        """Add the note of a tree of ``size`` entries, durably; publishing the same note again changes nothing.

        Raises
        ------
        IntegrityFailure
            If another note of that size is already there: two histories were signed.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / f"checkpoint-{size}.txt"
        draft = self._draft(note)
        try:
            os.link(draft, path)
        except FileExistsError:
            if path.read_bytes() != note:
                raise IntegrityFailure(f"{path.name} already holds another checkpoint of {size} entries") from None
        finally:
            draft.unlink()
        if size >= self.largest():
            self._draft(note).replace(self.directory / "latest")
        self._sync_directory()

    def _draft(self, note: bytes) -> Path:
        draft = self.directory / f".draft-{os.getpid()}-{os.urandom(4).hex()}"
        with draft.open("xb") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        return draft

    def _sync_directory(self) -> None:
        descriptor = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def notes(self) -> Iterator[tuple[int, bytes]]:
        """Every note with the size its file name states, the smallest first; ``latest`` is not among them."""
        for size in self._sizes():
            yield size, (self.directory / f"checkpoint-{size}.txt").read_bytes()

    def largest(self) -> int:
        """The size of the largest tree that was ever published here; 0 when there is none."""
        return max(self._sizes(), default=0)

    def read(self, size: int) -> bytes:
        """The note of a tree of ``size`` entries; FileNotFoundError if it was not published here."""
        return (self.directory / f"checkpoint-{size}.txt").read_bytes()

    def _sizes(self) -> list[int]:
        if not self.directory.is_dir():
            return []
        matches = (_NAME.fullmatch(path.name) for path in self.directory.iterdir())
        return sorted(int(match.group(1)) for match in matches if match)
