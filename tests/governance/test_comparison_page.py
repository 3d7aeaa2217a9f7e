"""The page of a version beside the champion: who changes sides first; what was measured elsewhere is never put beside it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from audits.models import Evaluation
from governance.changes import OTHER_CODE, OTHER_DATA, changes_since
from tests.scenario import POLICY, predictions_csv, run_tasks, tamper

pytestmark = pytest.mark.django_db


def another() -> bytes:
    """Another model's predictions of the same rows."""
    return predictions_csv(seed=2, skill=0.4)


def page(client, person, version, status=200, **asked) -> str:
    client.force_login(person)
    answer = client.get(reverse("comparison", args=[version.model.name, version.name]), asked)
    assert answer.status_code == status
    return answer.content.decode()


@pytest.fixture
def champion(world):
    version = world.submit("1")
    world.approve(version)
    world.promote(version)
    return version


def test_who_changes_sides_stands_first_and_pictures_are_those_of_the_version(world, champion, client):
    challenger = world.submit("2", predictions=another())
    body = page(client, world.grace, challenger)
    assert body.index("Challenger") < body.index("Who changes sides.") < body.index("Who changes sides, by race")
    assert body.index("Who changes sides, by race") < body.index("Challenger minus champion.")
    assert "the predictions as they were submitted" in body
    assert "negative to positive" in body
    assert "predictions.csv" in body
    drawn = challenger.verdicts.order_by("-pk").first().pictures.filter(rule="evidence:comparison").exclude(svg="")
    assert drawn.count() >= 3
    for picture in drawn:
        assert picture.svg.partition("aria-label=")[2][:80] in body
    version = client.get(reverse("version", args=["mortgage-approval", "2"])).content.decode()
    assert f"{reverse('comparison', args=['mortgage-approval', '2'])}?environment=production" in version


def test_without_a_champion_it_says_so(world, client, brisk):
    body = page(client, world.grace, world.submit("1"))
    assert "Nothing ran in production before this version" in body


def test_where_no_policy_asks_it_says_so(world, client, brisk):
    from governance.services.policies import register_policy

    lines = [line for line in POLICY.replace(b"version: 1", b"version: 2").splitlines() if b"comparison" not in line]
    register_policy(actor=world.edsger, content=b"\n".join(lines))
    first = world.submit("1")
    world.approve(first)
    world.promote(first)
    assert "no rule of the policy for production asks for it" in page(client, world.grace, world.submit("2"))


def test_before_it_is_measured_it_says_so(world, champion, client, brisk):
    challenger = world.submit("2", predictions=another(), measured=False)
    assert "It is being compared now: 0 %." in page(client, world.grace, challenger)
    run_tasks()


def test_other_rows_are_not_compared_and_the_page_says_why(world, champion, client, brisk):
    challenger = world.submit("2", predictions=predictions_csv(n=1500))
    body = page(client, world.grace, challenger)
    assert "They could not be compared." in body
    assert "they have 1500 and 2000 rows" in body
    assert "Who changes sides" not in body


def test_a_comparison_with_an_earlier_champion_is_not_shown_as_one_with_this(world, champion, client, brisk):
    challenger = world.submit("2", predictions=another())
    rival = world.submit("3", predictions=predictions_csv(seed=3))
    world.approve(rival)
    world.promote(rival)
    body = page(client, world.grace, challenger)
    assert "It was compared with mortgage-approval@1." in body
    assert "Who changes sides" not in body


def test_who_may_not_see_the_model_finds_nothing(world, champion, client, brisk):
    page(client, world.mallory, champion, status=404)
    page(client, world.grace, champion, status=404, environment="moon")


def metrics(version) -> dict[str, str]:
    changes, _before = changes_since(version, "production")
    return {change.item: change.before for change in changes if change.area == "metrics"}


def test_numbers_of_the_same_rows_and_code_are_put_side_by_side(world, champion, brisk):
    found = metrics(world.submit("2", predictions=another()))
    assert found
    assert not any("not to be compared" in value for value in found.values())


def test_numbers_of_other_rows_are_marked(world, champion, brisk):
    found = metrics(world.submit("2", predictions=predictions_csv(n=1500)))
    assert found["ROC AUC"].endswith(f"; {OTHER_DATA}")
    assert all(OTHER_DATA in value for value in found.values())


def test_numbers_of_other_code_are_marked(world, champion, brisk):
    challenger = world.submit("2", predictions=another())
    for evaluation in Evaluation.objects.filter(version=champion):
        tamper(evaluation, code_version="countersign 0.0.9")
    assert metrics(challenger)["ROC AUC"].endswith(f"; {OTHER_CODE}")
