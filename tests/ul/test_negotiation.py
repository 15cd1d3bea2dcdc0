"""Negotiation as pure functions: what is answered, what was agreed, what is proposed."""

from __future__ import annotations

import pytest
from tests.ul.samples import CT, EXPLICIT, FULL_RQ, IMPLICIT, JPEG, RQ, VERIFICATION

from kerma.errors import LocalProtocolError
from kerma.ul import negotiation, pdu
from kerma.ul.negotiation import Context, Need, Policy, accepted, negotiate, propose

POLICY = Policy({VERIFICATION: (IMPLICIT,), CT: (JPEG, EXPLICIT, IMPLICIT)}, implementation_class_uid="1.2")


def answer(request: pdu.AssociateRQ, policy: Policy = POLICY) -> pdu.AssociateAC:
    result = negotiate(request, policy)
    assert isinstance(result, pdu.AssociateAC)
    return result


def rq(*contexts: tuple[int, str, tuple[str, ...]], **user: object) -> pdu.AssociateRQ:
    information = pdu.UserInformation(**user)  # type: ignore[arg-type]
    return pdu.AssociateRQ("A", "B", tuple(pdu.PresentationContextRQ(*context) for context in contexts), information)


def test_each_result() -> None:
    given = answer(
        rq((1, VERIFICATION, (IMPLICIT,)), (3, CT, ("1.2.3",)), (5, "1.9", (IMPLICIT,)), (7, CT, (IMPLICIT, EXPLICIT)))
    )
    assert given.contexts == (
        pdu.PresentationContextAC(1, 0, IMPLICIT),
        pdu.PresentationContextAC(3, 4, "1.2.3"),
        pdu.PresentationContextAC(5, 3, IMPLICIT),
        pdu.PresentationContextAC(7, 0, EXPLICIT),
    )
    assert given.called_ae_title == "A"
    assert given.user.maximum_length == 131_072


def test_requestor_order() -> None:
    policy = Policy(POLICY.transfer_syntaxes, requestor_order=True)
    assert answer(rq((7, CT, (IMPLICIT, EXPLICIT))), policy).contexts[0].transfer_syntax == IMPLICIT


def test_no_context_is_accepted_all_the_same() -> None:
    given = answer(rq((1, "1.9", (IMPLICIT,))))
    assert accepted(rq((1, "1.9", (IMPLICIT,))), given) == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"application_context": "1.2.3"}, 2),
        ({"called_ae_title": "OTHER"}, 7),
        ({"calling_ae_title": "OTHER"}, 3),
    ],
)
def test_rejections(change: dict[str, str], reason: int) -> None:
    policy = Policy({}, frozenset({"ACCEPTOR"}), frozenset({"REQUESTOR"}))
    fields = {"called_ae_title": "ACCEPTOR", "calling_ae_title": "REQUESTOR", "contexts": RQ.contexts, **change}
    assert negotiate(pdu.AssociateRQ(**fields), policy) == pdu.AssociateRJ(1, 1, reason)  # type: ignore[arg-type]
    assert isinstance(negotiate(RQ, policy), pdu.AssociateAC)


def test_roles() -> None:
    policy = Policy(POLICY.transfer_syntaxes, roles={CT: (True, True)})
    request = rq(
        (1, CT, (IMPLICIT,)),
        (3, VERIFICATION, (IMPLICIT,)),
        roles=(pdu.RoleSelection(CT, False, True), pdu.RoleSelection(VERIFICATION, True, True)),
    )
    given = answer(request, policy)
    assert given.user.roles == (pdu.RoleSelection(CT, False, True), pdu.RoleSelection(VERIFICATION, True, False))
    agreed = accepted(request, given)
    assert (agreed[1].as_scu, agreed[1].as_scp) == (False, True)
    assert (agreed[3].as_scu, agreed[3].as_scp) == (True, False)


def test_roles_that_nobody_may_take_refuse_the_context() -> None:
    request = rq((1, CT, (IMPLICIT,)), roles=(pdu.RoleSelection(CT, False, True),))
    given = answer(request)
    assert given.contexts[0].result == 1
    assert accepted(request, given) == {}


def test_unanswered_or_unasked_roles_are_the_default() -> None:
    request = rq((1, CT, (IMPLICIT,)), roles=(pdu.RoleSelection(CT, True, True),))
    plain = pdu.AssociateAC("A", "B", (pdu.PresentationContextAC(1, 0, IMPLICIT),))
    assert accepted(request, plain)[1] == Context(1, CT, IMPLICIT, True, False)
    eager = pdu.AssociateAC("A", "B", plain.contexts, pdu.UserInformation(roles=(pdu.RoleSelection(CT, True, True),)))
    assert accepted(rq((1, CT, (IMPLICIT,))), eager)[1] == Context(1, CT, IMPLICIT, True, False)
    # A role that was not proposed is not taken even where the acceptor answers with it.
    narrow = rq((1, CT, (IMPLICIT,)), roles=(pdu.RoleSelection(CT, True, False),))
    assert accepted(narrow, eager)[1] == Context(1, CT, IMPLICIT, True, False)


