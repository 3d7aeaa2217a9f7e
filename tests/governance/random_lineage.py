"""Random lineage facts, and rules that judge them: small graphs in which ways are often whole, and often not."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.governance.lineage_factory import edge, lineage, terms, trained

FEATURES = ("age", "income")
SEEN = ("2026-11-20T06:00:00Z",) * 6 + ("2026-11-11T06:00:00Z", "2026-11-11T05:59:59Z", None)
DAYS = ("2026-11-20", "2026-11-21", "2026-11-21", "2027-01-01")
CLASSES = ("identifier", "pseudonym", "quasi-identifier", "sensitive", "special-category")
METHODS = ("masking", "hash", "keyed-hash", "aggregation", "differential-privacy", "suppression", "encryption")
PURPOSES = ("mortgage-underwriting", "marketing")


def rarely(rng: Random, often: Any, *seldom: Any, share: float = 0.12) -> Any:
    return rng.choice(seldom) if rng.random() < share else often


def random_lineage_rule(rng: Random) -> dict[str, Any]:
    check = rng.choice(("lineage", "terms", "prohibited-features", "pii"))
    if check == "prohibited-features":
        return {"check": check} | rng.choice(({}, {"columns": ["sex"]}, {"columns": ["Age", "zip"]}))
    asked: dict[str, Any] = {}
    if check == "pii":
        asked = {"classes": rng.choice((["identifier"], ["pseudonym"], rng.sample(CLASSES, 2)))}
        asked["in"] = rng.choice(("features", "training-data", "predictions"))
        asked |= rng.choice(({}, {"influence": "allow"}, {"influence": "forbid"}))
        return {"check": check, **asked, **({"accepts": random_accepts(rng)} if rng.random() < 0.9 else {})}
    if check == "lineage":
        asked = {"every": "feature", "reaches": "source"} | rng.choice(({}, {"at": "column"}, {"at": "dataset"}))
        asked |= rng.choice(({}, {"max_age_days": 10}))
        asked |= rng.choice(({}, {"terms": "permit"}))
        if "terms" not in asked:
            return {"check": check, **asked}
    asked |= {"unregistered": rng.choice(("allow", "allow", "missing"))}
    asked |= rng.choice(({}, {}, {"fresh": True}, {"lawful_basis": True}))
    return {"check": check, **asked}


def random_accepts(rng: Random) -> dict[str, Any]:
    plain: dict[str, Any] = {
        name: rng.random() < 0.7
        for name in ("masking", "keyed-hash", "encryption", "suppression")
        if rng.random() < 0.8
    }  # fmt: skip
    if rng.random() < 0.5:
        plain["aggregation"] = {"k": rng.choice((5, 10))}
    if rng.random() < 0.5:
        plain["differential-privacy"] = {"epsilon": rng.choice((0.5, 1, 2))}
    return plain


def random_terms(rng: Random, slug: str) -> dict[str, Any]:
    return terms(
        slug,
        owner=rarely(rng, "Tony Hoare", ""),
        datasheet=rarely(rng, "f" * 64, None),
        is_source=rarely(rng, True, False),
        purposes=rarely(rng, list(PURPOSES), [], ["*"], ["marketing"], share=0.4),
        regions=rarely(rng, [], ["US"], ["DE"], ["US", "DE"], share=0.4),
        licence_until=rarely(rng, None, *DAYS, share=0.25),
        retention_until=rarely(rng, None, *DAYS, share=0.25),
        fresh_until=rarely(rng, "2027-01-01", *DAYS, None, share=0.25),
        lawful_basis=rarely(rng, "contract", ""),
        withdrawn_at=rarely(rng, None, "2026-11-20T00:00:00Z"),
        prohibited=rarely(
            rng, {}, {"*": ["sex"]}, {"mortgage-underwriting": ["Zip"]}, {"marketing": ["age", "zip"]}, share=0.5
        ),
    )


def random_edge(rng: Random, source: str, target: str, **changes: Any) -> dict[str, Any]:
    treated: dict[str, Any] = {}
    if rng.random() < 0.4:
        method = rng.choice(METHODS)
        treated = {"treatment": {"method": method}}
        if method == "aggregation" and rng.random() < 0.8:
            treated["treatment"]["k"] = rng.choice((4, 5, 10))
        if method == "differential-privacy" and rng.random() < 0.8:
            treated["treatment"]["epsilon"] = rng.choice((0.5, 1, 3))
    manner = rarely(rng, "direct", "indirect", share=0.2)
    masking = rng.random() < 0.3
    return edge(source, target, manner=manner, masking=masking, seen=rng.choice(SEEN), **treated) | changes


def random_lineage(rng: Random) -> dict[str, Any]:
    """A source, a table on the way, a dataset, and a model; with further steps between them, some in circles."""
    columns = ("age", "income", "sex", "zip")
    edges = []
    for feature in FEATURES:
        start = rng.choice(("crm", "staging", "hmda"))
        source = rarely(rng, f"{start}:{rng.choice(columns)}", start)
        edges.append(random_edge(rng, source, rarely(rng, f"model:{feature}", "model", f"model:{feature}s")))
    for column in columns:
        if rng.random() < 0.8:
            edges.append(random_edge(rng, f"crm:{column}", f"staging:{column}"))
        if rng.random() < 0.8:
            edges.append(random_edge(rng, rarely(rng, f"staging:{column}", "staging"), f"hmda:{column}"))
    for _ in range(rng.choice((0, 0, 1, 2))):
        source, target = rng.choice(("crm", "staging", "hmda", "raw")), rng.choice(("staging", "hmda", "model", "crm"))
        target = f"{target}:{rng.choice(FEATURES)}" if rng.random() < 0.7 else target
        source = f"{source}:{rng.choice(columns)}" if rng.random() < 0.7 else source
        edges.append(random_edge(rng, source, target))
    if rng.random() < 0.9:
        edges.append(trained(rng.choice(("crm", "hmda", "hmda", "raw")), seen=rng.choice(SEEN)))
    registered = ["crm", *(["hmda"] if rng.random() < 0.9 else []), *(["staging"] if rng.random() < 0.3 else [])]
    marks = [
        (f"{rng.choice(('crm', 'crm', 'staging', 'hmda'))}:{rng.choice(columns)}", label, "tag", "pii")
        for label in (rng.choice(("identifier", *CLASSES)) for _ in range(rng.choice((0, 1, 2, 4, 4))))
    ]
    if rng.random() < 0.3:  # a feature that is known and of which nothing is stated itself
        marks.append((f"model:{rng.choice(FEATURES)}", "quasi-identifier", "tag", "pii"))
    known = lineage(
        *rng.sample(edges, len(edges)),
        features=rarely(rng, FEATURES, (), (*FEATURES, "colour"), FEATURES[:1]),
        classes=list(dict.fromkeys(marks)),
        datasets=[random_terms(rng, slug) for slug in registered],
        purpose=rarely(rng, PURPOSES[0], ""),
        regions=rarely(rng, ["US"], [], ["US", "DE"], share=0.3),
    )
    if rng.random() < 0.05:
        known["graph"]["truncated"] = True
    if rng.random() < 0.05:
        known["model"] = None
    return known
