"""Views of a list that somebody keeps under a name: their own affair, so no ledger entry is made of them."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from governance.models import SavedView
from registry.errors import Conflict, InvalidInput, NotFound
from registry.models import Person

MOST = 50
_NAME, _QUERY = 100, 2000


def views_of(person: Person, page: str) -> list[SavedView]:
    """The views that ``person`` keeps of a page, by name."""
    return list(SavedView.objects.filter(person=person, page=page))


def get_view(person: Person, pk: int) -> SavedView:
    """One of the person's own views, or :class:`NotFound`."""
    found = SavedView.objects.filter(person=person, pk=pk).first()
    if found is None:
        raise NotFound("you have no such view")
    return found


@transaction.atomic
def save_view(*, actor: Person, page: str, name: str, query: str) -> SavedView:
    """Keep ``query``, the filters of ``page``, under a name.

    Raises
    ------
    InvalidInput
        If the name is empty or too long, or there are :data:`MOST` views of the page already.
    Conflict
        If the actor has a view of this name.
    """
    if len(query) > _QUERY:
        raise InvalidInput(f"the filters of a view have at most {_QUERY} characters", field="query")
    kept = _name(name)
    # Holding the person's row, nobody gets past the limit by asking twice at once.
    Person.objects.select_for_update().get(pk=actor.pk)
    if SavedView.objects.filter(person=actor, page=page).count() >= MOST:
        raise InvalidInput(f"you keep {MOST} views already; delete one first", field="name")
    return _saved(SavedView(person=actor, page=page, name=kept, query=query))


@transaction.atomic
def rename_view(*, actor: Person, view: SavedView, name: str) -> SavedView:
    """Give one of the actor's views another name.

    Raises
    ------
    NotFound
        If it is not theirs.
    InvalidInput, Conflict
        As :func:`save_view`.
    """
    view = get_view(actor, view.pk)
    view.name = _name(name)
    return _saved(view)


@transaction.atomic
def delete_view(*, actor: Person, view: SavedView) -> None:
    """Forget one of the actor's views; :class:`NotFound` if it is not theirs."""
    get_view(actor, view.pk).delete()


def _name(name: str) -> str:
    kept = " ".join(name.split())
    if not kept or len(kept) > _NAME or not kept.isprintable():
        raise InvalidInput(f"a view's name has 1 to {_NAME} characters", field="name")
    return kept


def _saved(view: SavedView) -> SavedView:
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        raise Conflict(f"you have a view {view.name!r} already; choose another name", field="name") from None
    return view
