"""What depends on a dataset, where it runs and by which way; and where records went: as page, file and answer of the API."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.test import Client
from django.utils import timezone

from governance.page_selectors import impact
from governance.page_selectors.impact import impact_of
from registry.errors import NotFound
from registry.lineage.names import JobName, PlaceName, dataset_place, model_place
from registry.lineage.statement import StatedEdge, Statement
from registry.lineage_queries import downstream
from registry.models import Dataset, DatasetVersion, Deployment
from registry.services.lineage import apply_statements
from registry.services.places import ensure_places
from tests.cast import make_person
from tests.scenario import caller, run_tasks

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]
T0 = datetime(2026, 11, 1, tzinfo=UTC)
MART = PlaceName("pg://mart", "mart.applicants")


def state(place: PlaceName, *edges: StatedEdge, on: int = 0, job: str = "") -> None:
    """A job says how a place is made."""
    name = JobName("airflow", job or f"build {place.name}")
    at = T0 + timedelta(days=on)
    apply_statements([Statement(job=name, place=place, at=at, by="openlineage", edges=edges)])


def column(source: PlaceName, name: str, target: str, **more) -> StatedEdge:
    """One column from one column."""
    return StatedEdge(source=source, source_column=name, target_column=target, **more)


@pytest.fixture
def bureau(world):
    """The dataset ``bureau`` feeds the feature income of version 1 and, as a mart, the training of version 2."""
    world.bureau = Dataset.objects.create(slug="bureau", name="Credit bureau", owner=world.tony)
    world.first, world.second = (world.submit(name, measured=False) for name in "12")
    state(MART, column(dataset_place("bureau"), "pay", "income"), column(dataset_place("bureau"), "mail", "mail"))
    state(model_place("mortgage-approval", "1"), column(MART, "income", "income"))
    state(model_place("mortgage-approval", "2"), StatedEdge(source=MART, level="training"))
    return world


@pytest.fixture
def running(bureau):
    """Version 2 was promoted to production."""
    run_tasks()
    bureau.approve(bureau.second)
    bureau.promote(bureau.second)
    return bureau


def page(person, path: str, **query):
    """A page as the person gets it."""
    browser = Client()
    browser.force_login(person)
    return browser.get(path, query)


class TestWhatDependsOnIt:
    """Model versions, directly or through other places."""

    def test_every_version_with_its_way(self, bureau):
        found = impact_of(bureau.ada, bureau.bureau)
        assert {str(item.version): item.way for item in found.dependents} == {
            "mortgage-approval@1": "mortgage-approval@1.income is made from mart.applicants.income, "
            "which is made from bureau.pay.",
            "mortgage-approval@2": "mortgage-approval@2 was trained on mart.applicants, which is made from bureau.mail.",
        }  # fmt: skip

    def test_promoted_ones_come_first(self, running):
        found = impact_of(running.ada, running.bureau).dependents
        assert [item.version for item in found] == [running.second, running.first]
        assert [(place.environment, place.promoted) for place in found[0].running] == [("production", True)]
        assert found[1].running == ()

    def test_what_was_recorded_to_run_runs(self, running):
        Deployment.objects.create(
            version=running.first,
            environment="edge",
            kind="embedded",
            location="tills",
            since=T0,
            recorded_by=running.ada,
        )
        Deployment.objects.create(
            version=running.second, environment="old", kind="batch", location="x", since=T0, until=T0,
            recorded_by=running.ada,
        )  # fmt: skip
        found = {item.version: item.running for item in impact_of(running.ada, running.bureau).dependents}
        assert [(place.environment, place.location) for place in found[running.first]] == [("edge", "tills")]
        assert [place.environment for place in found[running.second]] == ["production"]

    def test_of_one_column_only(self, bureau):
        state(MART, column(dataset_place("bureau"), "mail", "mail"), on=1)
        assert [item.version for item in impact_of(bureau.ada, bureau.bureau, "pay").dependents] == []
        assert [item.version for item in impact_of(bureau.ada, bureau.bureau, "mail").dependents] == [bureau.second]

    def test_an_unknown_column_is_not_there(self, bureau):
        with pytest.raises(NotFound):
            impact_of(bureau.ada, bureau.bureau, "shoe_size")

    def test_a_version_whose_manifest_names_the_dataset_counts_without_any_lineage(self, bureau):
        hmda = bureau.first.training_dataset.dataset
        found = impact_of(bureau.ada, hmda).dependents
        assert {item.version for item in found} == {bureau.first, bureau.second}
        assert all(item.trained and "was trained on hmda-boston" in item.way for item in found)

    def test_versions_that_one_may_not_see_are_only_counted(self, bureau):
        keeper = make_person("keeper", "Barbara", "Keeper")
        Dataset.objects.filter(slug="bureau").update(steward=keeper)
        found = impact_of(keeper, Dataset.objects.get(slug="bureau"))
        assert (found.dependents, found.hidden) == ((), 2)


class TestRecords:
    """For requests of erasure and access."""

    def test_trained_and_merely_fed_are_told_apart(self, bureau):
        found = {item.version: item.trained for item in impact_of(bureau.ada, bureau.bureau, ever=True).dependents}
        # The manifest of both names another dataset for training; only lineage says that the second learned from this one.
        assert found == {bureau.first: False, bureau.second: True}

    def test_steps_no_longer_taken_count(self, bureau):
        state(MART, on=1)
        assert [item.version for item in impact_of(bureau.ada, bureau.bureau).dependents] == []
        found = {item.version for item in impact_of(bureau.ada, bureau.bureau, ever=True).dependents}
        assert found == {bureau.first, bureau.second}

    def test_versions_of_the_dataset_and_of_those_made_from_it(self, bureau):
        derived = Dataset.objects.create(slug="scores", name="Scores")
        for dataset, label in ((bureau.bureau, "2025"), (bureau.bureau, "2026"), (derived, "a")):
            DatasetVersion.objects.create(dataset=dataset, label=label)
        state(dataset_place("scores"), StatedEdge(source=MART, level="dataset"))
        found = impact_of(bureau.ada, bureau.bureau, ever=True).datasets
        assert {dataset.slug: [version.label for version in versions] for dataset, versions in found} == {
            "bureau": ["2026", "2025"], "scores": ["a"],
        }  # fmt: skip

    def test_tables_that_nobody_registered_hold_records_too(self, bureau):
        assert [place.name for place in impact_of(bureau.ada, bureau.bureau, ever=True).tables] == ["mart.applicants"]

    def test_of_a_graph_that_was_cut_off_no_version_is_said_to_be_merely_fed(self, bureau, monkeypatch):
        monkeypatch.setattr(impact, "downstream", partial(downstream, limit=3))
        found = impact_of(bureau.ada, bureau.bureau, ever=True)
        assert found.truncated
        assert {item.version: item.trained for item in found.dependents} == {bureau.first: True, bureau.second: True}

    def test_treatments_on_the_way_are_told(self, bureau):
        treated = column(dataset_place("bureau"), "pay", "income", treatment=(("k", 20), ("method", "aggregation")))
        state(MART, treated, on=1)
        found = {item.version: item.treatments for item in impact_of(bureau.ada, bureau.bureau, "pay").dependents}
        assert found[bureau.first] == ("aggregation",)


class TestPages:
    """What people read."""

    def test_impact(self, running):
        answer = page(running.ada, "/data/bureau/impact")
        text = answer.content.decode()
        assert answer.status_code == 200
        assert "mortgage-approval@2 was trained on mart.applicants" in text
        assert "production" in text

    def test_records(self, running):
        text = page(running.ada, "/data/bureau/records").content.decode()
        assert "Train a version without the records and put it in the place of this one" in text
        assert "Erase the records at the source" in text
        assert "pg://mart" in text

    @pytest.mark.parametrize("path", ["impact", "impact.csv", "records"])
    def test_who_may_not_see_the_dataset_finds_nothing(self, bureau, path):
        assert page(bureau.mallory, f"/data/bureau/{path}").status_code == 404
        assert page(bureau.ada, f"/data/nothing/{path}").status_code == 404
        assert page(bureau.ada, f"/data/bureau/{path}").status_code == 200

    def test_an_unknown_column_is_404(self, bureau):
        assert page(bureau.ada, "/data/bureau/impact", column="shoe_size").status_code == 404

    def test_a_dataset_that_nobody_uses(self, bureau):
        Dataset.objects.create(slug="unused", name="Unused")
        assert "No model version depends on it" in page(bureau.ada, "/data/unused/impact").content.decode()

    def test_names_that_people_wrote_are_escaped(self, bureau):
        state(MART, column(dataset_place("bureau"), "<script>alert(1)</script>", "income"), on=1)
        for path in ("/data/bureau/impact", "/data/bureau/records"):
            text = page(bureau.ada, path).content.decode()
            assert "<script>alert" not in text

    def test_the_file_has_what_the_page_has(self, running):
        answer = page(running.ada, "/data/bureau/impact.csv")
        rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
        assert [(row["model"], row["version"], row["promoted to"], row["trained on it"]) for row in rows] == [
            ("mortgage-approval", "2", "production", "yes"), ("mortgage-approval", "1", "", "not as far as known"),
        ]  # fmt: skip
        assert "bureau-dependents.csv" in answer["Content-Disposition"]

    def test_no_cell_of_the_file_is_a_formula(self, running):
        Deployment.objects.create(
            version=running.first, environment="=1+1", kind="batch", location="x", since=timezone.now(),
            recorded_by=running.ada,
        )  # fmt: skip
        rows = list(csv.reader(io.StringIO(page(running.ada, "/data/bureau/impact.csv").content.decode())))
        assert "'=1+1 (x)" in rows[2]


class TestApi:
    """The same for programs."""

    def test_dependents(self, running):
        answer = caller(running.ada, "read").get("/datasets/bureau/dependents").json()
        assert [(item["model"], item["version"], item["trained"]) for item in answer["dependents"]] == [
            ("mortgage-approval", "2", True), ("mortgage-approval", "1", False),
        ]  # fmt: skip
        [place] = answer["dependents"][0]["environments"]
        assert place == {"environment": "production", "promoted": True, "location": "", "noncompliant_since": None}
        assert answer["hidden"] == 0

    def test_dependents_of_a_column(self, bureau):
        calls = caller(bureau.ada, "read")
        assert calls.get("/datasets/bureau/dependents?column=pay").json()["column"] == "pay"
        assert calls.get("/datasets/bureau/dependents?column=shoe_size").status_code == 404

    @pytest.mark.parametrize(
        ("question", "names"),
        [
            ("upstream?model=mortgage-approval&version=1&feature=income", {"mart.applicants", "bureau"}),
            ("upstream?namespace=pg://mart&name=mart.applicants&column=mail", {"bureau"}),
            ("downstream?dataset=bureau&column=mail", {"mart.applicants", "mortgage-approval@2"}),
            ("downstream?dataset=bureau", {"mart.applicants", "mortgage-approval@1", "mortgage-approval@2"}),
            ("upstream?model=mortgage-approval&version=1&at=2026-10-01T00:00:00Z", set()),
        ],
    )
    def test_questions(self, bureau, question, names):
        answer = caller(bureau.ada, "read").get(f"/lineage/{question}")
        assert answer.status_code == 200, answer.content
        told = answer.json()
        focus = {told["places"][told["nodes"][index]["place"]]["name"] for index in told["asked"]}
        assert len(focus) == 1
        # The manifest says by itself what version 1 was trained on.
        assert {place["name"] for place in told["places"]} - {"hmda-boston"} == names | focus

    def test_hidden_places_have_no_names(self, bureau):
        Dataset.objects.create(slug="other", name="Other", owner=bureau.mallory)
        told = caller(bureau.mallory, "read").get("/lineage/downstream?dataset=bureau").json()
        assert {place["name"] for place in told["places"] if not place["hidden"]} == {"bureau", "mart.applicants"}
        assert [place["name"] for place in told["places"] if place["hidden"]] == ["", ""]

    @pytest.mark.parametrize(
        "question",
        [
            "upstream?namespace=pg://mart&name=nothing",
            "upstream?namespace=pg://mart&name=mart.applicants&column=shoe_size",
            "downstream?dataset=nothing",
            "upstream?model=mortgage-approval&version=9",
        ],
    )
    def test_what_is_not_there_is_404(self, bureau, question):
        assert caller(bureau.ada, "read").get(f"/lineage/{question}").status_code == 404

    def test_what_may_not_be_seen_is_not_there(self, bureau):
        ensure_places([dataset_place("secret")], T0)
        calls = caller(bureau.mallory, "read")
        for question in ("downstream?dataset=bureau", "upstream?model=mortgage-approval&version=1"):
            seen, missing = calls.get(f"/lineage/{question}"), calls.get("/lineage/downstream?dataset=nothing")
            assert seen.status_code == missing.status_code == 404
            assert seen.json()["detail"] == missing.json()["detail"]

    @pytest.mark.parametrize(
        "question",
        ["upstream", "upstream?namespace=a", "upstream?dataset=a&model=b&version=c", "upstream?dataset=a&feature=b",
         "upstream?column=a", "upstream?dataset=a&at=yesterday", "downstream?dataset=%00"],
    )  # fmt: skip
    def test_a_question_that_names_no_one_place_is_refused(self, bureau, question):
        assert caller(bureau.ada, "read").get(f"/lineage/{question}").status_code in (400, 422)
