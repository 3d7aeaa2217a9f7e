"""How engines are run: memory, threads, hosts that may be asked, credentials by name. Read from the environment. Pure."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.errors import InvalidInput

PREFIX = "COUNTERSIGN_ENGINE_"
_CREDENTIALS = f"{PREFIX}CREDENTIALS_"
_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
_SIZE = re.compile(r"[0-9]+(\.[0-9]+)?\s*([KMGT]i?B|B|%)", re.IGNORECASE)
_TIMEOUT = 3600


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an engine shows at the door. Its ``repr`` says the name only.

    Attributes
    ----------
    name
        As addresses call it.
    fields
        ``user`` and ``password``, or what the JSON object holds: ``access_key``, ``secret_key``, ``endpoint``, ``region`` …
    """

    name: str
    fields: Mapping[str, str] = field(repr=False)

    def __getitem__(self, key: str) -> str:
        return self.fields.get(key, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of all engines.

    Attributes
    ----------
    memory
        Most memory that DuckDB may take, such as ``4GB``, ``512MiB`` or ``50%``; empty for its own choice. Beyond it, it spills to disk.
    threads
        Threads of DuckDB; 0 for its own choice.
    timeout
        Seconds after which a statement in a warehouse is given up.
    disclosure
        Groups of fewer rows than this never leave a warehouse.
    hosts
        Hosts (of ``s3://``: buckets) that an address may name which somebody submitted. Others may be named on the command line only.
    environment
        Where credentials are looked up when an address names them.
    """

    memory: str = ""
    threads: int = 0
    timeout: int = _TIMEOUT
    disclosure: int = 0
    hosts: frozenset[str] = frozenset()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Settings from variables that begin with ``COUNTERSIGN_ENGINE_``.

        Raises
        ------
        InvalidInput
            Naming the variable that is malformed.
        """
        found = os.environ if environment is None else environment
        memory = found.get(f"{PREFIX}MEMORY", "").strip()
        if memory and not _SIZE.fullmatch(memory):
            raise _malformed("MEMORY", memory, "a size such as 4GB or 512MiB, or a share such as 50%")
        return cls(
            memory=memory,
            threads=_whole(found, "THREADS", 0),
            timeout=_whole(found, "TIMEOUT", _TIMEOUT),
            disclosure=_whole(found, "DISCLOSURE", 0),
            hosts=frozenset(
                host.strip().lower() for host in found.get(f"{PREFIX}HOSTS", "").split(",") if host.strip()
            ),
            environment={name: value for name, value in found.items() if name.startswith(_CREDENTIALS)},
        )

    def credentials(self, name: str) -> Credentials:
        """The credentials of that name.

        Raises
        ------
        InvalidInput
            If there are none, or they are malformed. The message never repeats them.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInput("the name of credentials is made of letters, digits and _", field="data")
        variable = _CREDENTIALS + name.upper()
        text = self.environment.get(variable, "")
        if not text:
            raise InvalidInput(f"there are no credentials {name!r} here; set {variable}", field="data")
        return Credentials(name, _fields(text, variable))


def _fields(text: str, variable: str) -> dict[str, str]:
    if not text.lstrip().startswith("{"):
        user, colon, password = text.partition(":")
        if not user or not colon:
            raise InvalidInput(f"{variable} must be user:password, or a JSON object", field="data")
        return {"user": user, "password": password}
    try:
        given: Any = json.loads(text)
    except ValueError:  # its message would repeat what stands there
        given = None
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise InvalidInput(f"{variable} must be user:password, or a JSON object of texts", field="data") from None
    return given


def _whole(found: Mapping[str, str], name: str, default: int) -> int:
    text = found.get(PREFIX + name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit():
        raise _malformed(name, text, "a whole number")
    return int(text)


def _malformed(name: str, text: str, wanted: str) -> InvalidInput:
    return InvalidInput(f"{PREFIX}{name} is {text!r}; it must be {wanted}", field=PREFIX + name)
