"""The table of checks: the name in a policy to the class that reads, explains and judges it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from governance.rules.anonymity_rule import AnonymityRule
from governance.rules.bias_audit_rule import BiasAuditRule
from governance.rules.comparison_rule import ComparisonRule
from governance.rules.documentation_rule import DocumentationRule
from governance.rules.drift_rule import DriftRule
from governance.rules.environment_rule import EnvironmentRule
from governance.rules.explanation_rule import ExplanationRule
from governance.rules.fairness_rule import FairnessRule
from governance.rules.lineage_rule import LineageRule
from governance.rules.load_rule import LoadRule
from governance.rules.performance_rule import PerformanceRule
from governance.rules.pii_rule import PiiRule
from governance.rules.prohibited_rule import ProhibitedFeaturesRule
from governance.rules.proxies_rule import ProxiesRule
from governance.rules.quality_rule import QualityRule
from governance.rules.representation_rule import RepresentationRule
from governance.rules.reproduction_rule import ReproductionRule
from governance.rules.rescoring_rule import RescoringRule
from governance.rules.robustness_rule import RobustnessRule
from governance.rules.rule import Rule
from governance.rules.terms_rule import TermsRule

CHECKS: Mapping[str, type[Rule]] = {
    rule.check: rule
    for rule in (
        PerformanceRule,
        FairnessRule,
        ComparisonRule,
        DocumentationRule,
        BiasAuditRule,
        QualityRule,
        DriftRule,
        PiiRule,
        AnonymityRule,
        RepresentationRule,
        ProxiesRule,
        LineageRule,
        TermsRule,
        ProhibitedFeaturesRule,
        RescoringRule,
        ReproductionRule,
        EnvironmentRule,
        ExplanationRule,
        LoadRule,
        RobustnessRule,
    )
}
