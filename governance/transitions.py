"""The only table by which a review changes state. Pure."""

from __future__ import annotations

from enum import StrEnum

from registry.errors import Conflict


class ReviewState(StrEnum):
    """Where a review stands."""

    OPEN = "open"
    APPROVED = "approved"
    CHANGES_REQUESTED = "changes_requested"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class ReviewEvent(StrEnum):
    """What can happen to a review."""

    LAST_SIGNATURE = "last_signature"
    REQUEST_CHANGES = "request_changes"
    REJECT = "reject"
    SUBJECT_CHANGED = "subject_changed"
    SIGNATURE_EXPIRED = "signature_expired"
    NO_LONGER_REVIEWABLE = "no_longer_reviewable"
    NEWER_POLICY_ADOPTED = "newer_policy_adopted"


ACTIVE_STATES = (ReviewState.OPEN, ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED)

_TABLE: dict[tuple[ReviewState, ReviewEvent], ReviewState] = {
    (ReviewState.OPEN, ReviewEvent.LAST_SIGNATURE): ReviewState.APPROVED,
    (ReviewState.OPEN, ReviewEvent.REQUEST_CHANGES): ReviewState.CHANGES_REQUESTED,
    (ReviewState.OPEN, ReviewEvent.REJECT): ReviewState.REJECTED,
    (ReviewState.OPEN, ReviewEvent.SUBJECT_CHANGED): ReviewState.OPEN,
    (ReviewState.OPEN, ReviewEvent.SIGNATURE_EXPIRED): ReviewState.WITHDRAWN,
    (ReviewState.OPEN, ReviewEvent.NO_LONGER_REVIEWABLE): ReviewState.WITHDRAWN,
    (ReviewState.OPEN, ReviewEvent.NEWER_POLICY_ADOPTED): ReviewState.WITHDRAWN,
    (ReviewState.APPROVED, ReviewEvent.SUBJECT_CHANGED): ReviewState.OPEN,
    (ReviewState.APPROVED, ReviewEvent.SIGNATURE_EXPIRED): ReviewState.WITHDRAWN,
    (ReviewState.APPROVED, ReviewEvent.NO_LONGER_REVIEWABLE): ReviewState.WITHDRAWN,
    (ReviewState.APPROVED, ReviewEvent.NEWER_POLICY_ADOPTED): ReviewState.WITHDRAWN,
    (ReviewState.CHANGES_REQUESTED, ReviewEvent.SUBJECT_CHANGED): ReviewState.OPEN,
    (ReviewState.CHANGES_REQUESTED, ReviewEvent.REJECT): ReviewState.REJECTED,
    (ReviewState.CHANGES_REQUESTED, ReviewEvent.NO_LONGER_REVIEWABLE): ReviewState.WITHDRAWN,
    (ReviewState.CHANGES_REQUESTED, ReviewEvent.NEWER_POLICY_ADOPTED): ReviewState.WITHDRAWN,
}


def next_state(state: ReviewState | str, event: ReviewEvent) -> ReviewState:
    """The state after ``event``.

    Raises
    ------
    Conflict
        If the event cannot happen in that state.
    """
    try:
        return _TABLE[ReviewState(state), event]
    except KeyError:
        raise Conflict(f"a review that is {state.replace('_', ' ')} cannot take {event.replace('_', ' ')}") from None
