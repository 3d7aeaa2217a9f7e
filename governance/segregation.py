"""Segregation of duties: why a person may not sign a stage. Pure; knows no administrators, so none are excepted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signer:
    """What matters about somebody who wants to sign."""

    person: int
    is_active: bool
    is_service: bool
    roles: Collection[str]
    owned_datasets: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """What matters about the version and the stage.

    A version can be trained on several datasets: on ``training_dataset``, and on those in ``further_datasets``.
    """

    role: str
    independent_of: Collection[str]
    submitted_by: int
    responsible: int
    training_dataset: str | None
    already_signed: Collection[int]
    further_datasets: Collection[str] = ()


def objections(signer: Signer, case: Case) -> list[str]:
    """Every reason why ``signer`` may not sign, as sentences; empty if they may.

    The submitter, and whoever stands behind a submitting service account, never sign for their own version, in
    any stage. A stage may ask for independence of further roles.
    """
    reasons = []
    if not signer.is_active:
        reasons.append("Your account is not active.")
    if signer.is_service:
        reasons.append("A service account cannot sign: signatures are given by people.")
    if case.role not in signer.roles:
        reasons.append(f"This stage is signed by a {_words(case.role)} of the model, and you are not one.")
    if signer.person == case.submitted_by:
        reasons.append("You submitted this version; nobody approves their own.")
    elif signer.person == case.responsible:
        reasons.append("You stand behind the token that submitted this version; nobody approves their own.")
    reasons += [
        f"This stage must be independent of the {_words(role)}, and you hold that role on this model."
        for role in sorted(case.independent_of)
        if role in signer.roles
    ]
    if "data-owner" in case.independent_of:
        owned = set(signer.owned_datasets) & {case.training_dataset, *case.further_datasets}
        reasons += [f"This stage must be independent of the data owner, and you own {slug}." for slug in sorted(owned)]
    if signer.person in case.already_signed:
        reasons.append("You have signed in this review already; one person signs once, however many roles they hold.")
    return reasons


def _words(role: str) -> str:
    return role.replace("-", " ")