def test_answers_to_what_was_not_asked_are_passed_over() -> None:
    given = pdu.AssociateAC(
        "A", "B", (pdu.PresentationContextAC(9, 0, IMPLICIT), pdu.PresentationContextAC(1, 0, JPEG))
    )
    assert accepted(rq((1, CT, (IMPLICIT,))), given) == {}


def test_extended_negotiation() -> None:
    policy = Policy(
        POLICY.transfer_syntaxes, extended={CT: lambda asked: asked[:1] + b"\0", VERIFICATION: lambda _: None}
    )
    request = rq(
        (1, CT, (IMPLICIT,)),
        (3, VERIFICATION, (IMPLICIT,)),
        extended=(
            pdu.ExtendedNegotiation(CT, b"\1\1"),
            pdu.ExtendedNegotiation(VERIFICATION, b"\1"),
            pdu.ExtendedNegotiation("1.9", b"\1"),
        ),
    )
    given = answer(request, policy)
    assert given.user.extended == (pdu.ExtendedNegotiation(CT, b"\1\0"),)
    agreed = accepted(request, given)
    assert (agreed[1].extended, agreed[3].extended) == (b"\1\0", b"")


def test_related_general_class() -> None:
    request = rq((1, "1.9", (EXPLICIT,)), common_extended=(pdu.CommonExtendedNegotiation("1.9", "1.2", ("1.8", CT)),))
    assert answer(request).contexts == (pdu.PresentationContextAC(1, 0, EXPLICIT),)
    assert answer(request).user.common_extended == ()


@pytest.mark.parametrize(
    ("offered", "ours", "agreed"),
    [((5, 3), (1, 1), (1, 1)), ((0, 0), (2, 4), (4, 2)), ((0, 7), (0, 0), (0, 7)), ((2, 2), (0, 9), (2, 2))],
)
def test_asynchronous_window(offered: tuple[int, int], ours: tuple[int, int], agreed: tuple[int, int]) -> None:
    policy = Policy(POLICY.transfer_syntaxes, asynchronous_operations=ours)
    request = rq((1, CT, (IMPLICIT,)), asynchronous_operations_window=pdu.AsynchronousOperationsWindow(*offered))
    window = answer(request, policy).user.asynchronous_operations_window
    assert window == pdu.AsynchronousOperationsWindow(*agreed)
    assert answer(rq((1, CT, (IMPLICIT,))), policy).user.asynchronous_operations_window is None


def test_user_identity() -> None:
    seen: list[bytes] = []

    def identify(identity: pdu.UserIdentityRQ) -> bytes | None:
        seen.append(identity.primary)
        return b"ticket" if identity.secondary == b"pass" else None

    policy = Policy(POLICY.transfer_syntaxes, identify=identify)
    assert answer(FULL_RQ, policy).user.user_identity_response == pdu.UserIdentityAC(b"ticket")
    wrong = rq((1, CT, (IMPLICIT,)), user_identity=pdu.UserIdentityRQ(2, b"user", b"guess"))
    assert negotiate(wrong, policy) == pdu.AssociateRJ(1, 1, 1)
    silent = rq((1, CT, (IMPLICIT,)), user_identity=pdu.UserIdentityRQ(2, b"user", b"pass"))
    assert answer(silent, policy).user.user_identity_response is None
    assert answer(wrong).user.user_identity_response is None
    assert seen == [b"user", b"user", b"user"]


def test_proposals_are_split_at_128_contexts() -> None:
    needs = [Need(f"1.2.{number}", (IMPLICIT,)) for number in range(300)]
    proposals = propose([*needs, *needs])
    assert [len(proposal.contexts) for proposal in proposals] == [128, 128, 44]
    for proposal in proposals:
        ids = [context.id for context in proposal.contexts]
        assert ids == list(range(1, 2 * len(ids), 2))
        request = negotiation.request(
            proposal, called_ae_title="A", calling_ae_title="B", max_pdu=0, implementation_class_uid="1.2"
        )
        assert pdu.decode(request.encode()) == request
    assert [context.abstract_syntax for proposal in proposals for context in proposal.contexts] == [
        need.abstract_syntax for need in needs
    ]
    assert propose([]) == []


def test_proposal_gathers_what_belongs_to_a_class() -> None:
    common = pdu.CommonExtendedNegotiation(CT, "1.2.840.10008.4.2")
    [proposal] = propose(
        [
            Need(CT, (IMPLICIT,), extended=b"\1", common=common),
            Need(CT, (JPEG,), as_scu=False, as_scp=True, extended=b"\1"),
            Need(VERIFICATION, (IMPLICIT,)),
        ]
    )
    assert len(proposal.contexts) == 3
    assert proposal.roles == (pdu.RoleSelection(CT, True, True),)
    assert proposal.extended == (pdu.ExtendedNegotiation(CT, b"\1"),)
    assert proposal.common_extended == (common,)
    with pytest.raises(LocalProtocolError, match="needs a transfer syntax"):
        propose([Need(CT, ())])
