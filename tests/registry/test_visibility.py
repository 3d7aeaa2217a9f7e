"""What one may not see is not there: for strangers, for superusers, and after a role ends."""

import pytest
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from guardian.shortcuts import assign_perm

from registry.errors import NotFound
from registry.ledger import SYSTEM
from registry.models import RegisteredModel, UseCase
from registry.roles import Role
from registry.selectors import (
    artifacts_for,
    get_model,
    get_use_case,
    get_version,
    models_for,
    people_with_role,
    use_cases_for,
    versions_for,
)
from registry.services.people import assign_role, remove_role

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(world):
    return world.submit("1", measured=False)


def seen_by(person) -> tuple[int, int, int, int]:
    return tuple(
        seen.count()
        for seen in (use_cases_for(person), models_for(person), versions_for(person), artifacts_for(person))
    )


@pytest.mark.parametrize("who", ["ada", "grace", "edsger", "tony", "barbara"])
def test_every_role_shows_the_use_case_and_all_in_it(world, version, who):
    assert seen_by(getattr(world, who)) == (1, 1, 1, 2)


def test_a_stranger_sees_nothing(world, version):
    assert seen_by(world.mallory) == (0, 0, 0, 0)
    for read, names in (
        (get_use_case, ["mortgage-underwriting"]),
        (get_model, ["mortgage-approval"]),
        (get_version, ["mortgage-approval", "1"]),
        (get_version, ["mortgage-approval", f"sha256:{version.sha256}"]),
    ):
        with pytest.raises(NotFound):
            read(world.mallory, *names)


def test_what_is_hidden_and_what_is_not_there_sound_the_same(world, version):
    sounds = []
    for name in ("1", "no-such"):
        with pytest.raises(NotFound) as refused:
            get_version(world.mallory, "mortgage-approval", name)
        sounds.append(refused.value.message.replace(name, "X"))
    assert sounds[0] == sounds[1]


def test_a_superuser_sees_what_their_roles_show_which_is_nothing(world, version):
    world.mallory.is_superuser = world.mallory.is_staff = True
    world.mallory.save()
    assert seen_by(world.mallory) == (0, 0, 0, 0)


def test_a_global_permission_opens_no_object(world, version):
    for content_type in ContentType.objects.get_for_models(UseCase, RegisteredModel).values():
        world.mallory.user_permissions.add(*content_type.permission_set.all())
    assert seen_by(world.mallory) == (0, 0, 0, 0)


def test_a_role_on_one_model_shows_that_model_and_its_use_case_only(world, version):
    world.submit("1", model="mortgage-pricing", measured=False)
    assign_role(actor=SYSTEM, person=world.mallory, role=Role.AUDITOR, on=version.model)
    assert list(use_cases_for(world.mallory)) == [world.use_case]
    assert list(versions_for(world.mallory)) == [version]


def test_a_groups_role_is_its_members(world, version):
    group = Group.objects.create(name="second line")
    assign_perm(Role.AUDITOR.codename, group, version.model)
    assert seen_by(world.mallory)[2] == 0
    world.mallory.groups.add(group)
    assert seen_by(type(world.mallory).objects.get(pk=world.mallory.pk))[2] == 1


def test_sight_ends_with_the_role_and_with_the_account(world, version):
    remove_role(actor=world.tony, person=world.grace, role=Role.VALIDATOR, on=world.use_case)
    assert seen_by(world.grace) == (0, 0, 0, 0)
    world.barbara.is_active = False
    world.barbara.save()
    assert seen_by(world.barbara)[:3] == (0, 0, 0)


def test_who_holds_a_role(world, version):
    assign_role(actor=SYSTEM, person=world.mallory, role=Role.VALIDATOR, on=version.model)
    assert set(people_with_role(Role.VALIDATOR, version.model)) == {world.grace, world.mallory}
    world.grace.is_active = False
    world.grace.save()
    assert set(people_with_role(Role.VALIDATOR, version.model)) == {world.mallory}
