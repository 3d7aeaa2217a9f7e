"""Reviews: what is being signed, and signing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.models import Review
from governance.page_selectors.versions import VersionPage, standing_in, version_page
from governance.policies_in_force import policy_in_force
from governance.reauthentication import reauthenticate
from governance.services.assessment import assess_version, latest_review
from governance.services.policies import adopt_newer_policy
from governance.services.sign_offs import current_stage, objections_to, sign_review
from governance.signature_record import Meaning, statement
from governance.transitions import ACTIVE_STATES, ReviewState
from governance.views.page import reader
from registry.errors import Conflict, CountersignError, NotAllowed, NotFound
from registry.models import Person
from registry.roles import MANAGERS
from registry.selectors import roles_of, versions_for


def _review(person: Person, pk: UUID) -> Review:
    found = (
        Review.objects.select_related(
            "version__model__use_case",
            "version__submitted_by",
            "version__training_dataset__dataset",
            "policy_version__policy",
            "verdict",
        )
        .filter(pk=pk, version__in=versions_for(person))
        .first()
    )
    if found is None:
        raise NotFound("there is no such review that you can see")
    return found


def _context(person: Person, review: Review) -> dict[str, Any]:
    """The version's page as this review has it, and what the reader can do here."""
    standing, environments = standing_in(review)
    shown = version_page(person, review.version, standing, environments)
    assert standing.review is not None
    return {
        "page": shown,
        "review": standing.review,
        "is_over": review.state not in ACTIVE_STATES,
        **_signing(person, standing.review, shown),
        **_newer_policy(person, standing.review),
    }


def _signing(person: Person, review: Review, shown: VersionPage) -> dict[str, Any]:
    # With a signature that ran out the review is to end: judging it anew begins the next one.
    lapsed = review.state in ACTIVE_STATES and any(item.state == "expired" for item in shown.signatures)
    stage = current_stage(review) if review.state == ReviewState.OPEN and not lapsed else None
    reasons = objections_to(person, review, stage) if stage else []
    role = stage.role if stage else ""
    return {
        "stage": stage,
        "lapsed": lapsed,
        "objections": reasons,
        "may_sign": stage is not None and not reasons,
        "approve_sentence": _sentence(Meaning.APPROVE, person, role, review) if stage else "",
        "undecided": shown.rules.undecided,
    }


def _sentence(meaning: Meaning, person: Person, role: str, review: Review) -> str:
    return statement(
        meaning=meaning,
        printed_name=person.printed_name,
        role=role,
        version=str(review.version),
        environment=review.environment,
        policy=str(review.policy_version),
    )


def _newer_policy(person: Person, review: Review) -> dict[str, Any]:
    if review.state not in ACTIVE_STATES:
        return {"newer_policy": None}
    tier = review.version.model.use_case.risk_tier
    newest = policy_in_force(environment=review.environment, risk_tier=tier)
    if newest is None or newest.pk == review.policy_version_id:
        return {"newer_policy": None}
    may = bool(roles_of(person, review.version.model) & MANAGERS)
    return {"newer_policy": newest, "may_adopt": may}


@require_safe
def review(request: HttpRequest, review: UUID) -> HttpResponse:
    """The version's page, and at its foot what one would be signing."""
    person = reader(request)
    return render(request, "review/page.html", _context(person, _review(person, review)))


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody is about to sign, as they typed it; ``subject_sha256`` is of what they were shown."""

    meaning: Meaning
    comment: str
    acknowledged: list[str]
    subject_sha256: str


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign(request: HttpRequest, review: UUID) -> HttpResponse:
    """Show once more what is signed, ask for the password, and sign."""
    person = reader(request)
    found = _review(person, review)
    answer = _answer(request.POST if request.method == "POST" else request.GET)
    if request.method != "POST":
        return _confirmation(request, found, answer, None)
    try:
        proof = reauthenticate(request=request, person=person, password=request.POST.get("password", ""))
        sign_review(
            actor=person,
            review=found,
            meaning=answer.meaning,
            proof=proof,
            subject_sha256=answer.subject_sha256,
            acknowledged=answer.acknowledged if answer.meaning is Meaning.APPROVE else (),
            comment=answer.comment,
        )
    except CountersignError as error:
        now = _review(person, review)
        if now.state not in ACTIVE_STATES and (newest := _successor(now)):
            messages.warning(request, _("Nothing was signed: a new review began. Read it before you sign."))
            return redirect("review", review=newest.pk)
        return _confirmation(request, now, answer, error)
    messages.success(request, _("Signed and sealed. Your answer is in the ledger."))
    return redirect("review", review=found.pk)


def _successor(review: Review) -> Review | None:
    """The active review that took the place of one that is over."""
    newest = latest_review(review.version, review.environment)
    return newest if newest and newest.pk != review.pk and newest.state in ACTIVE_STATES else None


@require_POST
def renew(request: HttpRequest, review: UUID) -> HttpResponse:
    """Judge anew now, and go to the review that follows from it."""
    person = reader(request)
    found = _review(person, review)
    assess_version(version=found.version, environment=found.environment, actor=person)
    newest = _successor(found)
    return redirect("review", review=newest.pk if newest else found.pk)


def _confirmation(request: HttpRequest, review: Review, answer: Answer, error: CountersignError | None) -> HttpResponse:
    """The step before the signature; what was typed stands there again, the password does not."""
    person = reader(request)
    context = _context(person, review)
    if not context["may_sign"]:
        raise error or NotAllowed(" ".join(context["objections"]) or _("This review takes no signatures now."))
    context |= {
        "answer": answer,
        "error": error,
        "moved": answer.subject_sha256 != review.subject_sha256,
        "sentence": _sentence(answer.meaning, person, context["stage"].role, review),
    }
    return render(request, "review/sign.html", context, status=422 if error else 200)


def _answer(said: QueryDict) -> Answer:
    return Answer(
        meaning=_meaning(said.get("meaning", "")),
        comment=said.get("comment", "").replace("\r\n", "\n"),
        acknowledged=said.getlist("acknowledged"),
        subject_sha256=said.get("subject_sha256", ""),
    )


def _meaning(text: str) -> Meaning:
    try:
        return Meaning(text)
    except ValueError:
        raise NotFound(f"one cannot sign {text!r}") from None


@require_http_methods(["GET", "HEAD", "POST"])
def adopt_policy(request: HttpRequest, review: UUID) -> HttpResponse:
    """Ask, then end this review and begin one under the policy in force."""
    person = reader(request)
    found = _review(person, review)
    context = _context(person, found)
    if context["newer_policy"] is None:
        raise Conflict(_("There is no newer policy to move this review to."))
    if not context["may_adopt"]:
        raise NotAllowed(_("Only owners and compliance officers of the model may move its review to a newer policy."))
    if request.method == "POST":
        assessment = adopt_newer_policy(actor=person, review=found)
        messages.success(request, _("The review goes on under %(policy)s.") % {"policy": context["newer_policy"]})
        if assessment.review is not None and assessment.review.state in ACTIVE_STATES:
            return redirect("review", review=assessment.review.pk)
        path = reverse("version", args=[found.version.model.name, found.version.name])
        return redirect(f"{path}?environment={found.environment}")
    return render(request, "review/adopt.html", context)
