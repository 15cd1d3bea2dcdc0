"""The rows of the services: SOP classes of Query/Retrieve with their operation and root, and what a server accepts for
them.

Sources: PS3.4 C.6 (models), B.5 (storage), PS3.5 10 (transfer syntaxes).
"""

from __future__ import annotations

from kerma.dimse import CommandField
from kerma.query.model import Root
from kerma.standard import sop_classes, transfer_syntaxes

_FIND, _MOVE, _GET = CommandField.C_FIND_RQ, CommandField.C_MOVE_RQ, CommandField.C_GET_RQ

ROOTS: dict[tuple[CommandField, str], Root] = {
    (_FIND, sop_classes.PATIENT_ROOT_FIND): Root.PATIENT,
    (_MOVE, sop_classes.PATIENT_ROOT_MOVE): Root.PATIENT,
    (_GET, sop_classes.PATIENT_ROOT_GET): Root.PATIENT,
    (_FIND, sop_classes.STUDY_ROOT_FIND): Root.STUDY,
    (_MOVE, sop_classes.STUDY_ROOT_MOVE): Root.STUDY,
    (_GET, sop_classes.STUDY_ROOT_GET): Root.STUDY,
    (_FIND, sop_classes.PATIENT_STUDY_ONLY_FIND): Root.PATIENT_STUDY_ONLY,
    (_MOVE, sop_classes.PATIENT_STUDY_ONLY_MOVE): Root.PATIENT_STUDY_ONLY,
    (_GET, sop_classes.PATIENT_STUDY_ONLY_GET): Root.PATIENT_STUDY_ONLY,
}
"""Operation and SOP class -> information model."""

CLASSES: dict[tuple[CommandField, Root], str] = {(field, root): uid for (field, uid), root in ROOTS.items()}
"""Operation and information model -> SOP class."""

IMPLICIT_LE = transfer_syntaxes.IMPLICIT_LE.uid
EXPLICIT_LE = transfer_syntaxes.EXPLICIT_LE.uid
EXPLICIT_BE = transfer_syntaxes.EXPLICIT_BE.uid
DEFLATED_LE = transfer_syntaxes.DEFLATED_LE.uid

UNCOMPRESSED = (EXPLICIT_LE, IMPLICIT_LE)
"""What we propose for identifiers, and besides the stored syntax for instances (PS3.5 10.1)."""

IDENTIFIER_SYNTAXES = (EXPLICIT_LE, IMPLICIT_LE, DEFLATED_LE, EXPLICIT_BE)
"""What a server takes for identifiers."""


def convertible(uid: str) -> bool:
    """Whether a data set in this syntax can be re-written in another uncompressed one without touching pixels."""
    return uid in IDENTIFIER_SYNTAXES
