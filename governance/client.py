"""The gate, seen from a CI job: submit, check, promote, export. One file, standard library only, served as countersign.pyz.

It runs on Python 3.9 and later, for CI machines are older than servers. It passes the house's 400 lines because it must
stay one file that a person can download and read before trusting it.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import importlib
import ipaddress
import json
import os
import re
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

VERSION = "0.1.0"
ALLOW, DENY, USAGE, PENDING, UNREACHABLE = 0, 1, 2, 3, 4
EXIT_OF_RESULT = {"allow": ALLOW, "deny": DENY, "pending": PENDING}
EXIT_OF_STATUS = {400: USAGE, 409: DENY, 413: USAGE, 415: USAGE, 422: USAGE}
CONFLICT = 409
TRANSIENT_STATUSES = frozenset({429, 502, 503, 504})
BACKOFF = (0.5, 1.0, 2.0, 4.0)
LONGEST_RETRY_AFTER = 60.0
POLL_FIRST, POLL_LONGEST = 2.0, 15.0
ANSWER_LIMIT = 32 * 1024 * 1024
BLOCK = 1024 * 1024
MARKS = {
    "pass": "✓",
    "fail": "✕",
    "inconclusive": "◐",
    "missing": "○",
    "pending": "…",
    "excepted": "⚑",
    "error": "!",
    "allow": "✓",
    "deny": "✕",
}
CI_FACTS = {
    "repository": ("GITHUB_REPOSITORY", "CI_PROJECT_PATH", "BUILD_REPOSITORY_NAME", "GIT_URL"),
    "commit": ("GITHUB_SHA", "CI_COMMIT_SHA", "BUILD_SOURCEVERSION", "GIT_COMMIT"),
    "ref": ("GITHUB_REF", "CI_COMMIT_REF_NAME", "BUILD_SOURCEBRANCH", "GIT_BRANCH"),
    "run": ("GITHUB_RUN_ID", "CI_JOB_URL", "BUILD_BUILDURI", "BUILD_URL"),
    "workflow": ("GITHUB_WORKFLOW", "CI_PIPELINE_NAME", "BUILD_DEFINITIONNAME", "JOB_NAME"),
    "actor": ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_REQUESTEDFOR", "BUILD_USER"),
}
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

T = TypeVar("T")
JSON = dict[str, Any]


class ClientError(Exception):
    """Why the command ends, in words, with its exit code and, where the server gave one, its problem document."""

    def __init__(self, message: str, exit_code: int, *, problem: JSON | None = None, status: int = 0) -> None:
        super().__init__(message)
        self.exit_code, self.problem, self.status = exit_code, problem or {}, status


class TransientError(ClientError):
    """A failure that may pass by itself: asked again, with the same idempotency key, before it is reported."""

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(message, UNREACHABLE)
        self.retry_after = retry_after


# --- words -----------------------------------------------------------------------------------------------------------


def one_line(value: object) -> str:
    """Text of a server's answer on one line without control characters: it must not forge a CI log's commands."""
    text = " ".join(("" if value is None else str(value)).split())
    return "".join(character for character in text if character.isprintable())


def say(text: str) -> None:
    """Progress and warnings go to standard error; standard output holds the answer only."""
    print(text, file=sys.stderr, flush=True)


def seconds(text: str) -> float:
    """Read ``90``, ``90s``, ``30m``, ``1h30m`` as seconds."""
    parts = re.fullmatch(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s?)?", text)
    if not text or parts is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration such as 90s, 30m or 1h30m")
    hours, minutes, rest = (int(part or 0) for part in parts.groups())
    return float(hours * 3600 + minutes * 60 + rest)


def reference(text: str) -> tuple[str, str]:
    """Read ``MODEL@VERSION``."""
    model, _, version = text.partition("@")
    if not model or not version:
        raise argparse.ArgumentTypeError(f"{text!r} is not MODEL@VERSION")
    return model, version


def part(text: str) -> str:
    """One segment of a URL's path."""
    return urllib.parse.quote(text, safe="")


# --- the wire --------------------------------------------------------------------------------------------------------


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token, and turn a POST into a GET, somewhere nobody named."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """Follow nothing; the redirect is then reported as the error that it is."""


def is_loopback(host: str) -> bool:
    """Whether ``host`` names this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def strict_object(data: bytes) -> JSON:
    """Parse an answer: a JSON object without duplicate keys. Anything else is nothing that a gate may open on."""

    def no_duplicates(pairs: list[tuple[str, Any]]) -> JSON:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("an object has the same key twice")
        return found

    try:
        answer = json.loads(data.decode("utf-8"), object_pairs_hook=no_duplicates)
    except (ValueError, RecursionError) as error:
        raise ClientError(f"the server's answer is not JSON: {one_line(error)}", UNREACHABLE) from error
    if not isinstance(answer, dict):
        raise ClientError("the server's answer is not a JSON object", UNREACHABLE)
    return answer


