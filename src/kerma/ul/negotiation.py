"""Association negotiation as pure functions: what to propose, what to answer, what was agreed.

Rules of this module:

- Nothing here sends or keeps anything: ``negotiate`` turns a request and a ``Policy`` into an answer, ``propose``
  turns needs into presentation contexts for as many associations as they take, ``accepted`` reads the agreement off
  both PDUs.
- Roles are always the association *requestor's*: ``as_scu`` says that the requestor may be SCU of the context (and
  so the acceptor its SCP), ``as_scp`` that it may be SCP.

Sources: PS3.8 7.1.1, 9.3.2, 9.3.3; PS3.7 D.3.3 (user information), D.3.3.4 (roles), D.3.3.6 (related general SOP
classes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from sys import intern

from kerma.errors import LocalProtocolError
from kerma.ul.codes import ContextResult, RejectResult, RejectSource, UserRejectReason
from kerma.ul.pdu import (
    APPLICATION_CONTEXT_NAME,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    AsynchronousOperationsWindow,
    CommonExtendedNegotiation,
    ExtendedNegotiation,
    PresentationContextAC,
    PresentationContextRQ,
    RoleSelection,
    UserIdentityAC,
    UserIdentityRQ,
    UserInformation,
)

MAX_CONTEXTS = 128
"""Presentation contexts of one association: the odd numbers of one byte."""


@dataclass(frozen=True, slots=True)
class Context:
    """An accepted presentation context. Roles are the requestor's; ``extended`` is the acceptor's information."""

    id: int
    abstract_syntax: str
    transfer_syntax_uid: str
    as_scu: bool = True
    as_scp: bool = False
    extended: bytes = b""


@dataclass(frozen=True, slots=True)
class Policy:
    """What an acceptor takes.

    ``transfer_syntaxes`` maps an abstract syntax to the transfer syntaxes that are taken for it, best first; an
    abstract syntax that is not there is not supported. Empty ``called_ae_titles`` or ``calling_ae_titles`` take any
    title.
    """

    transfer_syntaxes: Mapping[str, Sequence[str]]
    called_ae_titles: frozenset[str] = frozenset()
    calling_ae_titles: frozenset[str] = frozenset()
    requestor_order: bool = False
    """Take the first of the requestor's transfer syntaxes that we know, instead of the first of ours that it offers."""
    roles: Mapping[str, tuple[bool, bool]] = field(default_factory=dict)
    """Which roles (SCU, SCP) a requestor may take where it proposes roles; other classes are (True, False)."""
    extended: Mapping[str, Callable[[bytes], bytes | None]] = field(default_factory=dict)
    """SOP class -> the answer to its extended negotiation, None for no answer."""
    identify: Callable[[UserIdentityRQ], bytes | None] | None = None
    """Checks a user identity: the server response (``b""`` for none), None to reject. Without it they are ignored."""
    max_pdu: int = 131_072
    asynchronous_operations: tuple[int, int] = (1, 1)
    implementation_class_uid: str = ""
    implementation_version_name: str = ""


def negotiate(request: AssociateRQ, policy: Policy) -> AssociateAC | AssociateRJ:
    """The answer to ``request``. Without any accepted context it is accepted all the same: the requestor decides."""
    reason = _refusal(request, policy)
    if reason is not None:
        return AssociateRJ(RejectResult.REJECTED_PERMANENT, RejectSource.SERVICE_USER, reason)
    identity: UserIdentityAC | None = None
    offered = request.user.user_identity
    if offered is not None and policy.identify is not None:
        response = policy.identify(offered)
        if response is None:
            return AssociateRJ(
                RejectResult.REJECTED_PERMANENT, RejectSource.SERVICE_USER, UserRejectReason.NO_REASON_GIVEN
            )
        if offered.positive_response_requested:
            identity = UserIdentityAC(response)
    related = {entry.sop_class_uid: entry.related_general for entry in request.user.common_extended}
    roles = {role.sop_class_uid: _role(role, policy) for role in request.user.roles}
    contexts = tuple(_answer(context, policy, related, roles) for context in request.contexts)
    window = request.user.asynchronous_operations_window
    user = UserInformation(
        maximum_length=policy.max_pdu,
        implementation_class_uid=policy.implementation_class_uid,
        implementation_version_name=policy.implementation_version_name,
        asynchronous_operations_window=None if window is None else _window(window, policy.asynchronous_operations),
        roles=tuple(roles.values()),
        extended=_extended(request, policy),
        user_identity_response=identity,
    )
    return AssociateAC(request.called_ae_title, request.calling_ae_title, contexts, user)


