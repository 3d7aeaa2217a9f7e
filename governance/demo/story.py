"""The story itself, chapter by chapter. Everything goes through the HTTP API or an operator's command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from importlib import resources
from pathlib import Path
from typing import Any

from django.core.management import call_command

from governance.demo import origins
from governance.demo.console import chapter, say, step
from governance.demo.people import (
    ADA,
    BARBARA,
    BOT,
    CAST,
    EDSGER,
    ETL,
    GRACE,
    TONY,
    Caller,
    Character,
    create_cast,
    token_for,
)
from governance.demo.training import DOCTORED, FAIR, NEXT, OTHER_SEED, PLAIN, Recipe, dataset_digest, train
from governance.management.commands.serve import make_web_server, start_worker

MODEL, ENVIRONMENT = "mortgage-approval", "production"
DELIVERABLES = (
    "model-card.html",
    "model-card.json",
    "dossier.pdf",
    "attestation.dsse.json",
    "ledger.jsonl",
    "checkpoint.txt",
    "verification.pem",
)


class Demo:
    """One telling: where its state lies, where it serves, and everybody's way in."""

    def __init__(self, data: Path, port: int) -> None:
        self.data, self.base = data, f"http://127.0.0.1:{port}"
        self.callers: dict[str, Caller] = {}
        self.ci_token = self.auditor_token = ""

    # ── the client, as a CI job runs it ──────────────────────────────────────────────────────────────────────────

    def client(self, *arguments: str, token: str, expect: tuple[int, ...] = (0,)) -> str:
        """Run ``countersign …`` as its own process; what it printed."""
        environment = {**os.environ, "COUNTERSIGN_URL": self.base, "COUNTERSIGN_TOKEN": token}
        for name in ("GITHUB_STEP_SUMMARY",):
            environment.pop(name, None)
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "governance.cli", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in expect:
            raise RuntimeError(
                f"countersign {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout.rstrip()

    def caller(self, person: Character) -> Caller:
        """The person's way to the API."""
        return self.callers[person.username]

    # ── chapters ─────────────────────────────────────────────────────────────────────────────────────────────────

    def set_up(self) -> None:
        """People, tokens, use case, roles, dataset, policy."""
        with step("People and tokens (manage.py create_person, issue_token)"):
            create_cast()
            for person in CAST:
                scopes = ["read", "gate", "promote", "sign", "submit", "policy", "manage"]
                self.callers[person.username] = Caller(self.base, token_for(person.username, *scopes))
            self.ci_token = token_for(BOT, "read", "submit", "gate", "promote", responsible=ADA.username)
            self.auditor_token = token_for(BARBARA.username, "read")
            self.callers[ETL] = Caller(self.base, token_for(ETL, "lineage", responsible=TONY.username))
        with step("Use case and roles (HTTP API)"):
            self._use_case()
        with step("Four datasets with their terms, and an OpenLineage event of the job that joined them"):
            self._datasets()
        with step("Policy consumer-credit v1 (HTTP API)"):
            policy = resources.files("governance").parent / "docs" / "examples" / "consumer-credit.yaml"  # type: ignore[attr-defined]
            self.caller(EDSGER).call("POST", "policies", policy.read_bytes(), media_type="application/yaml")

    def _use_case(self) -> None:
        officer = self.caller(EDSGER)
        officer.call(
            "POST",
            "use-cases",
            {
                "slug": "mortgage-underwriting",
                "name": "Mortgage underwriting",
                "objective": "Order mortgage applications so that officers decide sound ones sooner, alike for alike applicants.",
                "kpis": [
                    "median days to decision: 9 → 4",
                    "approval rate of equal applicants differs by less than 2 points",
                ],
                "affected_people": "About 2,000 applicants for home loans a year in the Boston area",
                "risk_tier": "high",
                "purpose": origins.PURPOSE,
                "regions": ["US"],
                "owner": TONY.username,
            },
        )
        roles = [
            (ADA.username, "developer"),
            (BOT, "developer"),
            (GRACE.username, "validator"),
            (BARBARA.username, "auditor"),
        ]
        for username, role in roles:
            self.caller(TONY).call(
                "POST", "use-cases/mortgage-underwriting/roles", {"username": username, "role": role}
            )
        self.caller(TONY).call(
            "POST", "use-cases/mortgage-underwriting/roles", {"username": EDSGER.username, "role": "compliance-officer"}
        )

    def _datasets(self) -> None:
        owner = self.caller(TONY)
        for slug, (name, address, sheet) in origins.SHEETS.items():
            owner.call("POST", "datasets", {"slug": slug, "name": name, "source": sheet["description"]})
            owner.call("POST", f"datasets/{slug}/datasheets", {"sheet": sheet, "base": 0})
            if address:
                owner.call("POST", f"datasets/{slug}/addresses", address)
        sha256, rows = dataset_digest()
        owner.call("POST", "datasets/hmda-boston/versions", {"label": "1990", "sha256": sha256, "rows": rows})
        self.callers[ETL].call("POST", "lineage", origins.event())

    def submit(self, recipe: Recipe) -> None:
        """Train a version and send it, as CI does."""
        with step(f"Training {recipe.version}: {recipe.title}"):
            manifest = train(recipe, self.data / "ci" / recipe.version)
        with step("countersign submit manifest.yaml"):
            said = self.client("submit", str(manifest), token=self.ci_token)
        say(said)

    def ask(self, version: str, *, expect: tuple[int, ...], brief: bool = False) -> None:
        """Ask the gate, waiting for the measurements but for nobody's signature, and print what it says.

        ``brief`` leaves out the rules that do not block.
        """
        with step("Measuring (a worker, in the background)"):
            self.wait_until_measured(version)
        said = self.client(
            "gate", "check", f"{MODEL}@{version}", "--env", ENVIRONMENT, token=self.ci_token, expect=expect
        )
        say(f"$ countersign gate check {MODEL}@{version} --env {ENVIRONMENT}")
        say(_what_blocks(said) if brief else said)

    def wait_until_measured(self, version: str, seconds: float = 300) -> None:
        """Until no evaluation is queued or running."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.caller(ADA).call("GET", f"versions/{MODEL}/{version}/evaluations")["results"]
            if found and all(item["status"] in ("succeeded", "error") for item in found):
                return
            time.sleep(0.2)
        raise RuntimeError(f"{version} was not measured within {seconds:.0f} s")

    def sign(self, version: str) -> None:
        """Everybody whom the policy asks signs, each with their own password."""
        for person in (TONY, GRACE, EDSGER):
            caller = self.caller(person)
            review = caller.call("GET", f"reviews?model={MODEL}&version={version}&state=open")["results"][0]
            stage = next(item for item in review["stages"] if item["state"] == "current")
            with step(f"{person.name} signs as {stage['role'].replace('-', ' ')}"):
                caller.call(
                    "POST",
                    f"reviews/{review['id']}/sign-offs",
                    {
                        "meaning": "approve",
                        "subject_sha256": review["subject_sha256"],
                        "password": person.password,
                        "acknowledged": review["to_acknowledge"],
                        "comment": _comment(person, review["to_acknowledge"]),
                    },
                )
        if review["to_acknowledge"]:
            say(f"Each acknowledged by name what the data cannot settle: {', '.join(review['to_acknowledge'])}.")

    def catch(self, recipe: Recipe, rule: str) -> None:
        """Submit a version that is not what it says it is, and show the rule that tells."""
        self.submit(recipe)
        with step("Measuring (a worker, in the background)"):
            self.wait_until_measured(recipe.version)
        answer = self.caller(ADA).call(
            "POST", f"gates/{ENVIRONMENT}/decisions", {"subject": {"model": MODEL, "version": recipe.version}}
        )
        found = next(item for item in answer["rules"] if item["id"] == rule)
        if found["status"] != "fail" or answer["result"] != "deny":
            raise RuntimeError(f"{rule} says {found['status']} of {recipe.version}, and the gate {answer['result']}")
        say(f"✕ {found['title']}: {found['observed']}")
        say(f"  {found['fix']}")

    def try_to_sign_own(self, version: str) -> None:
        """The developer tries to approve her own version."""
        caller = self.caller(ADA)
        review = caller.call("GET", f"reviews?model={MODEL}&version={version}&state=open")["results"][0]
        body = {"meaning": "approve", "subject_sha256": review["subject_sha256"], "password": ADA.password}
        try:
            caller.call("POST", f"reviews/{review['id']}/sign-offs", {**body, "acknowledged": review["to_acknowledge"]})
        except RuntimeError as error:
            say(f"{ADA.name} tries to approve her own version: refused ({_detail(error)})")
        else:
            raise RuntimeError("the developer could approve her own version")

    def promote(self, version: str) -> None:
        """CI asks again, and promotes."""
        self.ask(version, expect=(0,))
        with step(f"countersign promote {MODEL}@{version} --env {ENVIRONMENT}"):
            said = self.client("promote", f"{MODEL}@{version}", "--env", ENVIRONMENT, token=self.ci_token)
        say(said)

    def withdraw_and_restore(self, version: str) -> None:
        """The licence of data far upstream is withdrawn: what runs is no longer allowed, until it is mended and signed for."""
        with step(f"{TONY.name} withdraws the dataset loan-files"):
            reason = {"reason": "The lenders ended the agreement."}
            self.caller(TONY).call("POST", "datasets/loan-files/withdraw", reason)
        self.ask(version, expect=(1,), brief=True)
        with step("It was a misunderstanding: restored, judged again, and signed for anew"):
            self.caller(TONY).call("POST", "datasets/loan-files/restore", {"reason": "The agreement stands."})
            _outcome(self, version)
        self.sign(version)
        self.ask(version, expect=(0,), brief=True)

    def export(self, version: str) -> None:
        """The auditor takes everything with her."""
        folder = self.data / "export"
        with step(f"{BARBARA.name} exports the dossier (card, PDF, evidence, attestation, ledger)"):
            self.client("export", f"{MODEL}@{version}", "-o", str(folder), token=self.auditor_token)
        for name in DELIVERABLES:
            shutil.copyfile(folder / name, self.data / name)

    def verify(self, version: str) -> None:
        """Offline: only the files, the public key, and one verifier of a single file."""
        digest = self.caller(ADA).call("GET", f"versions/{MODEL}/{version}")["sha256"]
        ledger, key = self.data / "ledger.jsonl", str(self.data / "verification.pem")
        check = ["--checkpoint", str(self.data / "checkpoint.txt"), "--key", key]
        say(self._verifier("ledger", str(ledger), *check, expect=0))
        proof = ["attestation", str(self.data / "attestation.dsse.json"), "--key", key, "--subject", f"sha256:{digest}"]
        say(self._verifier(*proof, "--env", ENVIRONMENT, expect=0))
        say("The same attestation, for another environment:")
        say(self._verifier(*proof, "--env", "staging", expect=1))
        lines = ledger.read_bytes().splitlines(keepends=True)
        middle = len(lines) // 2
        changed = bytearray(lines[middle])
        changed[len(changed) // 2] ^= 0x01
        tampered = self.data / "ci" / "ledger-tampered.jsonl"
        tampered.write_bytes(b"".join([*lines[:middle], bytes(changed), *lines[middle + 1 :]]))
        say(f"One bit of entry {middle + 1} changed in a copy:")
        say(self._verifier("ledger", str(tampered), *check, expect=1))

    def _verifier(self, *arguments: str, expect: int) -> str:
        program = Path(str(resources.files("governance"))).parent / "countersign_verify.py"
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, str(program), *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode != expect:
            raise RuntimeError(f"the verifier ended with {done.returncode}, not {expect}:\n{done.stdout}{done.stderr}")
        return (done.stdout + done.stderr).rstrip()


def _what_blocks(said: str) -> str:
    """Of the gate's answer the head, and the rules that fail."""
    head, _, rules = said.partition("\n\n")
    kept, failing = [], False
    for line in rules.splitlines():
        if not line.startswith("      "):
            failing = line.lstrip().startswith("✕")
        if failing:
            kept.append(line)
    return "\n".join([head, *kept])


def _comment(person: Character, acknowledged: list[str]) -> str:
    if person is GRACE and acknowledged:
        return "Point estimates are well above four fifths; the intersections hold few people. Monitor monthly after go-live."
    return ""


def _detail(error: RuntimeError) -> str:
    text = str(error)
    start = text.find('"detail":"')
    return text[start + 10 : text.find('"', start + 10)] if start >= 0 else text


def _outcome(demo: Demo, version: str) -> str:
    answer: dict[str, Any] = demo.caller(ADA).call(
        "POST", f"gates/{ENVIRONMENT}/decisions", {"subject": {"model": MODEL, "version": version}}
    )
    return str(answer["result"])


def tell(*, data: Path, port: int, once: bool) -> int:
    """Tell the whole story; then serve until interrupted, unless ``once``."""
    begin = time.perf_counter()
    demo = Demo(data, port)
    chapter("Countersign: the main job, on 1,989 real mortgage applications (Boston, 1990)")
    with step("Database, server and worker, in this one process"):
        call_command("migrate", verbosity=0)
        server = make_web_server("127.0.0.1", port)
        threading.Thread(target=server.serve_forever, name="web", daemon=True).start()
        start_worker()
    demo.set_up()
    chapter("Version 1: trained plainly")
    demo.submit(PLAIN)
    demo.ask(PLAIN.version, expect=(0, 1, 3))
    first = _outcome(demo, PLAIN.version)
    chapter("Two versions that are not what they say they are")
    demo.catch(DOCTORED, "predictions-are-the-models")
    demo.catch(OTHER_SEED, "can-be-built-again")
    chapter("Version 2: answers the verdict")
    demo.submit(FAIR)
    demo.ask(FAIR.version, expect=(0, 1, 3))
    if _outcome(demo, FAIR.version) != "pending":
        say("By these numbers version 2 may not pass either; the policy stands, and nothing is promoted.")
        return 1
    demo.try_to_sign_own(FAIR.version)
    demo.sign(FAIR.version)
    demo.promote(FAIR.version)
    chapter("A licence is withdrawn, three steps away from the model")
    demo.withdraw_and_restore(FAIR.version)
    chapter("What is left, and what anyone can check without us")
    demo.export(FAIR.version)
    demo.verify(FAIR.version)
    chapter("Done")
    say(f"Version 1: {first}. Version 2: promoted to {ENVIRONMENT}. {time.perf_counter() - begin:.0f} s. The files:")
    for name in DELIVERABLES:
        say(str((data / name).relative_to(Path.cwd()) if (data / name).is_relative_to(Path.cwd()) else data / name))
    if once:
        server.shutdown()
        return 0
    return _stay(demo, server)


def _stay(demo: Demo, server: Any) -> int:
    chapter("Version 3: a challenger, left for you to review")
    demo.submit(NEXT)
    demo.wait_until_measured(NEXT.version)
    say(f"Measured; the gate says {_outcome(demo, NEXT.version)}.")
    chapter(f"Countersign is at {demo.base} until you press Ctrl+C. Sign in as")
    for person in CAST:
        say(f"{person.part:<20} {person.username:<9} {person.password}")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.shutdown()
        say("stopped")
    return 0
