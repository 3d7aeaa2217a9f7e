"""Addresses of tables elsewhere: which engine, host and table they name, and that they hold no secret. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from registry.data_reference import check_address
from registry.errors import InvalidInput

SCHEMES: Mapping[str, frozenset[str]] = {
    "postgresql": frozenset({"table", "query", "credentials", "host", "sslmode"}),
    "spark": frozenset({"table", "path"}),
    "sc": frozenset({"table", "path"}),
    "s3": frozenset({"credentials"}),
}
"""Scheme to the options that may follow the question mark."""

_ALIASES = {"postgres": "postgresql"}
_PART = re.compile(r'(?:"((?:[^"]|"")+)"|([^\W\d][\w$]*))(\.|$)')
_MOST_PARTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The address of a table, taken apart.

    Attributes
    ----------
    text
        As it was given; it holds no secret, and stands in evidence.
    scheme
        ``postgresql``, ``spark``, ``sc`` or ``s3``.
    host, port, user
        Of the server; for ``s3`` the host is the bucket. For a PostgreSQL socket, its directory.
    path
        What follows the host, without the first slash: the database, or the objects in a bucket.
    options
        What follows the question mark.
    """

    text: str
    scheme: str
    host: str
    port: int | None
    user: str
    path: str
    options: Mapping[str, str]

    def option(self, name: str) -> str:
        """An option's value; empty where it was not given."""
        return self.options.get(name, "")

    def one_of(self, *names: str) -> str:
        """The name of the one option given among several.

        Raises
        ------
        InvalidInput
            If none is given, or more than one.
        """
        given = [name for name in names if self.option(name)]
        if len(given) != 1:
            wanted = " or ".join(f"{name}=…" for name in names)
            raise InvalidInput(f"{self.text}: the address must say {wanted}, one of them", field="data")
        return given[0]

    def check_host(self, allowed: frozenset[str]) -> None:
        """Raise :class:`InvalidInput` where the host is not among those that a submitted address may name."""
        if self.host.lower() not in allowed:
            message = f"{self.text}: this service may not ask {self.host!r}; COUNTERSIGN_ENGINE_HOSTS names whom it may"
            raise InvalidInput(message, field="data")


def parse_address(text: str) -> Address:
    """Take an address apart.

    Raises
    ------
    InvalidInput
        If it is malformed, holds a password, names no engine that is known, or has an option that its engine does not know.
    """
    check_address(text, field="data")
    parts = urlsplit(text)
    scheme = _ALIASES.get(parts.scheme, parts.scheme)
    if scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise InvalidInput(f"{text}: no engine is known for {parts.scheme}://; known are {known}", field="data")
    pairs = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=20)
    options = dict(pairs)
    if len(options) < len(pairs):
        raise InvalidInput(f"{text}: an option is given twice", field="data")
    if unknown := sorted(set(options) - SCHEMES[scheme]):
        known = ", ".join(sorted(SCHEMES[scheme]))
        raise InvalidInput(f"{text}: {scheme}:// has no option {unknown[0]!r}; it has {known}", field="data")
    hosts = [host for host in (unquote(parts.hostname or ""), options.get("host", "")) if host]
    if len(hosts) > 1:
        raise InvalidInput(f"{text}: the address names two hosts", field="data")
    if not hosts:
        raise InvalidInput(f"{text}: the address names no {'bucket' if scheme == 's3' else 'host'}", field="data")
    return Address(
        text=text,
        scheme=scheme,
        host=hosts[0],
        port=parts.port,
        user=unquote(parts.username or ""),
        path=unquote(parts.path).removeprefix("/"),
        options=options,
    )


def table_name(text: str, *, fold: bool) -> tuple[str, ...]:
    """The parts of a table's name: ``schema.table``, a part in double quotes where it is not a plain word.

    Parameters
    ----------
    fold
        Whether a part without quotes means its lower-case form, as PostgreSQL has it.

    Raises
    ------
    InvalidInput
        If it is not a name.
    """
    parts: list[str] = []
    place = 0
    while match := _PART.match(text, place):
        quoted, plain, end = match.groups()
        parts.append(quoted.replace('""', '"') if quoted else plain.lower() if fold else plain)
        place = match.end()
        if not end:
            break
    if not parts or place < len(text) or text.endswith(".") or len(parts) > _MOST_PARTS:
        message = f'{text!r} is not the name of a table; write table=schema.name, or table="My Schema"."My Table"'
        raise InvalidInput(message, field="data")
    return tuple(parts)
