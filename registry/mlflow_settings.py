"""Which MLflow servers may be asked, with which credentials: read from the environment, like those of engines. Pure.

``COUNTERSIGN_MLFLOW_HOSTS`` lists hosts, separated by commas: ``mlflow.bank.example`` and ``mlflow.bank.example:8443``
are asked over https; ``http://mlflow.intern:5000`` says that this one may be asked in the clear.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from registry.errors import InvalidInput

PREFIX = "COUNTERSIGN_MLFLOW_"
_CREDENTIALS = f"{PREFIX}CREDENTIALS_"
_NAME = re.compile(r"[A-Za-z0-9_]{1,50}")
_FORM = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?", re.ASCII)
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class MlflowSettings:
    """Settings of polling.

    Attributes
    ----------
    hosts
        ``(scheme, host, port)`` of the servers that may be asked; no other is.
    every
        Seconds between two polls of one server.
    timeout
        Seconds that one answer may take from its first byte to its last.
    environment
        Where credentials are looked up by name.
    """

    hosts: frozenset[tuple[str, str, int]] = frozenset()
    every: int = 900
    timeout: int = 20
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> MlflowSettings:
        """Settings from variables that begin with ``COUNTERSIGN_MLFLOW_``.

        Raises
        ------
        InvalidInput
            Naming the variable that is malformed.
        """
        found = os.environ if environment is None else environment
        listed = [item.strip() for item in found.get(f"{PREFIX}HOSTS", "").split(",") if item.strip()]
        return cls(
            hosts=frozenset(_host(item) for item in listed),
            every=_whole(found, "EVERY", 900),
            timeout=_whole(found, "TIMEOUT", 20),
            environment={name: value for name, value in found.items() if name.startswith(_CREDENTIALS)},
        )

    def check_address(self, url: str) -> SplitResult:
        """The address in its parts.

        Raises
        ------
        InvalidInput
            If it is malformed, holds a password, or its host is not among those that may be asked.
        """
        parts = _split(url)
        if "@" in url:
            raise InvalidInput("an address must not hold a password: name credentials instead", field="url")
        if parts is None or not parts.hostname or not _FORM.fullmatch(url):
            raise InvalidInput("the address of a server has the form https://host or https://host/path", field="url")
        if (parts.scheme, parts.hostname.lower(), parts.port or _PORTS[parts.scheme]) not in self.hosts:
            raise InvalidInput(
                f"the server at {parts.scheme}://{parts.netloc} may not be asked; operators list it in {PREFIX}HOSTS",
                field="url",
            )
        return parts

    def authorization(self, name: str) -> str:
        """The value of the ``Authorization`` header for the credentials called ``name``; empty for none.

        Raises
        ------
        InvalidInput
            If there are none of that name, or they are malformed. The message never repeats them.
        """
        if not name:
            return ""
        if not _NAME.fullmatch(name):
            raise InvalidInput("the name of credentials is made of letters, digits and _", field="credentials")
        variable = _CREDENTIALS + name.upper()
        text = self.environment.get(variable, "")
        if not text:
            raise InvalidInput(f"there are no credentials {name!r} here; set {variable}", field="credentials")
        return _header(text, variable)


def _header(text: str, variable: str) -> str:
    if text.lstrip().startswith("{"):
        try:
            given: Any = json.loads(text)
        except ValueError:  # its message would repeat what stands there
            given = None
        token = given.get("token") if isinstance(given, dict) else None
        if isinstance(token, str) and token and token.isascii() and token.isprintable():
            return f"Bearer {token}"
    elif all(text.partition(":")) and text.isprintable():
        return f"Basic {base64.b64encode(text.encode()).decode()}"
    raise InvalidInput(f'{variable} must be user:password, or {{"token": "…"}}', field="credentials")


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        known = parts.scheme in _PORTS and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts if known else None


def _host(item: str) -> tuple[str, str, int]:
    parts = _split(item if "://" in item else f"https://{item}")
    if parts is None or not parts.hostname or parts.path.strip("/") or "@" in item:
        raise InvalidInput(
            f"{PREFIX}HOSTS holds {item!r}; write host, host:port, or http://host:port", field=f"{PREFIX}HOSTS"
        )
    return parts.scheme, parts.hostname.lower(), parts.port or _PORTS[parts.scheme]


def _whole(found: Mapping[str, str], name: str, default: int) -> int:
    text = found.get(PREFIX + name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not int(text):
        raise InvalidInput(f"{PREFIX}{name} is {text!r}; it must be a whole number above 0", field=PREFIX + name)
    return int(text)
