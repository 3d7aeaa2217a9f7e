"""Telling others that a use case changed in a way that can alter a verdict, without knowing who they are."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from registry.models import UseCase

Subscriber = Callable[[int, str], None]
"""Gets the row number of the use case and what happened in a sentence, after the change is committed."""

_subscribers: list[Subscriber] = []


def subscribe(subscriber: Subscriber) -> None:
    """Call ``subscriber`` after every committed change of a use case; once, however often it subscribes."""
    if subscriber not in _subscribers:
        _subscribers.append(subscriber)


def unsubscribe(subscriber: Subscriber) -> None:
    """Tell it no more."""
    if subscriber in _subscribers:
        _subscribers.remove(subscriber)


def announce(use_case: UseCase, *, because: str) -> None:
    """Tell every subscriber as soon as the transaction of the change is committed; nothing if it is not.

    ``because`` says what happened, as a sentence for those who are told of its consequences.
    """
    key = use_case.pk
    transaction.on_commit(lambda: _tell(key, because))


def _tell(key: int, because: str) -> None:
    for subscriber in tuple(_subscribers):
        subscriber(key, because)