class Server:
    """The Countersign server that ``COUNTERSIGN_URL`` names, spoken to with the token of ``COUNTERSIGN_TOKEN``."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.url = environ.get("COUNTERSIGN_URL", "").strip().rstrip("/")
        self.token = environ.get("COUNTERSIGN_TOKEN", "").strip()
        if not self.url or not self.token:
            absent = "COUNTERSIGN_TOKEN" if self.url else "COUNTERSIGN_URL"
            raise ClientError(f"{absent} is not set", USAGE)
        if not re.fullmatch(r"[\x21-\x7e]+", self.token):
            raise ClientError("COUNTERSIGN_TOKEN holds a blank or a character that no token has", USAGE)
        try:
            split = urllib.parse.urlsplit(self.url)
            host, self.origin = split.hostname or "", (split.scheme, split.hostname, split.port)
            self.timeout = float(environ.get("COUNTERSIGN_TIMEOUT", "60"))
        except ValueError as error:
            raise ClientError(f"COUNTERSIGN_URL or COUNTERSIGN_TIMEOUT cannot be read: {error}", USAGE) from error
        if not 0 < self.timeout < float("inf"):
            raise ClientError("COUNTERSIGN_TIMEOUT is not a number of seconds above 0", USAGE)
        if split.scheme not in {"http", "https"} or not host or split.username or split.query or split.fragment:
            raise ClientError("COUNTERSIGN_URL is not an address such as https://countersign.example.org", USAGE)
        if split.scheme == "http" and not is_loopback(host):
            if environ.get("COUNTERSIGN_ALLOW_HTTP") != "1":
                raise ClientError(
                    f"http://{host} would send the token in clear text: use https, or set COUNTERSIGN_ALLOW_HTTP=1 "
                    "where the network itself is trusted",
                    USAGE,
                )
            say(f"warning: the token goes to http://{host} in clear text (COUNTERSIGN_ALLOW_HTTP=1)")
        handlers: list[urllib.request.BaseHandler] = [NoRedirects()]
        if split.scheme == "https":
            handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context()))
        if is_loopback(host):
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def _exchange(self, request: urllib.request.Request, read: Callable[[http.client.HTTPResponse], T]) -> T:
        """One request, one answer; every way to fail becomes a :class:`ClientError` or a :class:`TransientError`."""
        try:
            with self._opener.open(request, timeout=self.timeout) as response:
                return read(response)
        except urllib.error.HTTPError as error:
            with error:
                self._refused(error)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise ClientError(
                    f"{self.url} shows a certificate that is not trusted: {reason}", UNREACHABLE
                ) from error
            what = one_line(reason) or type(error).__name__
            raise TransientError(f"{self.url} cannot be reached: {what}") from error

    def _refused(self, error: urllib.error.HTTPError) -> NoReturn:
        """Turn a status outside 2xx into the error that says what to do."""
        try:
            problem = strict_object(error.read(ANSWER_LIMIT))
        except (ClientError, OSError, http.client.HTTPException):
            problem = {}  # a proxy's page, or half of one: the status alone speaks
        detail = one_line(problem.get("detail") or problem.get("title") or error.reason)
        field = one_line(problem.get("field"))
        wait = error.headers.get("Retry-After", "")
        in_flight = error.code == CONFLICT and "in-flight" in one_line(problem.get("code")).replace("_", "-")
        if error.code in TRANSIENT_STATUSES or in_flight:
            after = min(float(wait), LONGEST_RETRY_AFTER) if wait.isascii() and wait.isdigit() else 0.0
            raise TransientError(f"the server answered {error.code}: {detail}", retry_after=after)
        message = {
            401: f"not signed in: COUNTERSIGN_TOKEN is unknown, expired or revoked ({detail})",
            403: f"not authorised: {detail}",
            404: f"not found, or hidden from this token: {detail}",
        }.get(error.code, f"the server answered {error.code}: {detail}{f' ({field})' if field else ''}")
        if error.code in range(300, 400):
            message = f"the server redirects to {one_line(error.headers.get('Location'))}: name the final address in COUNTERSIGN_URL"
        exit_code = EXIT_OF_STATUS.get(error.code, UNREACHABLE)
        raise ClientError(message, exit_code, problem=problem, status=error.code)

    def _persistent(self, attempt: Callable[[], T]) -> T:
        for delay in BACKOFF:
            try:
                return attempt()
            except TransientError as failure:
                wait = max(delay, failure.retry_after)
                say(f"{failure}; trying again in {wait:g} s")
                time.sleep(wait)
        return attempt()

    def _request(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> urllib.request.Request:
        everywhere = {
            "Authorization": f"Bearer {self.token}",
            "User-Agent": f"countersign-client/{VERSION}",
            "Accept": "application/json, application/problem+json",
        }
        # The scheme was checked when the address was read, and `located` keeps every answered address on that origin.
        return urllib.request.Request(path, data=body, headers={**everywhere, **headers}, method=method)  # noqa: S310

    def call(
        self,
        method: str,
        path: str,
        body: JSON | bytes | None = None,
        *,
        content_type: str = "application/json",
        changes_state: bool = False,
        expected: tuple[int, ...] = (200,),
    ) -> JSON:
        """Ask, patiently, and return the JSON object of an expected status.

        Parameters
        ----------
        changes_state
            Sends an ``Idempotency-Key``, the same one on every retry, so that a lost answer is not a second act.

        Raises
        ------
        ClientError
            With the exit code for the caller.
        """
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        headers = {} if data is None else {"Content-Type": content_type}
        if changes_state:
            headers["Idempotency-Key"] = os.urandom(16).hex()

        def read(response: http.client.HTTPResponse) -> JSON:
            content = response.read(ANSWER_LIMIT + 1)
            length = response.headers.get("Content-Length", "")
            if length.isdigit() and len(content) < int(length) <= ANSWER_LIMIT:
                raise TransientError("the server's answer broke off")
            if response.status not in expected or len(content) > ANSWER_LIMIT:
                raise ClientError(
                    f"the server answered {response.status}, which this client does not expect", UNREACHABLE
                )
            return strict_object(content)

        return self._persistent(lambda: self._exchange(self._request(method, self.url + path, headers, data), read))

    def upload(self, path: Path, digest: str) -> None:
        """Stream a file to its content address; the server checks the digest on the way in."""
        size = path.stat().st_size
        say(f"uploading {path.name} ({size:,} bytes)")
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}

        def attempt() -> None:
            with path.open("rb") as stream:
                request = self._request("PUT", f"{self.url}/api/v1/artifacts/{digest}", headers, stream)
                self._exchange(request, lambda response: response.read(ANSWER_LIMIT))

        self._persistent(attempt)

    def located(self, url: object) -> str:
        """Make an answered address whole; another origin would be handed the token, so it is refused."""
        whole = urllib.parse.urljoin(self.url + "/", str(url))
        try:
            split = urllib.parse.urlsplit(whole)
            same = (split.scheme, split.hostname, split.port) == self.origin
        except ValueError:
            same = False
        if not same:
            raise ClientError(f"the server points to another address, {one_line(whole)}: not followed", UNREACHABLE)
        return whole

    def download(self, url: object, target: Path, digest: str) -> None:
        """Fetch a file; it takes its name only once its digest is right."""
        address, partial = self.located(url), target.with_name(f".{target.name}.part")

        def attempt() -> None:
            with partial.open("wb") as sink:
                request = self._request("GET", address, {"Accept": "*/*"}, None)
                found, complete = self._exchange(request, lambda response: copy(response, sink))
            if not complete:
                raise TransientError(f"{target.name} broke off")
            if found != digest:
                raise ClientError(f"{target.name} has digest {found}, the server announced {digest}", UNREACHABLE)

        try:
            self._persistent(attempt)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


def copy(response: http.client.HTTPResponse, sink: BinaryIO) -> tuple[str, bool]:
    """Copy an answer to a file; return its SHA-256 and whether all announced bytes came."""
    hasher, received, length = hashlib.sha256(), 0, response.headers.get("Content-Length", "")
    while block := response.read(BLOCK):
        sink.write(block)
        hasher.update(block)
        received += len(block)
    return hasher.hexdigest(), not length.isdigit() or received == int(length)


# --- submit ----------------------------------------------------------------------------------------------------------


def file_digest(path: Path) -> str:
    """SHA-256 of a file, read in blocks."""
    hasher = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            hasher.update(block)
    return hasher.hexdigest()


def files_of(manifest: Path, listed: object) -> dict[str, Path]:
    """Locate the files that a manifest names, beside it and nowhere else.

    Raises
    ------
    ClientError
        Naming every file that escapes the manifest's folder or is not there.
    """
    if not isinstance(listed, list) or not all(
        isinstance(item, dict) and isinstance(item.get("path"), str) for item in listed
    ):
        raise ClientError("the server's answer names no files", UNREACHABLE)
    folder, found, wrong = manifest.resolve().parent, {}, []
    for name in dict.fromkeys(item["path"] for item in listed):
        path = (folder / name).resolve()
        if Path(name).is_absolute() or not path.is_relative_to(folder):
            wrong.append(f"{one_line(name)} lies outside the manifest's folder")
        elif not path.is_file():
            wrong.append(f"{one_line(name)} is not there")
        found[name] = path
    if wrong:
        raise ClientError(f"{manifest}: {'; '.join(wrong)}", USAGE)
    return found


def submit(server: Server, options: argparse.Namespace) -> int:
    """Upload what the server lacks and register the version."""
    manifest = Path(options.manifest)
    text = manifest.read_bytes()
    read = server.call("POST", "/api/v1/manifests", text, content_type="application/yaml")
    files = files_of(manifest, read.get("files"))
    digests = {name: file_digest(path) for name, path in files.items()}
    asked = sorted(set(digests.values()))
    missing = server.call("POST", "/api/v1/artifacts/missing", {"sha256": asked}).get("missing")
    if not isinstance(missing, list) or not set(map(str, missing)) <= set(asked):
        raise ClientError("the server's answer does not say which files it lacks", UNREACHABLE)
    by_digest = {digest: files[name] for name, digest in digests.items()}
    for digest in dict.fromkeys(missing):
        server.upload(by_digest[digest], digest)
    body = {"manifest": text.decode("utf-8"), "files": digests}
    version = server.call("POST", "/api/v1/versions", body, changes_state=True, expected=(200, 201))
    expect_text(version, "model", "version", "sha256")
    if options.format == "json":
        print(json.dumps(version, ensure_ascii=False, indent=2))
        return ALLOW
    name = f"{one_line(version['model'])}@{one_line(version['version'])}"
    print(f"{name} {'registered' if version.get('created') else 'was already registered, nothing changed'}")
    print(f"  digest  sha256:{one_line(version['sha256']).removeprefix('sha256:')}")
    print(f"  page    {one_line(version.get('url'))}")
    for evaluation in dictionaries(version.get("evaluations")):
        print(f"  {one_line(evaluation.get('kind'))}: {one_line(evaluation.get('status'))}")
    return ALLOW


# --- decisions -------------------------------------------------------------------------------------------------------


def expect_text(answer: JSON, *names: str) -> None:
    """Refuse an answer that lacks what the protocol promises: half an answer opens nothing."""
    for name in names:
        if not isinstance(answer.get(name), str) or not answer[name].strip():
            raise ClientError(f"the server's answer has no {name!r}", UNREACHABLE)


def dictionaries(value: object) -> list[JSON]:
    """Keep the objects of a list, for parts of an answer that only inform."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def checked_decision(answer: JSON) -> JSON:
    """Refuse a decision that is incomplete, or that allows what its own rules do not."""
    expect_text(answer, "id", "result")
    rules = answer.get("rules")
    if answer["result"] not in EXIT_OF_RESULT:
        raise ClientError(
            f"the server decided {one_line(answer['result'])!r}, which this client does not know", UNREACHABLE
        )
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise ClientError("the server's decision names no rules", UNREACHABLE)
    for rule in rules:
        expect_text(rule, "id", "status")
        if answer["result"] == "allow" and rule["status"] not in {"pass", "excepted", "inconclusive"}:
            raise ClientError(
                f"the server allows, yet rule {one_line(rule['id'])} is {one_line(rule['status'])}", UNREACHABLE
            )
    return answer


