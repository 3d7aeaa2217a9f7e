"""The inbox."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from governance.page_selectors.inbox import inbox_for
from governance.views.page import reader


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What waits for the reader, in tabs."""
    items = inbox_for(reader(request))
    boxes = [
        ("", _("All")),
        ("sign", _("To sign")),
        ("fix", _("To fix")),
        ("promote", _("To promote")),
        ("wait", _("Waiting on others")),
    ]
    asked = request.GET.get("box", "")
    box = asked if asked in dict(boxes) else ""
    tabs = [(key, name, sum(not key or item.box == key for item in items)) for key, name in boxes]
    shown = [item for item in items if not box or item.box == box]
    return render(request, "inbox.html", {"items": shown, "tabs": tabs, "box": box})
