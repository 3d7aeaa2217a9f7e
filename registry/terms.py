"""On which terms a dataset may be used, as facts and rules hold them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ANY_PURPOSE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of one registered dataset, from its latest datasheet and its withdrawal.

    Attributes
    ----------
    owner, steward
        Printed names; empty where nobody answers for it (it was merely declared).
    datasheet
        SHA-256 of the datasheet's revision; None where none is written.
    licence, licence_until
        Name of the licence or agreement, and the last day on which it holds (ISO date; None is without end).
    withdrawn_at, withdrawn_reason
        Since when it may not be used any more (ISO time), and why; None and empty while it may.
    purposes
        Permitted purposes; ``*`` permits all, an empty list none.
    prohibited
        ``{purpose: columns}`` that no model for the purpose may be made from; the purpose ``*`` is every one.
    retention_until
        The last day on which the data may be kept (ISO date); None is without end.
    regions
        Where the data may be used; empty is anywhere.
    fresh_until
        The last day on which the data count as fresh (ISO date); None where no freshness is asked.
    lawful_basis
        In the word of the datasheet, such as ``contract`` or ``consent``; empty where it does not say.
    is_source
        Whether the datasheet says that the data come from nowhere upstream of it that we could know: the lineage may
        end here.
    """

    slug: str
    name: str
    owner: str = ""
    steward: str = ""
    datasheet: str | None = None
    licence: str = ""
    licence_until: str | None = None
    withdrawn_at: str | None = None
    withdrawn_reason: str = ""
    purposes: tuple[str, ...] = ()
    prohibited: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    retention_until: str | None = None
    regions: tuple[str, ...] = ()
    fresh_until: str | None = None
    lawful_basis: str = ""
    is_source: bool = False

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "slug": self.slug,
            "name": self.name,
            "owner": self.owner,
            "steward": self.steward,
            "datasheet": self.datasheet,
            "licence": self.licence,
            "licence_until": self.licence_until,
            "withdrawn_at": self.withdrawn_at,
            "withdrawn_reason": self.withdrawn_reason,
            "purposes": list(self.purposes),
            "prohibited": {purpose: list(columns) for purpose, columns in sorted(self.prohibited.items())},
            "retention_until": self.retention_until,
            "regions": list(self.regions),
            "fresh_until": self.fresh_until,
            "lawful_basis": self.lawful_basis,
            "is_source": self.is_source,
        }
