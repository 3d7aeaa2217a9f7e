"""Names and birth dates: what a column's name says, the shape of its values, and how they are spread."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audits.measures.personal_data.detector import Detector, Hits
from audits.measures.personal_data.matching import matches, whole_values
from audits.measures.personal_data.texts import (
    DASH,
    DIGIT,
    DOT,
    LETTER,
    LOWER,
    OTHER,
    SLASH,
    SPACE,
    UPPER,
    WIDE,
    Ints,
    Texts,
)

NAME = Detector(key="name_named", entity="person_name", form="one to five words without digits", prior=0.3, named=True)
NAME_LISTED = Detector(
    key="name_common", entity="person_name", form="capitalised words with a common given name or surname", prior=0.25,
    chance=0.05, most=4.0,
)  # fmt: skip
NAME_CN = Detector(
    key="name_cn", entity="person_name", country="CN", form="two to four Chinese characters from a common surname",
    prior=0.1, chance=0.35, most=4.0,
)  # fmt: skip
BIRTH = Detector(key="birth_date", entity="date_of_birth", form="dates spread as births are", prior=0.35)
DETECTORS = (NAME, NAME_LISTED, NAME_CN, BIRTH)

_SURNAMES_CN = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金"
    "石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_COMMON_NAMES = (
    "James John Robert Michael William David Richard Joseph Thomas Charles Christopher Daniel Matthew Anthony Mark "
    "Donald Steven Paul Andrew Joshua Kenneth Kevin Brian George Timothy Edward Jason Jeffrey Ryan Jacob Gary "
    "Nicholas Eric Jonathan Stephen Larry Justin Scott Brandon Benjamin Samuel Gregory Alexander Patrick Frank "
    "Raymond Jack Dennis Jerry Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Karen Lisa Nancy "
    "Betty Sandra Margaret Ashley Kimberly Emily Donna Michelle Carol Amanda Melissa Deborah Stephanie Rebecca "
    "Laura Sharon Cynthia Kathleen Amy Angela Anna Ruth Brenda Pamela Nicole Katherine Samantha Christine Emma "
    "Catherine Virginia Rachel Maria Julia Peter Hans Klaus Wolfgang Jürgen Stefan Andreas Sabine Ursula Monika "
    "Petra Jean Pierre Michel Marie Jacques Nathalie Isabelle José Juan Antonio Manuel Francisco Carmen Ana Luis "
    "Carlos Giuseppe Giovanni Marco Mario Francesca Jan Piotr Krzysztof Katarzyna Lars Erik Anders Ingrid Mohammed "
    "Muhammad Ahmed Ali Fatima Omar Wei Yuki Hiroshi Smith Johnson Williams Brown Jones Garcia Miller Davis "
    "Rodriguez Martinez Hernandez Lopez Gonzalez Wilson Anderson Taylor Moore Jackson Martin Lee Perez Thompson "
    "White Harris Sanchez Clark Ramirez Lewis Robinson Walker Young Allen King Wright Torres Nguyen Hill Flores "
    "Adams Nelson Baker Hall Rivera Campbell Mitchell Carter Roberts Müller Schmidt Schneider Fischer Weber Meyer "
    "Wagner Becker Schulz Hoffmann Dubois Durand Leroy Moreau Bernard Petit Rossi Russo Ferrari Bianchi Esposito "
    "Silva Santos Oliveira Kowalski Nowak Hansen Johansson Andersson Nielsen Jensen Larsen Kim Park Chen Wang Zhang "
    "Liu Singh Kumar Sharma Patel Khan"
)
"""Some of the most common given names and surnames, as statistics offices publish them."""

_WORD = r"\p{Lu}(?:\p{L}|['’.-])*"
_PARTICLE = r"(?:van|von|de|der|den|da|di|del|dos|la|le|el|bin|al|ter|ten|y)"
_FULL = rf"^(?:(?:Mr|Mrs|Ms|Dr|Prof|Herr|Frau)\.? )?{_WORD}(?:,? (?:{_WORD}|{_PARTICLE})){{1,4}}$"
_LISTED = rf"(?i)(?:^|[ ,])(?:{_COMMON_NAMES.replace(' ', '|')})(?:[ ,]|$)"
_ANY = r"^[\p{L}\p{M}]+(?:[ ,.'’·-]{1,2}[\p{L}\p{M}]+){0,5}[.]?$"
_HAN = r"^\p{Han}{2,4}$"
_HAN_LISTED = (
    rf"^(?:[{_SURNAMES_CN}]|欧阳|司马|上官|诸葛|夏侯|东方|皇甫|尉迟|公孙|慕容|令狐|长孙|宇文|司徒)\p{{Han}}{{1,2}}$"
)
_YEAR_FIRST = (
    r"^((?:18|19|20)[0-9]{2})(?:[-/.]|年 ?)?(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])|(?:0?[1-9]|1[0-2])(?:[-/.]|月 ?)"
    r"(?:0?[1-9]|[12][0-9]|3[01])日?)(?:[ T]00?:00(?::00(?:\.0+)?)?Z?)?$"
)
_YEAR_LAST = r"^([0-3]?[0-9])[-/. ]([0-3]?[0-9]|[A-Za-z]{3,9})[-/., ]{1,2}((?:18|19|20)[0-9]{2})$"
_LONGEST_DATE = 30
FIRST_YEAR, LAST_YEAR = 1900, 2049
_LONGEST_NAME, _SHORTEST_FULL = 60, 5


def find_people(texts: Texts, *, named: bool) -> Iterator[Hits]:
    """Names of people, as whole values.

    Parameters
    ----------
    named
        Whether the column's name says that these are names of people.
    """
    worded = texts.only(LETTER | SPACE | DASH | DOT | WIDE | OTHER) & (texts.sizes <= _LONGEST_NAME)
    if named:
        found = whole_values(texts, worded & (texts.sizes > 1))
        yield Hits(NAME, found, matches(found.tokens, _ANY))
    two = worded & (texts.sizes >= _SHORTEST_FULL) & texts.all_of(SPACE) & ((texts.kinds & (UPPER | WIDE)) != 0)
    two &= (texts.kinds & (LOWER | WIDE | UPPER)) != 0
    found = whole_values(texts, two)
    found = found.where(matches(found.tokens, _FULL)) if len(found) else found
    yield Hits(NAME_LISTED, found, matches(found.tokens, _LISTED))
    found = whole_values(texts, texts.only(WIDE) & (texts.sizes >= 6) & (texts.sizes <= 12))  # noqa: PLR2004 - UTF-8
    found = found.where(matches(found.tokens, _HAN)) if len(found) else found
    yield Hits(NAME_CN, found, matches(found.tokens, _HAN_LISTED))


def find_dates(texts: Texts) -> tuple[Hits, Ints]:
    """Values that are a day, and the year of each."""
    likely = texts.only(DIGIT | DASH | DOT | SLASH | SPACE | LETTER | WIDE | OTHER | np.uint16(128)) & (
        texts.sizes <= _LONGEST_DATE
    )
    likely &= (texts.digits >= 5) & (texts.sizes >= 8)  # noqa: PLR2004 - 1985 and a day; 19850730
    found = whole_values(texts, likely)
    if not len(found):
        return Hits(BIRTH, found, np.zeros(0, np.bool_)), np.zeros(0, np.int64)
    first = matches(found.tokens, _YEAR_FIRST)
    last = ~first & matches(found.tokens, _YEAR_LAST)
    years = np.zeros(len(found), np.int64)
    for chosen, pattern, group in ((first, _YEAR_FIRST, r"\1"), (last, _YEAR_LAST, r"\3")):
        if chosen.any():
            written = pc.replace_substring_regex(found.tokens.filter(pa.array(chosen)), pattern, group)
            years[chosen] = np.asarray(written.cast(pa.int64()))
    plausible = (years >= FIRST_YEAR) & (years <= LAST_YEAR)
    found = found.where(plausible)
    return Hits(BIRTH, found, np.ones(len(found), np.bool_)), years[plausible]


def spread_as_births(years: dict[int, int]) -> bool:
    """Whether dates are spread as births are: at least thirty years between the fifth and the ninety-fifth hundredth.

    Dates of events are close together, or pile up in the latest years.
    """
    if not years:
        return False
    values = np.array(sorted(years))
    shares = np.cumsum([years[year] for year in sorted(years)]) / sum(years.values())
    low, middle, high = (int(values[np.searchsorted(shares, quantile)]) for quantile in (0.05, 0.5, 0.95))
    return high - low >= 30 and high - middle >= 10  # noqa: PLR2004 - a generation; no pile at the end
