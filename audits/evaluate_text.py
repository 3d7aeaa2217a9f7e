"""An evaluation report as aligned tables for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

_CELLS = ("tp", "fp", "tn", "fn")


def as_text(report: Mapping[str, Any]) -> str:
    """The report for people: one table per group of columns, aggregates below, then inputs and warnings.

    Parameters
    ----------
    report
        As :func:`audits.evaluate.evaluate` returns it.
    """
    shown = [m for m in report["measurements"] if m["metric"] not in _CELLS]
    sections = [_section(title, list(rows)) for title, rows in groupby(shown, key=_title)]
    foot = [f"{entry['path']}  sha256:{entry['sha256']}" for entry in report["inputs"]]
    foot += [f"{report['code_version']}; {report['engine']}"]
    foot += [f"warning: {warning}" for warning in report["warnings"]]
    return "\n\n".join([*sections, "\n".join(foot)])


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
    return "\n".join([title, *_aligned(head, rows, left=1 + grouped), *_notes(measurements)])


def _number(measurement: Mapping[str, Any], key: str) -> str:
    value = measurement[key]
    if value is None:
        return "–"
    return f"{value:.0f}" if measurement["metric"] == "count" else f"{value:.4f}"


def _aligned(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int) -> list[str]:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = []
    for row in [head, *rows]:
        last = len(row) - 1
        cells = [
            c.ljust(w) if i < left or i == last else c.rjust(w)
            for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines


def _notes(measurements: Sequence[Mapping[str, Any]]) -> list[str]:
    notes: dict[str, list[str]] = {}
    for m in measurements:
        if m["note"]:
            where = ", ".join(f"{column}={group}" for column, group in m["slice"].items())
            notes.setdefault(f"{where + ': ' if where else ''}{m['note']}", []).append(m["metric"])
    return [f"  {', '.join(metrics)}: {note}" for note, metrics in notes.items()]