def ci_context(environ: Mapping[str, str]) -> JSON:
    """Tell what the CI system says about the job that asks: recorded with the decision, never trusted by it."""
    facts = {name: next((environ[key] for key in keys if environ.get(key)), None) for name, keys in CI_FACTS.items()}
    return {name: value for name, value in facts.items() if value} | {"client": f"countersign-client/{VERSION}"}


def decide(server: Server, model: str, version: str, environment: str) -> JSON:
    """Ask once for a decision."""
    subject = {"model": model, ("digest" if version.startswith("sha256:") else "version"): version}
    body = {"subject": subject, "context": ci_context(os.environ)}
    path = f"/api/v1/gates/{part(environment)}/decisions"
    return checked_decision(server.call("POST", path, body, changes_state=True))


def poll(ask: Callable[[], T], done: Callable[[T], bool], wait: float, progress: Callable[[T], str]) -> T:
    """Ask until it is done or ``wait`` seconds are over; an outage in between is waited out too."""
    started, pause = time.monotonic(), POLL_FIRST
    while True:
        left = wait - (time.monotonic() - started)
        try:
            answer = ask()
            if done(answer) or left <= 0:
                return answer
            say(f"{progress(answer)} ({time.monotonic() - started:.0f} s of {wait:.0f} s)")
        except TransientError:
            if left <= 0:
                raise
        time.sleep(min(pause, max(left, 0)))
        pause = min(pause * 1.5, POLL_LONGEST)


