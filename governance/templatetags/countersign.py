"""How statuses, digests, times and numbers look on every page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _

from audits.markdown import html_from_markdown
from audits.wording import STATUS_MARKS
from audits.wording import whole as whole_number
from registry.roles import Role

register = template.Library()

_JUST_NOW_SECONDS = 60
_SHORT = 12


@register.simple_tag
def status(name: str, words: str = "") -> SafeString:
    """A status as colour, shape and word; a name that is unknown reads as an error."""
    known = name if name in STATUS_MARKS else "error"
    return format_html(
        '<span class="status {}"><span class="mark" aria-hidden="true">{}</span> {}</span>',
        known,
        STATUS_MARKS[known],
        words or known,
    )


@register.simple_tag
def mark(name: str) -> SafeString:
    """The shape alone, where the word stands nearby; read aloud as the word."""
    known = name if name in STATUS_MARKS else "error"
    return format_html(
        '<span class="mark {}" role="img" aria-label="{}" title="{}">{}</span>',
        known,
        known,
        known,
        STATUS_MARKS[known],
    )


@register.filter
def left(seconds: int | None) -> str:
    """How long something will take, roughly; empty while that cannot be told."""
    if seconds is None:
        return ""
    if seconds < _JUST_NOW_SECONDS:
        return _("about %(seconds)s s left") % {"seconds": max(5, -(-seconds // 5) * 5)}
    minutes = -(-seconds // 60)
    if minutes < 2 * _JUST_NOW_SECONDS:
        return _("about %(minutes)s min left") % {"minutes": minutes}
    return _("about %(hours)s h left") % {"hours": -(-minutes // 60)}


@register.filter
def digest(sha256: str | None) -> SafeString:
    """The first twelve digits; the whole digest on hover, when copied, and on paper."""
    if not sha256:
        return mark_safe('<span class="muted">–</span>')
    return format_html(
        '<code class="digest" title="sha256:{}" data-copy="sha256:{}"><span class="short">{}</span>'
        '<span class="whole">sha256:{}</span></code>',
        sha256,
        sha256,
        sha256[:_SHORT],
        sha256,
    )


def exact(moment: datetime) -> str:
    """The moment in UTC: ``2026-11-21 06:00:00 UTC``."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


@register.filter
def ago(moment: datetime | None) -> SafeString:
    """Relative on screen, the exact UTC time on hover and on paper."""
    if moment is None:
        return mark_safe("–")
    return _time(moment, _relative(moment))


@register.filter
def due(moment: datetime | None) -> SafeString:
    """When something is due, or that it is overdue, with a mark beside the colour."""
    if moment is None:
        return mark_safe("")
    late = moment <= timezone.now()
    text = _("overdue by %(time)s") if late else _("due in %(time)s")
    span = timesince(moment, depth=1) if late else timeuntil(moment, depth=1)
    shown = _time(moment, text % {"time": span}, _("due %(time)s") % {"time": exact(moment)})
    if not late:
        return shown
    return format_html('<span class="late"><span class="mark" aria-hidden="true">!</span> {}</span>', shown)


def _relative(moment: datetime) -> str:
    now = timezone.now()
    if abs((now - moment).total_seconds()) < _JUST_NOW_SECONDS:
        return _("just now")
    if moment > now:
        return _("in %(time)s") % {"time": timeuntil(moment, now, depth=1)}
    return _("%(time)s ago") % {"time": timesince(moment, now, depth=1)}


def _time(moment: datetime, words: str, printed: str = "") -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}"><span class="short">{}</span><span class="whole">{}</span></time>',
        moment.isoformat(),
        exact(moment),
        words,
        printed or exact(moment),
    )


@register.filter
def whole(value: float | None) -> str:
    """A count with its thousands separated."""
    return whole_number(value)


@register.filter
def markdown(text: str) -> SafeString:
    """People's Markdown as inert HTML."""
    return mark_safe(html_from_markdown(text))  # noqa: S308 - nh3 has let only inert tags through


@register.filter
def picture(svg: str) -> SafeString:
    """A chart that the service's own worker drew and cleaned of style and script."""
    return mark_safe(svg)  # noqa: S308 - never anybody else's


@register.filter
def words(name: str) -> str:
    """An identifier as words: ``compliance-officer`` as ``compliance officer``."""
    return str(name).replace("-", " ").replace("_", " ")


@register.filter
def role_names(roles: set[Role]) -> str:
    """Roles as words, in their usual order."""
    return ", ".join(role.title for role in Role if role in roles)


@register.filter
def item(mapping: dict[str, Any], key: str) -> Any:
    """The value under ``key``."""
    return mapping.get(key)
