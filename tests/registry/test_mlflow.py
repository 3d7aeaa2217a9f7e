"""Polling an MLflow server: what is read, what is refused, and that a bad day changes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound
from registry.ledger import SYSTEM
from registry.mlflow_settings import MlflowSettings
from registry.models import ExternalRegistry, ExternalVersion
from registry.services.external_imports import import_csv, poll_due_registries, poll_registry, preview_csv
from registry.services.external_registries import add_registry, change_registry, link_model
from registry.services.people import grant_duty
from tests.registry.mlflow_stage import mlflow_server
from tests.scenario import ledger_actions

pytestmark = pytest.mark.django_db
DUTY = "registry.add_external_registry"


@pytest.fixture
def server(monkeypatch):
    with mlflow_server() as stage:
        monkeypatch.setenv("COUNTERSIGN_MLFLOW_HOSTS", f"mlflow.bank.example,{stage.url}")
        yield stage


@pytest.fixture
def officer(edsger):
    grant_duty(actor=SYSTEM, person=edsger, permission=DUTY)
    return edsger


@pytest.fixture
def registry(server, officer):
    return add_registry(actor=officer, name="lab", kind="mlflow", url=server.url)


def held(registry) -> dict:
    return {(row.model_name, row.name): row for row in ExternalVersion.objects.filter(registry=registry, gone_at=None)}


def poll(registry):
    return poll_registry(actor=SYSTEM, registry=registry)


def test_every_page_is_read_with_aliases_tags_and_the_models_words(server, registry):
    for number in range(1, 6):
        server.put(
            "churn", str(number), tags=[{"key": "team", "value": "risk"}], user_id="ada", current_stage="Staging"
        )
    server.put("fraud", "1", run_id="r1", source="s3://b/m", aliases=["blue"])
    server.models[0] |= {"description": "Who leaves.", "aliases": [{"alias": "champion", "version": "2"}]}
    assert poll(registry).error == ""
    found = held(registry)
    assert set(found) == {("churn", str(number)) for number in range(1, 6)} | {("fraud", "1")}
    assert found["churn", "2"].facts == {
        "owner": "ada", "stage": "Staging", "aliases": ["champion"], "tags": {"team": "risk"},
        "model_description": "Who leaves.", "created": "2023-11-14T22:13:20+00:00", "updated": "2023-11-14T22:13:20+00:00",
    }  # fmt: skip
    assert found["fraud", "1"].facts.items() >= {"run": "r1", "source": "s3://b/m", "aliases": ["blue"]}.items()
    assert "stage" not in found["fraud", "1"].facts  # MLflow says "None" where there is none


def test_it_only_ever_reads(server, registry):
    server.put("churn", "1")
    poll(registry)
    assert {method for method, _ in server.asked} == {"GET"}
    assert {path for _, path in server.asked} == {
        "/api/2.0/mlflow/registered-models/search", "/api/2.0/mlflow/model-versions/search"
    }  # fmt: skip


def test_what_vanishes_is_marked_and_what_returns_is_there_again(server, registry):
    server.put("churn", "1")
    server.put("churn", "2")
    poll(registry)
    away = server.versions.pop()
    poll(registry)
    assert set(held(registry)) == {("churn", "1")}
    assert ExternalVersion.objects.get(name="2").gone_at is not None
    server.versions.append(away)
    poll(registry)
    assert set(held(registry)) == {("churn", "1"), ("churn", "2")}


def test_an_unchanged_poll_writes_nothing_to_the_ledger(server, registry):
    server.put("churn", "1")
    poll(registry)
    poll(registry)
    assert ledger_actions(object_type="external registry") == ["external_registry.added", "external_versions.imported"]


@pytest.mark.parametrize(
    ("mood", "words"),
    [
        ("redirect", "redirects (302)"),
        ("error", "answered 500"),
        ("second page fails", "answered 503"),
        ("text", "not valid JSON"),
        ("list", "not a JSON object"),
        ("strange", "not a list of objects"),
        ("huge", "more than 16,777,216 bytes"),
        ("circle", "go round in a circle"),
        ("breaks off", "broke off"),
        ("slow", "took too long"),
    ],
)
def test_a_bad_day_leaves_the_last_good_state_with_the_error_beside_it(server, registry, monkeypatch, mood, words):
    monkeypatch.setenv("COUNTERSIGN_MLFLOW_TIMEOUT", "1")
    server.put("churn", "1")
    good = poll(registry)
    for number in range(2, 9):
        server.put(f"more{number}", str(number))
    server.mood = mood
    bad = poll(registry)
    assert words in bad.error
    assert bad.succeeded_at == good.succeeded_at
    assert bad.polled_at > good.polled_at
    assert set(held(registry)) == {("churn", "1")}
    server.mood = ""
    assert poll(registry).error == ""
    assert len(held(registry)) == 8


def test_a_server_that_is_away_is_an_error_of_the_poll(officer, monkeypatch):
    with mlflow_server() as stage:
        url = stage.url
    monkeypatch.setenv("COUNTERSIGN_MLFLOW_HOSTS", url)
    registry = add_registry(actor=officer, name="away", kind="mlflow", url=url)
    assert "could not be read" in poll(registry).error


def test_a_name_too_long_refuses_the_whole_poll(server, registry):
    server.put("x" * 301, "1")
    assert "more than 300 characters" in poll(registry).error
    assert held(registry) == {}


@pytest.mark.parametrize(
    ("given", "sent"), [("ada:secret", "Basic YWRhOnNlY3JldA=="), ('{"token": "t0k"}', "Bearer t0k")]
)
def test_credentials_are_named_and_never_repeated(server, officer, monkeypatch, given, sent):
    server.put("churn", "1")
    server.authorization = sent
    open_ = add_registry(actor=officer, name="open", kind="mlflow", url=server.url)
    assert "missing or wrong" in poll(open_).error
    monkeypatch.setenv("COUNTERSIGN_MLFLOW_CREDENTIALS_LAB", given)
    assert poll(change_registry(actor=officer, registry=open_, credentials="lab")).error == ""
    monkeypatch.setenv("COUNTERSIGN_MLFLOW_CREDENTIALS_LAB", "nonsense-without-colon")
    assert "nonsense" not in poll(open_).error != ""


@pytest.mark.parametrize(
    "url",
    [
        "http://mlflow.bank.example", "https://mlflow.bank.example:8443", "https://other.example", "ftp://mlflow.bank.example",
        "https://ada:secret@mlflow.bank.example", "https://mlflow.bank.example?x=1", "https://mlflow.bank.example/#x", "",
        "https://mlflow.bank.example\r\nHost: evil", "https://mlflow.bank.example.evil.example", "https://mlflow.bank.example:99999",
        "https://[", "http://127.0.0.1:1",
    ],
)  # fmt: skip
def test_only_listed_servers_may_be_asked(server, officer, url):
    with pytest.raises(InvalidInput) as raised:
        add_registry(actor=officer, name="lab", kind="mlflow", url=url)
    assert raised.value.field == "url"
    assert "secret" not in raised.value.message


def test_https_hosts_are_listed_by_name_and_plain_ones_as_such():
    settings = MlflowSettings.from_environment(
        {"COUNTERSIGN_MLFLOW_HOSTS": "a.example, b.example:8443,http://c.example:5000"}
    )
    for url in ("https://a.example", "https://A.example/mlflow", "https://b.example:8443", "http://c.example:5000"):
        settings.check_address(url)
    for text in ("ftp://a", "https://a/path", "http://u:p@a", "a b/c"):
        with pytest.raises(InvalidInput, match="HOSTS"):
            MlflowSettings.from_environment({"COUNTERSIGN_MLFLOW_HOSTS": text})


def test_a_server_taken_off_the_list_is_no_longer_asked(server, registry, monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_MLFLOW_HOSTS", "")
    assert "may not be asked" in poll(registry).error
    assert server.asked == []


def test_whose_turn_it_is(server, registry, officer):
    assert [item.name for item in poll_due_registries()] == ["lab"]
    assert poll_due_registries() == []
    assert [item.name for item in poll_due_registries(now=timezone.now() + timedelta(seconds=901))] == ["lab"]
    change_registry(actor=officer, registry=registry, is_active=False)
    assert poll_due_registries(now=timezone.now() + timedelta(days=1)) == []
    with pytest.raises(Conflict, match="paused"):
        poll(registry)


def test_the_command_says_how_each_went(server, registry, capsys):
    server.put("churn", "1")
    call_command("poll_registries")
    assert "lab: read" in capsys.readouterr().out
    server.mood = "error"
    with pytest.raises(CommandError, match="could be read"):
        call_command("poll_registries", "lab")
    with pytest.raises(CommandError, match="no such"):
        call_command("poll_registries", "nowhere")


def test_only_those_whose_duty_it_is_connect_and_import(server, registry, ada):
    for act in (
        lambda: add_registry(actor=ada, name="mine", kind="csv"),
        lambda: change_registry(actor=ada, registry=registry, is_active=False),
        lambda: poll_registry(actor=ada, registry=registry),
        lambda: import_csv(actor=ada, registry=registry, data=b"model,version\na,1\n"),
    ):
        with pytest.raises(NotAllowed):
            act()
    ada.is_superuser = True
    ada.save()
    with pytest.raises(NotAllowed):
        add_registry(actor=ada, name="mine", kind="csv")


def test_names_are_taken_once_and_kinds_are_known(registry, officer):
    with pytest.raises(Conflict):
        add_registry(actor=officer, name="lab", kind="csv")
    for wrong in ({"name": "a b", "kind": "csv"}, {"name": "x", "kind": "sagemaker"}):
        with pytest.raises(InvalidInput):
            add_registry(actor=officer, **wrong)
    with pytest.raises(InvalidInput):
        add_registry(actor=officer, name="x", kind="csv", url="https://mlflow.bank.example")


FILE = b"model,version,owner\nchurn,1,Tony\nchurn,2,Tony\n"


@pytest.fixture
def sheet(officer):
    return add_registry(actor=officer, name="sheet", kind="csv")


def test_a_preview_says_what_is_new_changed_and_gone_and_does_nothing(sheet, officer):
    import_csv(actor=officer, registry=sheet, data=FILE)
    _, changes = preview_csv(actor=officer, registry=sheet, data=b"model,version,owner\nchurn,1,Ada\nfraud,1,Ada\n")
    assert changes.counts == {"new": 1, "changed": 1, "gone": 1, "same": 0}
    assert (changes.new, changes.changed, changes.gone) == ((("fraud", "1"),), (("churn", "1"),), (("churn", "2"),))
    assert set(held(sheet)) == {("churn", "1"), ("churn", "2")}


def test_an_import_does_what_the_preview_showed_or_nothing(sheet, officer):
    _, shown = preview_csv(actor=officer, registry=sheet, data=FILE)
    import_csv(actor=officer, registry=sheet, data=b"model,version\nother,1\n")
    with pytest.raises(Conflict, match="look at it again"):
        import_csv(actor=officer, registry=sheet, data=FILE, expected=shown.digest)
    assert set(held(sheet)) == {("other", "1")}
    _, shown = preview_csv(actor=officer, registry=sheet, data=FILE)
    assert import_csv(actor=officer, registry=sheet, data=FILE, expected=shown.digest) == shown


def test_one_bad_row_takes_the_whole_file_down(sheet, officer):
    with pytest.raises(InvalidInput, match="row 3"):
        import_csv(actor=officer, registry=sheet, data=b"model,version\na,1\n,2\n")
    assert held(sheet) == {}
    assert ledger_actions(object_type="external registry") == ["external_registry.added"]


def test_each_registry_is_filled_its_own_way(sheet, registry, officer):
    with pytest.raises(InvalidInput):
        poll(sheet)
    with pytest.raises(InvalidInput):
        import_csv(actor=officer, registry=registry, data=FILE)


def test_a_link_needs_a_role_on_ours_and_holds_for_versions_to_come(sheet, officer, world):
    ours = world.submit("1", measured=False).model
    import_csv(actor=officer, registry=sheet, data=FILE)
    with pytest.raises(NotFound):  # ada sees nothing of that registry yet
        link_model(actor=world.ada, registry=sheet, model_name="churn", model=ours)
    assert {row.model for row in link_model(actor=officer, registry=sheet, model_name="churn", model=ours)} == {ours}
    import_csv(actor=officer, registry=sheet, data=FILE + b"churn,3,Tony\nfraud,1,Tony\n")
    assert {key: row.model for key, row in held(sheet).items() if key[1] == "3"} == {("churn", "3"): ours}
    assert held(sheet)["fraud", "1"].model is None
    with pytest.raises(NotAllowed):  # an auditor sees it, and may not
        link_model(actor=world.barbara, registry=sheet, model_name="churn", model=None)
    link_model(actor=world.ada, registry=sheet, model_name="churn", model=None)  # ada does now, through the link
    assert {row.model for row in held(sheet).values()} == {None}
    assert ledger_actions(model_name="mortgage-approval")[-1] == "external_model.linked"
    assert ExternalRegistry.objects.count() == 1
