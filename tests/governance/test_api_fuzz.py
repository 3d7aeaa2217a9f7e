"""Whatever JSON is sent to whatever address, the API answers; it never falls over."""

import pytest
from django.core.cache import cache
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.api.urls import urlpatterns
from tests.scenario import POLICY, caller, manifest_yaml

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]

TEXT = st.text(max_size=8) | st.sampled_from(
    ["mortgage-approval", "1", "production", "mortgage-underwriting", "tony", "a" * 64, "sha256:" + "a" * 64, "\x00", "\ud800",
     "approve", "auditor", "high", "../..", "a" * 500, "model", "version", manifest_yaml("9").decode(), POLICY.decode()]
)  # fmt: skip
KEYS = st.sampled_from(
    ["subject", "model", "version", "digest", "context", "environment", "meaning", "subject_sha256", "password", "acknowledged",
     "comment", "slug", "name", "objective", "kpis", "affected_people", "risk_tier", "owner", "username", "role", "label",
     "sha256", "rows", "columns", "profile", "data_until", "sheet", "base", "reason", "@type", "@context", "source", "manifest", "files", "sections", "limitations",
     "row", "key", "change", "counterfactual", "income", "ratio"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | TEXT, inner, max_size=8),
    max_leaves=25,
)
WRITES = sorted(
    (pattern.name, method)
    for pattern in urlpatterns
    for method in ("post", "put", "delete")
    if pattern.name and hasattr(pattern.callback, "cls") and hasattr(pattern.callback.cls, method)
)


@pytest.fixture
def addresses(world):
    from django.urls import reverse

    from registry.ledger import SYSTEM
    from registry.models import Dataset
    from registry.services.external_registries import add_registry
    from registry.services.intake import start_intake
    from registry.services.people import grant_duty

    grant_duty(actor=SYSTEM, person=world.edsger, permission="registry.add_external_registry")
    add_registry(actor=world.edsger, name="sheet", kind="csv")
    version = world.submit("1", measured=False)
    Dataset.objects.update(owner=world.ada)
    evaluation = version.evaluations.first()
    intake = start_intake(actor=world.ada)
    nothing = "00000000-0000-0000-0000-000000000000"
    named = {
        "api-artifact": ["a" * 64], "api-use-case-roles": ["mortgage-underwriting"],
        "api-risk": ["mortgage-underwriting"], "api-risk-override": ["mortgage-underwriting"],
        "api-risk-answer": ["mortgage-underwriting"], "api-intake": [intake.pk], "api-intake-submit": [intake.pk], "api-dataset-versions": ["hmda-boston"],
        "api-datasheets": ["hmda-boston"], "api-dataset-withdraw": ["hmda-boston"], "api-dataset-restore": ["hmda-boston"],
        "api-dataset-croissant": ["hmda-boston"], "api-dataset-addresses": ["hmda-boston"],
        "api-deployments": ["mortgage-approval"], "api-deployment-end": [1],
        **{f"api-registry{end}": ["sheet"] for end in ("", "-poll", "-imports", "-links")},
        "api-card": ["mortgage-approval", "1"], "api-version-dossier": ["mortgage-approval", "1"],
        "api-what-ifs": ["mortgage-approval", "1"], "api-what-if": ["mortgage-approval", "1", nothing],
        "api-evaluation-repeat": [evaluation.pk], "api-evaluation-cancel": [evaluation.pk], "api-gate": ["production"], "api-sign-offs": [nothing],
        "api-adopt-policy": [nothing],
    }  # fmt: skip
    return {name: reverse(name, args=named.get(name, [])).removeprefix("/api/v1") for name, _ in WRITES}


def test_there_is_something_to_send_to():
    assert len(WRITES) >= 14


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(question=st.sampled_from(WRITES), body=JSON, key=st.none() | st.sampled_from(["k", "é", ""]))
def test_no_body_is_a_server_error(world, addresses, question, body, key):
    name, method = question
    cache.clear()
    media_type = {"api-manifests": "application/yaml", "api-policies": "application/yaml"}.get(name, "application/json")
    for person in (world.edsger, world.ada):
        response = caller(person).call(method.upper(), addresses[name], body, key=key, media_type=media_type)
        assert response.status_code < 500, response.content
        assert response.status_code not in {401, 405}
        if response.status_code >= 400:
            assert response["Content-Type"] == "application/problem+json"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.binary(max_size=60), question=st.sampled_from(WRITES))
def test_no_bytes_are_a_server_error(world, addresses, data, question):
    name, method = question
    cache.clear()
    response = caller(world.ada).call(method.upper(), addresses[name], data)
    assert response.status_code < 500, response.content


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.sampled_from(
        ["/models/{}", "/versions/{}/1", "/versions/mortgage-approval/{}", "/models?model={}", "/reviews?state={}",
         "/versions?cursor={}", "/evaluations/{}", "/attestations/{}", "/artifacts/{}", "/policies/{}/1", "/evidence/{}",
         "/models?page_size={}", "/use-cases/{}", "/reviews?version={}&model={}", "/lineage/upstream?namespace={}&name={}",
         "/lineage/downstream?dataset=hmda-boston&column={}", "/lineage/upstream?model={}&version=1&at={}",
         "/datasets/{}/dependents", "/datasets/hmda-boston/dependents?column={}"]
    ),
    st.text(min_size=1, max_size=20),
)  # fmt: skip
def test_no_address_is_a_server_error(world, address, text):
    from urllib.parse import quote

    cache.clear()
    encoded = quote(text.encode("utf-8", "surrogatepass"), safe="")
    response = caller(world.ada).get(address.format(encoded, encoded))
    assert response.status_code in {200, 400, 404, 422}, response.content
