"""People, service accounts, duties and use cases."""

import pytest

from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.ledger import SYSTEM
from registry.models import Person, UseCase
from registry.roles import Role
from registry.selectors import roles_of
from registry.services.people import create_person, grant_duty, has_duty
from registry.services.use_cases import create_use_case
from tests.scenario import ledger_actions

pytestmark = pytest.mark.django_db

GOOD = "correct-horse-battery"


def test_a_person_is_created_with_a_hashed_password_that_no_log_holds():
    person = create_person(actor=SYSTEM, username="alan", first_name="Alan", last_name="Turing", password=GOOD)
    assert person.check_password(GOOD)
    assert (person.printed_name, person.is_service, person.is_superuser) == ("Alan Turing", False, False)
    from registry import ledger

    entry = ledger.entries(action="person.created").get()
    assert entry.label == "Alan Turing"
    assert GOOD.encode() not in bytes(entry.body)


@pytest.mark.parametrize("password", ["short", "password1234", "alan-turing-x", "12345678", ""])
def test_weak_passwords_are_refused(password):
    with pytest.raises(InvalidInput) as refused:
        create_person(actor=SYSTEM, username="alan-turing", password=password)
    assert refused.value.field == "password"
    assert not Person.objects.exists()


def test_people_have_a_password_and_services_none():
    with pytest.raises(InvalidInput):
        create_person(actor=SYSTEM, username="alan")
    with pytest.raises(InvalidInput):
        create_person(actor=SYSTEM, username="bot", is_service=True, password=GOOD)
    bot = create_person(actor=SYSTEM, username="bot", is_service=True)
    assert not bot.has_usable_password()


@pytest.mark.parametrize("username", ["", "a b", "x" * 151, "a\x00b", "a\nb"])
def test_odd_user_names_are_refused(username):
    with pytest.raises(InvalidInput) as refused:
        create_person(actor=SYSTEM, username=username, password=GOOD)
    assert refused.value.field == "username"


def test_a_user_name_is_taken_once():
    create_person(actor=SYSTEM, username="alan", password=GOOD)
    with pytest.raises(Conflict):
        create_person(actor=SYSTEM, username="alan", password=GOOD)
    assert ledger_actions() == ["person.created"]


def test_duties_are_given_by_name_and_a_superuser_has_none_of_itself(ada, mallory):
    grant_duty(actor=SYSTEM, person=ada, permission="governance.register_policy")
    assert has_duty(ada, "governance.register_policy")
    assert not has_duty(ada, "registry.create_use_case")
    mallory.is_superuser = True
    mallory.save()
    assert not has_duty(mallory, "governance.register_policy")
    ada.is_active = False
    assert not has_duty(ada, "governance.register_policy")
    with pytest.raises(InvalidInput, match="no duty"):
        grant_duty(actor=SYSTEM, person=ada, permission="governance.everything")


def use_case(world, **changes):
    facts = {
        "actor": world.edsger, "slug": "cards", "name": "Cards", "objective": "Limit losses.", "kpis": ["losses"],
        "affected_people": "Card holders", "risk_tier": "low", "owner": world.grace,
    }  # fmt: skip
    return create_use_case(**{**facts, **changes})


def test_the_owner_of_a_use_case_is_its_model_owner_and_its_creator_nothing(world):
    made = use_case(world)
    assert roles_of(world.grace, made) == {Role.MODEL_OWNER}
    assert roles_of(world.edsger, made) == set()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slug", "no spaces"),
        ("slug", ""),
        ("name", ""),
        ("objective", ""),
        ("risk_tier", "none"),
        ("kpis", [" "]),
        ("kpis", [1]),
    ],
)
def test_use_cases_name_the_field_that_is_wrong(world, field, value):
    with pytest.raises(InvalidInput) as refused:
        use_case(world, **{field: value})
    assert refused.value.field == field
    assert UseCase.objects.count() == 1


def test_use_cases_are_registered_by_duty_and_once(world):
    with pytest.raises(NotAllowed):
        use_case(world, actor=world.tony)
    use_case(world)
    with pytest.raises(Conflict):
        use_case(world)
    assert UseCase.objects.count() == 2
