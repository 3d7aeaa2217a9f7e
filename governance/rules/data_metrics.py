"""The metrics of data sets that rules may read: quality, drift, personal data, anonymity, bias audits, proxies. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

from governance.rules.metrics import Metric

_ANY = math.inf

QUALITY: Mapping[str, Metric] = {
    "completeness": Metric("completeness", per="column"),
    "uniqueness": Metric("uniqueness", per="column"),
    "validity": Metric("validity", per="column"),
    "label_leakage": Metric("label leakage", lower_is_better=True, per="column"),
    "referential_integrity": Metric("referential integrity", per="column"),
    "duplicate_rate": Metric("share of duplicate rows", lower_is_better=True),
    "constant_columns": Metric("number of constant columns", highest=_ANY, lower_is_better=True, whole=True),
    "train_test_overlap_rate": Metric("overlap of rows", lower_is_better=True),
    "near_overlap_rate": Metric("near overlap of rows", lower_is_better=True),
    "freshness_days": Metric("age of the newest row in days", highest=_ANY, lower_is_better=True),
    "expectations_failed": Metric("number of failed expectations", highest=_ANY, lower_is_better=True, whole=True),
}
"""Measured on one data set, by column or as a whole."""

OVERLAPS = ("train_test_overlap_rate", "near_overlap_rate")
"""Quality that is measured on two data sets together."""

DRIFT: Mapping[str, Metric] = {
    "psi": Metric("population stability index", highest=_ANY, lower_is_better=True, per="column"),
    "ks_statistic": Metric("Kolmogorov–Smirnov statistic", lower_is_better=True, per="column"),
    "wasserstein_distance": Metric("Wasserstein distance", highest=_ANY, lower_is_better=True, per="column"),
    "jensen_shannon_distance": Metric("Jensen–Shannon distance", lower_is_better=True, per="column"),
    "cramers_v": Metric("Cramér's V", lower_is_better=True, per="column"),
    "drift_p_value": Metric("corrected p-value of drift", per="column"),
    "drifted_share": Metric("share of columns that drifted", lower_is_better=True),
    "correlation_change": Metric("largest change of a correlation", highest=2.0, lower_is_better=True),
    "domain_classifier_roc_auc": Metric("ROC AUC of telling the two data sets apart", lower_is_better=True),
}
"""Measured between two data sets, by column or as a whole."""

PII: Mapping[str, Metric] = {"pii_rate": Metric("share of values", lower_is_better=True, per="column")}

ANONYMITY: Mapping[str, Metric] = {
    "k_anonymity": Metric("k-anonymity", highest=_ANY, lowest=1.0, whole=True),
    "l_diversity_distinct": Metric("distinct l-diversity", highest=_ANY, lowest=1.0, whole=True),
    "l_diversity_entropy": Metric("entropy l-diversity", highest=_ANY, lowest=1.0),
    "t_closeness": Metric("t-closeness", lower_is_better=True),
    "sample_uniqueness": Metric("share of records that are unique", lower_is_better=True),
    "average_reidentification_risk": Metric("average risk of re-identification", lower_is_better=True),
}
"""Measured for a set of quasi-identifiers."""

OF_SENSITIVE = ("l_diversity_distinct", "l_diversity_entropy", "t_closeness")
"""Anonymity that is about the values of a sensitive column."""

REPRESENTATION: Mapping[str, Metric] = {
    "group_count": Metric("number of rows", highest=_ANY, whole=True, per="group"),
    "group_share": Metric("share", per="group"),
    "population_ratio": Metric("ratio to the share of the population", highest=_ANY, per="group"),
}
"""Measured for each group of some columns, and each group where they cross."""

BIAS_AUDIT: Mapping[str, Metric] = {
    "impact_ratio": Metric("impact ratio"),
    "selection_rate": Metric("selection rate", per="category"),
    "scoring_rate": Metric("scoring rate", per="category"),
    "unknown_count": Metric("number of people of unknown category", highest=_ANY, lower_is_better=True, whole=True),
}
"""Measured for each category of sex and of race or ethnicity, and where they cross."""

PROXIES: Mapping[str, Metric] = {"proxy_roc_auc": Metric("ROC AUC of predicting", lower_is_better=True)}
