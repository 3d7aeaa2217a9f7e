"""All detectors, their places in a set of bits, and the one call that runs them over distinct values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from audits.measures.personal_data import free_text, internet, people, phones, places, secret_keys
from audits.measures.personal_data.codes import ALL_CODES, find_codes
from audits.measures.personal_data.detector import Detector, Hits
from audits.measures.personal_data.identity import MRZ, find_machine_readable
from audits.measures.personal_data.payment import IBAN, find_ibans
from audits.measures.personal_data.texts import Texts

LATITUDE = Detector(key="latitude", entity="geo_coordinate", form="numbers between −90 and 90", prior=0.1, named=True)
LONGITUDE = Detector(
    key="longitude", entity="geo_coordinate", form="numbers between −180 and 180", prior=0.1, named=True
)

DETECTORS: tuple[Detector, ...] = (
    *internet.DETECTORS, *phones.DETECTORS, *ALL_CODES, IBAN, MRZ, *places.DETECTORS, *people.DETECTORS,
    *secret_keys.DETECTORS, *free_text.DETECTORS, LATITUDE, LONGITUDE,
)  # fmt: skip
"""Every detector."""

BY_KEY = {detector.key: detector for detector in DETECTORS}
_NOTHING_ELSE = frozenset({"email", "ipv4", "ipv6", "mac"})
"""Detectors whose hit, where it is the whole value, leaves nothing to find in it."""

BITS = {detector.key: bit for bit, detector in enumerate(DETECTORS)}
"""Detector's key to its bit."""


def find_all(texts: Texts, named: frozenset[str]) -> Iterator[Hits]:
    """What all detectors find in distinct values.

    Parameters
    ----------
    named
        The entities that the column's name speaks for; some detectors only look at such columns.
    """
    left = np.ones(len(texts), np.bool_)
    for hits in internet.find_internet(texts):
        if hits.detector.key in _NOTHING_ELSE:
            left[hits.found.parents[hits.found.whole & hits.passed]] = False
        yield hits
    where = np.flatnonzero(left)
    for hits in _find_others(texts if left.all() else texts.where(left), named):
        yield hits.moved(where)


def _find_others(texts: Texts, named: frozenset[str]) -> Iterator[Hits]:
    yield from phones.find_phones(texts, named="phone" in named)
    wanted = frozenset(code.key for code in ALL_CODES if not code.named or code.entity in named)
    yield from find_codes(texts, wanted)
    yield from find_ibans(texts)
    yield from find_machine_readable(texts)
    yield from places.find_places(texts, named="postal_address" in named)
    yield from people.find_people(texts, named="person_name" in named)
    yield from secret_keys.find_secrets(texts, named="secret" in named)
