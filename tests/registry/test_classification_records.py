"""Who may say what a column holds, what scans and tags add to it, and what dismissing it does."""

import pytest

from registry import ledger
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.ledger_actions import Action
from registry.lineage.names import PlaceName, dataset_place, model_place
from registry.models import Classification, LedgerEntry, LineageColumn
from registry.services.classifications import (
    classify_column,
    end_classification,
    record_scan,
    record_tags,
    stated_classes,
)
from registry.services.datasets import register_dataset
from registry.services.places import ensure_columns, ensure_places

pytestmark = pytest.mark.django_db
CRM = PlaceName("pg://crm", "public.customers")
REPORT, LATER = "a" * 64, "b" * 64


def column_of(place, name):
    from django.utils import timezone

    now = timezone.now()
    held = ensure_places([place], now)[place]
    pk = ensure_columns({held.pk: [name]}, now, whole="in")[held.pk, name]
    return LineageColumn.objects.get(pk=pk)


@pytest.fixture
def email(tony):
    """A column of the customers, whom tony owns."""
    register_dataset(actor=tony, slug="customers", name="Customers", source="CRM")
    return column_of(dataset_place("customers"), "email")


def labels(*columns):
    return {(item.label, item.source, item.detail) for item in stated_classes([column.pk for column in columns])}


def test_the_owner_and_the_steward_declare_and_nobody_else(email, tony, grace, mallory):
    dataset = email.place.dataset
    dataset.steward = grace
    dataset.save()
    email.refresh_from_db()
    with pytest.raises(NotAllowed, match="owner or steward of customers"):
        classify_column(actor=mallory, column=email, label="identifier")
    first = classify_column(actor=tony, column=email, label="identifier", detail="email")
    assert classify_column(actor=grace, column=email, label="identifier", detail="email") == first
    assert labels(email) == {("identifier", "declared", "email")}
    entry = LedgerEntry.objects.filter(action=Action.CLASSIFICATION_ADDED).get()
    assert entry.seq


def test_nobody_answers_for_a_table_that_is_no_registered_dataset(tony):
    with pytest.raises(NotAllowed, match="register it as a dataset"):
        classify_column(actor=tony, column=column_of(CRM, "email"), label="identifier")


@pytest.mark.parametrize(("said", "field"), [({"label": "secret"}, "label"), ({"detail": "x" * 201}, "detail")])
def test_a_malformed_declaration_is_refused_and_nothing_is_written(email, tony, said, field):
    with pytest.raises(InvalidInput) as refused:
        classify_column(actor=tony, column=email, **{"label": "identifier", **said})
    assert refused.value.field == field
    assert not Classification.objects.exists()


def test_a_scan_classifies_what_leads_to_people_and_leaves_the_rest(email):
    made = record_scan(
        actor=ledger.SYSTEM,
        place=dataset_place("customers"),
        found={"email": ["email", "url"], "born": ["date_of_birth"], "site": ["url"]},
        evidence=REPORT,
    )
    assert len(made) == 2
    born = LineageColumn.objects.get(name="born")
    assert labels(email) == {("identifier", "scan", "email")}
    assert labels(born) == {("quasi-identifier", "scan", "date_of_birth")}
    assert not LineageColumn.objects.filter(name="site").exists()


def test_what_was_dismissed_does_not_come_back_from_the_same_report_but_from_another(email, tony):
    def scan(evidence):
        return record_scan(
            actor=ledger.SYSTEM, place=dataset_place("customers"), found={"email": ["email"]}, evidence=evidence
        )

    end_classification(actor=tony, classification=scan(REPORT)[0], reason="These are codes of departments.")
    assert scan(REPORT) == []
    assert labels(email) == set()
    assert len(scan(LATER)) == 1
    assert labels(email) == {("identifier", "scan", "email")}
    assert Classification.objects.get(until__isnull=False).ended_reason == "These are codes of departments."


def test_dismissing_needs_a_reason_and_the_right_person_and_happens_once(email, tony, mallory):
    made = classify_column(actor=tony, column=email, label="identifier")
    with pytest.raises(NotAllowed):
        end_classification(actor=mallory, classification=made, reason="No.")
    with pytest.raises(InvalidInput):
        end_classification(actor=tony, classification=made, reason="  ")
    end_classification(actor=tony, classification=made, reason="Wrong column.")
    with pytest.raises(Conflict):
        end_classification(actor=tony, classification=made, reason="Again.")
    entry = LedgerEntry.objects.get(action=Action.CLASSIFICATION_ENDED)
    assert b"Wrong column." in bytes(entry.body)


def test_what_counted_at_a_moment_is_told_of_that_moment(email, tony):
    made = classify_column(actor=tony, column=email, label="identifier")
    ended = end_classification(actor=tony, classification=made, reason="Wrong column.")
    assert stated_classes([email.pk], at=made.since)
    assert not stated_classes([email.pk], at=ended.until)


