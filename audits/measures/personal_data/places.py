"""Where somebody lives or is: postal addresses in several languages, and coordinates."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from audits.measures.personal_data.detector import Detector, Hits
from audits.measures.personal_data.matching import Found, either, find, matches
from audits.measures.personal_data.texts import DIGIT, DOT, LETTER, SPACE, WIDE, Texts

ADDRESS = Detector(key="address", entity="postal_address", form="a street with its number", prior=0.75)
ADDRESS_CN = Detector(
    key="address_cn",
    entity="postal_address",
    country="CN",
    form="Chinese street or village with its number",
    prior=0.85,
)
ADDRESS_NAMED = Detector(
    key="address_named", entity="postal_address", form="words with a number", prior=0.35, named=True
)
PAIR = Detector(key="coordinates", entity="geo_coordinate", form="latitude and longitude together", prior=0.9)
DETECTORS = (ADDRESS, ADDRESS_CN, ADDRESS_NAMED, PAIR)

_W = r"[\p{L}'’.-]+"
_ENGLISH = (
    r"Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Parkway|Pkwy"
    r"|Highway|Hwy|Circle|Cir|Crescent|Cres|Way|Trail|Trl|Close|Mews|Row|Gardens|Loop|Turnpike|Plaza"
)
_ROMANCE = (
    r"rue|avenue|av\.?|boulevard|bd|place|chemin|impasse|allée|quai|route|calle|c/|avenida|avda\.?|plaza|paseo|carrera|via|viale"
    r"|piazza|corso|largo|rua|travessa|praça|strada|strada|ulica|ul\.|al\.|aleja|os\."
)
_GERMANIC = r"str(?:aße|asse|aat|\.)|weg|allee|gasse|platz|plein|laan|gade|gatan|vägen|vej|veien|gata|katu|tie|ring|damm|ufer|kade|gracht"
_ADDRESS = either(
    rf"[0-9]{{1,6}}[A-Za-z]?(?:-[0-9]+)?,? +(?:{_W} +){{1,5}}(?:(?i:{_ENGLISH}))\b\.?",
    rf"[0-9]{{1,5}}(?: ?(?:bis|ter|[A-Za-z]))?,? +(?i:{_ROMANCE}) +(?:{_W} ?){{1,6}}",
    rf"(?i:{_ROMANCE}) +(?:{_W},? +){{1,6}}(?:n[.º°o]* ?)?[0-9]{{1,5}}[A-Za-z]?\b",
    rf"(?i:[\p{{L}}-]+(?:{_GERMANIC})|(?:{_W} ){{1,3}}(?:straße|strasse|weg|allee|platz|laan)) +[0-9]{{1,4}} ?[A-Za-z]?\b",
    r"(?i:P\.? ?O\.? Box|Postfach|Apartado|Casella postale|Boîte postale) +[0-9]{1,6}\b",
)
_HINT = rf"(?i)\b(?:{_ENGLISH}|{_ROMANCE}|Box|Postfach|Apartado|Casella)(?:[ ,.]|$)|(?:{_GERMANIC}) +[0-9]"
_CN = (
    r"(?:\p{Han}{1,8}(?:省|自治区|市|区|县|镇|乡|旗|州))*\p{Han}{1,12}(?:路|街|道|巷|弄|胡同|村|屯|里|苑|园|小区|新村|大厦|广场)"
    r"[\p{Han}0-9A-Za-z甲乙丙丁第-]{0,20}?[0-9一二三四五六七八九十百]+(?:号|弄|栋|幢|座|单元|楼|室|组|队|户)"
)
_REGIONS = r"^\p{Han}{2,8}(?:省|自治区|市)\p{Han}{1,12}(?:市|州|区|县|旗|镇|乡)[\p{Han}0-9A-Za-z-]{2,}$"
_LATITUDE = r"[+-]?(?:90(?:\.0+)?|[0-8]?[0-9]\.[0-9]{3,})"
_LONGITUDE = r"[+-]?(?:180(?:\.0+)?|(?:1[0-7][0-9]|[0-9]{1,2})\.[0-9]{3,})"
_DEGREES = r"[0-9]{1,3}° ?[0-9]{1,2}['′’] ?(?:[0-9]{1,2}(?:\.[0-9]+)?(?:\"|″|”|'') ?)?[NSEW]"
_PAIR = rf"{_LATITUDE} ?[,; ] ?{_LONGITUDE}|(?i:POINT) ?\({_LONGITUDE} {_LATITUDE}\)|{_DEGREES}[ ,]+{_DEGREES}"


def find_places(texts: Texts, *, named: bool) -> Iterator[Hits]:
    """Addresses and pairs of coordinates, whole or within texts.

    Parameters
    ----------
    named
        Whether the column's name says that these are addresses, so that any words with a number will do.
    """
    lettered = texts.all_of(DIGIT | SPACE) & ((texts.kinds & (LETTER | WIDE)) != 0) & (texts.sizes >= 8)  # noqa: PLR2004
    if lettered.any():
        lettered &= matches(texts.strings, _HINT)
    yield _all(ADDRESS, find(texts, f"(?:{_ADDRESS})", lettered, before=r"^|[^0-9A-Za-z_\p{L}]", after=""))
    wide = ((texts.kinds & WIDE) != 0) & (texts.sizes >= 12)  # noqa: PLR2004 - four Chinese characters
    if wide.any():
        hint = wide & matches(texts.strings, r"[省市区县镇乡路街道巷弄村号栋室]")
        found = find(texts, f"(?:{_CN}|{_REGIONS})", hint, before="^|.", after="")
        yield _all(ADDRESS_CN, found)
    dotted = texts.all_of(DOT | DIGIT) | (wide & texts.all_of(DIGIT))
    dotted &= texts.digits >= 6  # noqa: PLR2004 - two degrees and minutes
    yield _all(PAIR, find(texts, f"(?:{_PAIR})", dotted, before=r"^|[^0-9A-Za-z_.+-]", after=""))
    if named:
        words = (texts.sizes >= 8) & ((texts.kinds & (LETTER | WIDE)) != 0) & ((texts.kinds & (SPACE | WIDE)) != 0)  # noqa: PLR2004
        words &= (texts.kinds & DIGIT) != 0
        yield _all(ADDRESS_NAMED, find(texts, r".*", words, before="^", after="$"))


def _all(detector: Detector, found: Found) -> Hits:
    return Hits(detector, found, np.ones(len(found), np.bool_))
