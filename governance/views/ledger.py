"""The ledger: search it, read one entry, and check all of it."""

from __future__ import annotations

import json
from collections.abc import Collection

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from governance.views.page import reader
from registry import ledger as book
from registry import ledger_verification
from registry.canonical import parse_json
from registry.checkpoints import latest_checkpoint
from registry.errors import NotAllowed, NotFound
from registry.ledger_actions import Action
from registry.models import Person
from registry.selectors import models_for
from registry.services.people import has_duty

_PER_PAGE = 50
_DUTY = "registry.view_whole_ledger"


def _visible(person: Person) -> Collection[str] | None:
    """Models whose entries the person may read; None for everything."""
    return None if has_duty(person, _DUTY) else list(models_for(person).values_list("name", flat=True))


@require_safe
def ledger(request: HttpRequest) -> HttpResponse:
    """The latest entries, searched."""
    return render(request, "ledger/list.html", _listing(request))


def _listing(request: HttpRequest) -> dict[str, object]:
    visible = _visible(reader(request))
    asked = {key: request.GET.get(key, "").strip() for key in ("q", "action", "model")}
    before = request.GET.get("before", "")
    found = book.entries(
        q=asked["q"],
        action=asked["action"],
        model_name=asked["model"],
        visible_models=visible,
        upto=int(before) - 1 if before.isascii() and before.isdigit() and len(before) < len(str(2**63)) else None,
    ).defer("body")
    rows = list(found[: _PER_PAGE + 1])
    return {
        "entries": rows[:_PER_PAGE],
        "older": rows[_PER_PAGE - 1].seq if len(rows) > _PER_PAGE else None,
        "is_first_page": not before,
        "asked": asked,
        "filtered": any(asked.values()),
        "actions": sorted(Action),
        "checkpoint": latest_checkpoint(),
        "sees_all": visible is None,
    }


@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    """Recompute the whole ledger, and say whether it holds."""
    if not has_duty(reader(request), _DUTY):
        raise NotAllowed(_("Only those whose duty it is to read the whole ledger can have it recomputed here."))
    return render(request, "ledger/list.html", {**_listing(request), "verification": ledger_verification.verify()})


@require_safe
def entry(request: HttpRequest, seq: int) -> HttpResponse:
    """One entry: its body as it was hashed."""
    visible = _visible(reader(request))
    found = book.entries(visible_models=visible).filter(seq=seq).first()
    if found is None:
        raise NotFound(f"there is no entry {seq} that you can see")
    body = parse_json(bytes(found.body), what=f"entry {seq}")
    return render(
        request,
        "ledger/entry.html",
        {
            "entry": found,
            "prev": body["prev"],
            "pretty": json.dumps(body, indent=2, ensure_ascii=False),
            "checkpoint": latest_checkpoint(),
        },
    )
