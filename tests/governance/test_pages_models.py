"""Lists of models, and the page of one: search, filters, people, and the lines for a new CI job."""

from __future__ import annotations

import pytest

from tests.scenario import predictions_csv

pytestmark = pytest.mark.django_db


@pytest.fixture
def two(world):
    world.submit("1")
    world.submit("3", model="overdraft", predictions=predictions_csv(ratio=0.6))
    return world


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({}, {"mortgage-approval", "overdraft"}),
        ({"q": "OVER"}, {"overdraft"}),
        ({"q": "underwriting"}, {"mortgage-approval", "overdraft"}),
        ({"stage": "blocked"}, {"overdraft"}),
        ({"stage": "review"}, {"mortgage-approval"}),
        ({"tier": "high"}, {"mortgage-approval", "overdraft"}),
        ({"tier": "low"}, set()),
        ({"use_case": "mortgage-underwriting"}, {"mortgage-approval", "overdraft"}),
        ({"use_case": "other"}, set()),
        ({"page": "99"}, {"mortgage-approval", "overdraft"}),
    ],
)
def test_models_are_searched_and_filtered(two, client, asked, shown):
    client.force_login(two.grace)
    body = client.get("/models", asked).content.decode()
    assert {name for name in ("mortgage-approval", "overdraft") if f'href="/models/{name}"' in body} == shown
    assert ("No model matches." in body) == (not shown)


def test_the_list_says_where_the_newest_version_stands_and_what_runs(two, client):
    version = two.use_case.registered_models.get(name="mortgage-approval").versions.get()
    two.approve(version)
    two.promote(version)
    client.force_login(two.barbara)
    body = client.get("/models").content.decode()
    for words in ("runs in production", "blocked"):
        assert words in body


def test_the_model_page_has_four_lines_for_a_new_job_with_the_names_filled_in(two, client, settings):
    settings.COUNTERSIGN_URL = "https://countersign.bank.example"
    client.force_login(two.ada)
    body = client.get("/models/mortgage-approval").content.decode()
    job = body[body.index("<pre") : body.index("</pre>")].split(">", 1)[1]
    assert job.splitlines() == [
        "export COUNTERSIGN_URL=https://countersign.bank.example",
        "curl -sSfO $COUNTERSIGN_URL/countersign.pyz",
        "python3 countersign.pyz submit manifest.yaml",
        "python3 countersign.pyz gate check mortgage-approval@$VERSION --env production --wait 30m",
    ]


def test_the_model_page_names_who_holds_which_role(two, client):
    client.force_login(two.ada)
    body = client.get("/models/mortgage-approval").content.decode()
    people = body[body.index("<aside") : body.index("</aside>")]
    for words in ("model owner", "Tony Hoare", "validator", "Grace Hopper", "auditor", "Barbara Liskov"):
        assert words in people
    assert "Mallory" not in people


def test_the_use_case_page_says_what_it_is_for(two, client):
    client.force_login(two.barbara)
    body = client.get("/use-cases/mortgage-underwriting").content.decode()
    for words in (
        "Decide on mortgage applications consistently.",
        "Applicants for home loans",
        "default rate under 2 %",
    ):
        assert words in body
