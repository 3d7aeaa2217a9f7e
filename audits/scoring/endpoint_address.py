"""Which endpoint may be asked: the host, the address that it stands for, and that it is none of a cloud's own. Pure."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from audits.scoring.settings import HOSTS, ScoringSettings
from audits.scoring.source import Endpoint
from registry.errors import InvalidInput

_PORTS = {"http": 80, "https": 443}
_METADATA = frozenset(
    ipaddress.ip_address(text) for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
"""Where clouds answer with credentials, beside the link-local addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an endpoint is: the name it is verified by, and the one address that is connected to.

    Attributes
    ----------
    prefix
        Of paths, without the last slash.
    """

    scheme: str
    host: str
    port: int
    address: str
    prefix: str


def place_of(endpoint: Endpoint, settings: ScoringSettings) -> Place:
    """Take the address apart, check the host, and resolve it once.

    Raises
    ------
    InvalidInput
        If the address is malformed, names a host that may not be asked, or stands for an address that never may.
    """
    parts = urlsplit(endpoint.url)
    try:
        port = parts.port
    except ValueError:
        raise _refused(endpoint, "has a port that is no number between 1 and 65,535") from None
    host = (parts.hostname or "").lower()
    if parts.scheme not in _PORTS or not host:
        raise _refused(endpoint, "is no address of the form https://HOST")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise _refused(endpoint, "holds more than scheme, host, port and path; tokens are set by the operator")
    if not endpoint.trusted and host not in settings.hosts:
        raise _refused(endpoint, f"names {host!r}, which this service may not ask; {HOSTS} lists whom it may")
    number = port or _PORTS[parts.scheme]
    address = _resolved(endpoint, host, number)
    return Place(scheme=parts.scheme, host=host, port=number, address=address, prefix=parts.path.rstrip("/"))


def _resolved(endpoint: Endpoint, host: str, port: int) -> str:
    """The first address of the host; every one that it has must be allowed."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise _refused(endpoint, f"names {host!r}, which cannot be resolved ({error.strerror or error})") from None
    addresses = [str(entry[4][0]) for entry in found]
    for text in addresses:
        if is_refused(text):
            raise _refused(endpoint, f"stands for {text}, an address that is never asked")
    return addresses[0]


def is_refused(text: str) -> bool:
    """Whether an address is link-local, of a cloud's metadata, unspecified or multicast; loopback and private ones are not."""
    address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or _translated(address)
        if inner is not None:
            address = inner
    return address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address within ``64:ff9b::/96``, which a network's translator would connect to."""
    if address in ipaddress.ip_network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _refused(endpoint: Endpoint, sentence: str) -> InvalidInput:
    return InvalidInput(f"{endpoint.url}: {sentence}", field="execution.endpoint.url")
