"""A set of features in a file of its own, in our small form. Pure."""

from __future__ import annotations

from registry.lineage.document_part import Part
from registry.lineage.features import OUR_FEATURES, DefinedPlace, FeatureDefinitions, Tags, read_features
from registry.lineage.names import PlaceName
from registry.lineage.statement import StatedEdge

_KEYS = frozenset({"set", "description", "namespace", "dialect", "features"})


def parse_set(root: Part, *, namespace: str | None = None) -> FeatureDefinitions:
    """Read a set: its features, and the place that it is where it has a name.

    Raises
    ------
    InvalidInput
        Naming the field that is wrong.
    """
    root.known(_KEYS)
    space = root.get("namespace").words(namespace or "", longest=500) or None
    found, notes = read_features(root.get("features"), namespace=space)
    if not found:
        root.get("features").refuse("defines no feature")
    name = root.get("set").words(longest=500)
    if not name:
        return FeatureDefinitions(direct=found, notes=tuple(notes))
    place = PlaceName(OUR_FEATURES, name)
    types, tags = {}, []
    for item in root.get("features").items():
        feature = item.get("name").text()
        types[feature] = item.get("type").words(longest=200)
        read: Tags = tuple(tag.text(longest=200) for tag in item.get("tags").items())
        if read:
            tags.append((place, feature, read))
    edges = tuple(edge for listed in found.values() for edge in listed)
    via = {
        feature: (StatedEdge(source=place, source_column=feature, target_column=feature, subtype="IDENTITY"),)
        for feature in found
    }
    return FeatureDefinitions((DefinedPlace(place, types, edges),), via, tuple(tags), tuple(notes))
