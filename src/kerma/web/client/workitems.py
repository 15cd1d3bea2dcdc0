"""The operations of the worklist service (UPS-RS) as flows (PS3.18 11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerma.dataset import Dataset
from kerma.dicomweb.media_types import DICOM_JSON
from kerma.dicomweb.uris import Kind
from kerma.errors import AnswerError
from kerma.formats.json import to_json
from kerma.web.client.asking import Manner, ask
from kerma.web.client.effects import Ask, Emit, Flow
from kerma.web.client.studies import DatasetStream, page_through, path_of, question

_AFFECTED = 0x00001000
_UNIQUE = 0x00080018
_SENT = {"Content-Type": DICOM_JSON, "Accept": DICOM_JSON}


def search(manner: Manner, keys: Mapping[str, Any], limit: int | None, offset: int, page: int) -> Flow[None]:
    """Emits each work item that matches."""
    yield from page_through(manner, path_of(Kind.WORKITEMS), question(keys), _UNIQUE, limit, offset, page)


def retrieve(manner: Manner, uid: str) -> Flow[None]:
    """Emits a work item."""
    reply = yield from ask(Ask("GET", path_of(Kind.WORKITEM, workitem=uid), (), {"Accept": DICOM_JSON}), manner)
    source = DatasetStream(reply)
    ds = yield from source.next()
    if ds is None:
        raise AnswerError("the server gave no work item")
    yield Emit(ds)


def create(manner: Manner, item: Dataset, uid: str | None) -> Flow[None]:
    """Emits the UID of the work item that was made."""
    wanted = uid or item.get(_AFFECTED) or item.get(_UNIQUE)
    body = to_json(item).encode("utf-8")
    # PS3.18 11.4: the UID is the whole query, without a name.
    path = path_of(Kind.WORKITEMS) + (f"?{wanted}" if wanted else "")
    reply = yield from ask(Ask("POST", path, (), _SENT, b"[" + body + b"]"), manner, (200, 201))
    given = reply.headers.get("content-location") or reply.headers.get("location") or ""
    yield Emit(given.rstrip("/").rpartition("/")[2] or str(wanted or ""))


def update(manner: Manner, uid: str, changes: Dataset, transaction: str | None) -> Flow[None]:
    """Changes attributes; with the Transaction UID of who works on it."""
    path = path_of(Kind.WORKITEM, workitem=uid)
    params = (("transaction-uid", transaction),) if transaction else ()
    body = b"[" + to_json(changes).encode("utf-8") + b"]"
    yield from ask(Ask("POST", path, params, _SENT, body), manner, (200, 204))


def change_state(manner: Manner, uid: str, state: str, transaction: str) -> Flow[None]:
    """IN PROGRESS, COMPLETED or CANCELED."""
    ds = Dataset()
    ds.TransactionUID = transaction
    ds.ProcedureStepState = state
    body = b"[" + to_json(ds).encode("utf-8") + b"]"
    path = path_of(Kind.WORKITEM_STATE, workitem=uid)
    yield from ask(Ask("PUT", path, (), _SENT, body), manner, (200, 204))


def request_cancel(manner: Manner, uid: str, reason: str) -> Flow[None]:
    """Asks whoever works on it to stop."""
    ds = Dataset()
    if reason:
        ds.ReasonForCancellation = reason
    path = path_of(Kind.WORKITEM_CANCEL, workitem=uid)
    body = b"[" + to_json(ds).encode("utf-8") + b"]"
    yield from ask(Ask("POST", path, (), _SENT, body), manner, (200, 202))


def subscribe(manner: Manner, uid: str, aet: str, deletion_lock: bool) -> Flow[None]:
    """Emits where the events come from (a WebSocket), "" where the server does not say."""
    path = path_of(Kind.SUBSCRIPTION, workitem=uid, aet=aet)
    params = (("deletionlock", "true"),) if deletion_lock else ()
    reply = yield from ask(Ask("POST", path, params, {"Accept": DICOM_JSON}), manner, (200, 201))
    yield Emit(reply.headers.get("content-location") or reply.headers.get("location") or "")


def unsubscribe(manner: Manner, uid: str, aet: str) -> Flow[None]:
    """Ends a subscription."""
    yield from ask(Ask("DELETE", path_of(Kind.SUBSCRIPTION, workitem=uid, aet=aet)), manner, (200, 204))
