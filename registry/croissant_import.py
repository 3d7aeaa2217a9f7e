"""A Croissant document as a datasheet and a version. What has no place in them is named, never dropped in silence. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.canonical import is_sha256
from registry.croissant import OWN_KEYS, TEXT_OF, DescribedVersion
from registry.croissant_words import Words, items, text, texts
from registry.datasheet import check_datasheet
from registry.errors import InvalidInput

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INTERVAL = 2
_LONGEST_NOTES = 200
_LONGEST_NAME = 200
_DEEPEST = 5

# Words of the responsible-AI vocabulary that share one text of the datasheet, each behind its title.
_JOINED = {
    "rai:dataCollectionType": ("method", "Type of collection"),
    "rai:dataCollectionRawData": ("method", "Raw data"),
    "rai:dataImputationProtocol": ("preparation", "Imputation"),
    "rai:dataManipulationProtocol": ("preparation", "Manipulation"),
    "rai:dataDataManipulationProtocol": ("preparation", "Manipulation"),
    "rai:dataAnnotationPlatform": ("labelling", "Platform"),
    "rai:dataAnnotationAnalysis": ("labelling", "Analysis"),
    "rai:annotationsPerItem": ("labelling", "Labels for each item"),
    "rai:annotatorDemographics": ("labelling", "Who labelled"),
    "rai:machineAnnotationTools": ("labelling", "Tools"),
}
# Said again by us when we export, or about the document rather than the data.
_UNDERSTOOD = frozenset(
    {"@context", "@type", "@id", "@language", "name", "identifier", "url", "creator", "maintainer", "datePublished",
     "dateModified", "dct:conformsTo", "cs:source", "license", "rai:dataCollection", "rai:dataCollectionTimeframe",
     "rai:dataCollectionTimeFrame", "temporalCoverage", "cs:terms", "version", "distribution", "cr:recordSet"}
) | set(TEXT_OF.values()) | set(_JOINED)  # fmt: skip
_OF_FILE = frozenset({"@type", "@id", "name", "contentUrl", "encodingFormat", "sha256", "cs:rows", "cs:dataUntil"})
_OF_FIELD = frozenset(
    {"@type", "@id", "name", "description", "cr:dataType", "cr:source", "cs:type", "cs:storedType", "cs:notInVersion",
     "cs:notInSheet", "cr:subField"}
)  # fmt: skip
_OF_RECORDS = frozenset({"@type", "@id", "name", "cr:field", "cr:key"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What a Croissant document says of a dataset.

    Attributes
    ----------
    slug
        Its identifier where that can be one; else empty.
    sheet
        Checked, as :func:`registry.datasheet.check_datasheet` gives it.
    version
        The version whose content digest the document states; None where it states none that we can hold.
    unread
        What the document says beyond that, as JSON paths with a word why.
    """

    name: str
    slug: str = ""
    source: str = ""
    sheet: Mapping[str, Any] = field(default_factory=dict)
    version: DescribedVersion | None = None
    unread: tuple[str, ...] = ()


def read_croissant(document: object) -> Imported:
    """Read a Croissant document of version 1.0 or 1.1, with or without the responsible-AI vocabulary.

    Raises
    ------
    InvalidInput
        If it is no description of a data set, or says something that a datasheet refuses; the field says what.
    """
    if not isinstance(document, Mapping):
        raise InvalidInput("a Croissant description is a JSON object")
    reading = _Reading(Words(document.get("@context")))
    node = reading.words.node(document)
    if not any(kind.endswith("Dataset") for kind in texts(node.get("@type"))):
        raise InvalidInput("@type is sc:Dataset", field="@type")
    name = text(node.get("name")).strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidInput(f"name is one line of 1 to {_LONGEST_NAME} characters", field="name")
    columns, stored = reading.columns(node)
    sheet = check_datasheet(reading.sheet(node, columns))
    version = reading.version(node, stored)
    reading.note_unknown(node, _UNDERSTOOD, "$")
    slug = text(node.get("identifier"))
    return Imported(
        name=name,
        slug=slug if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,99}", slug) else "",
        source=text(node.get("cs:source")),
        sheet=sheet,
        version=version,
        unread=tuple(reading.unread[:_LONGEST_NOTES]),
    )


