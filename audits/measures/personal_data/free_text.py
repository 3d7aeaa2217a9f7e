"""Running text through presidio-analyzer, where it is installed: its pattern recognisers, without a language model or network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from audits.measures.personal_data.detector import Detector, Hits
from audits.measures.personal_data.matching import Found
from audits.measures.personal_data.texts import SPACE, Bools, Texts

Analyse: TypeAlias = Callable[[Texts, Bools], Iterator[Hits]]
"""What reads running text: the values, and which of them are left to read."""

_ENTITIES = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "credit_card",
    "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip_address",
    "MAC_ADDRESS": "mac_address",
    "URL": "url",
    "US_SSN": "us_ssn",
    "US_ITIN": "national_id",
    "UK_NHS": "national_id",
}
"""presidio's names to ours. Its dates are no birth dates, and it knows no other entity without a language model."""

_PRIORS = {"national_id": 0.5, "credit_card": 0.5}
_LEAST_SCORE = 0.4
LEAST_SIZE = 25
"""Bytes from which on a value with a blank is running text."""

DETECTORS: tuple[Detector, ...] = tuple(
    Detector(
        key=f"presidio_{entity}",
        entity=entity,
        form="presidio-analyzer recognises it in running text",
        prior=_PRIORS.get(entity, 0.75),
    )
    for entity in dict.fromkeys(_ENTITIES.values())
)
_BY_ENTITY = {detector.entity: detector for detector in DETECTORS}

ABSENT = "running text was not analysed: presidio-analyzer is not installed here; install countersign[free-text] and try again"
LIMITED = "running text was analysed with presidio-analyzer's patterns only: names and places inside sentences are not recognised"


def installed() -> bool:
    """Whether presidio-analyzer is there."""
    return find_spec("presidio_analyzer") is not None


def is_running_text(texts: Texts) -> Bools:
    """Which values are several words."""
    return np.asarray(((texts.kinds & SPACE) != 0) & (texts.sizes >= LEAST_SIZE))


@contextmanager
def presidio() -> Iterator[Analyse]:
    """Presidio's recognisers for English, with its fetch of a list of domain suffixes switched off for as long as it runs."""
    from presidio_analyzer import RecognizerRegistry
    from tldextract import TLDExtract, tldextract

    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    ours = [recognizer for recognizer in registry.recognizers if set(recognizer.supported_entities) & set(_ENTITIES)]
    before = tldextract.TLD_EXTRACTOR
    tldextract.TLD_EXTRACTOR = TLDExtract(suffix_list_urls=(), cache_dir=None)
    try:
        yield lambda texts, left: _analyse(ours, texts, left)
    finally:
        tldextract.TLD_EXTRACTOR = before


def _analyse(recognizers: list[Any], texts: Texts, left: Bools) -> Iterator[Hits]:
    chosen = np.flatnonzero(left)
    parents: dict[str, list[int]] = {}
    tokens: dict[str, list[str]] = {}
    for place, text in zip(chosen.tolist(), texts.strings.take(pa.array(chosen)).to_pylist(), strict=True):
        for entity, token in _recognised(recognizers, text):
            parents.setdefault(entity, []).append(place)
            tokens.setdefault(entity, []).append(token)
    for entity, places in parents.items():
        count = len(places)
        found = Found(np.array(places, np.int64), pa.array(tokens[entity], pa.string()), np.zeros(count, np.bool_))
        yield Hits(_BY_ENTITY[entity], found, np.ones(count, np.bool_))


def _recognised(recognizers: list[Any], text: str) -> Iterator[tuple[str, str]]:
    for recognizer in recognizers:
        for result in recognizer.analyze(text, recognizer.supported_entities, None):
            if result.score >= _LEAST_SCORE and result.entity_type in _ENTITIES:
                yield _ENTITIES[result.entity_type], text[result.start : result.end]
