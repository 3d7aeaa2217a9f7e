"""Signing in the browser: what is shown, what is asked, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.models import SignOff
from registry.roles import Role
from registry.services.people import assign_role
from tests.scenario import POLICY, predictions_csv

pytestmark = pytest.mark.django_db

PASSWORD = {"tony": "tony-passphrase-1", "grace": "grace-passphrase-1"}


@pytest.fixture
def review(world):
    return world.assess(world.submit("1")).review


def sign_url(review, meaning="approve"):
    return f"{reverse('sign', args=[review.pk])}?meaning={meaning}&subject_sha256={review.subject_sha256}"


def answer(review, **said):
    return {"meaning": "approve", "subject_sha256": review.subject_sha256, "password": PASSWORD["tony"]} | said


def test_the_review_shows_what_one_would_sign(world, client, review):
    client.force_login(world.tony)
    body = client.get(reverse("review", args=[review.pk])).content.decode()
    assert (
        "I, Tony Hoare, as model owner, have reviewed mortgage-approval@1 and the evidence for it, "
        "and approve it for production under policy consumer-credit v1."
    ) in body
    assert f"sha256:{review.subject_sha256}" in body
    assert "Sign…" in body


def test_signing_takes_the_password_and_leaves_a_signature(world, client, review):
    client.force_login(world.tony)
    assert "Your password" in client.get(sign_url(review)).content.decode()
    done = client.post(reverse("sign", args=[review.pk]), answer(review), follow=True)
    assert "Signed and sealed" in done.content.decode()
    signed = SignOff.objects.get()
    assert (signed.person, signed.meaning, signed.subject_sha256) == (world.tony, "approve", review.subject_sha256)
    assert "Sign…" not in done.content.decode()


def test_a_wrong_password_signs_nothing_and_loses_nothing_but_itself(world, client, review):
    client.force_login(world.tony)
    refused = client.post(
        reverse("sign", args=[review.pk]),
        answer(review, password="wrong-word", meaning="request_changes", comment="Name the second reader."),
    )
    body = refused.content.decode()
    assert refused.status_code == 422
    assert "The password is wrong. Nothing was signed." in body
    assert "Name the second reader." in body
    assert "wrong-word" not in body
    assert not SignOff.objects.exists()


@pytest.mark.parametrize("meaning", ["request_changes", "reject"])
def test_refusing_needs_a_reason(world, client, review, meaning):
    client.force_login(world.tony)
    refused = client.post(reverse("sign", args=[review.pk]), answer(review, meaning=meaning))
    assert "Say why" in refused.content.decode()
    client.post(reverse("sign", args=[review.pk]), answer(review, meaning=meaning, comment="No plan for appeals."))
    assert SignOff.objects.get().comment == "No plan for appeals."
    review.refresh_from_db()
    assert review.state == {"request_changes": "changes_requested", "reject": "rejected"}[meaning]


def test_a_subject_that_changed_is_not_signed_unread(world, client, review):
    from governance.services.submissions import revise_model_card

    client.force_login(world.tony)
    shown = sign_url(review)
    revise_model_card(actor=world.ada, version=review.version, sections={"intended_use": "Other.", "limitations": "L"})
    body = client.get(shown).content.decode()
    assert "What you were shown is no longer what is here" in body
    assert 'type="password"' not in body
    refused = client.post(reverse("sign", args=[review.pk]), answer(review, comment="All good."))
    assert refused.status_code == 422
    assert "Read the review again" in refused.content.decode()
    assert "All good." in refused.content.decode()
    assert not SignOff.objects.exists()


def test_a_form_without_the_digest_that_was_shown_signs_nothing(world, client, review):
    client.force_login(world.tony)
    client.post(reverse("sign", args=[review.pk]), answer(review, subject_sha256=""))
    assert not SignOff.objects.exists()


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("ada", "You submitted this version; nobody approves their own."),
        ("grace", "This stage is signed by a model owner of the model, and you are not one."),
        ("barbara", "This stage is signed by a model owner of the model, and you are not one."),
    ],
)
def test_who_may_not_sign_reads_why_instead_of_buttons(world, client, review, who, why):
    client.force_login(getattr(world, who))
    body = client.get(reverse("review", args=[review.pk])).content.decode()
    assert why in body
    assert "Sign…" not in body
    said = answer(review, password=f"{who}-passphrase-1")
    refused = client.post(reverse("sign", args=[review.pk]), said)
    assert refused.status_code == 403
    assert why in refused.content.decode()
    assert not SignOff.objects.exists()


def test_all_reasons_are_named_at_once(world, client, review):
    assign_role(actor=world.edsger, person=world.ada, role=Role.VALIDATOR, on=world.use_case)
    world.sign(world.tony, review.version)
    client.force_login(world.ada)
    body = client.get(reverse("review", args=[review.pk])).content.decode()
    assert "nobody approves their own" in body
    assert "must be independent of the developer" in body


def test_a_superuser_does_not_approve_their_own(world, client, review):
    world.ada.is_superuser = True
    world.ada.save()
    assign_role(actor=world.edsger, person=world.ada, role=Role.MODEL_OWNER, on=world.use_case)
    client.force_login(world.ada)
    refused = client.post(reverse("sign", args=[review.pk]), answer(review, password="ada-passphrase-1"))
    assert refused.status_code == 403
    assert not SignOff.objects.exists()


def test_forms_are_protected_against_forgery(world, review):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(world.tony)
    refused = strict.post(reverse("sign", args=[review.pk]), answer(review))
    assert refused.status_code == 403
    assert not SignOff.objects.exists()


def test_guessing_passwords_locks_the_signer_out(world, client, review, settings):
    client.force_login(world.tony)
    for _ in range(settings.AXES_FAILURE_LIMIT - 1):
        client.post(reverse("sign", args=[review.pk]), answer(review, password="guess"))
    locked = client.post(reverse("sign", args=[review.pk]), answer(review, password="guess"))
    assert locked.status_code == 429
    assert "resting" in locked.content.decode()
    client.post(reverse("sign", args=[review.pk]), answer(review))
    assert not SignOff.objects.exists()


@pytest.fixture
def undecided(world):
    from governance.services.policies import register_policy

    lenient = POLICY.replace(b"version: 1", b"version: 2").replace(
        b"over: [race], at_least: 0.80, confidence: 0.95",
        b"over: [race], at_least: 0.80, confidence: 0.95, on_inconclusive: review",
    )
    register_policy(actor=world.edsger, content=lenient)
    version = world.submit("1", predictions=predictions_csv(ratio=0.82, n=900))
    found = world.assess(version).review
    assert [rule["status"] for rule in found.verdict.document["rules"] if rule["id"] == "impact-ratio"] == [
        "inconclusive"
    ]
    return found


def test_an_inconclusive_rule_is_accepted_by_name(world, client, undecided):
    client.force_login(world.tony)
    body = client.get(reverse("review", args=[undecided.pk])).content.decode()
    assert "I acknowledge that impact-ratio is inconclusive:" in body
    refused = client.post(reverse("sign", args=[undecided.pk]), answer(undecided))
    assert "by name: impact-ratio" in refused.content.decode()
    assert not SignOff.objects.exists()
    client.post(reverse("sign", args=[undecided.pk]), answer(undecided, acknowledged=["impact-ratio"]))
    body = client.get(reverse("review", args=[undecided.pk])).content.decode()
    assert "acknowledged: impact-ratio" in body


def test_refusing_needs_no_acknowledgement(world, client, undecided):
    client.force_login(world.tony)
    said = answer(undecided, meaning="reject", comment="Too few people.", acknowledged=["impact-ratio"])
    client.post(reverse("sign", args=[undecided.pk]), said)
    assert SignOff.objects.get().meaning == "reject"


def test_a_stale_signature_is_shown_as_stale(world, client, review):
    from governance.services.submissions import revise_model_card

    world.sign(world.tony, review.version)
    revise_model_card(actor=world.ada, version=review.version, sections={"intended_use": "Other.", "limitations": "L"})
    client.force_login(world.barbara)
    body = client.get(reverse("review", args=[review.pk])).content.decode()
    assert "given on another record, so it no longer counts" in body


def test_a_signature_edited_in_the_database_is_shown_as_broken(world, client, review):
    world.sign(world.tony, review.version)
    SignOff.objects.update(meaning="reject")
    client.force_login(world.barbara)
    assert "row and seal disagree" in client.get(reverse("review", args=[review.pk])).content.decode()


class TestASignatureThatRanOut:
    @pytest.fixture(autouse=True)
    def expired(self, world, review):
        world.approve(review.version)
        SignOff.objects.filter(person=world.edsger).update(valid_until=timezone.now() - timedelta(days=1))

    def test_ends_the_review_and_everybody_may_sign_the_next(self, world, client, review):
        client.force_login(world.tony)
        url = reverse("review", args=[review.pk])
        body = client.get(url).content.decode()
        assert "past its validity" in body
        assert "A signature here has run out." in body
        assert "Sign…" not in body
        begun = client.post(reverse("renew-review", args=[review.pk]), follow=True)
        newest = begun.context["review"]
        assert newest.pk != review.pk
        assert "Sign…" in begun.content.decode()
        assert "This review is over" in client.get(url).content.decode()

    def test_leads_whoever_signs_meanwhile_to_the_next(self, world, client, review):
        client.force_login(world.tony)
        led = client.post(reverse("sign", args=[review.pk]), answer(review), follow=True)
        assert "Nothing was signed: a new review began." in led.content.decode()
        assert led.context["review"].pk != review.pk
        assert SignOff.objects.count() == 3


class TestANewerPolicy:
    @pytest.fixture(autouse=True)
    def newer(self, world, review):
        from governance.services.policies import register_policy

        world.sign(world.tony, review.version)
        text = POLICY.replace(b"version: 1", b"version: 2").replace(b"at_least: 0.70", b"at_least: 0.72")
        register_policy(actor=world.edsger, content=text)

    def test_is_pointed_out_and_offered_to_owners(self, world, client, review):
        client.force_login(world.tony)
        body = client.get(reverse("review", args=[review.pk])).content.decode()
        assert "consumer-credit v2 is in force for new ones" in body
        assert "Move this review to consumer-credit v2" in body
        client.force_login(world.grace)
        assert "Move this review" not in client.get(reverse("review", args=[review.pk])).content.decode()
        assert client.post(reverse("adopt-policy", args=[review.pk])).status_code == 403

    def test_takes_the_review_over_after_asking(self, world, client, review):
        client.force_login(world.tony)
        url = reverse("adopt-policy", args=[review.pk])
        assert "1 signature counts no longer" in client.get(url).content.decode()
        moved = client.post(url, follow=True)
        assert "The review goes on under consumer-credit v2." in moved.content.decode()
        review.refresh_from_db()
        assert review.state == "withdrawn"
        over = client.get(reverse("review", args=[review.pk])).content.decode()
        assert "This review is over" in over
        assert client.get(url).status_code == 409
