"""Where the features come from, as card and PDF print it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from audits.lineage_picture import lineage_picture, lineage_table
from audits.lineage_report import LineageReport, dataset_table, feature_table

_VIEW_BOX = re.compile(r'viewBox="0 0 ([0-9.]+) ')
_BROAD = 1000.0
"""A picture of more units is set on a page that lies on its side; the letters would be too small to read."""


def origins_view(report: LineageReport | None, *, picture: Callable[[str], str] | None = str) -> dict[str, Any] | None:
    """The picture with its tables and a sentence, as the templates read them; None where nothing was gathered.

    ``picture`` adapts the SVG to the medium, ``None`` draws none.
    """
    if report is None:
        return None
    drawn = ""
    if picture is not None and report.graph.edges:
        drawn = picture(
            lineage_picture(
                report.graph,
                classes=report.classes,
                terms=report.terms,
                for_print=True,
                title="What the features are made from",
            )
        )
    return {
        "said": _said(report),
        "svg": drawn,
        "broad": _is_broad(drawn),
        "features": feature_table(report),
        "datasets": dataset_table(report) if report.datasets else None,
        "unregistered": report.unregistered,
        "edges": lineage_table(report.graph) if report.graph.edges else None,
        "truncated": report.graph.truncated,
    }


def _is_broad(svg: str) -> bool:
    found = _VIEW_BOX.search(svg)
    return found is not None and float(found[1]) > _BROAD


def _said(report: LineageReport) -> str:
    features, known = len(report.features), report.known
    if not features:
        return "The manifest names no features, so there is nothing to follow back."
    held = [item for item in report.features if any(not found.influence for found in item.classes)]
    people = (
        f"{len(held)} of them hold personal data of a class that is stated"
        if held
        else "none holds personal data that is stated"
    )
    return f"{known} of {features} features have a known source; {people}. Lineage is what its producers state; who said it stands in the table."
