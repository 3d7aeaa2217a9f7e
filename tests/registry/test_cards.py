"""Revising a model card: by developers and owners, never overwriting, and only if something changes."""

import json

import pytest

from registry.canonical import sha256_hex
from registry.errors import InvalidInput, NotAllowed
from registry.models import CardRevision
from registry.selectors import current_card
from registry.services.cards import MAX_SECTION, revise_card
from tests.scenario import CARD, ledger_actions

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(world):
    return world.submit("1", measured=False)


def test_a_revision_is_added_beside_the_old_text(world, version):
    revision = revise_card(actor=world.ada, version=version, sections={**CARD, "limitations": "  Few people.\n"})
    assert (revision.number, revision.sections["limitations"]) == (2, "Few people.")
    assert revision.sha256 == sha256_hex(bytes(revision.content))
    assert current_card(version) == revision
    assert version.card_revisions.get(number=1).sections == CARD
    assert ledger_actions(model_name=version.model.name)[-1] == "document.revised"


def test_the_same_text_is_no_revision(world, version):
    before = ledger_actions()
    assert revise_card(actor=world.tony, version=version, sections=dict(reversed(CARD.items()))).number == 1
    assert ledger_actions() == before


def test_a_blank_section_is_no_section(world, version):
    revision = revise_card(actor=world.ada, version=version, sections={**CARD, "owner": " \n"})
    assert json.loads(bytes(revision.content)).keys() == CARD.keys() - {"owner"}


@pytest.mark.parametrize("who", ["grace", "edsger", "barbara", "mallory"])
def test_others_write_no_cards(world, version, who):
    with pytest.raises(NotAllowed):
        revise_card(actor=getattr(world, who), version=version, sections={})
    assert CardRevision.objects.count() == 1


def test_unknown_sections_and_endless_texts_are_refused(world, version):
    with pytest.raises(InvalidInput) as refused:
        revise_card(actor=world.ada, version=version, sections={"intended": "x"})
    assert (refused.value.field, "intended_use" in refused.value.message) == ("intended", True)
    with pytest.raises(InvalidInput, match="longer"):
        revise_card(actor=world.ada, version=version, sections={"owner": "x" * (MAX_SECTION + 1)})
    assert CardRevision.objects.count() == 1
