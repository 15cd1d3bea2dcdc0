"""The SOP classes of PS3.4: which are for storage, and which service the others belong to.

``STORAGE`` is generated from the registry of PS3.6 annex A (PS3.4 B.5, B.6 and GG.3, retired classes included). The
other classes are told by the branch of the registry that they grow on: ``SERVICES``.
"""

# No ``from __future__ import annotations``: it would make a NamedTuple compile its annotations at import.
from typing import NamedTuple

from kerma.standard import uids
from kerma.standard._gen import storage_data

STORAGE: frozenset[str] = storage_data.STORAGE
"""Every SOP class that C-STORE transfers, retired ones included."""

VERIFICATION = "1.2.840.10008.1.1"
PATIENT_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.1.1"
PATIENT_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.1.2"
PATIENT_ROOT_GET = "1.2.840.10008.5.1.4.1.2.1.3"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.3"
PATIENT_STUDY_ONLY_FIND = "1.2.840.10008.5.1.4.1.2.3.1"
PATIENT_STUDY_ONLY_MOVE = "1.2.840.10008.5.1.4.1.2.3.2"
PATIENT_STUDY_ONLY_GET = "1.2.840.10008.5.1.4.1.2.3.3"
COMPOSITE_INSTANCE_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.4.2"
COMPOSITE_INSTANCE_ROOT_GET = "1.2.840.10008.5.1.4.1.2.4.3"
COMPOSITE_INSTANCE_WITHOUT_BULK_DATA_GET = "1.2.840.10008.5.1.4.1.2.5.3"
MODALITY_WORKLIST_FIND = "1.2.840.10008.5.1.4.31"
MODALITY_PERFORMED_PROCEDURE_STEP = "1.2.840.10008.3.1.2.3.3"
STORAGE_COMMITMENT_PUSH = "1.2.840.10008.1.20.1"
MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"

# Branch of the registry -> service class of PS3.4 (its annex). The longest branch that fits is meant.
SERVICES: tuple[tuple[str, str], ...] = (
    ("1.1", "Verification"),  # A
    ("1.3.10", "Media Storage"),  # I
    ("1.9", "Study Content Notification"),  # retired
    ("1.20", "Storage Commitment"),  # J
    ("1.40", "Application Event Logging"),  # P
    ("1.42", "Application Event Logging"),
    ("3.1.2.1", "Patient Management"),  # retired
    ("3.1.2.2", "Patient Management"),  # retired
    ("3.1.2.3", "Study Management"),  # F
    ("3.1.2.5", "Results Management"),  # retired
    ("3.1.2.5.5", "Study Management"),  # retired
    ("3.1.2.6", "Results Management"),  # retired
    ("5.1.1", "Print Management"),  # H
    ("5.1.1.33", "Media Creation Management"),  # S
    ("5.1.1.40", "Display System Management"),  # EE
    ("5.1.4.1.2", "Query/Retrieve"),  # C, Y, Z
    ("5.1.4.1.1.200", "Protocol Approval Query/Retrieve"),  # II
    ("5.1.4.1.1.201", "Inventory"),  # JJ, KK
    ("5.1.4.20", "Defined Procedure Protocol Query/Retrieve"),  # HH
    ("5.1.4.31", "Basic Worklist Management"),  # K
    ("5.1.4.32", "General Purpose Worklist Management"),  # retired
    ("5.1.4.33", "Instance Availability Notification"),  # R
    ("5.1.4.34", "RT Machine Verification"),  # DD
    ("5.1.4.34.4", "Unified Procedure Step"),  # trial, retired
    ("5.1.4.34.6", "Unified Procedure Step"),  # CC
    ("5.1.4.37", "Relevant Patient Information Query"),  # Q
    ("5.1.4.38", "Hanging Protocol Query/Retrieve"),  # U
    ("5.1.4.39", "Color Palette Query/Retrieve"),  # X
    ("5.1.4.41", "Substance Administration Query"),  # V
    ("5.1.4.42", "Substance Administration Query"),
    ("5.1.4.43", "Implant Template Query/Retrieve"),  # BB
    ("5.1.4.44", "Implant Template Query/Retrieve"),
    ("5.1.4.45", "Implant Template Query/Retrieve"),
    ("10", "Real-Time Communication"),  # PS3.22
)

_ROOT = "1.2.840.10008."
_KINDS = frozenset({"SOP Class", "Meta SOP Class"})


class SOPClass(NamedTuple):
    """One SOP class of the standard, with the service class it belongs to ("Storage", "Query/Retrieve", ...)."""

    uid: str
    name: str
    keyword: str
    service: str
    retired: bool


def is_storage(uid: str) -> bool:
    """Whether ``uid`` is a storage SOP class of the standard, a retired one included."""
    return uid in STORAGE


def service_of(uid: str) -> str:
    """The service class of a SOP class of the standard; "" when it is none."""
    if uid in STORAGE:
        return "Storage"
    row = uids.lookup(uid)
    if row is None or row.type not in _KINDS:
        return ""
    number = uid.removeprefix(_ROOT)
    fitting = [item for item in SERVICES if number == item[0] or number.startswith(item[0] + ".")]
    return max(fitting, key=lambda item: len(item[0]))[1] if fitting else ""


def get(uid: str) -> SOPClass | None:
    """The SOP class (or meta SOP class) ``uid`` of the standard; None when it registers no such class."""
    row = uids.lookup(uid)
    if row is None or row.type not in _KINDS:
        return None
    return SOPClass(uid, row.name, row.keyword, service_of(uid), row.retired)