def waiting_for(decision: JSON) -> str:
    """Say what a pending decision waits for."""
    awaited = decision.get("waiting_for")
    names = [one_line(item) for item in awaited] if isinstance(awaited, list) else []
    return f"waiting for {' and '.join(names) or 'the server'}"


def gate_check(server: Server, options: argparse.Namespace) -> int:
    """Ask for a decision, report it in the wanted format, and end with its exit code."""
    model, version = options.subject
    decision = poll(
        lambda: decide(server, model, version, options.env),
        lambda answer: answer["result"] != "pending",
        options.wait,
        waiting_for,
    )
    report(decision, options, f"{model}@{version} → {options.env}")
    return EXIT_OF_RESULT[decision["result"]]


def gate_explain(server: Server, options: argparse.Namespace) -> int:
    """Show a decision again, rule by rule; showing it is success, whatever was decided."""
    decision = checked_decision(server.call("GET", f"/api/v1/decisions/{part(options.decision)}"))
    report(decision, options, f"decision {options.decision}")
    return ALLOW


def report(decision: JSON, options: argparse.Namespace, subject: str) -> None:
    """Write the decision where it was asked for, and to the job's summary page if the CI system has one."""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and options.action == "check":
        with Path(summary).open("a", encoding="utf-8") as page:
            page.write(as_markdown(decision, subject) + "\n")
    if options.format == "sarif":
        text = as_sarif(decision, subject, options.manifest)
    else:
        text = FORMATS[options.format](decision, subject)
    if options.output:
        Path(options.output).write_text(text + "\n", encoding="utf-8")
        text = as_text(decision, subject)
    print(text)


