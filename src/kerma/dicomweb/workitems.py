"""Work over HTTP: the UIDs and keys of a request, the status and the Warning of an answer, the event reports.

PS3.18 11 (work items), 13 (storage commitment), 14 (modality worklist), 15 (performed procedure steps). What may happen
to a step is decided by PS3.4's rules behind, and told by a DIMSE status; ``ANSWERS`` is what HTTP makes of it.

Rules:

- Every row of the tables 11.x.3-1, 13.4.3-1, 15.4.3-1 and 15.5.3-1 that a status leads to is a row of ``ANSWERS``.
- Where the standard has a sentence for the Warning header, it is that sentence.
- A parameter that names no attribute is ignored (PS3.18 8.3.4).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from kerma.dataset import Dataset
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.uris import uid as checked_uid
from kerma.errors import StatusError
from kerma.formats.json import to_json_object
from kerma.query.identifier import from_keys
from kerma.query.model import Level, Predicate
from kerma.query.predicates import fuzzily
from kerma.standard import elements

SOP_CLASS = "1.2.840.10008.5.1.4.34.6.1"
"""Unified Procedure Step - Push."""


class Transaction(enum.Enum):
    """The transactions that can fail in ways of their own."""

    CREATE = "Create Workitem"
    RETRIEVE = "Retrieve Workitem"
    UPDATE = "Update Workitem"
    CHANGE_STATE = "Change Workitem State"
    CANCEL = "Request Cancellation"
    SUBSCRIBE = "Subscribe"
    SCHEDULE = "Store Modality Scheduled Procedure Step"
    MPPS_CREATE = "Create Modality Performed Procedure Step"
    MPPS_UPDATE = "Update Modality Performed Procedure Step"
    MPPS_RETRIEVE = "Retrieve Modality Performed Procedure Step"
    COMMIT = "Storage Commitment Request"
    COMMIT_RESULT = "Storage Commitment Result Check"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status, and the text of a Warning header or ""."""

    status: int
    warning: str = ""


_OF_STATE = "The submitted request is inconsistent with the state of the UPS Instance."
_OF_WORKITEM = "The submitted request is inconsistent with the current state of the Workitem."
_CANCELED = "The UPS is already in the requested state of CANCELED."

ANSWERS: Mapping[tuple[Transaction, int], Answer] = {
    (Transaction.CREATE, 0x0000): Answer(201),
    (Transaction.CREATE, 0xB300): Answer(201, "The Workitem was created with modifications."),
    (Transaction.CREATE, 0x0111): Answer(409),
    (Transaction.RETRIEVE, 0x0000): Answer(200),
    (Transaction.RETRIEVE, 0xC307): Answer(404),
    (Transaction.UPDATE, 0x0000): Answer(200),
    (Transaction.UPDATE, 0xC300): Answer(400, _OF_WORKITEM),
    (Transaction.UPDATE, 0xC307): Answer(404),
    (Transaction.UPDATE, 0xC310): Answer(409, "The target URI did not reference a claimed Workitem."),
    (Transaction.CHANGE_STATE, 0x0000): Answer(200),
    (Transaction.CHANGE_STATE, 0xB304): Answer(200, _CANCELED),
    (Transaction.CHANGE_STATE, 0xB306): Answer(200, "The UPS is already in the requested state of COMPLETED."),
    (Transaction.CHANGE_STATE, 0xC300): Answer(409, _OF_STATE),
    (Transaction.CHANGE_STATE, 0xC302): Answer(409, _OF_STATE),
    (Transaction.CHANGE_STATE, 0xC303): Answer(400, _OF_STATE),
    (Transaction.CHANGE_STATE, 0xC304): Answer(409, _OF_STATE),
    (Transaction.CHANGE_STATE, 0xC307): Answer(404),
    (Transaction.CHANGE_STATE, 0xC310): Answer(409, _OF_STATE),
    (Transaction.CANCEL, 0x0000): Answer(202),
    (Transaction.CANCEL, 0xB304): Answer(202, _CANCELED),
    (Transaction.CANCEL, 0xC307): Answer(404),
    (Transaction.CANCEL, 0xC311): Answer(409, "The UPS is already COMPLETED."),
    (Transaction.CANCEL, 0xC312): Answer(409, "The performer cannot be contacted."),
    (Transaction.CANCEL, 0xC313): Answer(409, "Performer chooses not to cancel."),
    (Transaction.SUBSCRIBE, 0x0000): Answer(201),
    (Transaction.SUBSCRIBE, 0xC307): Answer(404),
    (Transaction.MPPS_CREATE, 0x0000): Answer(201),
    (Transaction.MPPS_CREATE, 0x0111): Answer(409),
    (Transaction.MPPS_UPDATE, 0x0000): Answer(200),
    (Transaction.MPPS_UPDATE, 0x0110): Answer(409),
    (Transaction.MPPS_UPDATE, 0x0112): Answer(404),
    (Transaction.MPPS_UPDATE, 0x0121): Answer(409),
    (Transaction.MPPS_RETRIEVE, 0x0112): Answer(404),
    (Transaction.COMMIT, 0x0131): Answer(409),
    (Transaction.COMMIT_RESULT, 0x0112): Answer(404),
}
"""(transaction, DIMSE status) -> the answer; a failure without a row is 400 (Bad Request)."""

