"""Lineage facts of mortgage-approval@2026.11.2 in a few words: ``edge("crm:email", "model:contact")``; tests change one thing."""

from __future__ import annotations

from typing import Any

MODEL = "mortgage-approval@2026.11.2"
SEEN = "2026-11-20T06:00:00Z"


def terms(slug: str, **changes: Any) -> dict[str, Any]:
    """Terms of a source that permit everything and lack nothing."""
    return {
        "slug": slug,
        "name": slug.title(),
        "owner": "Tony Hoare",
        "steward": "",
        "datasheet": "f" * 64,
        "licence": "data agreement",
        "licence_until": None,
        "withdrawn_at": None,
        "withdrawn_reason": "",
        "purposes": ["*"],
        "prohibited": {},
        "retention_until": None,
        "regions": [],
        "fresh_until": "2026-12-31",
        "lawful_basis": "contract",
        "is_source": True,
        **changes,
    }


def edge(source: str, target: str, **changes: Any) -> dict[str, Any]:
    """``place:column`` or ``place`` as a whole, made into another; whatever starts or ends at a whole is dataset-level."""
    whole = ":" not in source or ":" not in target
    return {"source": source, "target": target, "level": "dataset" if whole else "column", **changes}


def trained(source: str, **changes: Any) -> dict[str, Any]:
    """The model was trained on a place."""
    return edge(source, "model", level="training", **changes)


class _Numbers:
    """Places and nodes by name, made as they are asked for."""

    def __init__(self, datasets: Any) -> None:
        self.datasets, self.places, self.nodes, self.ties = datasets, {}, {}, []

    def place(self, name: str) -> int:
        if name not in self.places:
            self.places[name] = len(self.places)
            into, out = self.node(name, "in"), self.node(name, "out")
            self.ties.append((into, out))
        return self.places[name]

    def node(self, place: str, role: str, column: str = "") -> int:
        number = self.places[place]
        if (number, role, column) not in self.nodes:
            self.nodes[number, role, column] = len(self.nodes)
            if role == "column":
                here = self.nodes[number, role, column]
                self.ties += [(self.node(place, "in"), here), (here, self.node(place, "out"))]
        return self.nodes[number, role, column]

    def end(self, name: str, whole: str) -> int:
        place, _, column = name.partition(":")
        self.place(place)
        return self.node(place, "column", column) if column else self.node(place, whole)

    def as_place(self, name: str) -> dict[str, Any]:
        plain = {"namespace": "pg://warehouse", "name": name, "kind": "table", "dataset": None}
        if name == "model":
            plain |= {"namespace": "countersign:models", "name": MODEL, "kind": "model"}
        elif name in self.datasets:
            plain |= {"namespace": "countersign:datasets", "kind": "dataset", "dataset": name}
        model = {"model": "mortgage-approval", "version": "2026.11.2"} if name == "model" else {}
        return {**plain, "model": None, "version": None, **model}


def lineage(*edges: dict[str, Any], features=("income",), classes=(), datasets=(), **changes: Any) -> dict[str, Any]:
    """The object under ``lineage``.

    Parameters
    ----------
    classes
        ``("crm:email", "identifier")``, with source and detail where they matter.
    datasets
        Terms of the places that are registered datasets.
    """
    held = {item["slug"]: item for item in datasets}
    numbers = _Numbers(held)
    numbers.place("model")
    made = []
    for given in edges:
        target = given["target"]
        source = numbers.end(given["source"], "out")
        into = numbers.end(target, "out" if given["level"] == "training" else "in")
        plain = {"manner": "direct", "subtype": "", "masking": False, "treatment": None, "job": "nightly", "by": "sql"}
        made.append({**plain, "seen": SEEN, **given, "source": source, "target": into})
    marks = [
        {
            "node": numbers.end(where, "in"),
            "class": label,
            "source": more[0] if more else "declared",
            "detail": more[1] if len(more) > 1 else "",
        }
        for where, label, *more in classes
    ]
    nodes = {name: numbers.nodes.get((numbers.places["model"], "column", name)) for name in features}
    tie = {"level": "structure", "manner": "direct", "subtype": "", "masking": False, "treatment": None}
    ties = [{**tie, "source": a, "target": b, "job": "", "by": "", "seen": None} for a, b in numbers.ties]
    return {
        "purpose": "mortgage-underwriting",
        "regions": ["US"],
        "graph": {
            "places": [numbers.as_place(name) for name in numbers.places],
            "nodes": [{"place": p, "role": role, "column": column} for p, role, column in numbers.nodes],
            "edges": ties + made,
            "truncated": False,
        },
        "features": [{"name": name, "node": node} for name, node in nodes.items()],
        "model": numbers.node("model", "out"),
        "classes": marks,
        "datasets": {slug: item for slug, item in held.items() if slug in numbers.places},
        **changes,
    }
