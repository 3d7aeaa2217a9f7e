"""The series of a report as exhibits: which picture shows each, which columns a reader wants, what matters first. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from audits import (
    comparison_exhibits,
    data_exhibits,
    drift_exhibits,
    environment_exhibits,
    explanation_exhibits,
    group_exhibits,
    load_exhibits,
    quality_exhibits,
    reproduction_exhibits,
    robustness_exhibits,
    scan_exhibits,
    score_exhibits,
)
from audits.exhibit import Column, Exhibit, measured, table_exhibit, text
from audits.series import Series

Maker = Callable[[str, list[Series]], Iterator[Exhibit]]
"""Makes exhibits of all series of one name; called with the kind of evaluation."""


def exhibits_of(kind: str, series: Sequence[Series]) -> list[Exhibit]:
    """What a document shows of an evaluation beside its rules, in the order in which the report holds it."""
    shown: list[Exhibit] = []
    for name in dict.fromkeys(item.name for item in series):
        shown += MAKERS.get(name, plain)(kind, [item for item in series if item.name == name])
    return shown


def plain(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """A table with every column, for series that no picture was made for."""
    first = series[0]
    columns = [Column(name, name.replace("_", " ").capitalize(), _format(series, name)) for name in first.columns]
    group = "Group" if any(item.slice for item in series) else ""
    yield table_exhibit(f"{kind}-{first.name}", first.title, series, columns, group=group)


def _format(series: Sequence[Series], name: str) -> Callable[[Any], tuple[str, str]]:
    values = [record.get(name) for item in series for record in item.records()]
    given = [value for value in values if value is not None]
    numbers = bool(given) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in given)
    return measured if numbers else text


def untold(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Nothing: such a series stands in the evidence file alone."""
    yield from ()


MAKERS: dict[str, Maker] = {
    "calibration": score_exhibits.calibration,
    "calibration_by_width": untold,
    "score_distribution": score_exhibits.distribution,
    "threshold_curve": score_exhibits.thresholds,
    "personal_data": scan_exhibits.personal_data,
    "scanned_columns": scan_exhibits.scanned_columns,
    "slices": scan_exhibits.slices,
    "residuals": scan_exhibits.residuals,
    "remedies": score_exhibits.remedies,
    "quality": quality_exhibits.columns,
    "expectations": quality_exhibits.expectations,
    "drift": drift_exhibits.columns,
    "drift_histogram": drift_exhibits.histograms,
    "correlation_change": drift_exhibits.correlations,
    "domain_classifier": drift_exhibits.domain,
    "proxies": drift_exhibits.proxies,
    "bias_audit": data_exhibits.bias_audit,
    "bias_audit_publication": data_exhibits.publication,
    "representation": group_exhibits.representation,
    "class_sizes": data_exhibits.class_sizes,
    "identifying_columns": data_exhibits.identifying_columns,
    "identifying_sets": data_exhibits.identifying_sets,
    "packages": environment_exhibits.packages,
    "vulnerabilities": environment_exhibits.vulnerabilities,
    "vulnerability_reports": environment_exhibits.reports,
    "reproduction": reproduction_exhibits.sides,
    "reproduction_metrics": reproduction_exhibits.metrics,
    "reproduction_scores": reproduction_exhibits.scores,
    "reproduction_log": reproduction_exhibits.log,
    "flips": comparison_exhibits.flips,
    "flipped_rows": comparison_exhibits.flipped_rows,
    "paired_differences": comparison_exhibits.differences,
    "benefit_difference": comparison_exhibits.benefit,
    "importance": explanation_exhibits.importance,
    "importance_by_group": explanation_exhibits.by_group,
    "shapley_values": explanation_exhibits.swarms,
    "dependence": explanation_exhibits.dependence,
    "interaction_strengths": explanation_exhibits.interactions,
    "permutation_importance": explanation_exhibits.shuffled,
    "explanation_stability": explanation_exhibits.stability,
    "reasons": explanation_exhibits.reasons,
    "reason_examples": explanation_exhibits.examples,
    "feature_ranges": untold,
    "load_latency": load_exhibits.latency,
    "load_histogram": load_exhibits.histograms,
    "load_saturation": load_exhibits.saturation,
    "load_machine": load_exhibits.machine,
    "perturbations": robustness_exhibits.perturbations,
    "expectations_of_model": robustness_exhibits.promises,
    "flipped_slices": robustness_exhibits.slices,
}
"""Name of a series to what makes its exhibits."""
