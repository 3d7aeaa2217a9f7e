"""People, and the roles they hold."""

from __future__ import annotations

from django.contrib.auth.models import Permission
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from guardian.shortcuts import assign_perm, remove_perm

from registry import ledger
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.ledger_actions import Action
from registry.models import Person, RegisteredModel, UseCase
from registry.roles import MANAGERS, Role
from registry.selectors import roles_of


@transaction.atomic
def create_person(
    *,
    actor: ledger.Actor,
    username: str,
    first_name: str = "",
    last_name: str = "",
    email: str = "",
    password: str | None = None,
    is_service: bool = False,
) -> Person:
    """Add a person, or a service account that only holds tokens.

    Raises
    ------
    InvalidInput
        If a name is malformed, a person has no acceptable password, or a service account has one.
    Conflict
        If the user name is taken.
    """
    person = Person(username=username, first_name=first_name, last_name=last_name, email=email, is_service=is_service)
    if is_service == (password is not None):
        raise InvalidInput("people have a password, service accounts have none", field="password")
    try:
        person.clean_fields(exclude=["password"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidInput(" ".join(messages), field=field) from error
    try:
        if password is not None:
            validate_password(password, person)
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages), field="password") from error
    person.set_password(password)
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError:
        raise Conflict(f"the user name {username!r} is taken", field="username") from None
    ledger.record(
        actor=actor,
        action=Action.PERSON_CREATED,
        obj_type="person",
        obj_id=str(person.pk),
        label=person.printed_name,
        data={"username": username, "is_service": is_service},
    )
    return person


def _check_may_manage(actor: ledger.Actor, person: Person, on: UseCase | RegisteredModel) -> None:
    """Operators at the shell act as SYSTEM; people need a managing role there, and never manage themselves."""
    if not isinstance(actor, Person):
        return
    if not roles_of(actor, on) & MANAGERS:
        raise NotAllowed("only a model owner or compliance officer of it may give or take roles here")
    if actor.pk == person.pk:
        raise NotAllowed("nobody gives or takes their own roles; ask another owner or compliance officer")


def _record_role(
    actor: ledger.Actor, action: Action, person: Person, role: Role, on: UseCase | RegisteredModel
) -> None:
    ledger.record(
        actor=actor,
        action=action,
        obj_type="model" if isinstance(on, RegisteredModel) else "use case",
        obj_id=str(on.pk),
        label=str(on),
        data={"username": person.username, "role": role.value},
        model_name=on.name if isinstance(on, RegisteredModel) else "",
    )


@transaction.atomic
def assign_role(*, actor: ledger.Actor, person: Person, role: Role, on: UseCase | RegisteredModel) -> None:
    """Give ``person`` a role on a use case (and all its models) or on one model.

    Raises
    ------
    NotAllowed
        If the actor manages nothing there, or means themselves.
    """
    _check_may_manage(actor, person, on)
    if person.is_service and role is not Role.DEVELOPER:
        raise NotAllowed("a service account can only be a developer: everything else is signed by people")
    assign_perm(role.codename, person, on)
    _record_role(actor, Action.ROLE_ASSIGNED, person, role, on)


@transaction.atomic
def remove_role(*, actor: ledger.Actor, person: Person, role: Role, on: UseCase | RegisteredModel) -> None:
    """Take a role away; effective with the next request."""
    _check_may_manage(actor, person, on)
    remove_perm(role.codename, person, on)
    _record_role(actor, Action.ROLE_REMOVED, person, role, on)


@transaction.atomic
def grant_duty(*, actor: ledger.SystemActor, person: Person, permission: str) -> None:
    """Give a person a service-wide duty, such as ``governance.register_policy``. Operators only."""
    app, _, codename = permission.partition(".")
    try:
        person.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    except Permission.DoesNotExist:
        raise InvalidInput(f"there is no duty {permission!r}", field="permission") from None
    ledger.record(
        actor=actor,
        action=Action.ROLE_ASSIGNED,
        obj_type="person",
        obj_id=str(person.pk),
        label=person.printed_name,
        data={"username": person.username, "duty": permission},
    )


def has_duty(person: Person, permission: str) -> bool:
    """Whether a service-wide duty was given to this person by name. A superuser holds none of itself."""
    app, _, codename = permission.partition(".")
    return (
        person.is_active
        and Permission.objects.filter(user=person, content_type__app_label=app, codename=codename).exists()
    )
