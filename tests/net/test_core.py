"""The protocol of one association without a socket: how bytes are cut never changes what they mean."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kerma.dimse import Command
from kerma.errors import AbortError, ConnectionLostError, RemoteProtocolError
from kerma.limits import NetworkLimits
from kerma.net.core import Core
from kerma.services.acceptance import policy
from kerma.services.dispatch import Providers
from kerma.services.incoming import Incoming
from kerma.services.storage_scp import store_request
from kerma.ul.negotiation import Context, Need, negotiate, propose, request
from kerma.ul.pdu import Abort, AssociateAC, ReleaseRQ

from .memory import CT, EXPLICIT_LE, MemoryStore
from .wire import VERIFICATION, echo_rq, pdata, store_rq

DATA = bytes(range(256)) * 5


def acceptor(store: MemoryStore) -> Core:
    """An acceptor whose association stands."""

    def open_incoming(context: Context, command: Command) -> Incoming:
        return Incoming(store_request(context, command, "", "", ""), store.begin)

    core = Core("acceptor", NetworkLimits(), open_incoming, "test")
    proposal = propose([Need(VERIFICATION, (EXPLICIT_LE,)), Need(CT, (EXPLICIT_LE,))])[0]
    core.feed(
        request(
            proposal, called_ae_title="A", calling_ae_title="B", max_pdu=0, implementation_class_uid="1.2.3"
        ).encode()
    )
    assert core.request is not None
    answer = negotiate(core.request, policy(Providers(store), max_pdu=131_072))
    assert isinstance(answer, AssociateAC)
    core.ul.accept(answer)
    core.establish(core.request, answer)
    core.ul.take_output()
    return core


def conversation(pieces: list[int]) -> bytes:
    """A C-ECHO, a C-STORE whose data set is cut into fragments of ``pieces`` bytes, a C-ECHO."""
    command = store_rq("1.2.9").encode(has_data=True)
    out = pdata(1, 3, echo_rq(1).encode()) + pdata(3, 1, command[:10]) + pdata(3, 3, command[10:])
    at = 0
    for size in pieces:
        out += pdata(3, 0, DATA[at : at + size])
        at += len(DATA[at : at + size])
    return out + pdata(3, 2, DATA[at:]) + pdata(1, 3, echo_rq(2).encode())


@settings(max_examples=60)
@given(st.lists(st.integers(0, 400), max_size=6), st.lists(st.integers(1, 300), max_size=40))
def test_chunking_changes_nothing(pieces: list[int], cuts: list[int]) -> None:
    store = MemoryStore()
    core = acceptor(store)
    stream = conversation(pieces)
    for size in [*cuts, len(stream)]:
        part, stream = stream[:size], stream[size:]
        buffer = bytearray(part)
        if buffer:
            core.feed(buffer)
            buffer[:] = bytes(len(buffer))  # the buffer is the driver's again
    assert core.failure is None
    assert [message.command.MessageID for message in core.messages] == [1, 1, 2]
    incoming = core.messages[1].incoming
    assert incoming is not None
    assert incoming.size == len(DATA)
    incoming.commit()
    assert store.kept["1.2.9"][1] == DATA


@settings(max_examples=100)
@given(st.binary(max_size=400))
def test_whatever_comes_is_a_message_or_an_end(data: bytes) -> None:
    store = MemoryStore()
    core = acceptor(store)
    core.feed(data)
    core.feed(b"")
    core.drop()
    assert core.failure is None or isinstance(core.failure, AbortError | ConnectionLostError)


def test_the_end_says_why() -> None:
    core = acceptor(MemoryStore())
    core.feed(Abort(0, 0).encode())
    assert isinstance(core.failure, AbortError)
    core = acceptor(MemoryStore())
    core.feed(b"")
    assert isinstance(core.failure, ConnectionLostError)
    core = acceptor(MemoryStore())
    core.feed(pdata(1, 2, b"data first"))
    assert isinstance(core.failure, RemoteProtocolError)
    assert core.ul.take_output() == [Abort(0, 0).encode()]
    core = acceptor(MemoryStore())
    core.feed(ReleaseRQ().encode())
    assert core.failure is None
    assert core.release_asked


def test_a_failure_forgets_what_had_begun() -> None:
    store = MemoryStore()
    core = acceptor(store)
    core.feed(pdata(3, 3, store_rq().encode(has_data=True)) + pdata(3, 0, b"abcd"))
    assert core.in_message
    core.feed(b"")
    assert not core.in_message
    assert store.aborted == 1
