"""A machine-learning bill of materials of a version, as CycloneDX 1.6 JSON: model, data, libraries, components. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from audits.data_roles import DATA_ROLES
from audits.dossier import Artifact, Dossier, EvaluationRecord
from audits.measurement import Measurement
from audits.measures.environment.requirements import Package
from registry.canonical import canonical_json
from registry.execution import MODEL
from registry.manifest import trained_on

Json = dict[str, Any]

_SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
_QUANTITIES = ("performance", "fairness", "rescoring", "comparison", "robustness")
"""Kinds of evaluation whose measurements are what a model card calls performance metrics."""

_TASKS = {"binary": "binary classification", "multiclass": "multiclass classification", "regression": "regression"}
_SEVERITIES = frozenset({"critical", "high", "medium", "low", "none", "unknown"})
_PROPERTY = "countersign:"


def ml_bom_json(dossier: Dossier, packages: Sequence[Package] = ()) -> bytes:
    """The bytes of :func:`ml_bom`, the same for the same dossier."""
    return canonical_json(ml_bom(dossier, packages))


def ml_bom(dossier: Dossier, packages: Sequence[Package] = ()) -> Json:
    """Write the bill of materials of the dossier's version.

    Parameters
    ----------
    dossier
        Everything about one decision; of evaluations only those that succeeded are told.
    packages
        The recorded packages, as :func:`audits.measures.environment.requirements.read_packages` reads them.

    Returns
    -------
    dict
        Plain JSON by the schema of CycloneDX 1.6 (ECMA-424). ``serialNumber`` follows from the digest of what is signed, and
        ``metadata.timestamp`` is when the version was submitted: nothing in it depends on when it was written.
    """
    subject = dossier.subject
    root, model = f"version:{subject.model}@{subject.version}", f"model:{subject.model}@{subject.version}"
    data, libraries, inner = _data(dossier), _libraries(packages), _inner(dossier.manifest)
    files = _once(_file(artifact) for artifact in dossier.artifacts if _is_other(artifact))
    named = [component["bom-ref"] for component in (*data, *inner)]
    parts = [component["bom-ref"] for component in (*libraries, *files)]
    document: Json = {
        "$schema": _SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, f"sha256:{dossier.subject_sha256}").urn,
        "version": 1,
        "metadata": {
            "timestamp": subject.submitted_at,
            "tools": {"components": [_tool(dossier)]},
            "component": {
                "type": "machine-learning-model",
                "bom-ref": root,
                "name": subject.model,
                "version": subject.version,
                "hashes": [_hash(subject.manifest_sha256)],
                "description": "A submitted model version; the hash is that of its manifest.",
            },
            "properties": [
                _property("policy", f"{dossier.verdict.policy} v{dossier.verdict.policy_version}"),
                _property("verdict", dossier.verdict.outcome),
                _property("subject-sha256", dossier.subject_sha256),
                _property("use-case", dossier.use_case.name),
                _property("risk-tier", dossier.use_case.risk_tier),
            ],
        },
        "components": [_model(dossier, model, data), *data, *inner, *libraries, *files],
        "dependencies": [
            {"ref": root, "dependsOn": sorted([model, *parts])},
            {"ref": model, "dependsOn": sorted(named)},
            *({"ref": ref, "dependsOn": []} for ref in sorted([*named, *parts])),
        ],
    }
    found = _vulnerabilities(dossier, libraries)
    return {**document, "vulnerabilities": found} if found else document


def _tool(dossier: Dossier) -> Json:
    service = dossier.service
    return {"type": "application", "name": service.name, "version": service.code_version}


def _hash(sha256: str) -> Json:
    return {"alg": "SHA-256", "content": sha256}


def _property(name: str, value: str) -> Json:
    return {"name": f"{_PROPERTY}{name}", "value": value}


def _model(dossier: Dossier, ref: str, data: Iterable[Json]) -> Json:
    """The model itself, with its card."""
    files = [artifact for artifact in dossier.artifacts if artifact.role == MODEL]
    component: Json = {
        "type": "machine-learning-model",
        "bom-ref": ref,
        "name": dossier.subject.model,
        "version": dossier.subject.version,
        "modelCard": _card(dossier, data),
        "properties": [_property("file", artifact.path) for artifact in files],
    }
    if len(files) == 1:
        component["hashes"] = [_hash(files[0].sha256)]
    if dossier.manifest.get("description"):
        component["description"] = dossier.manifest["description"]
    return component


def _card(dossier: Dossier, data: Iterable[Json]) -> Json:
    schema, execution = dossier.manifest.get("schema", {}), dossier.manifest.get("execution", {})
    parameters: Json = {
        "approach": {"type": "supervised"},
        "task": _TASKS.get(schema.get("task", "binary"), str(schema.get("task"))),
        "datasets": [{"ref": component["bom-ref"]} for component in data],
        "inputs": [{"format": name} for name in execution.get("inputs") or schema.get("features") or ()],
        "outputs": [{"format": name} for name in (schema.get("score"), schema.get("prediction")) if name],
    }
    if execution.get("architecture"):
        parameters["modelArchitecture"] = execution["architecture"]
    card: Json = {
        "modelParameters": parameters,
        "quantitativeAnalysis": {"performanceMetrics": [*_metrics(dossier.evaluations)]},
    }
    considerations = _considerations(dossier)
    return {**card, "considerations": considerations} if considerations else card


def _metrics(evaluations: Iterable[EvaluationRecord]) -> Iterable[Json]:
    for evaluation in evaluations:
        if evaluation.status != "succeeded" or evaluation.kind not in _QUANTITIES:
            continue
        for measurement in evaluation.measurements:
            if measurement.value is not None:
                yield _metric(evaluation, measurement)


def _metric(evaluation: EvaluationRecord, measurement: Measurement) -> Json:
    """One number; the slice says of whom, over which groups, and how sure the interval is."""
    place = [f"{column}={group}" for column, group in measurement.slice.items()]
    over = [f"over {' × '.join(measurement.over)}"] if measurement.over and not place else []
    how = [f"{evaluation.key or evaluation.kind}, {evaluation.trust}", f"confidence {measurement.confidence:g}"]
    metric: Json = {
        "type": measurement.metric,
        "value": repr(measurement.value),
        "slice": "; ".join([*(place or over or ["everyone"]), *how]),
    }
    if measurement.low is not None and measurement.high is not None:
        bounds = {"lowerBound": repr(measurement.low), "upperBound": repr(measurement.high)}
        metric["confidenceInterval"] = bounds
    return metric


def _considerations(dossier: Dossier) -> Json:
    written = {section.key: section.markdown for section in dossier.card.sections if section.markdown.strip()}
    use = [text for text in (dossier.use_case.objective, written.get("intended_use", "")) if text]
    limits = [written[key] for key in ("limitations", "out_of_scope") if key in written]
    ethics = [{"name": written[key]} for key in ("ethical_considerations", "oversight") if key in written]
    told = {"useCases": use, "technicalLimitations": limits, "ethicalConsiderations": ethics}
    if dossier.use_case.affected_people:
        told["fairnessAssessments"] = [{"groupAtRisk": dossier.use_case.affected_people}]
    return {name: items for name, items in told.items() if items}


def _data(dossier: Dossier) -> list[Json]:
    """Registered data sets, files that are data, and tables that stay where they are."""
    digests = {origin.name: origin.digest for origin in dossier.lineage if origin.kind == "dataset"}
    found = []
    for name in trained_on(dossier.manifest):
        title, _, version = name.partition("@")
        found.append(_dataset(f"dataset:{name}", title, digests.get(name, ""), version=version, says="trained on"))
    found += [
        _dataset(f"data:{artifact.path}", artifact.path, artifact.sha256, says=artifact.role)
        for artifact in dossier.artifacts
        if artifact.role in DATA_ROLES
    ]
    for reference in dossier.manifest.get("data", ()):
        component = _dataset(f"data:{reference['role']}", reference["url"], "", says=reference["role"])
        component["data"][0]["contents"] = {"url": reference["url"]}
        found.append(component)
    return _once(found)


def _dataset(ref: str, name: str, sha256: str, *, says: str, version: str = "") -> Json:
    component: Json = {
        "type": "data",
        "bom-ref": ref,
        "name": name,
        "data": [{"type": "dataset", "name": name, "description": says}],
    }
    if version:
        component["version"] = version
    return {**component, "hashes": [_hash(sha256)]} if sha256 else component


def _is_other(artifact: Artifact) -> bool:
    return artifact.role != MODEL and artifact.role not in DATA_ROLES


def _file(artifact: Artifact) -> Json:
    return {
        "type": "file",
        "bom-ref": f"file:{artifact.path}",
        "name": artifact.path,
        "hashes": [_hash(artifact.sha256)],
        "properties": [_property("role", artifact.role)],
    }


def _inner(manifest: Mapping[str, Any]) -> list[Json]:
    """The versions that a composite is made of."""
    listed = [
        {
            "type": "machine-learning-model",
            "bom-ref": f"version:{item['model']}@{item['version']}",
            "name": item["model"],
            "version": item["version"],
        }
        for item in manifest.get("components", ())
    ]
    return _once(listed)


def _libraries(packages: Iterable[Package]) -> list[Json]:
    found = []
    for package in packages:
        purl = f"pkg:pypi/{package.name}" + (f"@{quote(package.version, safe='.-_~!')}" if package.version else "")
        component: Json = {"type": "library", "bom-ref": purl, "name": package.name, "purl": purl}
        if package.version:
            component["version"] = package.version
        elif package.allowed:
            component["properties"] = [_property("allowed-versions", package.allowed)]
        found.append(component)
    return _once(found)


def _once(components: Iterable[Json]) -> list[Json]:
    """Each reference once: a document that names two things alike is no bill of materials."""
    return [*{component["bom-ref"]: component for component in components}.values()]


def _vulnerabilities(dossier: Dossier, libraries: Iterable[Json]) -> list[Json]:
    """Those that the evaluation of the environment counted, of packages that are recorded."""
    places = {component["name"]: component for component in libraries}
    found = []
    for evaluation in dossier.evaluations:
        if evaluation.kind != "environment" or evaluation.status != "succeeded":
            continue
        for series in evaluation.series:
            for record in series.records() if series.name == "vulnerabilities" else ():
                component = places.get(record["package"])
                if component is not None and record["counts"]:
                    found.append(_vulnerability(record, component))
    return found


def _vulnerability(record: Mapping[str, Any], component: Json) -> Json:
    severity = record["severity"] if record["severity"] in _SEVERITIES else "unknown"
    entry: Json = {
        "bom-ref": f"vulnerability:{record['id']}:{component['bom-ref']}",
        "id": record["id"],
        "ratings": [{"severity": severity}],
        "affects": [{"ref": component["bom-ref"]}],
    }
    if record["fixed"]:
        entry["recommendation"] = f"Fixed in {', '.join(record['fixed'])}."
    if record["aliases"]:
        entry["properties"] = [_property("aliases", ", ".join(record["aliases"]))]
    return entry
