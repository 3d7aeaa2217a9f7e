"""Reading an MLflow server's model registry over its REST API: two searches, page by page, and nothing else.

It only ever sends GET. It follows no redirect, uses no proxy, and gives up on what is too large, too slow or endless.
"""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import SplitResult, urlencode

from registry.canonical import parse_json
from registry.errors import CountersignError, InvalidInput
from registry.external_version_fact import ExternalFact, external_fact
from registry.mlflow_settings import MlflowSettings

MAX_PAGE_BYTES = 16 * 1024 * 1024
MAX_PAGES = 500
MAX_VERSIONS = 100_000
_API = "/api/2.0/mlflow"
_PER_PAGE = {"registered-models": 200, "model-versions": 1000}
_CHUNK = 64 * 1024
_LONGEST_TOKEN = 4096
_MILLISECONDS = 1000
_SAID = 200


class RegistryUnreadable(CountersignError):
    """Another registry could not be read, or answered what cannot be understood. What was known stays."""

    code = "registry-unreadable"


def fetch_versions(url: str, credentials: str, settings: MlflowSettings) -> list[ExternalFact]:
    """Every model version that the server shows us, with what it says of the model beside it.

    Raises
    ------
    InvalidInput
        If the server may not be asked, or its credentials are missing.
    RegistryUnreadable
        Saying what went wrong; never what a password was.
    """
    parts = settings.check_address(url)
    headers = {"Accept": "application/json", "User-Agent": "countersign"}
    if authorization := settings.authorization(credentials):
        headers["Authorization"] = authorization
    asking = _Asking(parts, headers, settings.timeout)
    models = {str(item.get("name")): item for item in asking.pages("registered-models", "registered_models")}
    found: dict[tuple[str, str], ExternalFact] = {}
    for item in asking.pages("model-versions", "model_versions"):
        fact = _fact(item, models.get(str(item.get("name")), {}))
        found[fact.key] = fact
        if len(found) > MAX_VERSIONS:
            raise RegistryUnreadable(f"the server has more than {MAX_VERSIONS:,} versions")
    return list(found.values())


class _Asking:
    """One server, asked page after page."""

    def __init__(self, parts: SplitResult, headers: Mapping[str, str], timeout: int) -> None:
        self.parts, self.headers, self.timeout = parts, dict(headers), timeout

    def pages(self, noun: str, key: str) -> Iterator[dict[str, Any]]:
        """Every item of a search."""
        token, seen = "", set()
        for _ in range(MAX_PAGES):
            query = {"max_results": str(_PER_PAGE[noun])} | ({"page_token": token} if token else {})
            answer = self._get(f"{self.parts.path.rstrip('/')}{_API}/{noun}/search?{urlencode(query)}")
            items = answer.get(key, [])
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise RegistryUnreadable(f"the answer's {key} is not a list of objects")
            yield from items
            token = answer.get("next_page_token") or ""
            if not token:
                return
            if not isinstance(token, str) or len(token) > _LONGEST_TOKEN or token in seen:
                raise RegistryUnreadable("the server's page tokens go round in a circle, or are no tokens")
            seen.add(token)
        raise RegistryUnreadable(f"the server has more than {MAX_PAGES} pages of {noun}")

    def _get(self, target: str) -> dict[str, Any]:
        connection = self._connection()
        try:
            until = time.monotonic() + self.timeout
            connection.request("GET", target, headers=self.headers)
            response = connection.getresponse()
            if response.status != http.HTTPStatus.OK:
                raise RegistryUnreadable(_refusal(response))
            data = _read(response, until)
        except (OSError, http.client.HTTPException) as error:
            raise RegistryUnreadable(f"the server could not be read: {_reason(error)}") from error
        finally:
            connection.close()
        try:
            answer = parse_json(data, what="the answer")
        except InvalidInput as error:
            raise RegistryUnreadable(error.message[:_SAID]) from error
        if not isinstance(answer, dict):
            raise RegistryUnreadable("the answer is not a JSON object")
        return answer

    def _connection(self) -> http.client.HTTPConnection:
        host = self.parts.hostname or ""
        if self.parts.scheme == "http":  # only where operators listed it so
            return http.client.HTTPConnection(host, self.parts.port, timeout=self.timeout)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, self.parts.port, timeout=self.timeout, context=context)


def _read(response: http.client.HTTPResponse, until: float) -> bytes:
    data = bytearray()
    while chunk := response.read1(_CHUNK):
        data += chunk
        if len(data) > MAX_PAGE_BYTES:
            raise RegistryUnreadable(f"an answer has more than {MAX_PAGE_BYTES:,} bytes")
        if time.monotonic() > until:
            raise RegistryUnreadable("an answer took too long")
    if response.length:  # what is left of what the head promised
        raise RegistryUnreadable("the answer broke off")
    return bytes(data)


def _refusal(response: http.client.HTTPResponse) -> str:
    if http.HTTPStatus.MULTIPLE_CHOICES <= response.status < http.HTTPStatus.BAD_REQUEST:
        return f"the server redirects ({response.status}), and redirects are not followed; name the address it means"
    hint = {401: "; its credentials are missing or wrong", 403: "; its credentials do not suffice"}
    return f"the server answered {response.status}{hint.get(response.status, '')}"


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    return (str(error) or type(error).__name__)[:_SAID]


def _fact(version: Mapping[str, Any], model: Mapping[str, Any]) -> ExternalFact:
    name, number = version.get("name"), version.get("version")
    number = str(number) if isinstance(number, int) else number
    stage = version.get("current_stage")
    facts = {
        "description": version.get("description"),
        "owner": version.get("user_id"),
        "stage": None if stage == "None" else stage,
        "status": version.get("status"),
        "source": version.get("source"),
        "run": version.get("run_id"),
        "aliases": sorted({*_own_aliases(version), *_aliases_of(model, number)}),
        "tags": _tags(version),
        "created": _moment(version.get("creation_timestamp")),
        "updated": _moment(version.get("last_updated_timestamp")),
        "model_description": model.get("description"),
        "model_tags": _tags(model),
    }
    try:
        return external_fact(name, number, facts)
    except InvalidInput as error:
        raise RegistryUnreadable(f"a version cannot be taken in: {error.message}") from error


def _own_aliases(version: Mapping[str, Any]) -> list[str]:
    given = version.get("aliases")
    return [alias for alias in given if isinstance(alias, str)] if isinstance(given, list) else []


def _aliases_of(model: Mapping[str, Any], number: object) -> list[str]:
    """Aliases that stand at the model: some servers give them only there."""
    given = model.get("aliases")
    pairs = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
    return [str(item["alias"]) for item in pairs if item.get("alias") and str(item.get("version")) == str(number)]


def _tags(said: Mapping[str, Any]) -> dict[str, str]:
    given = said.get("tags")
    pairs = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
    return {str(item["key"]): str(item.get("value", "")) for item in pairs if item.get("key")}


def _moment(milliseconds: object) -> str:
    """Milliseconds since 1970 (a number, or as protobuf's JSON has it a text) as UTC."""
    try:
        return datetime.fromtimestamp(int(str(milliseconds)) / _MILLISECONDS, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return ""
