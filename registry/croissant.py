"""A dataset as Croissant tells it: JSON-LD of MLCommons, with its responsible-AI vocabulary. Pure.

Sources: the Croissant format 1.0 and the Croissant RAI vocabulary 1.0 of MLCommons. What these have no word for, such
as purposes, retention and lawful basis, stands under our own prefix ``cs``, so that nothing is lost between two of us.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

CROISSANT = "http://mlcommons.org/croissant/"
RAI = "http://mlcommons.org/croissant/RAI/"
OURS = "urn:countersign:datasheet:"
CONTENT = "urn:countersign:content:sha256:"
CONFORMS_TO = (f"{CROISSANT}1.0", f"{RAI}1.0")

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": CROISSANT,
    "cs": OURS,
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": RAI,
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "terms": {"@id": "cs:terms", "@type": "@json"},
    "transform": "cr:transform",
}

TEXT_OF = {
    "description": "description",
    "citation": "cr:citeAs",
    "preparation": "rai:dataPreprocessingProtocol",
    "labelling": "rai:dataAnnotationProtocol",
    "missing_data": "rai:dataCollectionMissingData",
    "biases": "rai:dataBiases",
    "limitations": "rai:dataLimitations",
    "personal_information": "rai:personalSensitiveInformation",
    "social_impact": "rai:dataSocialImpact",
    "uses": "rai:dataUseCases",
    "maintenance": "rai:dataReleaseMaintenancePlan",
}
"""The texts of a datasheet that Croissant has a word for."""

OWN_KEYS = (
    "motivation", "terms_of_use", "contact", "lawful_basis", "purposes", "prohibited", "retention", "regions",
    "update_rhythm", "freshness_days", "is_source",
)  # fmt: skip
"""The keys of a datasheet that it has none for; together the value of ``cs:terms``."""

FILE, RECORDS = "data", "records"
_TYPES = {
    "sc:Boolean": ("bool", "boolean"),
    "sc:DateTime": ("timestamp", "timestamptz", "datetime"),
    "sc:Date": ("date",),
    "sc:Time": ("time", "timetz"),
    "sc:Float": ("float", "double", "real", "decimal", "numeric", "number"),
    "sc:Integer": ("int", "integer", "bigint", "smallint", "tinyint", "hugeint", "long", "short", "uint", "serial"),
}
_TYPE_OF = {word: name for name, words in _TYPES.items() for word in words}
_FIRST_WORD = re.compile(r"[a-z]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedVersion:
    """One version of a dataset: label, content digest, rows, columns as ``{name, type}`` and the last day (ISO)."""

    label: str
    sha256: str
    rows: int | None = None
    columns: Sequence[Mapping[str, str]] = ()
    data_until: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What is exported: the dataset, its datasheet as :func:`registry.datasheet.check_datasheet` gives it, and a version.

    ``published`` and ``modified`` are ISO days; ``url`` is the address of its page.
    """

    slug: str
    name: str
    source: str = ""
    owner: str = ""
    steward: str = ""
    url: str = ""
    published: str = ""
    modified: str = ""
    sheet: Mapping[str, Any] = field(default_factory=dict)
    version: DescribedVersion | None = None


def croissant_of(described: Described) -> dict[str, Any]:
    """The dataset as a Croissant document."""
    sheet = described.sheet
    document: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": list(CONFORMS_TO),
        "name": described.name,
        "identifier": described.slug,
        "url": described.url,
        "cs:source": described.source,
        "creator": _person(described.owner),
        "maintainer": _person(described.steward),
        "datePublished": described.published,
        "dateModified": described.modified,
        "license": _licence(sheet.get("licence", {})),
        "rai:dataCollection": sheet.get("collection", {}).get("method", ""),
        **_period(sheet.get("collection", {}).get("period", {})),
        **{_short(term): sheet.get(key, "") for key, term in TEXT_OF.items()},
        "terms": {key: sheet[key] for key in OWN_KEYS if key in sheet},
        **_version(described.version),
        "recordSet": _records(sheet.get("columns", {}), described.version),
    }
    return {key: value for key, value in document.items() if value not in ("", None, {}, [])}


def _short(term: str) -> str:
    """The context gives these words of Croissant without a prefix."""
    return term.removeprefix("cr:")


def _person(name: str) -> dict[str, str]:
    return {"@type": "sc:Person", "name": name} if name else {}


def _licence(licence: Mapping[str, str]) -> dict[str, str]:
    if not licence:
        return {}
    terms = {"name": licence["name"], "url": licence.get("url", ""), "expires": licence.get("until", "")}
    return {"@type": "sc:CreativeWork"} | {key: value for key, value in terms.items() if value}


def _period(period: Mapping[str, str]) -> dict[str, Any]:
    if not period:
        return {}
    interval = f"{period.get('from', '..')}/{period.get('until', '..')}"
    whole = {"rai:dataCollectionTimeframe": [period["from"], period["until"]]} if len(period) > 1 else {}
    return {"temporalCoverage": interval, **whole}


def _version(version: DescribedVersion | None) -> dict[str, Any]:
    if version is None:
        return {}
    file = {
        "@type": "cr:FileObject",
        "@id": FILE,
        "name": FILE,
        "contentUrl": f"{CONTENT}{version.sha256}",
        "encodingFormat": "application/octet-stream",
        "sha256": version.sha256,
        "cs:rows": version.rows,
        "cs:dataUntil": version.data_until,
    }
    return {
        "version": version.label,
        "distribution": [{key: value for key, value in file.items() if value is not None}],
    }


def _records(described: Mapping[str, Mapping[str, str]], version: DescribedVersion | None) -> list[dict[str, Any]]:
    stored = {column["name"]: column.get("type", "") for column in (version.columns if version else ())}
    names = [*stored, *(name for name in described if name not in stored)]
    fields = [_field(name, described.get(name), stored.get(name), versioned=version is not None) for name in names]
    return [{"@type": "cr:RecordSet", "@id": RECORDS, "name": RECORDS, "field": fields}] if fields else []


def _field(name: str, about: Mapping[str, str] | None, stored: str | None, *, versioned: bool) -> dict[str, Any]:
    said = (about or {}).get("type", "")
    made: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{RECORDS}/{quote(name, safe='')}",
        "name": name,
        "dataType": data_type(said or stored or ""),
    }
    if about is not None:
        made |= {"description": about.get("description", ""), "cs:type": said}
    if stored is not None:
        made["cs:storedType"] = stored
    if versioned and stored is not None:
        made["source"] = {"fileObject": {"@id": FILE}, "extract": {"column": name}}
    # A column that only the sheet, or only the version, tells of: so that it comes back to where it came from.
    made |= {"cs:notInVersion": True} if versioned and stored is None else {}
    made |= {"cs:notInSheet": True} if about is None else {}
    return made


def data_type(text: str) -> str:
    """Croissant's type for a database's: ``decimal(10, 2)`` is ``sc:Float``; what is not known is ``sc:Text``."""
    if text.startswith(("sc:", "cr:")):
        return text
    word = _FIRST_WORD.match(text.lower())
    return _TYPE_OF.get(word.group() if word else "", "sc:Text")
