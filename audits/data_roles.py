"""The roles that data play in a version, by which policies and evaluations name them. Pure."""

from __future__ import annotations

from registry.manifest import PREDICTIONS

TRAINING = "training-data"
TEST = "test-data"
REFERENCE = "reference-data"
PRODUCTION = "production-data"
DATA_ROLES = frozenset({PREDICTIONS, TRAINING, TEST, REFERENCE, PRODUCTION})
"""The usual ones; a manifest may name others."""

CHAMPION = "champion/"
"""Before a role: the data that play it in the champion."""

EXPECTATIONS = "expectations"
"""The role of an artifact that is no data but says what they should be like; and the parameter that names its path."""

REBUILD = "rebuild"
"""The training script with the files that it reads, as the manifest's ``execution.rebuild`` names them."""

PACKAGES = "recorded-packages"
"""The manifest's ``environment``, with the reports of vulnerabilities that came with the version."""

VULNERABILITIES = "vulnerability-report"
"""The role of an artifact that tells known vulnerabilities of the recorded packages."""

FEATURE_DICTIONARY = "feature-dictionary"
"""The role of an artifact that says what features are called, and how each is told as a reason."""

OPTIONAL = "?"
"""After a role in a plan: an evaluation that does without where nothing plays it."""
