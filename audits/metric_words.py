"""The measured quantities in words, and how the value of each is read: one wording for all. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from audits.wording import number, whole

METRIC_WORDS: Mapping[str, str] = {
    "prediction_agreement": "Predictions are the model's own (1 is yes)",
    "predictions_verified": "And all that is measured of them was checked (1 is yes)",
    "rows_left_out": "Rows without a prediction",
    "rows_added": "Predictions of rows that are not there",
    "rows_twice": "Keys that stand more than once",
    "scores_off": "Scores that differ",
    "decisions_off": "Decisions that differ",
    "stated_off": "Labels, groups or weights that differ",
    "score_difference": "Largest difference of two scores",
    "accuracy_score": "Accuracy",
    "balanced_accuracy_score": "Balanced accuracy",
    "precision_score": "Precision",
    "recall_score": "Recall",
    "f1_score": "F1 score",
    "roc_auc_score": "ROC AUC",
    "log_loss": "Log loss",
    "brier_score_loss": "Brier score",
    "selection_rate": "Selection rate",
    "true_positive_rate": "True positive rate",
    "false_positive_rate": "False positive rate",
    "true_negative_rate": "True negative rate",
    "false_negative_rate": "False negative rate",
    "demographic_parity_ratio": "Impact ratio (demographic parity ratio)",
    "demographic_parity_difference": "Demographic parity difference",
    "equalized_odds_difference": "Equalized odds difference",
    "equal_opportunity_difference": "Equal opportunity difference",
    "true_positive_rate_difference": "True positive rate difference",
    "false_positive_rate_difference": "False positive rate difference",
    "accuracy_score_difference": "Accuracy difference",
    "average_precision_score": "Average precision",
    "expected_calibration_error": "Expected calibration error",
    "matthews_corrcoef": "Matthews correlation coefficient",
    "f1_score_macro": "F1 score, mean of classes",
    "f1_score_weighted": "F1 score, classes by their size",
    "roc_auc_score_ovr": "ROC AUC, each class against the rest",
    "mean_absolute_error": "Mean absolute error",
    "mean_squared_error": "Mean squared error",
    "root_mean_squared_error": "Root mean squared error",
    "median_absolute_error": "Median absolute error",
    "mean_error": "Mean error (prediction minus label)",
    "r2_score": "R² (coefficient of determination)",
    "score_mean": "Mean score",
    "score_distance": "Largest distance between score distributions",
    "predictive_parity_difference": "Predictive parity difference",
    "equalized_odds_ratio": "Equalized odds ratio",
    "calibration_difference": "Calibration difference",
    "generalized_entropy_index": "Generalized entropy index",
    "theil_index": "Theil index",
    "representation_share": "Share of the data",
    "representation_ratio": "Share of the data by share of the population",
    "group_count": "Rows of the group",
    "group_share": "Share of the group",
    "population_ratio": "Share of the group by its share of the population",
    "remedied_demographic_parity_ratio": "Impact ratio after group thresholds",
    "remedied_accuracy_score": "Accuracy after group thresholds",
    "mean_prediction": "Mean prediction",
    "mean_prediction_difference": "Difference in mean predictions",
    "mean_error_difference": "Difference in mean errors",
    "mean_absolute_error_ratio": "Ratio of mean absolute errors",
    "proxy_roc_auc": "ROC AUC of features as proxies",
    "scoring_rate": "Scoring rate",
    "impact_ratio": "Impact ratio",
    "unknown_count": "Cases of unknown category",
    "completeness": "Completeness",
    "uniqueness": "Uniqueness",
    "validity": "Validity",
    "duplicate_rate": "Share of duplicate rows",
    "constant_columns": "Constant columns",
    "label_leakage": "Label leakage",
    "train_test_overlap_rate": "Share of test rows also in training",
    "near_overlap_rate": "Share of test rows nearly in training",
    "freshness_days": "Age of the newest row, in days",
    "referential_integrity": "Referential integrity",
    "expectations_failed": "Expectations not met",
    "psi": "Population stability index (PSI)",
    "ks_statistic": "Kolmogorov–Smirnov distance",
    "wasserstein_distance": "Wasserstein distance, in standard deviations",
    "jensen_shannon_distance": "Jensen–Shannon distance",
    "cramers_v": "Cramér’s V",
    "drift_p_value": "Corrected p-value of drift",
    "drifted_share": "Share of columns that drifted",
    "correlation_change": "Largest change of a correlation",
    "domain_classifier_roc_auc": "ROC AUC of telling the two data sets apart",
    "pii_rate": "Share of values with personal data",
    "k_anonymity": "k-anonymity",
    "l_diversity_distinct": "l-diversity, distinct",
    "l_diversity_entropy": "l-diversity, entropy",
    "t_closeness": "t-closeness",
    "sample_uniqueness": "Share of unique records",
    "average_reidentification_risk": "Average risk of re-identification",
    "flip_rate": "Share of decisions that change sides",
    "flip_to_negative_rate": "Share of decisions that become negative",
    "flip_to_positive_rate": "Share of decisions that become positive",
    "flip_rate_difference": "Difference in shares that change sides",
    "flip_to_negative_rate_difference": "Difference in shares that become negative",
    "flip_to_positive_rate_difference": "Difference in shares that become positive",
    "mcnemar_p_value": "McNemar’s p-value",
    "challenger_only_right": "Rows that only the challenger has right",
    "champion_only_right": "Rows that only the champion has right",
    "benefit_difference": "Difference in what a decision is worth",
    "latency_p50_ms": "Median latency, in milliseconds",
    "latency_p95_ms": "p95 latency, in milliseconds",
    "latency_p99_ms": "p99 latency, in milliseconds",
    "latency_p999_ms": "p99.9 latency, in milliseconds",
    "latency_ratio_to_champion": "Latency by the champion’s",
    "throughput_rows_per_second": "Rows answered per second",
    "error_rate": "Share without an answer",
    "saturation_rate": "Highest rate borne, per second",
    "cold_start_seconds": "Cold start, in seconds",
    "peak_memory_mb": "Peak memory, in megabytes",
    "model_size_mb": "Size of the model, in megabytes",
    "cpu_ms_per_row": "Processor time per row, in milliseconds",
    "machine_busy": "Whether the machine was busy",
    "decision_flip_rate": "Share of decisions that flip",
    "worst_slice_flip_rate": "Share of decisions that flip in the worst slice",
    "score_shift": "Mean shift of the score",
    "accuracy_drop": "Loss of accuracy",
    "roc_auc_drop": "Loss of ROC AUC",
    "expectation_violations": "Share of rows that break an expectation",
    "feature_importance": "Mean absolute contribution",
    "importance_share": "Share of the importance",
    "importance_rank": "Place by importance",
    "importance_share_difference": "Difference between groups’ shares of the importance",
    "permutation_importance": "Loss when shuffled",
    "interaction_share": "Share of interactions",
    "stability": "Rank correlation of repeated explanations",
    "top_features_overlap": "Most important features that stay so",
    "importance_share_change": "Largest change of a share of the importance",
    "additivity_error": "Additivity error",
    "reproduction": "Grade of the rebuilt model, from 0 (not reproduced) to 3 (the same file)",
    "decision_difference": "Share of decisions that differ",
    "metric_difference": "Largest difference of a metric",
    "mean_absolute_error_by_deviation": "Mean absolute error, in standard deviations",
    "mean_prediction_by_deviation": "Mean prediction, in standard deviations",
    "packages": "Recorded packages",
    "package_differences": "Recorded packages that do not run here as recorded",
    "absent_packages": "Recorded packages that are not here",
    "unpinned_packages": "Packages recorded without one version",
    "vulnerabilities": "Known vulnerabilities",
    "vulnerability_coverage": "Share of recorded packages that reports looked at",
    "vulnerability_report_age_days": "Age of the oldest report, in days",
    "count": "Number of cases",
    "tp": "True positives",
    "fp": "False positives",
    "tn": "True negatives",
    "fn": "False negatives",
}

_SMALLEST_P = 0.001

WHOLE_METRICS = frozenset(
    {"count", "tp", "fp", "tn", "fn", "unknown_count", "constant_columns", "expectations_failed", "k_anonymity",
     "l_diversity_distinct", "group_count", "reproduction", "packages", "package_differences", "absent_packages",
     "unpinned_packages", "vulnerabilities", "vulnerability_report_age_days", "challenger_only_right", "champion_only_right", "importance_rank"}
)  # fmt: skip
"""Metrics whose values are whole numbers."""

COUNT_METRICS = frozenset({"count", "tp", "fp", "tn", "fn"})
"""Metrics that count cases: shown as whole numbers, without interval, in tables only."""


_WORST_SLICE = "worst_slice_"


def metric_words(metric: str) -> str:
    """The metric's name in words; an unknown one is spelled out from its identifier."""
    if metric.startswith(_WORST_SLICE) and metric not in METRIC_WORDS:
        return f"{metric_words(metric.removeprefix(_WORST_SLICE))} of the worst slice"
    return METRIC_WORDS.get(metric) or metric.replace("_", " ").capitalize()


def metric_value(metric: str, value: float | None) -> str:
    """``value`` as the metric is read: counts whole, p-values down to 0.001, the rest with three decimals."""
    if metric in WHOLE_METRICS:
        return whole(value)
    if metric.endswith("p_value") and value is not None and value < _SMALLEST_P:
        return "< 0.001"
    return number(value)
