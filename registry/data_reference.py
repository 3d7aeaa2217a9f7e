"""The address of data that a manifest names instead of a file: its form, and that it holds no secret. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from registry.errors import InvalidInput

_FORM = re.compile(r"[a-z][a-z0-9+.-]*://[^\s\x00-\x1f\x7f#]+")
_LONGEST = 2000
_SECRET = re.compile(r"pass(word|wd|phrase|file)?|.*(password|secret|token|access_?key).*|pwd|sslkey", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DataReference:
    """Data that stay where they are: the part they play, and the address of the table."""

    role: str
    url: str


def check_address(url: str, *, field: str) -> None:
    """Refuse what is no address, or one with a secret in it.

    Raises
    ------
    InvalidInput
        Naming ``field``. Where the address holds a secret, the message does not repeat it.
    """
    if len(url) > _LONGEST or not _FORM.fullmatch(url):
        message = f"an address has the form scheme://host/…, at most {_LONGEST} characters, without spaces and #"
        raise InvalidInput(message, field=field)
    try:
        parts = urlsplit(url)
        options = parse_qsl(parts.query, keep_blank_values=True)
        named = parts.port is None or parts.port > 0
    except ValueError:
        named = False
    if not named:
        raise InvalidInput("the address has a host or port that cannot be read", field=field)
    authority = parts.netloc.rpartition("@")[0]
    if ":" in authority or any(_SECRET.fullmatch(name) for name, _ in options) or ";" in parts.path:
        message = (
            "an address must not hold a password or key: set COUNTERSIGN_ENGINE_CREDENTIALS_<NAME> where it is read, "
            "and write credentials=<NAME> in the address"
        )
        raise InvalidInput(message, field=field)
