"""What a server of ours accepts, from what stands behind it: the policy for ``ul.negotiation``.

Rules: the requestor's order of transfer syntaxes counts (it knows what it has stored); an association without any
context that we take is accepted all the same (PS3.8 7.1.1.13 leaves the consequence to the requestor). Storage classes
may be turned round (SCP role of the requestor) where C-GET is served.

Sources: PS3.4 A, B, C.5 (extended negotiation); PS3.7 D.3.3.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from kerma.dimse import CommandField
from kerma.formats.identity import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from kerma.services.dispatch import Providers
from kerma.services.extended import FindFlags, RetrieveFlags, answer_find, answer_retrieve
from kerma.services.sop_classes import IDENTIFIER_SYNTAXES, ROOTS
from kerma.standard import sop_classes, transfer_syntaxes
from kerma.ul.negotiation import Policy

# MIME and XML (retired), real-time video and Papyrus are no encodings of a stored data set.
_NOT_STORED = ("1.2.840.10008.1.2.6.", "1.2.840.10008.1.2.7.", "1.2.840.10008.1.20")

STORED_SYNTAXES = tuple(uid for uid in transfer_syntaxes.ALL if not uid.startswith(_NOT_STORED))
"""What a server takes for instances unless it is told otherwise."""

FIND_FLAGS = FindFlags(relational=True, combined_datetime=True, fuzzy=True)
RETRIEVE_FLAGS = RetrieveFlags(relational=True)


def policy(
    providers: Providers,
    *,
    called_aets: Collection[str] = (),
    private_storage: Collection[str] = (),
    syntaxes: Collection[str] = (),
    max_pdu: int,
) -> Policy:
    """The policy of a server. Empty ``called_aets`` take any; empty ``syntaxes`` are all that the standard knows."""
    table: dict[str, tuple[str, ...]] = {sop_classes.VERIFICATION: IDENTIFIER_SYNTAXES}
    roles: dict[str, tuple[bool, bool]] = {}
    extended: dict[str, Callable[[bytes], bytes | None]] = {}
    stored = tuple(syntaxes) or STORED_SYNTAXES
    if providers.storage is not None or providers.retrieve is not None:
        scu, scp = providers.storage is not None, providers.retrieve is not None
        for uid in (*sop_classes.STORAGE, *private_storage):
            table[uid] = stored
            roles[uid] = (scu, scp)
    for operation, uid in ROOTS:
        if operation is CommandField.C_FIND_RQ:
            if providers.find is not None:
                table[uid] = IDENTIFIER_SYNTAXES
                extended[uid] = _find
        elif providers.retrieve is not None:
            table[uid] = IDENTIFIER_SYNTAXES
            extended[uid] = _retrieve
    return Policy(
        transfer_syntaxes=table,
        called_ae_titles=frozenset(called_aets),
        requestor_order=True,
        roles=roles,
        extended=extended,
        max_pdu=max_pdu,
        implementation_class_uid=IMPLEMENTATION_CLASS_UID,
        implementation_version_name=IMPLEMENTATION_VERSION_NAME,
    )


def _find(asked: bytes) -> bytes:
    return answer_find(asked, FIND_FLAGS)


def _retrieve(asked: bytes) -> bytes:
    return answer_retrieve(asked, RETRIEVE_FLAGS)
