"""The model card of a decision as JSON, Markdown and one self-contained HTML file, all from the same dossier."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from audits.document_templates import render
from audits.document_view import document_view
from audits.dossier import Dossier
from audits.dossier_json import encode
from audits.markdown import inert_markdown, table_cell
from audits.seal import seal
from audits.tables import Table
from registry.canonical import canonical_json

CARD_PARTS = (
    "generated_at", "service", "decision", "subject", "use_case", "card", "artifacts", "lineage", "evaluations", "verdict",
    "sign_offs", "promotion", "changes", "compared_with", "subject_sha256", "verification_url",
)  # fmt: skip
"""What of the dossier a model card tells; the ledger excerpt and the manifest stay with the dossier."""


def card_json(dossier: Dossier) -> bytes:
    """The card for machines: canonical JSON (RFC 8785), every measurement with interval and n."""
    whole: dict[str, Any] = encode(dossier)
    origins = dossier.origins.as_json() if dossier.origins else None
    return canonical_json({"kind": "model-card", **{part: whole[part] for part in CARD_PARTS}, "origins": origins})


def card_html(dossier: Dossier) -> str:
    """The card for people: one HTML file with styles and pictures inline, that loads nothing and runs nothing."""
    view = document_view(dossier)
    words = (dossier.decision.result, view["decision"]["day"])
    picture = seal(dossier.subject_sha256, ink="currentColor", words=words, font="inherit")
    return render("model_card.html", {**view, "seal": picture})


def card_markdown(dossier: Dossier) -> str:
    """The card for repositories: Markdown with YAML front matter, inert whatever people wrote into it."""
    view = document_view(dossier, picture=None)
    lines = [
        *_front_matter(dossier),
        f"# {table_cell(view['model'])} {table_cell(view['version'])}",
        _decision(view),
        _table(
            ("", ""),
            [
                ("Use case", f"{dossier.use_case.name}: {dossier.use_case.objective}"),
                ("Affected people", dossier.use_case.affected_people),
                ("Risk tier", dossier.use_case.risk_tier),
                ("Owner", dossier.use_case.owner),
                ("Manifest", f"sha256:{dossier.subject.manifest_sha256}"),
                ("Subject", f"sha256:{dossier.subject_sha256}"),
                ("Check at", dossier.verification_url),
            ],
        ),
    ]
    for section in dossier.card.sections:
        if section.markdown.strip():
            lines += [f"## {table_cell(section.title)}", inert_markdown(section.markdown).strip()]
    lines += _verdict(view)
    lines += _evidence(view)
    lines += _rest(view)
    return "\n\n".join(lines) + "\n"


def _front_matter(dossier: Dossier) -> list[str]:
    entries: dict[str, str | list[str]] = {
        "model_name": dossier.subject.model,
        "version": dossier.subject.version,
        "tags": ["countersign", dossier.use_case.risk_tier, dossier.decision.environment],
        "decision": dossier.decision.result,
        "policy": f"{dossier.verdict.policy} v{dossier.verdict.policy_version}",
        "manifest_sha256": dossier.subject.manifest_sha256,
        "subject_sha256": dossier.subject_sha256,
        "generated_at": dossier.generated_at,
    }
    return ["\n".join(["---", *(f"{key}: {_inert_json(value)}" for key, value in entries.items()), "---"])]


def _inert_json(value: str | list[str]) -> str:
    """JSON, and so YAML, that holds no tag and no link even for a reader who knows no front matter."""
    if isinstance(value, list):
        return f"[{', '.join(map(_inert_json, value))}]"
    return json.dumps(value).translate({ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&[]"})


def _decision(view: dict[str, Any]) -> str:
    decision = view["decision"]
    what = f"{decision['mark']} **{table_cell(decision['result'])}** for {table_cell(view['environment'])}"
    return f"{what}: {table_cell(decision['sentence'])} ({decision['at']})"


def _verdict(view: dict[str, Any]) -> list[str]:
    rows = [
        (
            f"{rule.mark} {rule.status}",
            rule.title,
            rule.expected,
            rule.observed,
            rule.n,
            rule.fix if rule.status != "pass" else "",
        )
        for rule in view["rules"]
    ]
    verdict = view["verdict"]
    policy = f"policy {table_cell(verdict['policy'])}, version {verdict['policy_version']}"
    return [
        "## Verdict",
        f"{verdict['mark']} {table_cell(verdict['outcome'])}: {verdict['words']} ({policy}).",
        _table(("Status", "Rule", "Required", "Observed", "n", "Fix"), rows),
    ]


def _evidence(view: dict[str, Any]) -> Iterator[str]:
    for item in view["evaluations"]:
        yield f"## Evidence: {table_cell(item['kind'])}"
        if item["error"]:
            yield f"! error: {table_cell(item['error'])}"
            continue
        yield f"{table_cell(item['status'])}, {table_cell(item['trust'])}; evidence sha256:{item['sha256']}"
        table: Table = item["table"]
        if table.rows:
            yield _table([text for _, text in table.heads], [[text for _, text in row] for row in table.rows])


def _rest(view: dict[str, Any]) -> Iterator[str]:
    yield "## What it is made of"
    yield _table(
        ("Kind", "Name", "Detail", "Digest"),
        [
            *((item.kind, item.name, item.detail, item.digest) for item in view["lineage"]),
            *((item["role"], item["path"], item["size"], f"sha256:{item['sha256']}") for item in view["artifacts"]),
        ],
    )
    yield "## Sign-offs"
    signed = [
        (
            stage["name"],
            item["name"],
            item["role"],
            item["at"],
            f"{item['mark']} {item['state']}",
            f"sha256:{item['record']}",
        )
        for stage in view["stages"]
        for item in stage["sign_offs"]
    ]
    yield _table(("Stage", "Name", "Role", "Signed", "State", "Record"), signed) if signed else "No signature yet."


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(table_cell(head) for head in heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(table_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)
