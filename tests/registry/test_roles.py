"""Who may give and take roles: managers of the object, never for themselves; services only develop."""

import pytest

from registry.errors import InvalidInput, NotAllowed
from registry.ledger import SYSTEM
from registry.roles import Role, parse_role
from registry.selectors import roles_of
from registry.services.people import assign_role, create_person, remove_role
from tests.scenario import ledger_actions

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("who", "may"),
    [("tony", True), ("edsger", True), ("ada", False), ("grace", False), ("barbara", False), ("mallory", False)],
)
def test_owners_and_compliance_officers_give_roles(world, who, may):
    actor, newcomer = getattr(world, who), world.mallory if who != "mallory" else world.grace
    before = roles_of(newcomer, world.use_case)
    if may:
        assign_role(actor=actor, person=newcomer, role=Role.AUDITOR, on=world.use_case)
        assert roles_of(newcomer, world.use_case) == {*before, Role.AUDITOR}
        remove_role(actor=actor, person=newcomer, role=Role.AUDITOR, on=world.use_case)
        assert ledger_actions(object_type="use case")[-2:] == ["role.assigned", "role.removed"]
    else:
        with pytest.raises(NotAllowed):
            assign_role(actor=actor, person=newcomer, role=Role.AUDITOR, on=world.use_case)
    assert roles_of(newcomer, world.use_case) == before


@pytest.mark.parametrize("change", [assign_role, remove_role])
def test_nobody_manages_themselves(world, change):
    with pytest.raises(NotAllowed, match="own roles"):
        change(actor=world.tony, person=world.tony, role=Role.VALIDATOR, on=world.use_case)
    assert roles_of(world.tony, world.use_case) == {Role.MODEL_OWNER}


def test_a_superuser_without_a_role_manages_nothing(world):
    world.mallory.is_superuser = world.mallory.is_staff = True
    world.mallory.save()
    with pytest.raises(NotAllowed):
        assign_role(actor=world.mallory, person=world.ada, role=Role.VALIDATOR, on=world.use_case)


def test_a_role_on_the_use_case_holds_for_its_models_and_not_the_other_way(world):
    model = world.submit("1", measured=False).model
    assert roles_of(world.grace, model) == {Role.VALIDATOR}
    assign_role(actor=SYSTEM, person=world.mallory, role=Role.VALIDATOR, on=model)
    assert roles_of(world.mallory, model) == {Role.VALIDATOR}
    assert roles_of(world.mallory, world.use_case) == set()


def test_a_role_ends_at_once(world):
    remove_role(actor=world.tony, person=world.grace, role=Role.VALIDATOR, on=world.use_case)
    assert roles_of(world.grace, world.use_case) == set()


def test_an_inactive_person_holds_none(world):
    world.grace.is_active = False
    world.grace.save()
    assert roles_of(world.grace, world.use_case) == set()


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.DEVELOPER])
def test_a_service_account_only_develops(world, role):
    bot = create_person(actor=SYSTEM, username="ci-bot", is_service=True)
    assign_role(actor=SYSTEM, person=bot, role=Role.DEVELOPER, on=world.use_case)
    with pytest.raises(NotAllowed):
        assign_role(actor=SYSTEM, person=bot, role=role, on=world.use_case)
    assert roles_of(bot, world.use_case) == {Role.DEVELOPER}


def test_unknown_roles_are_refused_with_the_known_ones():
    assert parse_role("validator") is Role.VALIDATOR
    with pytest.raises(InvalidInput, match="compliance-officer"):
        parse_role("superuser")