def headline(decision: JSON, subject: str) -> str:
    """Mark, result and subject in one line."""
    result = {"allow": "allowed", "deny": "denied", "pending": "pending"}[decision["result"]]
    return f"{MARKS[decision['result']]} {result}: {one_line(subject)}"


def policy_name(decision: JSON) -> str:
    """Name, version and digest of the policy that judged."""
    policy = decision.get("policy")
    if not isinstance(policy, dict):
        return "no policy"
    digest = one_line(policy.get("sha256")).removeprefix("sha256:")
    return f"{one_line(policy.get('id'))} v{one_line(policy.get('version'))} (sha256:{digest[:12]})"


def stage_line(stage: JSON) -> str:
    """One stage of sign-off in words."""
    count = f"{one_line(stage.get('signed'))} of {one_line(stage.get('quorum'))} signed"
    return f"{one_line(stage.get('name'))} ({one_line(stage.get('role'))}): {one_line(stage.get('state'))}, {count}"


def rule_lines(rules: list[JSON]) -> Iterator[str]:
    """Mark, name and sentence of every rule, what does not pass first, each with its fix."""
    for rule in sorted(rules, key=lambda rule: rule["status"] == "pass"):
        status = one_line(rule["status"])
        yield f"  {MARKS.get(status, '?')} {status:<12} {one_line(rule['id'])}  {one_line(rule.get('sentence') or rule.get('title'))}"
        for name in ("expected", "observed", "fix"):
            if one_line(rule.get(name)) and status != "pass":
                yield f"      {name}: {one_line(rule[name])}"
        for item in dictionaries(rule.get("evidence")):
            yield f"      evidence: sha256:{one_line(item.get('sha256')).removeprefix('sha256:')[:12]} {one_line(item.get('url'))}"


