"""Views of the inventory that people keep: their own, named once, renamed, and deleted once that is confirmed."""

from __future__ import annotations

import pytest

from governance.models import SavedView
from governance.services.saved_views import MOST, delete_view, rename_view, save_view, views_of
from registry.errors import Conflict, InvalidInput, NotFound

pytestmark = pytest.mark.django_db


def keep(person, name: str = "Blocked", query: str = "stage=blocked") -> SavedView:
    return save_view(actor=person, page="models", name=name, query=query)


def test_names_are_unique_for_one_person(ada, grace):
    keep(ada)
    keep(grace)
    with pytest.raises(Conflict):
        keep(ada)
    other = keep(ada, "Mine")
    with pytest.raises(Conflict):
        rename_view(actor=ada, view=other, name=" Blocked ")
    assert [view.name for view in views_of(ada, "models")] == ["Blocked", "Mine"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\x07b"])
def test_a_name_is_a_short_line(ada, name):
    with pytest.raises(InvalidInput) as raised:
        keep(ada, name)
    assert raised.value.field == "name"
    assert views_of(ada, "models") == []


def test_only_so_many_are_kept(ada):
    SavedView.objects.bulk_create([SavedView(person=ada, page="models", name=str(n)) for n in range(MOST)])
    with pytest.raises(InvalidInput, match="delete one"):
        keep(ada)
    delete_view(actor=ada, view=views_of(ada, "models")[0])
    keep(ada)


def test_nobody_touches_anothers(ada, grace):
    view = keep(ada)
    for act in (lambda: rename_view(actor=grace, view=view, name="x"), lambda: delete_view(actor=grace, view=view)):
        with pytest.raises(NotFound):
            act()
    assert SavedView.objects.get().name == "Blocked"


def test_a_view_is_kept_from_the_page_with_known_filters_only(world, client):
    client.force_login(world.ada)
    answer = client.post(
        "/inventory/views", {"name": "High", "query": "tier=high&page=7&colour=red&stage=blocked"}, follow=True
    )
    body = answer.content.decode()
    assert views_of(world.ada, "models")[0].query == "stage=blocked&tier=high"
    assert "is kept" in body
    assert 'href="/models?stage=blocked&amp;tier=high" aria-current="page"' in body
    assert "Keep this view as" not in body  # it is kept already


def test_a_name_that_is_taken_is_said(world, client):
    keep(world.ada)
    client.force_login(world.ada)
    answer = client.post("/inventory/views", {"name": "Blocked", "query": "tier=low"})
    assert answer.status_code == 409
    assert "choose another name" in answer.content.decode()


def test_it_is_renamed_and_deleted_on_its_own_page(world, client):
    view = keep(world.ada)
    client.force_login(world.ada)
    assert "Delete the view" in client.get(f"/inventory/views/{view.pk}").content.decode()
    assert client.post(f"/inventory/views/{view.pk}", {"act": "rename", "name": ""}).status_code == 422
    client.post(f"/inventory/views/{view.pk}", {"act": "rename", "name": "<b>Stuck</b>"})
    assert "&lt;b&gt;Stuck&lt;/b&gt;" in client.get("/models").content.decode()
    client.post(f"/inventory/views/{view.pk}", {"act": "delete"})
    assert views_of(world.ada, "models") == []
    assert client.get(f"/inventory/views/{view.pk}").status_code == 404


def test_anothers_view_is_not_there(world, client):
    view = keep(world.grace)
    client.force_login(world.ada)
    for answer in (
        client.get(f"/inventory/views/{view.pk}"),
        client.post(f"/inventory/views/{view.pk}", {"act": "delete"}),
    ):
        assert answer.status_code == 404
    assert views_of(world.grace, "models") == [view]
