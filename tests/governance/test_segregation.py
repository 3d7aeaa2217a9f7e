"""Segregation of duties: nobody approves their own, by any way in, with any role or power."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.models import SignOff
from governance.segregation import Case, Signer, objections
from governance.services.sign_offs import current_stage, objections_to
from registry.canonical import canonical_json
from registry.errors import NotAllowed
from registry.ledger import SYSTEM
from registry.roles import Role
from registry.services.datasets import register_dataset
from registry.services.people import assign_role, create_person
from tests.scenario import caller

CASE = Case(
    role="validator", independent_of=("developer", "data-owner"), submitted_by=1, responsible=2,
    training_dataset="hmda-boston", already_signed=(3,),
)  # fmt: skip


SEVERAL = replace(CASE, training_dataset="census", further_datasets=("census", "hmda-boston"))


def signer(person=9, roles=("validator",), **changes):
    return Signer(**{"person": person, "is_active": True, "is_service": False, "roles": roles, **changes})


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        (signer(person=1), "submitted"),
        (signer(person=2), "behind the token"),
        (signer(person=3), "signed in this review already"),
        (signer(roles=()), "signed by a validator"),
        (signer(roles=("auditor", "model-owner")), "signed by a validator"),
        (signer(roles=("validator", "developer")), "independent of the developer"),
        (signer(roles=("validator", "data-owner")), "independent of the data owner"),
        (signer(owned_datasets=("hmda-boston",)), "you own hmda-boston"),
        (signer(is_service=True), "service account"),
        (signer(is_active=False), "not active"),
    ],
)
def test_each_reason_stands_alone(who, reason):
    (sentence,) = objections(who, CASE)
    assert reason in sentence


def test_who_has_the_role_and_nothing_against_them_may_sign():
    assert objections(signer(), CASE) == []
    assert objections(signer(roles=("validator", "auditor"), owned_datasets=("other",)), CASE) == []


@pytest.mark.parametrize("owned", ["census", "hmda-boston"])
def test_who_owns_one_of_several_training_datasets_is_not_independent_of_them(owned):
    assert objections(signer(owned_datasets=(owned,)), SEVERAL) == [
        f"This stage must be independent of the data owner, and you own {owned}."
    ]
    assert objections(signer(owned_datasets=(owned,)), replace(SEVERAL, independent_of=("developer",))) == []


@given(
    st.sets(st.sampled_from([role.value for role in Role])),
    st.sets(st.sampled_from([role.value for role in Role])),
    st.integers(1, 5),
    st.sampled_from([role.value for role in Role]),
)
def test_the_submitter_never_signs_whatever_roles_and_stages_there_are(roles, independent, submitter, role):
    case = Case(
        role=role, independent_of=independent, submitted_by=submitter, responsible=submitter, training_dataset=None,
        already_signed=(),
    )  # fmt: skip
    assert objections(signer(person=submitter, roles=roles | {role}), case)
    other = objections(signer(person=submitter + 1, roles=roles | {role}), case)
    assert bool(other) == bool(independent & (roles | {role}))


@pytest.mark.usefixtures("brisk")
@pytest.mark.django_db
@pytest.mark.parametrize("superuser", [False, True])
@pytest.mark.parametrize("by", ["service", "API"])
def test_the_submitter_with_every_role_and_power_cannot_approve(world, superuser, by):
    from django.contrib.auth.models import Permission

    version = world.submit("1")
    for role in Role:
        assign_role(actor=SYSTEM, person=world.ada, role=role, on=world.use_case)
        assign_role(actor=SYSTEM, person=world.ada, role=role, on=version.model)
    world.ada.is_superuser = world.ada.is_staff = superuser
    world.ada.save()
    world.ada.user_permissions.set(Permission.objects.all())
    if by == "service":
        with pytest.raises(NotAllowed, match="nobody approves their own"):
            world.sign(world.ada, version)
    else:
        review = world.assess(version).review
        answer = {
            "meaning": "approve", "subject_sha256": review.subject_sha256, "password": "ada-passphrase-1",
        }  # fmt: skip
        response = caller(world.ada).post(f"/reviews/{review.pk}/sign-offs", answer)
        assert response.status_code == 403
        assert "nobody approves their own" in response.json()["detail"]
        assert response.json()["reasons"]
    assert not SignOff.objects.exists()
    assert world.assess(version).review.state == "open"


@pytest.mark.usefixtures("brisk")
@pytest.mark.django_db
def test_the_person_behind_a_service_token_cannot_approve_what_it_submitted(world):
    from registry.models import ModelVersion
    from tests.scenario import manifest_yaml, predictions_csv, run_tasks

    bot = create_person(actor=SYSTEM, username="ci-bot", is_service=True)
    assign_role(actor=SYSTEM, person=bot, role=Role.DEVELOPER, on=world.use_case)
    files = {"model.skops": world.upload(b"model", bot), "predictions.csv": world.upload(predictions_csv(), bot)}
    body = {"manifest": manifest_yaml("1").decode(), "files": files}
    assert caller(bot, "submit", issued_by=world.tony).post("/versions", body).status_code == 201
    run_tasks()
    version = ModelVersion.objects.get()
    assert (version.submitted_by, version.responsible) == (bot, world.tony)
    with pytest.raises(NotAllowed, match="behind the token"):
        world.sign(world.tony, version)
    with pytest.raises(NotAllowed, match="service account"):
        world.sign(bot, version)


@pytest.mark.usefixtures("brisk")
@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.DATA_OWNER])
@pytest.mark.parametrize("on", ["use case", "model"])
def test_a_validator_who_also_builds_is_not_independent(world, role, on):
    version = world.submit("1")
    world.sign(world.tony, version)
    assign_role(actor=SYSTEM, person=world.grace, role=role, on=world.use_case if on == "use case" else version.model)
    with pytest.raises(NotAllowed, match="independent"):
        world.sign(world.grace, version)


@pytest.mark.usefixtures("brisk")
@pytest.mark.django_db
def test_who_owns_a_further_dataset_of_the_manifest_is_not_independent(world):
    version = world.submit("1")
    world.sign(world.tony, version)
    register_dataset(actor=world.grace, slug="census", name="Census", source="the office")
    review = world.assess(version).review
    stage = current_stage(review)
    assert objections_to(world.grace, review, stage) == []
    facts = version.facts
    facts["training"]["datasets"] = ["census@2000"]
    review.version.manifest = canonical_json(facts)
    assert "you own census" in objections_to(world.grace, review, stage)[0]


@pytest.mark.usefixtures("brisk")
@pytest.mark.django_db
def test_who_owns_the_training_data_is_not_independent(world):
    register_dataset(actor=world.grace, slug="hmda-boston", name="HMDA", source="Federal Reserve")
    version = world.submit("1")
    world.sign(world.tony, version)
    with pytest.raises(NotAllowed, match="you own hmda-boston"):
        world.sign(world.grace, version)


@pytest.mark.usefixtures("brisk")
@pytest.mark.django_db
def test_one_person_signs_once_however_many_roles_they_hold(world):
    version = world.submit("1")
    assign_role(actor=SYSTEM, person=world.tony, role=Role.VALIDATOR, on=version.model)
    assign_role(actor=SYSTEM, person=world.tony, role=Role.COMPLIANCE_OFFICER, on=version.model)
    world.sign(world.tony, version)
    with pytest.raises(NotAllowed, match="already"):
        world.sign(world.tony, version)
    assert SignOff.objects.count() == 1


@pytest.mark.usefixtures("brisk")
@pytest.mark.django_db
def test_the_database_itself_refuses_a_second_answer_on_the_same_subject(world):
    from django.db import IntegrityError, transaction

    version = world.submit("1")
    first = world.sign(world.tony, version)
    copy = {field.attname: getattr(first, field.attname) for field in SignOff._meta.fields if field.name != "id"}
    with pytest.raises(IntegrityError), transaction.atomic():
        SignOff.objects.create(**{**copy, "record_sha256": "f" * 64})


@pytest.mark.usefixtures("brisk")
@pytest.mark.django_db
@pytest.mark.parametrize("meaning", ["request_changes", "reject"])
def test_the_submitter_gives_no_other_answer_either(world, meaning):
    version = world.submit("1")
    assign_role(actor=SYSTEM, person=world.ada, role=Role.MODEL_OWNER, on=world.use_case)
    with pytest.raises(NotAllowed, match="nobody approves their own"):
        world.sign(world.ada, version, meaning=meaning)


@pytest.mark.usefixtures("brisk")
@pytest.mark.django_db
def test_a_role_taken_away_ends_the_right_to_sign_at_once(world):
    from registry.services.people import remove_role

    version = world.submit("1")
    world.sign(world.tony, version)
    remove_role(actor=world.tony, person=world.grace, role=Role.VALIDATOR, on=world.use_case)
    with pytest.raises(NotAllowed, match="you are not one"):
        world.sign(world.grace, version)
