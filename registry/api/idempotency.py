"""``Idempotency-Key``: the same request twice changes state once and gets the same answer."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.response import Response
from rest_framework.views import APIView

from registry.api.requests import PersonRequest
from registry.canonical import canonical_json
from registry.errors import Conflict, InvalidInput
from registry.models import IdempotentRequest, Person

_ABANDONED = timedelta(minutes=5)
_LONGEST = 200
_RUNNING = "the first request with this Idempotency-Key is still running"


class InFlight(Conflict):
    """The first request with this key has not been answered yet: come back shortly."""

    code = "in-flight"


Handler = Callable[..., Response]


def idempotent(handler: Handler) -> Handler:
    """Wrap a POST handler of an ``APIView``.

    With a key, the handler and the record of its answer share one transaction: either both are there or neither.
    Only successes are kept; after an error the same key may be tried again. A key with another payload is 422, a key
    whose first request is still running is 409.
    """

    @functools.wraps(handler)
    def wrapped(view: APIView, request: PersonRequest, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return handler(view, request, *args, **kwargs)
        if not 1 <= len(key) <= _LONGEST or not key.isprintable():
            raise InvalidInput(f"Idempotency-Key has 1 to {_LONGEST} printable characters", field="Idempotency-Key")
        payload = _payload(request)
        row = _begin(request.user, key, payload)
        if row.status is not None:
            return _again(row)
        try:
            with transaction.atomic():
                response = handler(view, request, *args, **kwargs)
                row.status = response.status_code
                row.body = json.dumps(response.data).encode()
                row.save()
        except BaseException:
            row.delete()
            raise
        return response

    return wrapped


def _payload(request: PersonRequest) -> str:
    data = request.data
    body = data if isinstance(data, bytes) else canonical_json(data)
    # Keyed, because a body may hold a password, which a bare digest would let others guess at leisure.
    whole = f"{request.method} {request.get_full_path()}\n".encode() + body
    return salted_hmac("countersign.idempotency", whole, algorithm="sha256").hexdigest()


def _begin(person: Person, key: str, payload: str) -> IdempotentRequest:
    """The row of this key: new and empty, or the finished one of an equal request."""
    try:
        with transaction.atomic():
            return IdempotentRequest.objects.create(person=person, key=key, payload_sha256=payload)
    except IntegrityError:
        row = IdempotentRequest.objects.get(person=person, key=key)
    if row.payload_sha256 != payload:
        raise InvalidInput("this Idempotency-Key was used for another request", field="Idempotency-Key")
    if row.status is None and timezone.now() - row.created_at < _ABANDONED:
        raise InFlight(_RUNNING, field="Idempotency-Key")
    if row.status is None:
        _take_over(row)
    return row


def _take_over(row: IdempotentRequest) -> None:
    """Of many who find a request that a dead process abandoned, one may run it."""
    same = IdempotentRequest.objects.filter(pk=row.pk, status=None, created_at=row.created_at)
    row.created_at = timezone.now()
    if not same.update(created_at=row.created_at):
        raise InFlight(_RUNNING, field="Idempotency-Key")


def _again(row: IdempotentRequest) -> Response:
    assert row.body is not None
    return Response(json.loads(bytes(row.body)), status=row.status, headers={"Idempotent-Replayed": "true"})
