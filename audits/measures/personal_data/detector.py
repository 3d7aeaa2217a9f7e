"""What one way of recognising an entity is, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audits.measures.personal_data.matching import Found
from audits.measures.personal_data.texts import Bools, Ints

ENTITIES = (
    "email", "phone", "credit_card", "iban", "us_ssn", "cn_resident_id", "cn_uscc", "ip_address", "mac_address", "url",
    "geo_coordinate", "date_of_birth", "person_name", "postal_address", "national_id", "passport", "secret",
)  # fmt: skip
"""All entities, by the names that policies and reports use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """One way of recognising an entity.

    Attributes
    ----------
    key
        Its name, unique among all detectors.
    entity
        One of :data:`ENTITIES`.
    country
        ISO 3166 code, where the form belongs to one; two where it cannot be told which: ``EE or LT``.
    form
        What it looks for, in words for ``why``.
    prior
        Confidence in a hit that nothing else speaks for or against, in (0, 1).
    chance
        Share of unrelated values of the right form that pass the check: 0.1 for one check digit. 0 where there is no
        check, or none that unrelated values pass.
    most
        The most that passing more often than by chance can add to the log odds.
    named
        Whether only columns are looked at whose name speaks for the entity.
    bare
        Whether the name of a column that speaks for something else counts against a hit.
    """

    key: str
    entity: str
    country: str = ""
    form: str
    prior: float
    chance: float = 0.0
    most: float = 7.0
    named: bool = False

    @property
    def bare(self) -> bool:
        """Whether a hit is weak enough for the column's name to speak against it."""
        return self.prior < _STRONG


_STRONG = 0.8


@dataclass(frozen=True, slots=True)
class Hits:
    """What a detector found in some values.

    Attributes
    ----------
    detector
        Which.
    found
        What has the right form.
    passed
        bool, which of them pass the check as well.
    anyway
        Whether what fails the check counts too, the check being evidence about the column and not about the value.
    """

    detector: Detector
    found: Found
    passed: Bools
    anyway: bool = False

    def moved(self, places: Ints) -> Hits:
        """The same hits in values that stand at other places."""
        found = Found(places[self.found.parents], self.found.tokens, self.found.whole)
        return Hits(self.detector, found, self.passed, self.anyway)

    @property
    def counted(self) -> Bools:
        """bool, which matches count as found."""
        return np.ones(len(self.found), np.bool_) if self.anyway else self.passed