def as_text(decision: JSON, subject: str) -> str:
    """For the log of a job."""
    lines = [headline(decision, subject), f"  policy {policy_name(decision)}, decision {one_line(decision['id'])}"]
    if one_line(decision.get("reason")):
        lines.append(f"  {one_line(decision['reason'])}")
    if decision["result"] == "pending":
        lines.append(f"  {waiting_for(decision)}")
    lines += ["", *rule_lines(decision["rules"])]
    stages = [f"  {stage_line(stage)}" for stage in dictionaries(decision.get("stages"))]
    lines += ["", "  sign-off", *(f"  {line}" for line in stages)] if stages else []
    links = [(name, one_line(decision.get(f"{name}_url"))) for name in ("review", "attestation")]
    lines += [f"  {name}: {url}" for name, url in links if url]
    return "\n".join(lines)


def as_json(decision: JSON, _subject: str) -> str:
    """Show the server's answer itself."""
    return json.dumps(decision, ensure_ascii=False, indent=2)


def as_markdown(decision: JSON, subject: str) -> str:
    """For the summary page of a job, or a comment on a merge request."""

    def cell(value: object) -> str:
        text = one_line(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return re.sub(r"([\\`*_\[\]|!])", r"\\\1", text)

    lines = [f"### {cell(headline(decision, subject))}", "", f"{cell(decision.get('reason'))}", ""]
    lines += [f"Policy {cell(policy_name(decision))}, decision {cell(decision['id'])}", ""]
    lines += ["| | rule | expected | observed | fix |", "| --- | --- | --- | --- | --- |"]
    for rule in decision["rules"]:
        mark = f"{MARKS.get(rule['status'], '?')} {cell(rule['status'])}"
        lines.append(
            f"| {mark} | {' | '.join(cell(rule.get(name)) for name in ('id', 'expected', 'observed', 'fix'))} |"
        )
    stages = [f"- {cell(stage_line(stage))}" for stage in dictionaries(decision.get("stages"))]
    lines += ["", "Sign-off", "", *stages] if stages else []
    review = one_line(decision.get("review_url"))
    if review.startswith(("https://", "http://")) and not re.search(r"[\s<>()]", review):
        lines += ["", f"[Review]({review})"]
    return "\n".join(lines)


def as_junit(decision: JSON, subject: str) -> str:
    """One test case per rule, one per stage: green only for what really lets the gate open."""
    import xml.etree.ElementTree as ET

    root, allowed = ET.Element("testsuites", name="countersign"), decision["result"] == "allow"

    def suite(name: str, cases: list[tuple[str, str, bool, str]]) -> None:
        failed = [case for case in cases if not case[2]]
        counts = {"tests": str(len(cases)), "failures": str(len(failed)), "errors": "0", "skipped": "0"}
        parent = ET.SubElement(root, "testsuite", {"name": f"{name} of {one_line(subject)}", **counts})
        for title, kind, good, message in cases:
            case = ET.SubElement(parent, "testcase", classname=f"countersign.{name}", name=title)
            if not good:
                ET.SubElement(case, "failure", type=kind, message=message).text = message

    def rule_case(rule: JSON) -> tuple[str, str, bool, str]:
        status = one_line(rule["status"])
        good = status in {"pass", "excepted"} or (allowed and status == "inconclusive")
        words = [one_line(rule.get("sentence") or rule.get("title")), one_line(rule.get("fix"))]
        return one_line(rule["id"]), status, good, " ".join(word for word in words if word) or status

    suite("rules", [rule_case(rule) for rule in decision["rules"]])
    stages = dictionaries(decision.get("stages"))
    signed = [
        (one_line(s.get("name")), "sign-off", allowed or s.get("state") == "signed", stage_line(s)) for s in stages
    ]
    suite(
        "decision",
        [*signed, ("gate", decision["result"], allowed, one_line(decision.get("reason")) or decision["result"])],
    )
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode")


def as_sarif(decision: JSON, subject: str, manifest: str | None) -> str:
    """SARIF 2.1.0 for code scanning: a result for every rule that does not pass, located in the manifest if it is named."""
    levels = {"inconclusive": "warning", "pending": "note", "excepted": "note"}
    rules, results = [], []
    for index, rule in enumerate(decision["rules"]):
        identity, title = one_line(rule["id"]), one_line(rule.get("title")) or one_line(rule["id"])
        rules.append(
            {
                "id": identity,
                "shortDescription": {"text": title},
                "help": {"text": one_line(rule.get("expected")) or title},
            }
        )
        if rule["status"] == "pass":
            continue
        text = " ".join(filter(None, (one_line(rule.get("sentence")) or title, one_line(rule.get("fix")))))
        print_of = hashlib.sha256(f"{subject}\0{identity}".encode()).hexdigest()
        result: JSON = {
            "ruleId": identity,
            "ruleIndex": index,
            "level": levels.get(rule["status"], "error"),
            "message": {"text": text},
        }
        result["partialFingerprints"] = {"countersignRule/v1": print_of}
        if manifest:
            uri = urllib.parse.quote(Path(manifest).as_posix())
            place = {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}
            result["locations"] = [{"physicalLocation": place}]
        results.append(result)
    driver = {"name": "Countersign", "semanticVersion": VERSION, "rules": rules}
    properties = {"decision": decision["id"], "result": decision["result"], "policy": policy_name(decision)}
    run = {"tool": {"driver": driver}, "results": results, "columnKind": "unicodeCodePoints", "properties": properties}
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=2)


