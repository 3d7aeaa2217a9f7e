"""How classes of personal data and times told by others look on pages."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audits.lineage_marks import class_mark
from audits.wording import instant as instant_words

register = template.Library()


@register.simple_tag
def classmark(name: str) -> SafeString:
    """A class as letters and words; colour only underlines them."""
    letters, words = class_mark(name)
    return format_html('<span class="lg-mark"><abbr aria-hidden="true">{}</abbr> {}</span>', letters, words)


@register.filter
def instant(iso: str) -> str:
    """A time as ISO 8601 for people, in UTC; an en dash for none."""
    return instant_words(iso or None)
