"""Renders the documents' own templates, apart from the pages': escaping always on, no settings, no request, no loader tricks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audits.wording import printable

if TYPE_CHECKING:
    from django.template import Engine

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


@cache
def _engine() -> Engine:
    from django.template import Engine

    return Engine(dirs=[str(TEMPLATES)], autoescape=True, debug=False)


def render(template: str, view: Mapping[str, Any]) -> str:
    """``templates/documents/<template>`` filled with ``view``, whose numbers are already text (no locale changes a document)."""
    from django.template import Context

    return printable(_engine().get_template(f"documents/{template}").render(Context(dict(view))))
