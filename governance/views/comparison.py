"""The page of a version beside the champion."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.page_selectors.comparison import comparison_page
from governance.page_selectors.versions import standing_for
from governance.views.page import reader
from registry.selectors import get_version


@require_safe
def comparison(request: HttpRequest, model: str, version: str) -> HttpResponse:
    """Who changes sides, paired differences, what decisions are worth, and what differs between the two versions."""
    found = get_version(reader(request), model, version)
    standing, environments = standing_for(found, request.GET.get("environment"))
    return render(request, "comparison/page.html", {"page": comparison_page(found, standing, environments)})
