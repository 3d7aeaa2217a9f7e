"""The one family of errors that services raise for people: each says what is wrong, where, and what to do."""

from __future__ import annotations


class CountersignError(Exception):
    """Root of all expected errors. ``code`` is stable and machine-readable; ``str(error)`` is for people."""

    code = "error"

    def __init__(self, message: str, *, field: str | None = None, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.details = details


class InvalidInput(CountersignError):
    """The input is malformed or impossible; ``field`` names the part that is wrong."""

    code = "invalid"


class Conflict(CountersignError):
    """The request is well-formed but contradicts what is already recorded."""

    code = "conflict"


class NotAllowed(CountersignError):
    """The actor can see the object but may not do this to it."""

    code = "not-allowed"


class NotFound(CountersignError):
    """There is no such object, or the actor may not know that there is."""

    code = "not-found"


class IntegrityFailure(CountersignError):
    """Stored bytes no longer match their digest, or a signature does not verify. Never passed over."""

    code = "integrity"