class _Reading:
    def __init__(self, words: Words) -> None:
        self.words = words
        self.unread: list[str] = []

    def note(self, path: str, why: str) -> None:
        self.unread.append(f"{path}: {why}")

    def note_unknown(self, node: Mapping[str, Any], known: frozenset[str], path: str) -> None:
        for key in node:
            if key not in known:
                self.note(f"{path}.{key}", "has no place in a datasheet")

    def sheet(self, node: Mapping[str, Any], columns: Mapping[str, Any]) -> dict[str, Any]:
        said = {key: text(node.get(term)) for key, term in TEXT_OF.items()}
        said["method"] = text(node.get("rai:dataCollection"))
        for term, (key, title) in _JOINED.items():
            if more := text(node.get(term)):
                said[key] = f"{said[key]}\n\n{title}: {more}".strip()
        return {
            **{key: value for key, value in said.items() if key != "method"},
            **self._own(node),
            "collection": {"method": said["method"], "period": self._period(node)},
            "licence": self._licence(node),
            "columns": columns,
        }

    def _own(self, node: Mapping[str, Any]) -> dict[str, Any]:
        own = node.get("cs:terms", {})
        if not isinstance(own, Mapping):
            raise InvalidInput("cs:terms is an object", field="terms")
        for key in sorted(set(own) - set(OWN_KEYS)):
            self.note(f"$.terms.{key}", "has no place in a datasheet")
        return {key: own[key] for key in OWN_KEYS if key in own}

    def _period(self, node: Mapping[str, Any]) -> dict[str, str]:
        covered = text(node.get("temporalCoverage"))
        frame = texts(node.get("rai:dataCollectionTimeframe", node.get("rai:dataCollectionTimeFrame")))
        parts = covered.split("/") if covered else frame
        if not parts:
            return {}
        days = ["" if part == ".." else part[: len("2026-12-31")] for part in parts]
        if len(days) != _INTERVAL or not all(day == "" or _DAY.fullmatch(day) for day in days):
            self.note("$.temporalCoverage" if covered else "$.rai:dataCollectionTimeframe", "is no interval of days")
            return {}
        if covered and frame and [day[:10] for day in frame] != days:
            self.note("$.rai:dataCollectionTimeframe", "says another period than temporalCoverage, which was taken")
        return {"from": days[0], "until": days[1]}

    def _licence(self, node: Mapping[str, Any]) -> dict[str, str]:
        licences = items(node.get("license"))
        for index in range(1, len(licences)):
            self.note(f"$.license[{index}]", "a datasheet holds one licence, the first was taken")
        if not licences:
            return {}
        about = self.words.node(licences[0])
        if not about or "name" not in about:
            said = text(licences[0]) or text(about.get("url"))
            address = said if said.startswith(("http://", "https://")) and " " not in said else ""
            return {"name": said, "url": address}
        self.note_unknown(about, frozenset({"@type", "@id", "name", "url", "expires"}), "$.license")
        return {"name": text(about["name"]), "url": text(about.get("url")), "until": text(about.get("expires"))[:10]}

    def version(self, node: Mapping[str, Any], stored: list[dict[str, str]]) -> DescribedVersion | None:
        label = text(node.get("version"))
        files = [self.words.node(item) for item in items(node.get("distribution"))]
        told = [index for index, file in enumerate(files) if is_sha256(text(file.get("sha256")).lower())]
        if len(files) != 1 or len(told) != 1 or not _LABEL.fullmatch(label):
            if files:
                self.note("$.distribution", "a version is one content with its SHA-256, under a version's label")
            elif label:
                self.note("$.version", "a version needs a distribution with its SHA-256")
            return None
        file = files[0]
        if not text(file.get("contentUrl")).startswith("urn:countersign:"):
            self.note("$.distribution[0].contentUrl", "where the data lie is bound to a dataset as an address")
        self.note_unknown(file, _OF_FILE, "$.distribution[0]")
        rows, until = file.get("cs:rows"), text(file.get("cs:dataUntil"))
        return DescribedVersion(
            label=label,
            sha256=text(file["sha256"]).lower(),
            rows=rows if isinstance(rows, int) and not isinstance(rows, bool) else None,
            columns=stored,
            data_until=until or None,
        )

    def columns(self, node: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """The columns as the sheet describes them, and as the version holds them."""
        sheet: dict[str, Any] = {}
        stored: list[dict[str, str]] = []
        sets = [self.words.node(item) for item in items(node.get("cr:recordSet"))]
        for index, records in enumerate(sets):
            path = f"$.recordSet[{index}]"
            self.note_unknown(records, _OF_RECORDS, path)
            prefix = f"{text(records.get('name') or records.get('@id'))}." if len(sets) > 1 else ""
            for number, column in enumerate(items(records.get("cr:field"))):
                self._column(column, f"{path}.field[{number}]", prefix, sheet, stored)
        return sheet, stored

    def _column(
        self, value: object, path: str, prefix: str, sheet: dict[str, Any], stored: list[dict[str, str]], deep: int = 0
    ) -> None:
        node = self.words.node(value)
        source = self.words.node(node.get("cr:source"))
        extract = self.words.node(source.get("cr:extract"))
        own = text(extract.get("cr:column")) or text(node.get("name")) or text(node.get("@id")).rpartition("/")[2]
        name = prefix + own
        if not own or name in sheet or any(column["name"] == name for column in stored):
            self.note(path, "has no name" if not own else f"{name} is there twice; the first was taken")
            return
        self.note_unknown(node, _OF_FIELD, path)
        kind = text(node.get("cr:dataType"))
        if node.get("cs:notInSheet") is not True:
            said = text(node.get("cs:type", kind))
            sheet[name] = {"type": said, "description": text(node.get("description"))}
        if node.get("cs:notInVersion") is not True:
            stored.append({"name": name, "type": text(node.get("cs:storedType", kind))})
        inner = items(node.get("cr:subField"))
        if inner and deep == _DEEPEST:
            self.note(f"{path}.subField", f"is nested more than {_DEEPEST} deep")
            return
        for number, column in enumerate(inner):
            self._column(column, f"{path}.subField[{number}]", f"{name}.", sheet, stored, deep + 1)
