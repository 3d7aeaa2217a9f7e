"""What an operator says about running models: types of skops files, hosts of endpoints, tokens by host. Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from registry.errors import InvalidInput

TYPES, HOSTS, TOKEN = "COUNTERSIGN_SKOPS_TYPES", "COUNTERSIGN_ENDPOINT_HOSTS", "COUNTERSIGN_ENDPOINT_TOKEN_"
_TYPE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringSettings:
    """Settings of running models.

    Attributes
    ----------
    skops_types
        Types that skops files may hold beside our own list, by their full names.
    hosts
        Hosts that the address of a submitted endpoint may name.
    tokens
        Variable to bearer token; see :meth:`token`.
    """

    skops_types: tuple[str, ...] = ()
    hosts: frozenset[str] = frozenset()
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> ScoringSettings:
        """Settings from the environment.

        Raises
        ------
        InvalidInput
            Naming the variable that is malformed.
        """
        found = os.environ if environment is None else environment
        types = _listed(found.get(TYPES, ""))
        for name in types:
            if not _TYPE.fullmatch(name):
                raise InvalidInput(f"{TYPES} holds {name!r}; it must list full names such as package.Type", field=TYPES)
        return cls(
            skops_types=types,
            hosts=frozenset(host.lower() for host in _listed(found.get(HOSTS, ""))),
            tokens={name: value for name, value in found.items() if name.startswith(TOKEN)},
        )

    def token(self, host: str) -> str:
        """The bearer token for a host; empty where there is none.

        The variable is named by the host in capitals, what is neither letter nor digit as ``_``: for ``models.example.org`` it
        is ``COUNTERSIGN_ENDPOINT_TOKEN_MODELS_EXAMPLE_ORG``.
        """
        return self.tokens.get(TOKEN + re.sub(r"[^A-Z0-9]", "_", host.upper()), "").strip()


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