FORMATS: dict[str, Callable[[JSON, str], str]] = {
    "text": as_text,
    "json": as_json,
    "junit": as_junit,
    "markdown": as_markdown,
}


# --- promotion and proof ---------------------------------------------------------------------------------------------


def promote(server: Server, options: argparse.Namespace) -> int:
    """Let the environment run this version, if its approval is live."""
    model, version = options.subject
    body = {"model": model, "version": version, "environment": options.env}
    promotion = server.call("POST", "/api/v1/promotions", body, changes_state=True, expected=(200, 201))
    expect_text(promotion, "attestation_url", "attestation_sha256")
    print(f"✓ promoted: {model}@{version} → {options.env}")
    print(f"  attestation sha256:{one_line(promotion['attestation_sha256']).removeprefix('sha256:')}")
    print(f"  {one_line(promotion['attestation_url'])}")
    return ALLOW


def rollback(server: Server, options: argparse.Namespace) -> int:
    """Go back to the last version whose approval is still valid."""
    body = {"model": options.model, "environment": options.env}
    answer = server.call("POST", "/api/v1/rollbacks", body, changes_state=True, expected=(200, 201))
    expect_text(answer, "version")
    print(f"✓ rolled back: {options.env} runs {options.model}@{one_line(answer['version'])}")
    return ALLOW


def refuse_odd_names(names: list[object]) -> None:
    """Only plain names, each once (upper and lower case are one name on some disks), may become files here."""
    plain = [name.lower() for name in names if isinstance(name, str) and re.fullmatch(r"\w[\w.-]{0,199}", name)]
    if len(plain) != len(names) or len(set(plain)) != len(plain):
        raise ClientError(
            "the dossier holds a file name that is not plain, or holds one twice: nothing written", UNREACHABLE
        )


def export(server: Server, options: argparse.Namespace) -> int:
    """Have the dossier made and fetch every file of it, digest-checked, into a folder."""
    model, version = options.subject
    path = f"/api/v1/versions/{part(model)}/{part(version)}/dossier"
    order = server.call("POST", path, {"environment": options.env}, changes_state=True, expected=(200, 201, 202))
    if not isinstance(order.get("id"), (str, int)):
        raise ClientError("the server's answer has no 'id'", UNREACHABLE)
    dossier = poll(
        lambda: server.call("GET", f"/api/v1/dossiers/{part(str(order['id']))}"),
        lambda answer: answer.get("status") not in {"queued", "running"},
        options.wait,
        lambda answer: f"making the dossier: {one_line(answer.get('status'))} {one_line(answer.get('progress'))}",
    )
    if dossier.get("status") in {"queued", "running"}:
        raise ClientError(f"the dossier is not ready after {options.wait:.0f} s; ask again", PENDING)
    files = dictionaries(dossier.get("files"))
    if dossier.get("status") != "succeeded" or not files:
        why = one_line(dossier.get("error") or dossier.get("status"))
        raise ClientError(f"the dossier could not be made: {why}", UNREACHABLE)
    refuse_odd_names([item.get("name") for item in files])
    folder = Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    for item in files:
        target = folder / item["name"]
        server.download(item.get("url"), target, str(item.get("sha256")).removeprefix("sha256:"))
        print(target)
    return ALLOW


def verify(arguments: Sequence[str]) -> int:
    """Hand over to the offline verifier that lies beside this file; it needs no server."""
    try:
        verifier = importlib.import_module("countersign_verify")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "countersign_verify":
            raise ClientError(
                "countersign_verify.py is not here: use countersign.pyz or the full install", USAGE
            ) from error
        raise ClientError(f"verification needs the package {error.name!r}: pip install cryptography", USAGE) from error
    return int(verifier.main(list(arguments)))


# --- the command line ------------------------------------------------------------------------------------------------

