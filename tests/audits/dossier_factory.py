"""Realistic dossiers for the tests of documents: a mortgage model, 1,989 applications, and what can happen to it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace

from audits.dossier import (
    Artifact,
    Card,
    Change,
    CheckpointRecord,
    Decision,
    Dossier,
    EvaluationError,
    EvaluationRecord,
    LedgerLine,
    Origin,
    PromotionRecord,
    Section,
    Service,
    SignOffRecord,
    StageRecord,
    Subject,
    UseCase,
    VerdictRecord,
)
from audits.measurement import Measurement

GROUPS = {
    ("white", "male"): (1210, 82, 52, 34),
    ("white", "female"): (232, 18, 14, 12),
    ("black", "male"): (96, 18, 24, 16),
    ("black", "female"): (22, 4, 10, 7),
    ("hispanic", "male"): (62, 9, 9, 8),
    ("hispanic", "female"): (14, 2, 3, 4),
    ("white", "not stated"): (24, 1, 1, 1),
}
RATES = {
    "selection_rate": lambda tp, fp, tn, fn: (tp + fp, tp + fp + tn + fn),
    "true_positive_rate": lambda tp, fp, tn, fn: (tp, tp + fn),
    "false_positive_rate": lambda tp, fp, tn, fn: (fp, fp + tn),
    "false_negative_rate": lambda tp, fp, tn, fn: (fn, tp + fn),
    "accuracy_score": lambda tp, fp, tn, fn: (tp + tn, tp + fp + tn + fn),
}


def digest(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()


def wilson(k: int, n: int) -> tuple[float, float]:
    z = 1.959963984540054
    centre, half = (k + z * z / 2) / (n + z * z), z * math.sqrt(k * (n - k) / n + z * z / 4) / (n + z * z)
    return max(0.0, centre - half), min(1.0, centre + half)


def rates_of(slice_: dict[str, str], counts: tuple[int, int, int, int]) -> list[Measurement]:
    tp, fp, tn, fn = counts
    named = {"tp": tp, "fp": fp, "tn": tn, "fn": fn}
    total = sum(counts)
    made = [Measurement(metric="count", slice=slice_, value=float(total), n=total, method="exact count", counts=named)]
    for metric, parts in RATES.items():
        k, n = parts(tp, fp, tn, fn)
        low, high = wilson(k, n) if n else (None, None)
        made.append(
            Measurement(
                metric=metric, slice=slice_, value=k / n if n else None, low=low, high=high, n=n, method="wilson",
                counts=named, note="" if n else "no case in the denominator",
            )
        )  # fmt: skip
    return made


def sums(*columns: int) -> dict[tuple[str, ...], tuple[int, int, int, int]]:
    table: dict[tuple[str, ...], tuple[int, int, int, int]] = {}
    for group, counts in GROUPS.items():
        key = tuple(group[column] for column in columns)
        table[key] = tuple(a + b for a, b in zip(table.get(key, (0, 0, 0, 0)), counts, strict=True))
    return table


def aggregate(metric: str, over: tuple[str, ...], bounds: tuple[float, float, float], note: str) -> Measurement:
    value, low, high = bounds
    return Measurement(
        metric=metric, value=value, low=low, high=high, n=1989, method="koopman-sidak", over=over, minimum_group=0.02,
        note=note,
    )  # fmt: skip


def fairness_measurements() -> tuple[Measurement, ...]:
    made: list[Measurement] = []
    for columns, indices in ((("race",), (0,)), (("sex",), (1,)), (("race", "sex"), (0, 1))):
        for names, counts in sums(*indices).items():
            made += rates_of(dict(zip(columns, names, strict=True)), counts)
    pair = "black against white; groups under 2 % of the cases were left out: {}"
    made += [
        aggregate("demographic_parity_ratio", ("race",), (0.765, 0.685, 0.838), pair.format("none")),
        aggregate(
            "demographic_parity_ratio", ("sex",), (0.958, 0.902, 1.011), "female against male; left out: not stated"
        ),
        aggregate(
            "demographic_parity_ratio", ("race", "sex"), (0.651, 0.452, 0.861), "black × female against white × male"
        ),
        aggregate("true_positive_rate_difference", ("race",), (0.132, 0.063, 0.215), "black against white"),
    ]
    return tuple(made)


def performance_measurements() -> tuple[Measurement, ...]:
    values = (
        ("roc_auc_score", 0.823, 0.797, 0.848, "delong-logit"),
        ("accuracy_score", 0.891, 0.877, 0.904, "wilson"),
        ("precision_score", 0.925, 0.912, 0.936, "wilson"),
        ("recall_score", 0.953, 0.942, 0.962, "wilson"),
        ("f1_score", 0.939, 0.930, 0.947, "wilson"),
        ("brier_score_loss", 0.088, 0.079, 0.097, "delta"),
        ("log_loss", 0.301, 0.276, 0.326, "delta"),
    )
    return tuple(
        Measurement(metric=metric, value=value, low=low, high=high, n=1989, method=method)
        for metric, value, low, high, method in values
    )


def evaluation(kind: str, measurements: tuple[Measurement, ...], **changes) -> EvaluationRecord:
    record = EvaluationRecord(
        id=f"ev-{kind}-01", kind=kind, status="succeeded", trust="claimed", started_at="2026-11-20T14:02:10Z",
        finished_at="2026-11-20T14:02:13Z", sha256=digest(kind), seed=20261120, code_version="countersign 0.1.0",
        engine="pandas 3.0.0", inputs=({"path": "predictions.parquet", "sha256": digest("predictions")},),
        parameters={"label": "approve", "prediction": "predicted", "score": "score", "confidences": [0.95]},
        measurements=measurements,
    )  # fmt: skip
    return replace(record, **changes)


def detail(metric, value, low, high, status, *, over=(), slice=None, n=1989, note=""):
    return {
        "over": list(over), "slice": slice or {}, "metric": metric, "value": value, "low": low, "high": high, "n": n,
        "status": status, "note": note,
    }  # fmt: skip


def rule(id, check, status, title, observed, expected, **rest):
    base = {
        "id": id, "title": title, "check": check, "status": status, "on_inconclusive": "block", "observed": observed,
        "expected": expected, "n": 1989, "sentence": f"{title}: {observed}; the policy requires {expected}.", "fix": "",
        "evidence": [digest(check)], "details": [],
    }  # fmt: skip
    return {**base, **rest}


def rules_of_a_promotion() -> tuple[dict, ...]:
    return (
        rule(
            "discrimination-power", "performance", "pass", "The model separates good from bad risks",
            "ROC AUC 0.823 (0.797–0.848)", "≥ 0.75 with 95 % confidence",
            details=[detail("roc_auc_score", 0.823, 0.797, 0.848, "pass")],
        ),
        rule(
            "calibrated", "performance", "pass", "Its probabilities mean what they say", "Brier score 0.088 (0.079–0.097)",
            "≤ 0.12 with 95 % confidence", details=[detail("brier_score_loss", 0.088, 0.079, 0.097, "pass")],
        ),
        rule(
            "impact-ratio", "fairness", "inconclusive", "No group is selected much less often than another",
            "0.765 by race, 0.958 by sex, 0.651 by race × sex", "≥ 0.80 with 95 % confidence", on_inconclusive="review",
            sentence="The impact ratio by race is 0.765 (95 % interval 0.685–0.838, n 1,989); the policy requires at least 0.80. "
            "The interval reaches over the threshold, so the data cannot tell.",
            fix="About 2,400 more test cases would settle it at the present value, or choose decision thresholds that narrow the gap.",
            details=[
                detail("demographic_parity_ratio", 0.765, 0.685, 0.838, "inconclusive", over=("race",), note="black against white"),
                detail("demographic_parity_ratio", 0.958, 0.902, 1.0, "pass", over=("sex",), note="female against male; left out: not stated (under 2 %)"),
                detail("demographic_parity_ratio", 0.651, 0.452, 0.861, "inconclusive", over=("race", "sex"), note="black × female against white × male"),
            ],
        ),
        rule(
            "equal-opportunity", "fairness", "inconclusive", "Creditworthy applicants are approved alike",
            "true positive rate difference 0.132 (0.063–0.215) by race", "≤ 0.10 with 95 % confidence", on_inconclusive="review",
            sentence="Among applicants who repaid, the approval rates of races differ by 0.132 (95 % interval 0.063–0.215); the policy allows at most 0.10.",
            fix="More cases of black applicants, or a threshold per score band.",
            details=[detail("true_positive_rate_difference", 0.132, 0.063, 0.215, "inconclusive", over=("race",), note="black against white")],
        ),
        rule(
            "no-worse-than-champion", "comparison", "pass", "Not worse than the model in production",
            "ROC AUC difference −0.004 (−0.011 to 0.003)", "≥ −0.02 with 95 % confidence",
            details=[detail("roc_auc_score", -0.004, -0.011, 0.003, "pass", note="challenger 0.823, champion 0.827")],
        ),
        rule(
            "card-complete", "documentation", "pass", "The model card says what it must", "4 of 4 sections",
            "intended use, limitations, out of scope, owner", n=None,
        ),
    )  # fmt: skip


def sections() -> tuple[Section, ...]:
    return (
        Section(
            key="intended_use", title="Intended use",
            markdown="Ranks **owner-occupied mortgage applications** for approval in the retail channel.\n\n"
            "- used by: underwriters, as a recommendation that a person confirms\n- not used for: pricing, limits, collections\n",
        ),
        Section(
            key="limitations", title="Limitations",
            markdown="Trained on applications of the Boston area in 1990. Economic conditions and underwriting rules have changed; "
            "see [the data's description](https://example.org/hmda-boston).\n\n| segment | cases | note |\n| --- | ---: | --- |\n"
            "| two applicants | 421 | income is the sum |\n| multi-family | 298 | fewer cases, wider intervals |\n",
        ),
        Section(key="out_of_scope", title="Out of scope", markdown="Commercial property, refinancing, applicants outside the United States."),
        Section(key="owner", title="Owner", markdown="Tony Hoare, retail credit; escalation to the model risk committee."),
        Section(key="training_data", title="Training data", markdown="`hmda-boston@1990`, 1,989 applications, 59 columns; race and sex are not features."),
    )  # fmt: skip


def stages() -> tuple[StageRecord, ...]:
    return (
        StageRecord(name="owner", role="model-owner", quorum=1, independent_of=(), state="signed"),
        StageRecord(
            name="validation", role="validator", quorum=1, independent_of=("developer", "data-owner"), state="signed"
        ),
        StageRecord(
            name="compliance", role="compliance-officer", quorum=1, independent_of=("developer",), state="signed"
        ),
    )


def sign_off(stage: str, role: str, name: str, at: str, **changes) -> SignOffRecord:
    record = SignOffRecord(
        stage=stage, role=role, printed_name=name, signed_at=at, record_sha256=digest(f"record {stage}"),
        subject_sha256=digest("subject"), state="live",
        meaning=f"I, {name}, as {role}, have reviewed mortgage-approval 2026.11.2 and approve it for production under policy consumer-credit v4.",
    )  # fmt: skip
    return replace(record, **changes)


def ledger() -> tuple[LedgerLine, ...]:
    lines = (
        ("ada", "version.registered", "mortgage-approval 2026.11.2"),
        ("countersign", "evaluation.succeeded", "performance of mortgage-approval 2026.11.2"),
        ("countersign", "evaluation.succeeded", "fairness of mortgage-approval 2026.11.2"),
        ("countersign", "verdict.recorded", "mortgage-approval 2026.11.2 for production: review"),
        ("countersign", "review.opened", "mortgage-approval 2026.11.2 for production"),
        ("tony", "sign_off.recorded", "owner stage"),
        ("grace", "sign_off.recorded", "validation stage"),
        ("edsger", "sign_off.recorded", "compliance stage"),
        ("edsger", "version.promoted", "mortgage-approval 2026.11.2 to production"),
    )
    return tuple(
        LedgerLine(
            seq=41 + i,
            at=f"2026-11-20T15:{i:02d}:00Z",
            actor=actor,
            action=action,
            label=label,
            hash=digest(f"entry {i}"),
        )
        for i, (actor, action, label) in enumerate(lines)
    )


def manifest() -> dict:
    return {
        "model": "mortgage-approval", "version": "2026.11.2", "use_case": "mortgage-underwriting",
        "schema": {"label": "approve", "prediction": "predicted", "score": "score", "sensitive": ["race", "sex"]},
        "training": {"dataset": "hmda-boston@1990", "parameters": {"C": 0.5}, "seed": 7},
    }  # fmt: skip


def promoted() -> Dossier:
    """mortgage-approval 2026.11.2: two rules inconclusive, acknowledged by name, signed three times, promoted."""
    acknowledged = ("impact-ratio", "equal-opportunity")
    return Dossier(
        generated_at="2026-11-21T06:00:00Z",
        service=Service(name="Countersign at Example Bank", url="https://countersign.example.org", code_version="countersign 0.1.0"),
        decision=Decision(
            result="promoted", environment="production", at="2026-11-20T15:08:00Z",
            sentence="Every blocking rule is met; two inconclusive rules were acknowledged by name; three of three signatures are live.",
        ),
        subject=Subject(
            model="mortgage-approval", version="2026.11.2", manifest_sha256=digest("manifest"), submitted_by="Ada Lovelace",
            submitted_at="2026-11-20T14:00:00Z",
        ),
        use_case=UseCase(
            name="Mortgage underwriting", objective="Recommend approval or refusal of retail mortgage applications within a day.",
            kpis="Default rate below 2 %; median decision time below 24 hours", affected_people="Applicants for owner-occupied mortgages",
            risk_tier="high", owner="Tony Hoare",
        ),
        card=Card(sections=sections(), sha256=digest("card"), revision=3),
        manifest=manifest(),
        artifacts=(
            Artifact(role="model", path="model.skops", sha256=digest("model"), size=48213, media_type="application/octet-stream"),
            Artifact(role="test-predictions", path="predictions.parquet", sha256=digest("predictions"), size=30112, media_type="application/vnd.apache.parquet"),
            Artifact(role="environment", path="requirements.txt", sha256=digest("requirements"), size=812, media_type="text/plain"),
        ),
        lineage=(
            Origin(kind="dataset", name="hmda-boston@1990", digest=digest("dataset"), detail="1,989 mortgage applications, Boston area, 1990"),
            Origin(kind="code", name="git.example.org/credit/mortgage", digest="9fceb02d0ae598e95dc970b74767f19372d61af8", detail="train.py at tag 2026.11.2"),
            Origin(kind="environment", name="Python 3.11.7", digest=digest("requirements"), detail="23 pinned packages"),
        ),
        evaluations=(
            evaluation("performance", performance_measurements()),
            evaluation("fairness", fairness_measurements(), warnings=("sex is not stated in 27 rows; they form the group 'not stated'",)),
            evaluation("comparison", (
                Measurement(metric="roc_auc_score", value=-0.004, low=-0.011, high=0.003, n=1989, method="paired-delong", note="challenger 0.823, champion 0.827"),
            )),
        ),
        verdict=VerdictRecord(
            outcome="review", sha256=digest("verdict"), policy="consumer-credit", policy_version=4, policy_sha256=digest("policy"),
            policy_title="Consumer credit, high risk, production", rules=rules_of_a_promotion(),
        ),
        stages=stages(),
        sign_offs=(
            sign_off("owner", "model-owner", "Tony Hoare", "2026-11-20T15:05:00Z", acknowledged=acknowledged),
            sign_off(
                "validation", "validator", "Grace Hopper", "2026-11-20T15:06:00Z", acknowledged=acknowledged,
                comment="The gap by race narrowed from 0.71 to 0.77. I ask for a re-measurement once 2,400 more cases are in.",
            ),
            sign_off("compliance", "compliance-officer", "Edsger Dijkstra", "2026-11-20T15:07:00Z", acknowledged=acknowledged),
        ),
        promotion=PromotionRecord(
            at="2026-11-20T15:08:00Z", by="Edsger Dijkstra", attestation_sha256=digest("attestation"),
            statement_sha256=digest("statement"), valid_until="2027-11-20T15:08:00Z",
        ),
        changes=(
            Change(area="metrics", item="impact ratio by race", before="0.712", after="0.765"),
            Change(area="metrics", item="ROC AUC", before="0.827", after="0.823"),
            Change(area="parameters", item="C", before="1.0", after="0.5"),
            Change(area="card", item="Limitations", before="revision 2", after="revision 3"),
        ),
        compared_with="2026.10.4",
        ledger=ledger(),
        checkpoint=CheckpointRecord(
            size=412, root="Zq3m2Jx1tU0b0e1XkJt3w9pQvXq0o1Hk3dP0cC8yZlE=",
            note="countersign.example.org/ledger\n412\nZq3m2Jx1tU0b0e1XkJt3w9pQvXq0o1Hk3dP0cC8yZlE=\n\n— countersign.example.org/ledger Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n",
        ),
        subject_sha256=digest("subject"),
        verification_url="https://countersign.example.org/verify/mortgage-approval/2026.11.2/production",
    )  # fmt: skip


def blocked() -> Dossier:
    """mortgage-approval 2026.11.1: impact ratio fails, comparison never ran, fairness evidence of another kind is in error."""
    whole = promoted()
    rules = list(rules_of_a_promotion())
    rules[2] = {
        **rules[2], "status": "fail", "observed": "0.712 by race", "on_inconclusive": "block",
        "sentence": "The impact ratio by race is 0.712 (95 % interval 0.644–0.779, n 1,989); the policy requires at least 0.80.",
        "fix": "Choose thresholds per score band, or retrain with a fairness constraint; then submit again.",
        "details": [detail("demographic_parity_ratio", 0.712, 0.644, 0.779, "fail", over=("race",), note="black against white")],
    }  # fmt: skip
    rules[4] = {
        **rules[4], "status": "missing", "observed": "", "n": None, "details": [], "evidence": [],
        "sentence": "There is no comparison with the champion; the policy requires one.",
        "fix": "Upload predictions of both versions on the same rows.",
    }  # fmt: skip
    rules[0] = {
        **rules[0], "status": "error", "observed": "", "n": None, "details": [],
        "sentence": "Performance could not be measured: scores lie outside 0 to 1.", "fix": "Correct row 17 of predictions.parquet.",
    }  # fmt: skip
    rules[1] = {**rules[1], "status": "error", "observed": "", "n": None, "details": []}
    failed = evaluation(
        "performance", (), status="error", sha256=None,
        error=EvaluationError(message="score 1.7 lies outside 0 to 1", file="predictions.parquet", column="score", row=17),
    )  # fmt: skip
    return replace(
        whole,
        decision=Decision(
            result="blocked", environment="production", at=None,
            sentence="Denied: the impact ratio by race is 0.712, below 0.80; the comparison with the champion is missing.",
        ),
        subject=replace(whole.subject, version="2026.11.1"),
        evaluations=(failed, whole.evaluations[1]),
        verdict=replace(whole.verdict, outcome="blocked", rules=tuple(rules)),
        stages=tuple(replace(stage, state="waiting") for stage in whole.stages),
        sign_offs=(), promotion=None, changes=(), compared_with=None, checkpoint=None,
        card=replace(whole.card, sections=()),
    )  # fmt: skip


def poisoned(text: str) -> Dossier:
    """The promoted version with ``text`` wherever people or their data can put words."""
    whole = promoted()
    rules = [
        {
            **item,
            "title": text,
            "sentence": text,
            "fix": text,
            "observed": text,
            "details": [{**part, "note": text} for part in item["details"]],
        }
        for item in whole.verdict.rules
    ]
    fairness = tuple(
        replace(
            item,
            slice={column: text if group == "hispanic" else group for column, group in item.slice.items()},
            note=text,
        )
        for item in fairness_measurements()
    )
    return replace(
        whole,
        service=replace(whole.service, name=text),
        decision=replace(whole.decision, sentence=text),
        use_case=UseCase(name=text, objective=text, kpis=text, affected_people=text, risk_tier=text, owner=text),
        card=Card(sections=(Section(key="intended_use", title=text, markdown=text),), sha256=digest("card"), revision=3),
        artifacts=tuple(replace(item, path=text, role=text) for item in whole.artifacts),
        lineage=tuple(replace(item, name=text, detail=text) for item in whole.lineage),
        evaluations=(whole.evaluations[0], replace(whole.evaluations[1], measurements=fairness, warnings=(text,), parameters={text: text})),
        verdict=replace(whole.verdict, policy_title=text, rules=tuple(rules)),
        sign_offs=tuple(replace(item, printed_name=text, meaning=text, comment=text) for item in whole.sign_offs),
        changes=(Change(area=text, item=text, before=text, after=text),),
        ledger=tuple(replace(line, actor=text, label=text) for line in whole.ledger),
        manifest={text: text},
        verification_url="javascript:alert(1)",
    )  # fmt: skip
