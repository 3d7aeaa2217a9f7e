"""The table of a review's states, against what the design says in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.transitions import ACTIVE_STATES, ReviewEvent, ReviewState, next_state
from registry.errors import Conflict

S, E = ReviewState, ReviewEvent
ALLOWED = {
    # Only an open review takes answers.
    (S.OPEN, E.LAST_SIGNATURE): S.APPROVED,
    (S.OPEN, E.REQUEST_CHANGES): S.CHANGES_REQUESTED,
    (S.OPEN, E.REJECT): S.REJECTED,
    (S.CHANGES_REQUESTED, E.REJECT): S.REJECTED,
    # A change of the subject brings every active review back to the beginning.
    (S.OPEN, E.SUBJECT_CHANGED): S.OPEN,
    (S.APPROVED, E.SUBJECT_CHANGED): S.OPEN,
    (S.CHANGES_REQUESTED, E.SUBJECT_CHANGED): S.OPEN,
    # What no longer meets the policy, is moved to another, or has lost a signature, ends.
    (S.OPEN, E.NO_LONGER_REVIEWABLE): S.WITHDRAWN,
    (S.APPROVED, E.NO_LONGER_REVIEWABLE): S.WITHDRAWN,
    (S.CHANGES_REQUESTED, E.NO_LONGER_REVIEWABLE): S.WITHDRAWN,
    (S.OPEN, E.NEWER_POLICY_ADOPTED): S.WITHDRAWN,
    (S.APPROVED, E.NEWER_POLICY_ADOPTED): S.WITHDRAWN,
    (S.CHANGES_REQUESTED, E.NEWER_POLICY_ADOPTED): S.WITHDRAWN,
    (S.OPEN, E.SIGNATURE_EXPIRED): S.WITHDRAWN,
    (S.APPROVED, E.SIGNATURE_EXPIRED): S.WITHDRAWN,
}


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("event", E)
def test_every_pair_of_state_and_event(state, event):
    if (state, event) in ALLOWED:
        assert next_state(state, event) is ALLOWED[state, event]
        assert next_state(state.value, event) is ALLOWED[state, event]
    else:
        with pytest.raises(Conflict):
            next_state(state, event)


@given(st.lists(st.sampled_from(list(E)), max_size=12))
def test_only_the_last_signature_approves_and_what_has_ended_stays_ended(events):
    state = S.OPEN
    for event in events:
        try:
            after = next_state(state, event)
        except Conflict:
            continue
        assert state in ACTIVE_STATES
        assert (after is S.APPROVED) == (event is E.LAST_SIGNATURE)
        state = after
