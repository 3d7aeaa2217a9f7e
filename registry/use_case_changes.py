"""Telling others that a use case changed in a way that can alter a verdict."""

from __future__ import annotations

from registry.announcements import Announcements
from registry.models import UseCase

_changes = Announcements()
subscribe, unsubscribe = _changes.subscribe, _changes.unsubscribe


def announce(use_case: UseCase, *, because: str) -> None:
    """Tell every subscriber once the change is committed.

    ``because`` says what happened, as a sentence for those who are told of its consequences.
    """
    _changes.announce(use_case.pk, because)