_WRONG_TRANSACTION = 0xC301


def answer_of(transaction: Transaction, status: int) -> Answer:
    """The answer to a request that did not fail, or that failed with a status."""
    return ANSWERS.get((transaction, status), Answer(400))


def warning(service: str, text: str) -> dict[str, str]:
    """The Warning header (PS3.18 11.4.3.2 and its like); {} without a text."""
    return {"Warning": f"299 {service}: {text}"} if text else {}


def problem_of(transaction: Transaction, error: StatusError, service: str) -> HTTPProblem:
    """A failure as a problem, with its Warning."""
    answer = answer_of(transaction, error.status)
    text = answer.warning
    if error.status == _WRONG_TRANSACTION:  # the sentence says which way it is wrong: missing or incorrect
        text = f"{error.message[:1].upper()}{error.message[1:]}."
    return HTTPProblem(answer.status, error.message, hint=error.hint, headers=warning(service, text))


# -- what a request names ----------------------------------------------------------------------------------------------


def bare_uid(parameters: Sequence[tuple[str, str]], *names: str) -> str | None:
    """A UID in the query: ``?1.2.3`` as PS3.18 writes its templates, or as the value of a parameter in ``names``."""
    wanted = {name.lower().replace("-", "") for name in names}
    for name, value in parameters:
        if name.lower().replace("-", "") in wanted and value:
            return checked_uid(value, name)
        if not value and name[:1].isdigit():
            return checked_uid(name)
    return None


def instance_uid(ds: Dataset, parameters: Sequence[tuple[str, str]]) -> str | None:
    """The UID of a new work item, from the query or the data set, where it is taken out; None where there is none."""
    asked = bare_uid(parameters, "workitem", "AffectedSOPInstanceUID", "SOPInstanceUID")
    for keyword in ("AffectedSOPInstanceUID", "SOPInstanceUID"):
        given = ds.pop(elements.KEYWORD_TO_TAG[keyword])
        if not given:
            continue
        if asked is not None and asked != str(given):
            raise HTTPProblem(400, "the query and the body name different UIDs for the work item")
        asked = checked_uid(str(given), keyword)
    return asked


def transaction_uid(ds: Dataset, parameters: Sequence[tuple[str, str]]) -> str | None:
    """The Transaction UID of a request, from the query or the data set, where it is taken out."""
    given = ds.pop("TransactionUID")
    return bare_uid(parameters, "transaction-uid", "transaction") or (str(given) if given else None)


# -- searching ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Search:
    """What a search asks: ``limit`` None is no limit. All attributes come back, whatever ``includefield`` says."""

    predicates: tuple[Predicate, ...]
    limit: int | None
    offset: int


_CONTROL = frozenset(
    (
        "limit",
        "offset",
        "fuzzymatching",
        "includefield",
        "emptyvaluematching",
        "multiplevaluematching",
        "accept",
        "charset",
    )
)
_LISTS = frozenset(("UI", "CS"))
MAX_KEYS = 200


