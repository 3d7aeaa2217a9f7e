"""Secrets that no data set should hold: private keys, tokens of services, password hashes, passwords in their columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audits.measures.personal_data.detector import Detector, Hits
from audits.measures.personal_data.matching import Found, either, find, matches, whole_values
from audits.measures.personal_data.texts import DIGIT, DOLLAR, LETTER, SPACE, Texts, flat, pieces

KEY = Detector(key="private_key", entity="secret", form="a private key block", prior=0.99)
TOKEN = Detector(key="service_token", entity="secret", form="an access token as a known service writes it", prior=0.95)
JWT = Detector(key="jwt", entity="secret", form="a JSON web token", prior=0.95)
HASH = Detector(key="password_hash", entity="secret", form="a password hash", prior=0.95)
ASSIGNED = Detector(
    key="assigned_secret", entity="secret", form="a password or key that is named in the text", prior=0.75
)
OPAQUE = Detector(key="opaque_secret", entity="secret", form="varied characters without blanks", prior=0.3, named=True)
DETECTORS = (KEY, TOKEN, JWT, HASH, ASSIGNED, OPAQUE)

_KEY = r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
_SERVICES = either(
    r"(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[0-9A-Z]{16}",
    r"gh[pousr]_[0-9A-Za-z]{36,}",
    r"github_pat_[0-9A-Za-z_]{40,}",
    r"gl(?:pat|dt|rt|ptt|ft|soat)-[0-9A-Za-z_-]{20,}",
    r"xox[abeoprs]-[0-9A-Za-z-]{10,}",
    r"xapp-[0-9]-[0-9A-Za-z-]{20,}",
    r"(?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z]{16,}",
    r"whsec_[0-9A-Za-z]{24,}",
    r"AIza[0-9A-Za-z_-]{35}",
    r"GOCSPX-[0-9A-Za-z_-]{20,}",
    r"ya29\.[0-9A-Za-z_-]{20,}",
    r"sk-(?:ant-|proj-|svcacct-)?[0-9A-Za-z_-]{20,}",
    r"hf_[0-9A-Za-z]{30,}",
    r"npm_[0-9A-Za-z]{36}",
    r"pypi-AgEI[0-9A-Za-z_-]{40,}",
    r"SG\.[0-9A-Za-z_-]{20,24}\.[0-9A-Za-z_-]{40,46}",
    r"dop_v1_[0-9a-f]{64}",
    r"LTAI[0-9A-Za-z]{12,24}",
)
_HINT = (
    "(?:A(?:KIA|SIA|ROA|IDA|BIA|CCA|Iza)|gh[pousr]_|github_pat_|gl[a-z]{2,4}-|xox|xapp-|[srp]k_(?:live|test)_|whsec_"
    r"|GOCSPX|ya29|sk-|hf_|npm_|pypi-|SG\.|dop_v1_|LTAI)"
)
_JWT = r"eyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]*"
_HASH = either(
    r"\$2[abxy]?\$[0-9]{2}\$[./0-9A-Za-z]{53}",
    r"\$argon2(?:id|i|d)\$[0-9A-Za-z$=,+/]{20,}",
    r"\$(?:1|5|6|y|7)\$[0-9A-Za-z./$=,]{20,}",
    r"pbkdf2[_-]sha[0-9]{1,3}\$[0-9]+\$[0-9A-Za-z$=+/]{20,}",
    r"\$scrypt\$[0-9A-Za-z$=,+/]{20,}",
    r"\{(?:SSHA|SHA|SMD5|MD5)(?:256|512)?\}[0-9A-Za-z+/=]{20,}",
)
_WORDS = r"(?i:pass(?:word|wd|phrase)?|pwd|secret|api[_ -]?key|access[_ -]?key|auth[_ -]?token|密码|口令)"
_ASSIGNED = rf"{_WORDS}[\"']?(?:[ ]?[=:：][ ]?[\"']?|[ ](?:is|是)[ ]?)[^\s\"',;]{{6,}}"
_LEAST_SIZE, _LEAST_ENTROPY = 6, 2.0
_AT_ONCE = 1 << 19
_LONGEST = 256


def find_secrets(texts: Texts, *, named: bool) -> Iterator[Hits]:
    """Keys, tokens and password hashes; in a column that is named for secrets, whatever is varied enough."""
    long = texts.sizes >= 16  # noqa: PLR2004 - no token is shorter
    if long.any():
        yield _all(KEY, find(texts, _KEY, long & texts.all_of(SPACE), before=r"^|.", after=""))
        tokened = long & texts.all_of(DIGIT)
        tokened &= matches(texts.strings, _HINT) if tokened.any() else False
        yield _all(TOKEN, find(texts, f"(?:{_SERVICES})", tokened, after=""))
        yield _all(JWT, find(texts, _JWT, tokened | (long & (texts.sizes >= 24)), after=""))  # noqa: PLR2004 - three parts
        braced = texts.all_of(DOLLAR) | (long & matches(texts.strings, r"^\{S?(?:SHA|MD5)"))
        yield _all(HASH, find(texts, f"(?:{_HASH})", long & braced, before=r"^|[^0-9A-Za-z$]", after=""))
    words = (texts.sizes >= _LEAST_SIZE + 4) & ((texts.kinds & LETTER) != 0)
    yield _all(
        ASSIGNED,
        find(texts, _ASSIGNED, words & matches(texts.strings, _WORDS), after="") if words.any() else Found.nothing(),
    )
    if named:
        dense = (texts.sizes >= _LEAST_SIZE) & ((texts.kinds & SPACE) == 0)
        found = whole_values(texts, dense)
        yield _all(OPAQUE, found.where(entropy(found.tokens) >= _LEAST_ENTROPY))


def entropy(strings: pa.Array) -> npt.NDArray[np.float64]:
    """Shannon's entropy of the bytes within each text, in bits per byte; of the first 256 bytes of longer ones.

    ``−Σ p_b log2 p_b`` over the shares of each byte within the text.
    """
    parts = [_entropy(part) for part in pieces(strings, _AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _entropy(strings: pa.Array) -> npt.NDArray[np.float64]:
    data, starts = flat(strings)
    sizes = np.minimum(np.diff(starts), _LONGEST)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    pairs, counts = np.unique(owner * 256 + data[starts[:-1][owner] + within], return_counts=True)
    owners = pairs // 256
    share = counts / sizes[owners]
    return np.bincount(owners, weights=-share * np.log2(share), minlength=len(sizes)).astype(np.float64)


def _all(detector: Detector, found: Found) -> Hits:
    return Hits(detector, found, np.ones(len(found), np.bool_))
