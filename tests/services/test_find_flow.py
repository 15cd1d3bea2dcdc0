"""C-FIND from both sides, without a network; extended negotiation flags."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kerma.dataset import Dataset
from kerma.dimse import Command, CommandField
from kerma.errors import RemoteProtocolError, StatusError
from kerma.query import from_keys, to_identifier
from kerma.query.model import Query, Root
from kerma.services.extended import FindFlags, RetrieveFlags, answer_find, answer_retrieve
from kerma.services.find_scp import serve_find
from kerma.services.find_scu import find
from kerma.services.flow import Associate, Message, Send
from kerma.ul.negotiation import Context

from .driver import EXPLICIT_LE, Script, context

FIND = "1.2.840.10008.5.1.4.1.2.2.1"


def match(number: int) -> Dataset:
    ds = Dataset()
    ds.QueryRetrieveLevel = "STUDY"
    ds.StudyInstanceUID = f"1.2.{number}"
    return ds


class Finds:
    def __init__(self, count: int) -> None:
        self.count = count
        self.query: Query | None = None
        self.closed = False

    def search(self, query: Query) -> Iterator[Dataset]:
        self.query = query
        try:
            for number in range(self.count):
                yield match(number)
        finally:
            self.closed = True


def request(extended: bytes = b"", **keys: str) -> Message:
    identifier = to_identifier(from_keys("study", keys or {"PatientID": "P"}, ("StudyInstanceUID",)))
    command = Command(CommandField.C_FIND_RQ, MessageID=3, Priority=0, AffectedSOPClassUID=FIND)
    return Message(Context(1, FIND, EXPLICIT_LE, extended=extended), command, identifier.to_bytes(EXPLICIT_LE))


def test_pending_for_each_and_success_at_the_end() -> None:
    script, provider = Script(iter(())), Finds(3)
    assert script.run(serve_find(request(), Root.STUDY, provider)) == 0
    assert [command.Status for command in script.commands] == [0xFF00] * 3 + [0]
    assert isinstance(script.sent[-1], Send)
    assert script.sent[-1].data is None
    assert provider.closed


def test_keys_that_are_not_supported_are_told() -> None:
    script = Script(iter(()))
    assert script.run(serve_find(request(PatientID="P", FilmConsumptionSequence=""), Root.STUDY, Finds(1))) == 0
    assert script.commands[0].Status == 0xFF01


def test_a_cancel_ends_it_and_closes_the_search() -> None:
    cancel = Message(context(1, FIND), Command(CommandField.C_CANCEL_RQ, MessageIDBeingRespondedTo=3))
    script, provider = Script(iter(()), polls=iter([None, None, cancel])), Finds(100)
    assert script.run(serve_find(request(), Root.STUDY, provider)) == 0xFE00
    assert [command.Status for command in script.commands] == [0xFF00, 0xFF00, 0xFF00, 0xFE00]
    assert provider.closed


def test_flags_are_what_was_negotiated() -> None:
    provider = Finds(0)
    Script(iter(())).run(serve_find(request(b"\1\0\1"), Root.STUDY, provider))
    assert provider.query is not None
    assert (provider.query.relational, provider.query.fuzzy) == (True, True)
    Script(iter(())).run(serve_find(request(), Root.STUDY, provider))
    assert (provider.query.relational, provider.query.fuzzy) == (False, False)


def test_a_request_without_identifier() -> None:
    message = request()
    message.data = None
    with pytest.raises(StatusError) as caught:
        Script(iter(())).run(serve_find(message, Root.STUDY, Finds(0)))
    assert caught.value.status == 0xC000


def answers(count: int, final: int = 0) -> Iterator[Message]:
    command = Command(CommandField.C_FIND_RQ, MessageID=1, Priority=0, AffectedSOPClassUID=FIND)
    for number in range(count):
        yield Message(context(1, FIND), command.response(0xFF00), match(number).to_bytes(EXPLICIT_LE))
    yield Message(context(1, FIND), command.response(final, **({"ErrorComment": "no"} if final else {})))


def test_the_scu_emits_each_match() -> None:
    script = Script(answers(3), contexts={1: context(1, FIND)})
    script.run(find(from_keys("study", {"PatientID": "P"})))
    assert [ds.StudyInstanceUID for ds in script.emitted] == ["1.2.0", "1.2.1", "1.2.2"]
    associate = script.effects[0]
    assert isinstance(associate, Associate)
    assert associate.needs[0].extended == b"\1\1\0"


def test_a_failure_is_raised_in_words() -> None:
    script = Script(answers(1, 0xA700), contexts={1: context(1, FIND)})
    with pytest.raises(StatusError, match=r"A700H.*no") as caught:
        script.run(find(from_keys("study", {})))
    assert caught.value.status == 0xA700
    assert len(script.emitted) == 1


def test_a_consumer_who_stops_cancels_and_takes_the_rest() -> None:
    script = Script(answers(5, 0xFE00), contexts={1: context(1, FIND)}, stop_after=2)
    script.run(find(from_keys("study", {})))
    assert script.commands[-1].field is CommandField.C_CANCEL_RQ
    assert script.commands[-1].MessageIDBeingRespondedTo == 1
    assert len(script.emitted) == 2


def test_a_pending_response_without_identifier_breaks_the_protocol() -> None:
    command = Command(CommandField.C_FIND_RQ, MessageID=1, Priority=0, AffectedSOPClassUID=FIND)
    script = Script(iter([Message(context(1, FIND), command.response(0xFF00))]), contexts={1: context(1, FIND)})
    with pytest.raises(RemoteProtocolError):
        script.run(find(from_keys("study", {})))


@pytest.mark.parametrize(
    ("asked", "answer"),
    [(b"\1\1\1", b"\1\1\0"), (b"\1", b"\1"), (b"", b"\0"), (b"\0\1\0\1\1", b"\0\1\0\0\0"), (b"\1" * 9, b"\1\1\0\0\0")],
)
def test_find_flags_are_answered_byte_by_byte(asked: bytes, answer: bytes) -> None:
    assert answer_find(asked, FindFlags(relational=True, combined_datetime=True)) == answer


def test_flags_as_bytes() -> None:
    assert FindFlags.decode(b"\1\0\1\2") == FindFlags(relational=True, fuzzy=True)
    assert FindFlags(relational=True, enhanced=True).encode() == b"\1\0\0\0\1"
    assert RetrieveFlags.decode(b"\1\1") == RetrieveFlags(True, True)
    assert RetrieveFlags(True).encode() == b"\1"
    assert answer_retrieve(b"\1\1", RetrieveFlags(relational=True)) == b"\1\0"
    assert answer_retrieve(b"\1", RetrieveFlags()) == b"\0"