def search(parameters: Iterable[tuple[str, str]], lifted: Mapping[str, str] | None = None) -> Search:
    """The keys of a query (PS3.18 8.3.4). ``lifted`` says of attributes in which sequence they are, where the asker
    left that out. ``HTTPProblem`` 400, ``StatusError`` where a value cannot be meant.
    """
    keys: dict[str, list[str]] = {}
    numbers: dict[str, int] = {}
    fuzzy = False
    for name, value in parameters:
        control = name.lower()
        if control in ("limit", "offset"):
            numbers[control] = _number(control, value)
        elif control == "fuzzymatching":
            fuzzy = value.lower() == "true"
        elif control not in _CONTROL and (path := _path(name)) is not None:
            if lifted is not None and path in lifted:
                path = f"{lifted[path]}.{path}"
            vr = elements.vr_of(elements.KEYWORD_TO_TAG[path.rpartition(".")[2]])
            pieces = value.replace(",", "\\") if vr in _LISTS else value
            keys.setdefault(path, []).append(pieces)
    if len(keys) > MAX_KEYS:
        raise HTTPProblem(400, f"a search with more than {MAX_KEYS} keys")
    found = from_keys(Level.IMAGE, keys).predicates
    predicates = tuple(fuzzily(item) for item in found) if fuzzy else found
    return Search(predicates, numbers.get("limit"), numbers.get("offset", 0))


def subscription_keys(parameters: Iterable[tuple[str, str]]) -> tuple[Predicate, ...]:
    """The matching keys of a filtered subscription: plain keys, or ``filter=key=value,key=value`` (11.10.1.2)."""
    pairs: list[tuple[str, str]] = []
    for name, value in parameters:
        if name.lower() != "filter":
            pairs.append((name, value))
            continue
        for piece in value.split(","):
            key, equals, wanted = piece.partition("=")
            if not equals or _path(key) is None:
                raise HTTPProblem(400, "the filter has no attribute=value", hint="write filter=PatientID=1,Modality=CT")
            pairs.append((key.strip(), wanted))
    return search(pairs).predicates


def is_true(parameters: Iterable[tuple[str, str]], name: str) -> bool:
    """A parameter that is true or false, false where it is not there. ``HTTPProblem`` 400."""
    for key, value in parameters:
        if key.lower() == name:
            if value.lower() not in ("true", "false"):
                raise HTTPProblem(400, f"{name} is neither true nor false")
            return value.lower() == "true"
    return False


def _path(name: str) -> str | None:
    """The keywords of an attribute path, joined by dots; None where it names none."""
    words = []
    for part in name.strip().split(".", _DEEPEST):
        tag = elements.find_tag(part)
        keyword = "" if tag is None else elements.keyword_of(tag)
        if not keyword or elements.tag_of(keyword) is None:
            return None
        words.append(keyword)
    return ".".join(words) if len(words) <= _DEEPEST else None


_DEEPEST = 8


def _number(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise HTTPProblem(400, f"{name} is no number", hint="0 or more")
    return int(value)


# -- events ------------------------------------------------------------------------------------------------------------


def event_report(uid: str, kind: int, information: Dataset, message_id: int) -> dict[str, object]:
    """An event report as DICOM JSON (PS3.18 11.13, PS3.4 CC.2.4-1): what an N-EVENT-REPORT would say."""
    head: dict[str, object] = {
        "00000002": {"vr": "UI", "Value": [SOP_CLASS]},
        "00000110": {"vr": "US", "Value": [message_id]},
        "00001000": {"vr": "UI", "Value": [uid]},
        "00001002": {"vr": "US", "Value": [kind]},
    }
    return head | to_json_object(information)


def channel_url(service: str, aet: str) -> str:
    """Where a subscriber opens its notification connection (PS3.18 8.10.4, 11.10.3.2)."""
    parts = urlsplit(service)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return f"{scheme}://{parts.netloc}{parts.path}/subscribers/{aet.strip().replace(' ', '%20')}"