EPILOG = """exit codes: 0 allowed or done, 1 denied or refused, 2 usage or configuration, 3 pending sign-off or evaluation,
4 unreachable or not authorised. Anything unexpected is never 0.

environment: COUNTERSIGN_URL (https://...), COUNTERSIGN_TOKEN, COUNTERSIGN_TIMEOUT (seconds for one answer, 60);
COUNTERSIGN_ALLOW_HTTP=1 permits http:// to other hosts than this one; SSL_CERT_FILE names your own authority."""


def build_parser(also: Mapping[str, str] | None = None) -> argparse.ArgumentParser:
    """Make the commands of the client; ``also`` names those that only the full install has, for ``--help``."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="countersign", description=__doc__.split("\n")[0], epilog=EPILOG, formatter_class=raw
    )
    parser.add_argument("--version", action="version", version=f"countersign {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        group: Any, name: str, run: Callable[[Server, argparse.Namespace], int], help: str
    ) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = group.add_parser(name, help=help, description=help)
        made.set_defaults(run=run)
        return made

    made = command(commands, "submit", submit, "upload what the server lacks and register the version")
    made.add_argument("manifest", metavar="MANIFEST.yaml")
    made.add_argument("--format", choices=["text", "json"], default="text")
    gate = commands.add_parser("gate", help="ask whether a version may go to an environment")
    actions = gate.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = command(actions, "check", gate_check, "ask for a decision; exit 0 only if it is allow")
    check.add_argument("subject", type=reference, metavar="MODEL@VERSION")
    check.add_argument("--env", required=True, help="such as production")
    check.add_argument(
        "--wait", type=seconds, default=0.0, metavar="30m", help="wait while it is pending (default: do not)"
    )
    explain = command(
        actions, "explain", gate_explain, "show a decision: every rule with expected, observed, evidence, fix"
    )
    explain.add_argument("decision", metavar="DECISION")
    for made in (check, explain):
        made.add_argument("--format", choices=[*FORMATS, "sarif"], default="text")
        made.add_argument("-o", "--output", metavar="FILE", help="write the report there, and text to standard output")
        made.add_argument("--manifest", metavar="FILE", help="the committed file that SARIF results point to")
    made = command(commands, "promote", promote, "let an environment run an approved version")
    made.add_argument("subject", type=reference, metavar="MODEL@VERSION")
    made.add_argument("--env", required=True)
    made = command(commands, "rollback", rollback, "go back to the last version whose approval is valid")
    made.add_argument("model", metavar="MODEL")
    made.add_argument("--env", required=True)
    made = command(commands, "export", export, "fetch the whole dossier of a version into a folder")
    made.add_argument("subject", type=reference, metavar="MODEL@VERSION")
    made.add_argument("-o", "--output", required=True, metavar="DIR")
    made.add_argument("--env", default="production")
    made.add_argument("--wait", type=seconds, default=900.0, metavar="15m")
    commands.add_parser("verify", help="check a ledger or an attestation offline (no server)", add_help=False)
    for name, help in (also or {}).items():
        commands.add_parser(name, help=help, add_help=False)
    return parser


def explain_failure(error: ClientError) -> None:
    """Say why the command ended, with what the server's problem document adds."""
    say(f"countersign: {error}")
    rules = dictionaries(error.problem.get("rules"))
    for line in rule_lines([rule for rule in rules if {"id", "status"} <= set(rule)]):
        say(line)
    for name in ("errors", "reasons"):
        listed = error.problem.get(name)
        for item in listed if isinstance(listed, list) else []:
            say("  " + one_line(": ".join(map(str, item.values())) if isinstance(item, dict) else item))


def main(argv: Sequence[str] | None = None, *, also: Mapping[str, str] | None = None) -> int:
    """Run one command and return its exit code; see ``--help`` for the codes."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a log in ASCII shows a question mark instead of ending the job
    exit_code = UNREACHABLE
    try:
        if arguments[:1] == ["verify"]:
            exit_code = verify(arguments[1:])
        else:
            options = build_parser(also).parse_args(arguments)
            exit_code = options.run(Server(os.environ), options)
    except SystemExit as stop:  # argparse: 0 after --help, 2 after a mistake
        exit_code = stop.code if isinstance(stop.code, int) else USAGE
    except ClientError as error:
        explain_failure(error)
        exit_code = error.exit_code
    except UnicodeDecodeError as error:
        say(f"countersign: the manifest is not UTF-8 text: {error}")
        exit_code = USAGE
    except OSError as error:
        say(f"countersign: {error}")
        exit_code = USAGE
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
