"""An evaluation report as aligned tables for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from audits.exhibit import Exhibit
from audits.series import Series
from audits.series_view import exhibits_of

_CELLS = ("tp", "fp", "tn", "fn")

_TOLD_BY_TABLES = ("quality", "drift", "pii", "proxies", "anonymity", "bias-audit", "representation", "comparison")
"""Kinds whose tables say per column or group what is of note; only what holds for everybody is printed beside."""

_MOST_ROWS = 20


def as_text(report: Mapping[str, Any]) -> str:
    """The report for people: one table per group of columns, aggregates below, then inputs and warnings.

    Parameters
    ----------
    report
        As :func:`audits.evaluate.evaluate` returns it.
    """
    told = report["kind"] in _TOLD_BY_TABLES
    shown = [m for m in report["measurements"] if m["metric"] not in _CELLS and not (told and m["slice"])]
    exhibits = exhibits_of(report["kind"], [Series.from_json(item) for item in report.get("series", ())])
    tables = [_exhibit(exhibit) for exhibit in exhibits if not exhibit.plot]
    sections = [_section(title, list(rows)) for title, rows in groupby(shown, key=_title)]
    foot = [f"{entry['path']}  sha256:{entry['sha256']}" for entry in report["inputs"]]
    foot += [f"{report['code_version']}; {report['engine']}"]
    foot += [f"warning: {warning}" for warning in report["warnings"]]
    curves = [exhibit.title for exhibit in exhibits if exhibit.plot]
    if curves:
        foot.append(f"with --json also: {'; '.join(dict.fromkeys(curves))}")
    return "\n\n".join([*sections, *tables, "\n".join(foot)])


def _exhibit(exhibit: Exhibit) -> str:
    """A table of the report, what matters first."""
    heads = [text for _, text in exhibit.table.heads]
    rows = [[text for _, text in row] for row in exhibit.table.rows[:_MOST_ROWS]]
    numbers = [kind == "number" for kind, _ in exhibit.table.heads]
    more = len(exhibit.table.rows) - len(rows) + exhibit.omitted
    lines = [exhibit.title]
    lines += _columns(heads, rows, numbers) if rows else ["  nothing of note"]
    lines += [f"  {n}" for n in (exhibit.note, exhibit.rest_title) if n]
    return "\n".join([*lines, *([f"  {more} more with --json"] if more else [])])


def _title(measurement: Mapping[str, Any]) -> str:
    confidence = f"{measurement['confidence']:.4g}"
    if measurement["over"]:
        least = f", groups of at least {measurement['minimum_group']:.2%}" if measurement["minimum_group"] else ""
        return f"over {' × '.join(measurement['over'])} ({confidence} simultaneous{least})"
    columns = " × ".join(measurement["slice"])
    return f"{'by ' + columns if columns else 'overall'} ({confidence})"


def _section(title: str, measurements: Sequence[Mapping[str, Any]]) -> str:
    grouped = any(m["slice"] for m in measurements)
    head = ["group"] * grouped + ["metric", "value", "low", "high", "n", "method"]
    rows = []
    for m in measurements:
        where = [", ".join(f"{name}" for name in m["slice"].values())] * grouped
        rows.append(
            [*where, m["metric"], *(_number(m, key) for key in ("value", "low", "high")), str(m["n"]), m["method"]]
        )
    numbers = [False] * (1 + grouped) + [True] * 4 + [False]
    return "\n".join([title, *_columns(head, rows, numbers), *_notes(measurements)])


def _number(measurement: Mapping[str, Any], key: str) -> str:
    value = measurement[key]
    if value is None:
        return "–"
    return f"{value:.0f}" if measurement["metric"] == "count" else f"{value:.4f}"


def _columns(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[bool]) -> list[str]:
    """Lines of aligned cells, numbers at the right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return [
        (
            "  " + "  ".join(c.rjust(w) if n else c.ljust(w) for c, w, n in zip(row, widths, numbers, strict=True))
        ).rstrip()
        for row in [head, *rows]
    ]


def _notes(measurements: Sequence[Mapping[str, Any]]) -> list[str]:
    notes: dict[str, list[str]] = {}
    for m in measurements:
        if m["note"]:
            where = ", ".join(f"{column}={group}" for column, group in m["slice"].items())
            notes.setdefault(f"{where + ': ' if where else ''}{m['note']}", []).append(m["metric"])
    return [f"  {', '.join(metrics)}: {note}" for note, metrics in notes.items()]
