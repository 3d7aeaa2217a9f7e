"""The lineage's pages: looking for things, the graph around one, where a version's features come from; and who sees what."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from registry.lineage.names import OUR_DATASETS, JobName, PlaceName, dataset_place, model_place
from registry.lineage.statement import StatedEdge, Statement
from registry.models import Classification, Dataset, LineageColumn, LineageEdge, Place
from registry.services.lineage import apply_statements

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 10, tzinfo=UTC)
CUSTOMERS = PlaceName("postgres://warehouse", "prod.customers")
APPLICANTS = PlaceName("postgres://warehouse", "prod.applicants")
MODEL = model_place("mortgage-approval", "1")
HMDA = dataset_place("hmda-boston")


def told(place, *edges, job="etl", at=AT, columns=None, by="openlineage"):
    apply_statements([Statement(job=JobName("airflow", job), place=place, at=at, by=by, edges=edges, columns=columns)])


def made(source, column, target, **more):
    return StatedEdge(source=source, source_column=column, target_column=target, **more)


@pytest.fixture
def lineage(world, brisk):
    """A feature that is made from a birth date by way of a table, and one that is made from a registered dataset."""
    world.submit("1")
    told(CUSTOMERS, columns={"birth_date": "date", "email": "text"}, job="crm")
    told(APPLICANTS, made(CUSTOMERS, "birth_date", "age"), job="stage")
    told(
        MODEL, made(APPLICANTS, "age", "income"), made(HMDA, "ratio", "ratio"), StatedEdge(source=HMDA, level="training"),
        job="manifest", by="manifest",
    )  # fmt: skip
    classify("prod.customers", "birth_date", "quasi-identifier", by=world.grace)
    return world


def classify(place, column, label, by=None):
    row = LineageColumn.objects.get(place__name=place, name=column)
    Classification.objects.create(column=row, label=label, source="declared", detail="as told", by=by, since=AT)


def column(place, name):
    return LineageColumn.objects.get(place__name=place, name=name).pk


def place(name):
    return Place.objects.get(name=name).pk


def page(client, person, url, status=200):
    client.force_login(person)
    answer = client.get(url)
    assert answer.status_code == status, answer.content.decode()[:2000]
    return answer.content.decode()


def boxes(html) -> set[str]:
    return set(re.findall(r'data-name="([^"]*)"', html))


def test_where_nothing_is_known_the_page_says_how_to_send_it(client, world):
    html = page(client, world.grace, "/lineage")
    assert "No lineage is known here yet." in html
    assert "docs/lineage.md" in html


@pytest.mark.parametrize(
    ("q", "shown"),
    [
        ("CUSTOM", {"prod.customers"}),
        ("birth", {"birth_date"}),
        ("hmda", {"hmda-boston"}),
        ("mortgage", {"mortgage-approval@1"}),
        ("nothing of it", set()),
    ],
)
def test_places_and_columns_are_found_by_name(client, lineage, q, shown):
    html = page(client, lineage.grace, f"/lineage?q={q}")
    assert set(re.findall(r'class="name" href="[^"]+">([^<]+)<', html)) == shown


@pytest.mark.parametrize(
    ("query", "name", "args"),
    [
        ("dataset=hmda-boston", "lineage-place", lambda: [place("hmda-boston")]),
        ("dataset=hmda-boston&column=ratio", "lineage-column", lambda: [column("hmda-boston", "ratio")]),
        ("model=mortgage-approval&version=1", "lineage-place", lambda: [place("mortgage-approval@1")]),
        (
            "model=mortgage-approval&version=1&feature=income", "lineage-column",
            lambda: [column("mortgage-approval@1", "income")],
        ),
    ],
)  # fmt: skip
def test_names_lead_to_the_page_of_what_they_name(client, lineage, query, name, args):
    client.force_login(lineage.grace)
    assert client.get(f"/lineage?{query}").url == reverse(name, args=args())
    assert client.get(f"/lineage?{query}x").status_code == 404


def test_a_column_tells_of_its_classes_its_jobs_and_the_models_that_depend_on_it(client, lineage):
    html = page(client, lineage.grace, reverse("lineage-column", args=[column("prod.applicants", "age")]))
    assert boxes(html) == {"prod.customers", "prod.applicants", "mortgage-approval@1"}
    assert "quasi-identifier" in html
    assert "prod.applicants.age is made from prod.customers.birth_date." in html
    assert "Grace Hopper" in html
    assert "airflow stage" in html
    assert "mortgage-approval 1" in html


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("direction=up", {"prod.customers", "prod.applicants"}),
        ("direction=down", {"prod.applicants", "mortgage-approval@1"}),
        ("direction=both&steps=1", {"prod.customers", "prod.applicants", "mortgage-approval@1"}),
        ("at=2026-11-09", {"prod.applicants"}),
        ("at=2026-11-10&direction=up", {"prod.customers", "prod.applicants"}),
    ],
)
def test_direction_steps_and_day_say_what_is_shown(client, lineage, query, shown):
    html = page(client, lineage.grace, f"{reverse('lineage-column', args=[column('prod.applicants', 'age')])}?{query}")
    assert (boxes(html) or {"prod.applicants"}) == shown


def test_one_step_back_of_a_model_is_what_it_is_made_from(client, lineage):
    at = reverse("lineage-place", args=[place("mortgage-approval@1")])
    assert boxes(page(client, lineage.grace, f"{at}?steps=1")) == {
        "prod.applicants", "hmda-boston", "mortgage-approval@1",
    }  # fmt: skip


def test_a_place_opens_and_closes_by_a_link(client, lineage):
    at, number = reverse("lineage-place", args=[place("prod.applicants")]), place("prod.customers")
    shut = page(client, lineage.grace, at)
    link = re.search(r'href="([^"]+)" aria-label="Open the columns of prod.customers"', shut)
    assert f"open={number}" in link.group(1)
    opened = page(client, lineage.grace, at + link.group(1).replace("&amp;", "&").partition("#")[0])
    assert 'aria-label="Close the columns of prod.customers"' in opened
    assert 'aria-label="birth_date"' in opened
    assert 'aria-label="birth_date"' not in shut


def test_a_chosen_column_shows_its_ways_and_says_one(client, lineage):
    at = reverse("lineage-column", args=[column("mortgage-approval@1", "income")])
    html = page(client, lineage.grace, f"{at}?direction=up&way={column('prod.customers', 'birth_date')}")
    assert "The ways of prod.customers.birth_date." in html
    assert (
        "mortgage-approval@1.income is made from prod.applicants.age, which is made from prod.customers.birth_date."
        in html
    )
    assert 'class="lg-line column strong"' in html


def test_what_is_looked_for_in_the_picture_is_marked(client, lineage):
    at = reverse("lineage-place", args=[place("mortgage-approval@1")])
    html = page(client, lineage.grace, f"{at}?find=APPL")
    assert re.search(r'class="lg-box table found"[^>]*data-name="prod.applicants"', html)
    assert "Nothing here is called" in page(client, lineage.grace, f"{at}?find=zzz")


@pytest.mark.parametrize("query", ["direction=sideways", "steps=x", "steps=-1", "at=yesterday", "way=1e9", "open=²"])
def test_what_cannot_be_read_is_said(client, lineage, query):
    at = reverse("lineage-place", args=[place("prod.applicants")])
    page(client, lineage.grace, f"{at}?{query}", status=422)


def test_the_list_says_what_the_picture_shows(client, lineage):
    html = page(client, lineage.grace, reverse("lineage-place", args=[place("mortgage-approval@1")]))
    for cell in ("mortgage-approval@1.income", "prod.applicants.age", "airflow manifest · manifest", "trained on"):
        assert cell in html


def test_many_places_share_boxes_until_one_asks_for_all(client, lineage):
    hub = PlaceName("postgres://warehouse", "mart.hub")
    told(hub, *(made(PlaceName("lake://raw", f"part_{number:03}"), "c", "x") for number in range(80)), job="hub")
    at = reverse("lineage-place", args=[place("mart.hub")])
    folded = page(client, lineage.grace, at)
    assert boxes(folded) == {"80 places", "mart.hub"}
    assert "show all" in folded
    assert len(boxes(page(client, lineage.grace, f"{at}?everything=1"))) == 81
    assert len(boxes(page(client, lineage.grace, f"{at}?unfold=lake%3A%2F%2Fraw"))) == 81


def test_an_alias_leads_to_what_it_stands_for(client, lineage):
    other = Place.objects.create(
        namespace="bigquery", name="hmda", key="0" * 64, alias_of_id=place("hmda-boston"), first_seen=AT, last_seen=AT
    )
    assert "<h1>hmda-boston</h1>" in page(client, lineage.grace, reverse("lineage-place", args=[other.pk]))


def test_what_people_call_things_stays_text(client, lineage):
    name = "<script>alert(1)</script>\"'&"
    told(PlaceName(name, name), made(PlaceName("x", name), name, name), job=name, columns={name: name})
    html = page(client, lineage.grace, reverse("lineage-place", args=[Place.objects.get(namespace=name).pk]))
    assert "<script>alert" not in html
    html = page(client, lineage.grace, "/lineage?q=alert")
    assert "<script>alert" not in html


def addresses():
    return [
        reverse("lineage-place", args=[place("mortgage-approval@1")]),
        reverse("lineage-place", args=[place("prod.customers")]),
        reverse("lineage-column", args=[column("prod.customers", "birth_date")]),
        reverse("version-lineage", args=["mortgage-approval", "1"]),
    ]


def test_who_has_to_do_with_nothing_finds_nothing(client, lineage):
    for address in addresses():
        assert page(client, lineage.mallory, address, status=404)
    assert "prod.customers" not in page(client, lineage.mallory, "/lineage?q=customers")
    assert "prod.customers" not in page(client, lineage.mallory, "/lineage")


def test_a_dataset_that_one_may_not_see_is_in_the_picture_without_its_name(client, lineage):
    secret = Dataset.objects.create(slug="very-secret", name="Very secret", visibility="restricted", owner=lineage.tony)
    told(APPLICANTS, made(PlaceName(OUR_DATASETS, "very-secret"), "hidden_column", "age"), job="secret job")
    other = LineageColumn.objects.get(place__dataset=secret, name="hidden_column")
    Classification.objects.create(column=other, label="identifier", source="declared", detail="secret detail", since=AT)
    # mallory answers for another dataset, and so sees what is not registered, but no model and nothing restricted
    Dataset.objects.create(slug="hers", name="Hers", owner=lineage.mallory)
    html = page(client, lineage.mallory, reverse("lineage-column", args=[column("prod.applicants", "age")]))
    assert "something you may not see" in html
    for word in ("very-secret", "Very secret", "hidden_column", "secret job", "secret detail", "mortgage-approval"):
        assert word not in html, word
    assert "identifier" in html, "the class is told, for it is in a column that may be seen"
    assert page(client, lineage.mallory, reverse("lineage-column", args=[other.pk]), status=404)
    assert page(client, lineage.mallory, reverse("lineage-place", args=[other.place_id]), status=404)
    assert "very-secret" not in page(client, lineage.mallory, "/lineage?q=secret")
    assert "hidden_column" not in page(client, lineage.mallory, "/lineage?q=hidden")


def test_a_version_tells_where_its_features_come_from(client, lineage):
    html = page(client, lineage.grace, reverse("version-lineage", args=["mortgage-approval", "1"]))
    assert "2 of 2 features have a known source" in html
    assert "ratio is made from hmda-boston" in html
    assert "prod.customers.birth_date is declared (as told)." in html
    assert "Proxies were not measured for this version" in html
    assert "Nobody registered, so nobody answers for:" in html
    assert html.index(">income<") < html.index(">ratio<"), "what holds personal data comes first"


def test_a_features_ways_stand_out(client, lineage):
    at = reverse("version-lineage", args=["mortgage-approval", "1"])
    assert 'class="lg-line column strong"' in page(client, lineage.grace, f"{at}?feature=income")
    page(client, lineage.grace, f"{at}?feature=nothing", status=404)


def test_a_version_without_lineage_says_so_for_each_feature(client, world, brisk):
    world.submit("1")
    LineageEdge.objects.exclude(level="structure").delete()  # nobody told of anything
    html = page(client, world.grace, reverse("version-lineage", args=["mortgage-approval", "1"]))
    assert "0 of 2 features have a known source" in html
    assert html.count("not known") >= 2


def test_an_earlier_day_shows_the_lineage_of_then(client, lineage):
    now = timezone.now()
    told(APPLICANTS, made(PlaceName("postgres://warehouse", "prod.registry"), "born", "age"), job="stage", at=now)
    at = reverse("lineage-column", args=[column("prod.applicants", "age")])
    assert "prod.registry" in boxes(page(client, lineage.grace, f"{at}?direction=up"))
    html = page(client, lineage.grace, f"{at}?direction=up&at={(now - timedelta(days=1)).date()}")
    assert boxes(html) == {"prod.customers", "prod.applicants"}
    assert '<a href="?direction=up">Show it as it is now</a>' in html


def test_the_number_of_queries_does_not_grow_with_the_graph(client, lineage):
    def asked(url):
        page(client, lineage.grace, url)
        with CaptureQueriesContext(connection) as queries:
            page(client, lineage.grace, url)
        return len(queries)

    at = reverse("lineage-place", args=[place("prod.applicants")])
    few = asked(at)
    told(APPLICANTS, *(made(PlaceName("lake://raw", f"t{n}"), f"c{n}", "x") for n in range(50)), job="more")

    assert asked(at) == few
