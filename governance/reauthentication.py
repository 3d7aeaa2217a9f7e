"""Proof that a person is present: asked for anew for every signature."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.utils import timezone

from registry.errors import NotAllowed
from registry.models import Person

FRESH = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Reauthentication:
    """Who proved to be present, how and when. Only :func:`reauthenticate` makes one from a request."""

    person_id: int
    method: str
    at: datetime

    def check(self, person: Person) -> None:
        """Refuse a proof of somebody else, or an old one."""
        if self.person_id != person.pk or timezone.now() - self.at > FRESH:
            raise NotAllowed("sign with your own password, given for this signature", field="password")


def reauthenticate(*, request: HttpRequest, person: Person, password: str) -> Reauthentication:
    """Check the password again. Failures count toward the lock-out of the sign-in page.

    Raises
    ------
    NotAllowed
        If the password is wrong, or the account is locked out after too many failures.
    """
    found = authenticate(request, username=person.get_username(), password=password)
    if found is None or found.pk != person.pk:
        raise NotAllowed("The password is wrong. Nothing was signed.", field="password")
    return Reauthentication(person.pk, "password", timezone.now())