def test_tags_are_read_by_the_table_and_others_are_left_alone(ada):
    record_tags(actor=ada, place=CRM, column="email", tags=["PII", ("gdpr", "special category"), ("owner", "team-a")])
    record_tags(actor=ada, place=CRM, column="town", tags=[("pii", "false"), "unknown"])
    assert labels(column_of(CRM, "email")) == {
        ("identifier", "tag", "PII"),
        ("special-category", "tag", "gdpr: special category"),
    }
    assert labels(column_of(CRM, "town")) == set()


def test_what_tags_say_is_kept_in_one_line_that_people_can_see(ada):
    record_tags(actor=ada, place=CRM, column="email", tags=[("pii", "by\0 the\nsteward")])
    assert labels(column_of(CRM, "email")) == {("identifier", "tag", "pii: by the steward")}


def test_a_tag_of_the_whole_place_touches_whatever_is_in_it(ada):
    made = record_tags(actor=ada, place=CRM, column=None, tags=["sensitive"])
    assert [item.column.role for item in made] == ["in"]


def test_a_dismissed_tag_stays_dismissed(email, tony, ada):
    def tag():
        return record_tags(actor=ada, place=dataset_place("customers"), column="email", tags=["pii"])

    end_classification(actor=tony, classification=tag()[0], reason="Only names of departments.")
    assert tag() == []


def test_tags_of_a_dataset_that_is_not_there_are_refused(ada):
    with pytest.raises(InvalidInput, match="no dataset nowhere"):
        record_tags(actor=ada, place=dataset_place("nowhere"), column="email", tags=["pii"])


class TestAScanOfTrainingData:
    PEOPLE = "email,income\n" + "".join(f"person{n}@example.org,{1000 + n}\n" for n in range(200))
    POLICY = """
policy: consumer-credit
version: 2
applies_to: {risk_tier: [high], environment: production}
evidence: {minimum_trust: claimed}
rules: [{id: none, check: pii, forbid: [phone], in: ROLE}]
sign_off: [{stage: owner, role: model-owner}]
"""

    def submitted(self, world, *, role="training-data", manifest=lambda text: text):
        from governance.services.policies import register_policy
        from governance.services.submissions import submit_version
        from tests.scenario import manifest_yaml, run_tasks

        register_policy(actor=world.edsger, content=self.POLICY.replace("ROLE", role).encode())
        text = manifest_yaml("1").decode()
        text = text.replace("path: predictions.csv}", f"path: predictions.csv}}, {{role: {role}, path: people.csv}}")
        files = {
            "model.skops": world.upload(b"model"),
            "predictions.csv": world.upload(b"approve,predicted,score,race\n1,1,0.5,a\n"),
            "people.csv": world.upload(self.PEOPLE.encode()),
        }
        made, _ = submit_version(actor=world.ada, manifest=manifest(text).encode(), files=files)
        run_tasks()
        return made

    def test_classifies_the_columns_of_the_dataset_with_its_report_as_evidence(self, world):
        version = self.submitted(world)
        report = version.evaluations.get(kind="pii").report_id
        assert report is not None
        found = Classification.objects.get()
        assert (found.label, found.source, found.detail, found.evidence) == ("identifier", "scan", "email", report)
        assert found.column.name == "email"
        assert found.column.place.dataset.slug == "hmda-boston"

    def test_classifies_the_features_of_the_model_where_no_dataset_is_named(self, world):
        def changed(text):
            return text.replace("dataset: hmda-boston@1990, ", "").replace("[income, ratio]", "[email, income]")

        version = self.submitted(world, manifest=changed)
        place = Classification.objects.get().column.place
        name = model_place("mortgage-approval", version.name)
        assert (place.namespace, place.name) == (name.namespace, name.name)

    def test_classifies_the_features_where_the_file_may_come_from_either_of_two_datasets(self, world):
        def changed(text):
            two = "dataset: hmda-boston@1990, datasets: [hmda-boston@1990, bureau@2024], "
            return text.replace("dataset: hmda-boston@1990, ", two).replace("[income, ratio]", "[email, income]")

        version = self.submitted(world, manifest=changed)
        column = Classification.objects.get().column
        assert (column.name, column.place.version) == ("email", version)

    def test_classifies_the_dataset_where_the_model_was_trained_on_two_versions_of_it(self, world):
        def changed(text):
            two = "dataset: hmda-boston@1990, datasets: [hmda-boston@1991], "
            return text.replace("dataset: hmda-boston@1990, ", two)

        self.submitted(world, manifest=changed)
        assert Classification.objects.get().column.place.dataset.slug == "hmda-boston"

    def test_of_other_data_says_nothing_of_the_dataset(self, world):
        version = self.submitted(world, role="validation-data")
        assert version.evaluations.get(kind="pii").status == "succeeded"
        assert not Classification.objects.exists()
