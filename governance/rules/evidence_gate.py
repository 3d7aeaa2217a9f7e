"""Whether an evaluation may be relied on at all: finished, trusted enough, fresh enough. Pure."""

from __future__ import annotations

from datetime import timedelta

from governance.rules.facts import TRUST_GRADES, Evaluation, Facts
from governance.rules.rule import EvidenceTerms, Judgement

MEASURE_AGAIN = "Measure again."
"""The fix where the same question can be asked once more."""

_RESCORING = "rescoring"

_NO_SANDBOX = "Have the sandbox put in order by whoever runs this service (manage.py probe_sandbox says what is missing), then measure again."
_SEE_RESCORING = "Look at what the re-scoring of the predictions found, mend it, and submit again."

_GRADE_WORDS = {
    "claimed": "only claimed: a client sent the predictions with a token",
    "attested": "attested by an identified CI job, which is less than asked",
}

_HOW_TO_REACH = {
    "attested": "Submit the predictions from a CI job that signs in with its identity and states their provenance.",
    "recomputed": "Submit the model in a format that the service can run, and the test data with the role test-data, so that "
    "the service scores them itself.",
}


def unusable(key: str, facts: Facts, terms: EvidenceTerms, *, how_to_measure: str, name: str = "") -> Judgement | None:
    """Judge the evaluation ``key`` before its numbers are looked at.

    Parameters
    ----------
    name
        What sentences call it; by default its key.
    how_to_measure
        The fix when it was never planned.

    Returns
    -------
    Judgement or None
        The final judgement ``missing``, ``pending`` or ``error``; None when the measurements may be read.
    """
    kind, evaluation = name or key, facts.evaluations.get(key)
    if evaluation is None:
        return Judgement(
            status="missing",
            observed="not measured",
            sentence=f"No {kind} evaluation was made of this version.",
            fix=how_to_measure,
        )
    if evaluation.status == "succeeded":
        return _too_weak(kind, evaluation, facts, terms) or _too_old(kind, evaluation, facts, terms)
    if evaluation.status == "error":
        why = evaluation.error.sentence() if evaluation.error else "it left no message"
        return Judgement(
            status="error",
            observed="the evaluation failed",
            sentence=f"The {kind} evaluation failed: {why}.",
            fix="Mend the input that is named here, and submit again.",
            evidence=_digests(evaluation),
        )
    if evaluation.status == "unavailable":
        why = evaluation.error.sentence() if evaluation.error else "the worker did not say why"
        return Judgement(
            status="missing",
            observed="models cannot be run here",
            sentence=f"The {kind} evaluation needs the model to be run, and no model can be run here: {why}.",
            fix=_NO_SANDBOX,
        )
    if evaluation.status == "cancelled":
        return _cancelled(kind, evaluation)
    return Judgement(
        status="pending",
        observed="being measured" if evaluation.status == "running" else "waiting to be measured",
        sentence=f"The {kind} evaluation is {'under way' if evaluation.status == 'running' else 'waiting to begin'}.",
        fix="Wait until it is finished.",
    )


def _cancelled(kind: str, evaluation: Evaluation) -> Judgement:
    who = f" by {evaluation.cancelled_by}" if evaluation.cancelled_by else ""
    when = f" on {evaluation.finished_at:%Y-%m-%d}" if evaluation.finished_at else ""
    return Judgement(
        status="missing",
        observed="the evaluation was cancelled",
        sentence=f"The {kind} evaluation was cancelled{who}{when}.",
        fix=MEASURE_AGAIN,
    )


def _too_weak(kind: str, evaluation: Evaluation, facts: Facts, terms: EvidenceTerms) -> Judgement | None:
    if evaluation.sha256 is None:
        return Judgement(
            status="missing",
            observed="no evidence on record",
            sentence=f"The {kind} evaluation left no evidence on record.",
            fix=MEASURE_AGAIN,
        )
    if TRUST_GRADES.index(evaluation.trust) >= TRUST_GRADES.index(terms.minimum_trust):
        return None
    again = facts.evaluations.get(_RESCORING)
    if again is not None and again.status in ("queued", "running") and terms.minimum_trust == TRUST_GRADES[-1]:
        return Judgement(
            status="pending",
            observed="being re-scored",
            sentence=f"The {kind} evidence counts once the service has made the predictions itself, which is under way.",
            fix="Wait until it is finished.",
        )
    return Judgement(
        status="missing",
        observed=f"evidence is {evaluation.trust}",
        sentence=f"The {kind} evidence is {_GRADE_WORDS[evaluation.trust]}; "
        f"the policy requires evidence that is {terms.minimum_trust}.",
        fix=_SEE_RESCORING if _disagreed(facts, terms) else _HOW_TO_REACH[terms.minimum_trust],
        evidence=_digests(evaluation),
    )


def _disagreed(facts: Facts, terms: EvidenceTerms) -> bool:
    """Whether the service made the predictions itself and found others than were submitted, or could not compare all."""
    found = facts.measurements.get(_RESCORING, ())
    verified = [m.value for m in found if m.metric == "predictions_verified"]
    return terms.minimum_trust == TRUST_GRADES[-1] and bool(verified) and verified != [1.0]


def _too_old(kind: str, evaluation: Evaluation, facts: Facts, terms: EvidenceTerms) -> Judgement | None:
    if terms.max_age_days is None:
        return None
    limit = f"{terms.max_age_days} day{'' if terms.max_age_days == 1 else 's'}"
    if evaluation.finished_at is None:
        observed = "evidence without a date"
        sentence = f"It is not recorded when the {kind} evidence was measured; the policy accepts {limit}."
    elif facts.as_of - evaluation.finished_at > timedelta(days=terms.max_age_days):
        # The sentence names the day, not the age: an unchanged verdict must keep its bytes from one day to the next.
        observed = f"evidence of {evaluation.finished_at:%Y-%m-%d}"
        sentence = (
            f"The {kind} evidence was measured on {evaluation.finished_at:%Y-%m-%d}, which is too long ago; "
            f"the policy accepts {limit}."
        )
    else:
        return None
    return Judgement(
        status="missing", observed=observed, sentence=sentence, fix=MEASURE_AGAIN, evidence=_digests(evaluation)
    )


def _digests(evaluation: Evaluation) -> tuple[str, ...]:
    return (evaluation.sha256,) if evaluation.sha256 else ()