def accepted(request: AssociateRQ, answer: AssociateAC) -> dict[int, Context]:
    """The contexts that both sides agreed on, by id. Answers to what was not proposed are passed over."""
    proposed_roles = {role.sop_class_uid: role for role in request.user.roles}
    answered_roles = {role.sop_class_uid: role for role in answer.user.roles}
    extended = {entry.sop_class_uid: entry.information for entry in answer.user.extended}
    offers = {context.id: context for context in request.contexts}
    contexts: dict[int, Context] = {}
    for context in answer.contexts:
        offer = offers.get(context.id)
        if context.result != ContextResult.ACCEPTANCE or offer is None:
            continue
        if context.transfer_syntax not in offer.transfer_syntaxes:
            continue
        as_scu, as_scp = True, False
        mine, theirs = proposed_roles.get(offer.abstract_syntax), answered_roles.get(offer.abstract_syntax)
        if mine is not None and theirs is not None:
            as_scu, as_scp = mine.scu and theirs.scu, mine.scp and theirs.scp
        # A thousand associations agree on the same few UIDs; one string of each will do.
        contexts[context.id] = Context(
            context.id,
            intern(str(offer.abstract_syntax)),
            intern(str(context.transfer_syntax)),
            as_scu,
            as_scp,
            extended.get(offer.abstract_syntax, b""),
        )
    return contexts


