"""Reads of intakes and risk assessments: who may see which."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import Permission
from django.db.models import QuerySet

from registry.errors import NotFound
from registry.models import Intake, Person, RiskAssessment, UseCase
from registry.services.people import has_duty

REGISTERS = "registry.create_use_case"
"""The duty of those who submit intakes, and therefore read everybody's."""


def may_submit(person: Person) -> bool:
    """Whether ``person`` may turn intakes into use cases."""
    return has_duty(person, REGISTERS)


def intakes_for(person: Person) -> QuerySet[Intake]:
    """Intakes that ``person`` wrote, or may submit; discarded ones are gone for everybody."""
    if not person.is_active:
        return Intake.objects.none()
    found = Intake.objects.filter(discarded_at=None).select_related("author", "use_case")
    return found if may_submit(person) else found.filter(author=person)


def get_intake(person: Person, key: UUID) -> Intake:
    """The intake, or :class:`NotFound` where it is not there, discarded, or not to be seen."""
    found = intakes_for(person).filter(pk=key).first()
    if found is None:
        raise NotFound("there is no such intake that you can see")
    return found


def people_who_submit() -> list[Person]:
    """Active people with the duty to register use cases, by name: whom to ask."""
    app, _, codename = REGISTERS.partition(".")
    duty = Permission.objects.filter(content_type__app_label=app, codename=codename)
    return list(
        Person.objects.filter(is_active=True, user_permissions__in=duty).order_by("first_name", "username").distinct()
    )


def assessments_of(use_case: UseCase) -> QuerySet[RiskAssessment]:
    """All assessments of the use case, the latest first."""
    people = ("assessed_by", "override_by", "answered_by")
    return RiskAssessment.objects.filter(use_case=use_case).select_related(*people).order_by("-number")


def latest_assessment(use_case: UseCase) -> RiskAssessment | None:
    """The one that counts; None where the use case was registered with a tier and never assessed."""
    return assessments_of(use_case).first()


def get_assessment(use_case: UseCase, number: int) -> RiskAssessment:
    """The assessment of that number, or :class:`NotFound`."""
    found = assessments_of(use_case).filter(number=number).first()
    if found is None:
        raise NotFound(f"{use_case} has no assessment {number}")
    return found
