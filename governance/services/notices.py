"""Telling people what changed without them: in their inbox, and by e-mail where a mail server is set up."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from governance.models import Notice
from governance.tasks import mail_notice
from registry.models import ModelVersion, Person
from registry.roles import Role
from registry.selectors import people_with_role

TOLD = (Role.MODEL_OWNER, Role.COMPLIANCE_OFFICER)
"""Roles that hear of what happens to a model."""


def notify(*, recipients: Iterable[Person], key: str, kind: str, subject: str, body: str = "", url: str = "") -> None:
    """Leave everybody one message. The same ``key`` again tells nobody twice; service accounts read no mail."""
    people = {person.pk: person for person in recipients if person.is_active and not person.is_service}
    known = set(Notice.objects.filter(key=key, recipient__in=people).values_list("recipient_id", flat=True))
    made = [
        Notice(recipient=person, key=key, kind=kind, subject=subject[:300], body=body, url=url)
        for pk, person in sorted(people.items())
        if pk not in known
    ]
    Notice.objects.bulk_create(made, ignore_conflicts=True)
    if settings.EMAIL_HOST:
        for notice in Notice.objects.filter(key=key, recipient__in=people, mailed_at=None):
            if notice.recipient.email:
                transaction.on_commit(lambda pk=notice.pk: mail_notice.enqueue(pk))  # type: ignore[misc]


def notify_about_version(
    *, version: ModelVersion, environment: str, kind: str, key: str, subject: str, body: str
) -> None:
    """Tell the owners of a model, its compliance officers, and whoever answers for the version."""
    path = reverse("version", args=[version.model.name, version.name])
    recipients = [version.responsible, version.model.use_case.owner]
    for role in TOLD:
        recipients += people_with_role(role, version.model)
    notify(
        recipients=recipients,
        key=f"{kind}:{key}",
        kind=kind,
        subject=subject,
        body=body,
        url=f"{path}?environment={environment}",
    )


def mail(*, notice_id: int) -> None:
    """Send one notice by e-mail, once. An error leaves it unsent, and the task fails loudly."""
    with transaction.atomic():
        notice = Notice.objects.select_for_update().select_related("recipient").get(pk=notice_id)
        if notice.mailed_at is not None or not notice.recipient.email:
            return
        text = f"{notice.body}\n\n{settings.COUNTERSIGN_URL}{notice.url}\n"
        send_mail(f"Countersign: {notice.subject}", text, None, [notice.recipient.email])
        notice.mailed_at = timezone.now()
        notice.save(update_fields=["mailed_at"])


def mark_read(*, actor: Person, notices: Iterable[int] | None = None) -> int:
    """Note that the actor has read the notices given, or all of theirs."""
    mine = Notice.objects.filter(recipient=actor, read_at=None)
    if notices is not None:
        mine = mine.filter(pk__in=list(notices))
    return mine.update(read_at=timezone.now())
