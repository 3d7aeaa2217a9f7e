"""Telling others of committed changes without knowing who they are: the way up, since imports only run down."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

Subscriber = Callable[[int, str], None]
"""Gets the row number of what changed and what happened in a sentence, after the change is committed."""


class Announcements:
    """Who wants to hear of changes of one noun."""

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call ``subscriber`` after every committed change; once, however often it subscribes."""
        if subscriber not in self._subscribers:
            self._subscribers.append(subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Tell it no more."""
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)

    def announce(self, key: int, because: str) -> None:
        """Tell every subscriber as soon as the transaction of the change is committed; nothing if it is not."""
        transaction.on_commit(lambda: self._tell(key, because))

    def _tell(self, key: int, because: str) -> None:
        for subscriber in tuple(self._subscribers):
            subscriber(key, because)
