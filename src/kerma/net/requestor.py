"""The requestor's side of association establishment: what is sent, and what the answer means (PS3.8 7.1)."""

from __future__ import annotations

from kerma.dimse import Command
from kerma.errors import NoContextError, RejectedError, StatusError
from kerma.formats.identity import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from kerma.limits import NetworkLimits
from kerma.net.core import Core
from kerma.net.peer import Peer
from kerma.services.incoming import Incoming
from kerma.services.providers import StoreRequest, StoreSink
from kerma.services.storage_scp import store_request
from kerma.standard import uids
from kerma.ul.codes import context_result_text
from kerma.ul.negotiation import Context, Proposal, request
from kerma.ul.pdu import AssociateAC, AssociateRJ, AssociateRQ

_HINTS = {
    (1, 3): "our AE title is not known to the peer: set it with --aet, or have it added there",
    (1, 7): "the peer has another AE title: check the part before the @",
    (3, 1): "the peer is busy: try later",
    (3, 2): "the peer has too many associations: try later",
}


def association_request(proposal: Proposal, peer: Peer, aet: str, limits: NetworkLimits) -> AssociateRQ:
    """The A-ASSOCIATE-RQ for ``proposal``."""
    return request(
        proposal,
        called_ae_title=peer.aet,
        calling_ae_title=aet,
        max_pdu=limits.max_pdu,
        implementation_class_uid=IMPLEMENTATION_CLASS_UID,
        implementation_version_name=IMPLEMENTATION_VERSION_NAME,
    )


def check_answer(core: Core, asked: AssociateRQ) -> None:
    """Raise ``RejectedError`` or ``NoContextError`` (not one context was taken), or what was wrong with the answer."""
    answer = core.answer
    if isinstance(answer, AssociateRJ):
        core.released = True
        raise RejectedError(
            f"the association was rejected: {answer}",
            result=answer.result,
            source=answer.source,
            reason=answer.reason,
            where=core.where,
            hint=_HINTS.get((answer.source, answer.reason)),
        )
    assert isinstance(answer, AssociateAC)
    if core.failure is not None:
        raise core.failure
    if not core.contexts:
        raise NoContextError(_refusals(asked, answer), where=core.where)


def refuse_store(context: Context, command: Command) -> Incoming:
    """A C-STORE that nobody asked for."""
    return Incoming(store_request(context, command, "", "", ""), _refuse)


def _refuse(request: StoreRequest) -> StoreSink:
    raise StatusError("nothing was asked for that could be stored", status=0x0122)


def _refusals(asked: AssociateRQ, answer: AssociateAC) -> str:
    """Why no context was accepted: one result for all, or the first ones."""
    names = {context.id: context.abstract_syntax for context in asked.contexts}
    results = {context.result for context in answer.contexts}
    first = next(iter(names.values()), "")
    what = uids.name_of(first) or first
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    why = context_result_text(min(results)) if results else "no answer"
    return f"no presentation context was accepted for {what}{more}: {why}"
