"""Shell commands: what they do, and what they say of mistakes."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from governance.models import ApiToken, PolicyVersion
from governance.services.tokens import find_token
from registry import ledger_triggers
from registry.models import LedgerEntry, Person
from registry.roles import Role
from registry.selectors import roles_of
from registry.services.people import has_duty
from tests.scenario import POLICY, ledger_actions

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments, **options) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue().strip()


@pytest.mark.usefixtures("brisk")
@pytest.mark.django_db
def test_people_roles_and_tokens_from_the_shell(world, monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_PASSWORD", "a-long-passphrase")
    run(
        "create_person", "alan", "--first-name", "Alan", "--last-name", "Turing", "--duty", "governance.register_policy"
    )
    run("create_person", "bot", "--service")
    alan, bot = Person.objects.get(username="alan"), Person.objects.get(username="bot")
    assert (alan.check_password("a-long-passphrase"), bot.is_service) == (True, True)
    assert has_duty(alan, "governance.register_policy")
    run("assign_role", "alan", "validator", "--use-case", "mortgage-underwriting")
    assert roles_of(alan, world.use_case) == {Role.VALIDATOR}
    run("assign_role", "alan", "validator", "--use-case", "mortgage-underwriting", "--remove")
    assert roles_of(alan, world.use_case) == set()
    secret = run("issue_token", "bot", "--responsible", "alan", "--name", "ci", "--scope", "submit", "--days", "7")
    token = find_token(secret)
    assert (token.person, token.issued_by, token.scopes) == (bot, alan, ["submit"])
    assert ledger_actions()[-1] == "token.issued"


@pytest.mark.usefixtures("brisk")
@pytest.mark.django_db
@pytest.mark.parametrize(
    "arguments",
    [
        ("create_person", "ada"),
        ("create_person", "new", "--duty", "nonsense"),
        ("assign_role", "nobody", "validator", "--use-case", "mortgage-underwriting"),
        ("assign_role", "ada", "validator", "--use-case", "nothing"),
        ("assign_role", "ada", "validator", "--model", "nothing"),
        ("issue_token", "nobody", "--name", "x", "--scope", "read"),
        ("issue_token", "ada", "--name", "x", "--scope", "read", "--days", "1000"),
        ("register_policy", "/nowhere.yaml", "--by", "edsger"),
        ("register_policy", str(ROOT / "pyproject.toml"), "--by", "edsger"),
        ("register_policy", str(ROOT / "docs/examples/consumer-credit.yaml"), "--by", "nobody"),
        ("register_policy", str(ROOT / "docs/examples/consumer-credit.yaml"), "--by", "ada"),
    ],
)
def test_mistakes_are_told_in_one_sentence_and_change_nothing(world, monkeypatch, arguments):
    monkeypatch.setenv("COUNTERSIGN_PASSWORD", "a-long-passphrase")
    before = (Person.objects.count(), ApiToken.objects.count(), PolicyVersion.objects.count(), ledger_actions())
    with pytest.raises(CommandError) as refused:
        run(*arguments)
    assert "\n" not in str(refused.value)
    assert (Person.objects.count(), ApiToken.objects.count(), PolicyVersion.objects.count(), ledger_actions()) == before


@pytest.mark.usefixtures("brisk")
@pytest.mark.django_db
def test_a_policy_from_a_file(world, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_bytes(POLICY.replace(b"version: 1", b"version: 2"))
    assert "registered (sha256:" in run("register_policy", str(path), "--by", "edsger")
    assert "registered already" in run("register_policy", str(path), "--by", "edsger")


@pytest.mark.usefixtures("brisk")
@pytest.mark.django_db
def test_the_ledger_of_a_whole_story_verifies_and_a_changed_entry_is_named(world):
    version = world.submit("1")
    world.approve(version)
    world.promote(version)
    run("make_checkpoint")
    assert run("verify_ledger").startswith("ok: ")
    assert json.loads(run("verify_ledger", "--json"))["ok"] is True
    ledger_triggers.remove(connection.schema_editor())
    entry = LedgerEntry.objects.filter(action="sign_off.recorded").first()
    LedgerEntry.objects.filter(pk=entry.pk).update(body=bytes(entry.body).replace(b"approve", b"APPROVE"))
    with pytest.raises(CommandError, match=f"first bad entry {entry.seq}"):
        run("verify_ledger")


@pytest.mark.usefixtures("brisk")
@pytest.mark.django_db
def test_every_state_change_of_a_whole_story_is_in_the_ledger(world):
    version = world.submit("1")
    world.approve(version)
    world.promote(version)
    actions = ledger_actions()
    for action in (
        "use_case.created", "role.assigned", "policy.registered", "artifact.stored", "model.registered",
        "version.registered", "evaluation.queued", "evaluation.started", "evaluation.succeeded", "verdict.recorded",
        "review.opened", "sign_off.recorded", "review.approved", "version.promoted",
    ):  # fmt: skip
        assert action in actions
    assert list(LedgerEntry.objects.order_by("seq").values_list("seq", flat=True)) == list(range(1, len(actions) + 1))


def test_no_migration_is_missing(db):
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
