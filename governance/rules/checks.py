"""The table of checks: the name in a policy to the class that reads, explains and judges it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from governance.rules.comparison_rule import ComparisonRule
from governance.rules.documentation_rule import DocumentationRule
from governance.rules.fairness_rule import FairnessRule
from governance.rules.performance_rule import PerformanceRule
from governance.rules.rule import Rule

CHECKS: Mapping[str, type[Rule]] = {
    rule.check: rule for rule in (PerformanceRule, FairnessRule, ComparisonRule, DocumentationRule)
}
