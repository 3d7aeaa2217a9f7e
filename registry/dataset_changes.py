"""Telling others that a dataset changed in a way that can alter a verdict."""

from __future__ import annotations

from registry.announcements import Announcements
from registry.models import Dataset

_changes = Announcements()
subscribe, unsubscribe = _changes.subscribe, _changes.unsubscribe


def announce(dataset: Dataset, *, because: str) -> None:
    """Tell every subscriber once the change is committed.

    ``because`` says what happened, as a sentence for those who are told of its consequences.
    """
    _changes.announce(dataset.pk, because)
