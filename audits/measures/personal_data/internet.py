"""What names people and machines on networks: e-mail, web, IP and MAC addresses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audits.measures.personal_data.detector import Detector, Hits
from audits.measures.personal_data.matching import Found, find, joined, matches
from audits.measures.personal_data.texts import AT, COLON, DASH, DIGIT, DOT, SLASH, WIDE, Texts

EMAIL = Detector(key="email", entity="email", form="an e-mail address", prior=0.97)
URL = Detector(key="url", entity="url", form="a web address", prior=0.97)
IP4 = Detector(key="ipv4", entity="ip_address", form="four numbers up to 255", prior=0.75, chance=0.5, most=2.0)
IP6 = Detector(key="ipv6", entity="ip_address", form="an IPv6 address", prior=0.93)
MAC = Detector(key="mac", entity="mac_address", form="six pairs of hexadecimal digits", prior=0.92)
URL_SECRET = Detector(key="url_password", entity="secret", form="a password inside an address", prior=0.95)
DETECTORS = (EMAIL, URL, IP4, IP6, MAC, URL_SECRET)

_PLAIN_EMAIL = (
    r"[0-9A-Za-z_](?:[0-9A-Za-z.!#$%'*+^_`~-]*[0-9A-Za-z_+~-])?@(?:[0-9A-Za-z](?:[0-9A-Za-z-]*[0-9A-Za-z])?\.)+"
    r"(?:[A-Za-z]{2,24}|xn--[0-9A-Za-z-]+)"
)
_WIDE_EMAIL = (
    r"[0-9\p{L}_](?:[0-9\p{L}\p{M}.!#$%'*+^_`~-]*[0-9\p{L}\p{M}_+~-])?@(?:[0-9\p{L}](?:[0-9\p{L}\p{M}-]*[0-9\p{L}\p{M}])?\.)+"
    r"\p{L}{2,24}"
)
_NO_EMAIL = r"(?i)\.(?:png|jpe?g|gif|svg|webp|css|js|json|html?|php|local|min)$|^git@"
_URL = r"(?i:https?|ftp|sftp|wss?)://[^\s<>\"'，。；）]{3,}|(?i:www)\.[0-9A-Za-z-]+\.[0-9A-Za-z.-]{2,}(?:/[^\s<>\"'，。；）]*)?"
_USER = r"://[^\s/@]*@"
_LOGIN = r"[A-Za-z][0-9A-Za-z+.-]{1,20}://[^\s/:@]*:[^\s/@]+@[^\s/@:]+"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IP4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}(?:\.[0-9]+)*(?::[0-9]{{1,5}}|/[0-9]{{1,2}})?"
_MORE_PARTS = r"^[0-9]+(?:\.[0-9]+){4}"
_VERSION = r"^(?:[0-9]|[2-9][0-9]|1[1-9])\.[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,2}$"
_H = r"[0-9A-Fa-f]{1,4}"
_IP6 = "|".join(
    [rf"(?:{_H}:){{7}}{_H}"]
    + [rf"(?:{_H}:){{{left}}}(?::{_H}){{1,{7 - left}}}" for left in range(1, 7)]
    + [rf"(?:{_H}:){{2,7}}:", rf"::(?:{_H}:){{0,6}}{_H}"]
)
_MAC = r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}"
_LEAST_OF_IP = 4


def find_internet(texts: Texts) -> Iterator[Hits]:
    """E-mail, web, IP and MAC addresses, whole or within texts; passwords in addresses."""
    yield from _emails(texts)
    slashed = texts.all_of(COLON | SLASH) | texts.all_of(DOT)
    webs = slashed & matches(texts.strings, r"://|(?i)www\.") if slashed.any() else slashed
    yield _all(URL, find(texts, _URL, webs, after=""))
    yield _all(URL_SECRET, find(texts, _LOGIN, texts.all_of(COLON | SLASH | AT), after=""))
    dotted = texts.all_of(DOT | DIGIT) & (texts.digits >= _LEAST_OF_IP)
    found = find(texts, _IP4, dotted, before=r"^|[^0-9A-Za-z_.-]")
    found = found.where(~matches(found.tokens, _MORE_PARTS))
    yield Hits(IP4, found, ~matches(found.tokens, _VERSION), anyway=True)
    colons = texts.all_of(COLON)
    found = (
        find(texts, f"(?:{_IP6})", colons, before=r"^|[^0-9A-Za-z_:.]", after=r"(?:$|\b)")
        if colons.any()
        else Found.nothing()
    )
    yield _all(
        IP6, found.where(matches(found.tokens, "[0-9]") & matches(found.tokens, "[0-9A-Fa-f]:+[0-9A-Fa-f].*:|::"))
    )
    paired = (texts.all_of(COLON) | texts.all_of(DASH) | texts.all_of(DOT)) & (texts.sizes >= 14)  # noqa: PLR2004 - the shortest
    found = find(texts, f"(?:{_MAC})", paired, before=r"^|[^0-9A-Za-z_:.-]")
    yield _all(MAC, found.where(matches(found.tokens, "[A-Fa-f]|:")))


def _emails(texts: Texts) -> Iterator[Hits]:
    among = texts.all_of(AT | DOT)
    if not among.any():
        return
    masked = texts
    logins = among & texts.all_of(COLON | SLASH)
    if logins.any():
        plain = pc.replace_substring_regex(texts.strings.filter(pa.array(logins)), _USER, "://")
        masked = replace(texts, strings=pc.replace_with_mask(texts.strings, pa.array(logins), plain))
    wide = (texts.kinds & WIDE) != 0
    found = joined(
        find(masked, _PLAIN_EMAIL, among, before=r"^|[^0-9A-Za-z_.@+-]"),
        find(masked, _WIDE_EMAIL, among & wide, before=r"^|[^0-9A-Za-z_\p{L}.@+-]"),
    )
    yield _all(EMAIL, found.where(~matches(found.tokens, _NO_EMAIL)))


def _all(detector: Detector, found: Found) -> Hits:
    return Hits(detector, found, np.ones(len(found), np.bool_))
