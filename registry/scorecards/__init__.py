"""The scorecards that set risk tiers: one file per version, never changed once released."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from registry.errors import NotFound
from registry.safe_yaml import load_yaml
from registry.scorecard import Scorecard
from registry.scorecard_document import parse_scorecard

CURRENT = "eu-ai-act-annex-iii@1"
"""The scorecard that new assessments are made with."""


@cache
def scorecards() -> dict[str, Scorecard]:
    """Every scorecard that we carry, by ``id@version``."""
    found = [item for item in files(__name__).iterdir() if item.name.endswith(".yaml")]
    made = [parse_scorecard(_read(item)) for item in sorted(found, key=lambda item: item.name)]
    return {scorecard.key: scorecard for scorecard in made}


def _read(item: Any) -> Any:
    return load_yaml(item.read_bytes(), what=item.name)


def current_scorecard() -> Scorecard:
    """The one that new assessments are made with."""
    return get_scorecard(CURRENT)


def get_scorecard(key: str) -> Scorecard:
    """The scorecard called ``id@version``, or :class:`NotFound` that lists those that we carry."""
    found = scorecards().get(key)
    if found is None:
        raise NotFound(f"there is no scorecard {key!r}; known are {', '.join(sorted(scorecards()))}", field="scorecard")
    return found