# -- the requestor -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Need:
    """One presentation context that a requestor wants: an abstract syntax, transfer syntaxes to choose one from."""

    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]
    as_scu: bool = True
    as_scp: bool = False
    extended: bytes | None = None
    common: CommonExtendedNegotiation | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one association proposes: at most 128 contexts, and the user information of their SOP classes."""

    contexts: tuple[PresentationContextRQ, ...]
    roles: tuple[RoleSelection, ...] = ()
    extended: tuple[ExtendedNegotiation, ...] = ()
    common_extended: tuple[CommonExtendedNegotiation, ...] = ()


def propose(needs: Iterable[Need]) -> list[Proposal]:
    """Contexts for ``needs``, in order and without repetition; one proposal for each 128 of them, none for no needs."""
    unique: dict[tuple[str, tuple[str, ...]], Need] = {}
    roles: dict[str, tuple[bool, bool]] = {}
    for need in needs:
        if not need.transfer_syntaxes:
            raise LocalProtocolError("a presentation context needs a transfer syntax")
        unique.setdefault((need.abstract_syntax, need.transfer_syntaxes), need)
        # Roles belong to the abstract syntax, not to the context.
        scu, scp = roles.get(need.abstract_syntax, (False, False))
        roles[need.abstract_syntax] = (scu or need.as_scu, scp or need.as_scp)
    wanted = list(unique.values())
    return [_proposal(wanted[start : start + MAX_CONTEXTS], roles) for start in range(0, len(wanted), MAX_CONTEXTS)]


def request(
    proposal: Proposal,
    *,
    called_ae_title: str,
    calling_ae_title: str,
    max_pdu: int,
    implementation_class_uid: str,
    implementation_version_name: str = "",
    user_identity: UserIdentityRQ | None = None,
    asynchronous_operations: AsynchronousOperationsWindow | None = None,
) -> AssociateRQ:
    """The A-ASSOCIATE-RQ for one proposal."""
    user = UserInformation(
        maximum_length=max_pdu,
        implementation_class_uid=implementation_class_uid,
        implementation_version_name=implementation_version_name,
        asynchronous_operations_window=asynchronous_operations,
        roles=proposal.roles,
        extended=proposal.extended,
        common_extended=proposal.common_extended,
        user_identity=user_identity,
    )
    return AssociateRQ(called_ae_title, calling_ae_title, proposal.contexts, user)


def _proposal(needs: Sequence[Need], roles: Mapping[str, tuple[bool, bool]]) -> Proposal:
    contexts = tuple(
        PresentationContextRQ(2 * index + 1, need.abstract_syntax, need.transfer_syntaxes)
        for index, need in enumerate(needs)
    )
    names = dict.fromkeys(need.abstract_syntax for need in needs)
    extended: dict[str, ExtendedNegotiation] = {}
    common: dict[str, CommonExtendedNegotiation] = {}
    for need in needs:
        if need.extended is not None:
            extended.setdefault(need.abstract_syntax, ExtendedNegotiation(need.abstract_syntax, need.extended))
        if need.common is not None:
            common.setdefault(need.abstract_syntax, need.common)
    # (SCU, not SCP) is what holds without an item (PS3.7 D.3.3.4).
    selections = tuple(RoleSelection(name, *roles[name]) for name in names if roles[name] != (True, False))
    return Proposal(contexts, selections, tuple(extended.values()), tuple(common.values()))


# -- the acceptor ------------------------------------------------------------------------------------------------------


def _refusal(request: AssociateRQ, policy: Policy) -> UserRejectReason | None:
    if request.application_context != APPLICATION_CONTEXT_NAME:
        return UserRejectReason.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED
    if policy.called_ae_titles and request.called_ae_title not in policy.called_ae_titles:
        return UserRejectReason.CALLED_AE_TITLE_NOT_RECOGNIZED
    if policy.calling_ae_titles and request.calling_ae_title not in policy.calling_ae_titles:
        return UserRejectReason.CALLING_AE_TITLE_NOT_RECOGNIZED
    return None


def _role(role: RoleSelection, policy: Policy) -> RoleSelection:
    scu, scp = policy.roles.get(role.sop_class_uid, (True, False))
    return RoleSelection(role.sop_class_uid, role.scu and scu, role.scp and scp)


def _answer(
    context: PresentationContextRQ,
    policy: Policy,
    related: Mapping[str, Sequence[str]],
    roles: Mapping[str, RoleSelection],
) -> PresentationContextAC:
    """One context's result. A class that we do not know is taken as its first related general class that we know."""
    first = context.transfer_syntaxes[0]
    ours = policy.transfer_syntaxes.get(context.abstract_syntax)
    if ours is None:
        general = (policy.transfer_syntaxes.get(uid) for uid in related.get(context.abstract_syntax, ()))
        ours = next((syntaxes for syntaxes in general if syntaxes is not None), None)
    if ours is None:
        return PresentationContextAC(context.id, ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED, first)
    role = roles.get(context.abstract_syntax)
    if role is not None and not (role.scu or role.scp):
        return PresentationContextAC(context.id, ContextResult.USER_REJECTION, first)
    theirs = context.transfer_syntaxes
    # Sets, because a hostile request may list thousands.
    preferred, allowed = (theirs, frozenset(ours)) if policy.requestor_order else (ours, frozenset(theirs))
    chosen = next((uid for uid in preferred if uid in allowed), None)
    if chosen is None:
        return PresentationContextAC(context.id, ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED, first)
    return PresentationContextAC(context.id, ContextResult.ACCEPTANCE, chosen)


def _window(offered: AsynchronousOperationsWindow, ours: tuple[int, int]) -> AsynchronousOperationsWindow:
    """The smaller of both, 0 being no limit (PS3.7 D.3.3.3): what the requestor may invoke is what we perform."""
    return AsynchronousOperationsWindow(_smaller(offered.invoked, ours[1]), _smaller(offered.performed, ours[0]))


def _smaller(one: int, other: int) -> int:
    return min(one, other) if one and other else one or other


def _extended(request: AssociateRQ, policy: Policy) -> tuple[ExtendedNegotiation, ...]:
    answers: list[ExtendedNegotiation] = []
    for entry in request.user.extended:
        handler = policy.extended.get(entry.sop_class_uid)
        information = None if handler is None else handler(entry.information)
        if information is not None:
            answers.append(ExtendedNegotiation(entry.sop_class_uid, information))
    return tuple(answers)
