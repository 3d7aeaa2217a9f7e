"""Components of composite versions: each with its own state, nothing told of what one may not see."""

from __future__ import annotations

import pytest

from governance.page_selectors.components import composition_of
from registry.ledger import SYSTEM
from registry.roles import Role
from registry.services.people import assign_role
from registry.services.use_cases import create_use_case
from tests.scenario import caller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]

PARTS = """components:
  - {model: mortgage-approval, version: "1"}
  - {model: overdraft, version: "3"}
  - {model: unheard-of, version: "9"}
"""


@pytest.fixture
def composite(world):
    first = world.submit("1")
    world.approve(first)
    world.promote(first)
    world.submit("3", model="overdraft", measured=False)
    return world.submit("7", model="affordability", measured=False, extra=PARTS)


def test_each_component_stands_for_itself_in_the_same_environment(world, composite):
    found = composition_of(world.ada, composite, "production")
    assert [(part.model, part.standing.stage if part.standing else None, part.runs) for part in found.components] == [
        ("mortgage-approval", "approved", True),
        ("overdraft", "measuring", False),
        ("unheard-of", None, False),
    ]
    staging = composition_of(world.ada, composite, "staging").components
    assert [part.standing for part in staging] == [None, None, None]
    assert [part.version is not None for part in staging] == [True, True, False]


def test_a_component_knows_what_it_is_used_in(world, composite):
    part = composite.model.use_case.registered_models.get(name="overdraft").versions.get()
    assert [item.version for item in composition_of(world.ada, part, "production").used_in] == [composite]
    assert composition_of(world.ada, composite, "production").used_in == ()


def test_the_words_of_a_component_elsewhere_in_a_manifest_make_no_component(world, composite):
    training = 'description: \'{"model":"overdraft","version":"3"}\'\n'
    other = world.submit("8", model="talker", measured=False, extra=training)
    assert not composition_of(world.ada, other, "production")
    part = composite.model.use_case.registered_models.get(name="overdraft").versions.get()
    assert [item.version for item in composition_of(world.ada, part, "production").used_in] == [composite]


def test_a_component_by_digest_is_found_both_ways(world):
    part = world.submit("1", measured=False)
    by_digest = f"components: [{{model: mortgage-approval, version: 'sha256:{part.sha256}'}}]\n"
    whole = world.submit("2", model="whole", measured=False, extra=by_digest)
    assert composition_of(world.ada, whole, "production").components[0].version == part
    assert composition_of(world.ada, part, "production").used_in[0].version == whole


def test_what_one_may_not_see_reads_like_what_is_not_there(world, composite):
    hidden = create_use_case(
        actor=world.edsger, slug="hidden", name="Hidden", objective="o", kpis=[], affected_people="p", risk_tier="high",
        owner=world.mallory,
    )  # fmt: skip
    model = world.use_case.registered_models.get(name="overdraft")
    model.use_case = hidden
    model.save()
    _, overdraft, unheard = composition_of(world.grace, composite, "production").components
    assert (overdraft.version, overdraft.standing) == (unheard.version, unheard.standing) == (None, None)
    part = model.versions.get()
    assert composition_of(world.mallory, part, "production").used_in == ()  # the composite is not mallory's to see
    assign_role(actor=SYSTEM, person=world.mallory, role=Role.AUDITOR, on=world.use_case)
    assert len(composition_of(world.mallory, part, "production").used_in) == 1


def test_page_and_api_say_the_same(world, composite, client):
    client.force_login(world.ada)
    body = client.get("/models/affordability/versions/7").content.decode()
    section = body[body.index('aria-labelledby="components"') :]
    section = section[: section.index("</section>")]
    for words in ("runs in production", "being measured", "not registered here, or not yours to see"):
        assert words in section
    said = caller(world.ada).get("/versions/affordability/7/components").json()
    assert said["environment"] == "production"
    assert [(part["model"], part["known"], part["stage"], part["runs"]) for part in said["components"]] == [
        ("mortgage-approval", True, "approved", True),
        ("overdraft", True, "measuring", False),
        ("unheard-of", False, None, False),
    ]
    used = caller(world.ada).get("/versions/overdraft/3/components").json()["used_in"]
    assert [(part["model"], part["version"]) for part in used] == [("affordability", "7")]
    body = client.get("/models/overdraft/versions/3").content.decode()
    assert "Used in" in body


def test_a_version_without_components_has_no_such_section(world, client):
    world.submit("1", measured=False)
    client.force_login(world.ada)
    assert 'aria-labelledby="components"' not in client.get("/models/mortgage-approval/versions/1").content.decode()
