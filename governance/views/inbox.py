"""The inbox."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from governance.models import Notice
from governance.page_selectors.inbox import inbox_for
from governance.services.notices import mark_read
from governance.views.page import reader

_NOTICES = 10
_PER_PAGE = 50


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
    unread = Notice.objects.filter(recipient=reader(request), read_at=None)
    context = {"items": shown, "tabs": tabs, "box": box, "notices": unread[:_NOTICES], "unread": unread.count()}
    return render(request, "inbox.html", context)


@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    """Everything that the reader was told, the latest first."""
    found = Notice.objects.filter(recipient=reader(request))
    shown = Paginator(found, _PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "notices.html", {"notices": shown, "unread": found.filter(read_at=None).count()})


@require_POST
def read_notices(request: HttpRequest) -> HttpResponse:
    """Put the reader's notices away: the one named, or all."""
    one = request.POST.get("notice", "")
    mark_read(actor=reader(request), notices=[int(one)] if one.isascii() and one.isdigit() else None)
    return redirect("notices" if request.POST.get("next") == "notices" else "inbox")
