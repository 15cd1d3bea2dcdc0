"""The retrieve flow of C-GET and C-MOVE: counts, statuses, cancels and failed UIDs, without a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from kerma.dataset import Dataset
from kerma.dimse import Command, CommandField
from kerma.encoding.source import BytesSource
from kerma.errors import ConnectError, OutOfResourcesError, RemoteProtocolError, StatusError
from kerma.formats.instance import Instance
from kerma.query.model import Query, Root
from kerma.services.flow import Message, Send, SendPayload
from kerma.services.retrieve_scp import Destination, serve_get, serve_move
from kerma.services.sendable import Sendable
from kerma.services.storage_scu import Originator, StoreResult

from .driver import CT, EXPLICIT_LE, Script, context

GET = "1.2.840.10008.5.1.4.1.2.2.3"
MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
COUNTS = ("Remaining", "Completed", "Failed", "Warning")


def request(field: CommandField) -> Message:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = "1.2.3"
    uid = GET if field is CommandField.C_GET_RQ else MOVE
    more = {} if field is CommandField.C_GET_RQ else {"MoveDestination": "SINK"}
    command = Command(field, MessageID=5, Priority=0, AffectedSOPClassUID=uid, **more)
    return Message(context(9, uid), command, identifier.to_bytes(EXPLICIT_LE))


class Holds:
    def __init__(self, count: int, syntax: str = EXPLICIT_LE) -> None:
        self.items = [
            Instance(CT, f"1.2.{number}", syntax, 0, 4, lambda: BytesSource(b"abcd")) for number in range(count)
        ]

    def instances(self, query: Query) -> Sequence[Instance]:
        return self.items


class Sink:
    """A destination that answers each with the next of ``statuses``; an exception is raised."""

    def __init__(self, statuses: Sequence[int | Exception]) -> None:
        self.statuses = statuses
        self.closed = False
        self.originator: Originator | None = None

    def __call__(self, aet: str, /) -> Destination | None:
        return self if aet == "SINK" else None

    def store(self, items: Sequence[Sendable], originator: Originator) -> Iterator[StoreResult]:
        self.originator = originator
        try:
            for item, status in zip(items, self.statuses, strict=False):
                if isinstance(status, Exception):
                    raise status
                yield StoreResult(item.name, item.sop_class_uid, item.sop_instance_uid, status)
        finally:
            self.closed = True


def counts(command: Command) -> tuple[int | None, ...]:
    return tuple(command.get(f"NumberOf{name}Suboperations") for name in COUNTS)


def failed(effect: Send | SendPayload) -> list[str]:
    assert isinstance(effect, Send)
    if effect.data is None:
        return []
    value = Dataset.from_bytes(effect.data, EXPLICIT_LE).FailedSOPInstanceUIDList
    return [value] if isinstance(value, str) else list(value or ())


def answered(script: Script, status: int = 0) -> Message:
    return Message(context(), script.sent[-1].command.response(status))


@pytest.mark.parametrize(
    ("statuses", "final", "numbers", "uids"),
    [
        ([0, 0, 0], 0x0000, (None, 3, 0, 0), []),
        ([0, 0xB007, 0], 0xB000, (None, 2, 0, 1), []),
        ([0, 0xA700, 0xC001], 0xB000, (None, 1, 2, 0), ["1.2.1", "1.2.2"]),
        ([0xA700, 0xA700, 0x0122], 0xA702, (None, 0, 3, 0), ["1.2.0", "1.2.1", "1.2.2"]),
        ([0, ConnectError("down"), 0], 0xB000, (None, 1, 2, 0), ["1.2.1", "1.2.2"]),
        ([ConnectError("down")], 0xA702, (None, 0, 3, 0), ["1.2.0", "1.2.1", "1.2.2"]),
    ],
)
def test_move_counts(
    statuses: list[int | Exception], final: int, numbers: tuple[int | None, ...], uids: list[str]
) -> None:
    sink, script = Sink(statuses), Script(iter(()))
    message = request(CommandField.C_MOVE_RQ)
    assert script.run(serve_move(message, Root.STUDY, Holds(3), sink, "ASKER")) == final
    last = script.commands[-1]
    assert (last.Status, counts(last)) == (final, numbers)
    assert failed(script.sent[-1]) == uids
    assert sink.closed
    assert sink.originator == Originator("ASKER", 5)
    for pending in script.commands[:-1]:
        assert pending.Status == 0xFF00
        assert sum(number or 0 for number in counts(pending)) == 3


def test_move_is_cancelled_between_two_instances() -> None:
    cancel = Message(context(9, MOVE), Command(CommandField.C_CANCEL_RQ, MessageIDBeingRespondedTo=5))
    sink, script = Sink([0] * 10), Script(iter(()), polls=iter([None, cancel]))
    assert script.run(serve_move(request(CommandField.C_MOVE_RQ), Root.STUDY, Holds(10), sink, "A")) == 0xFE00
    assert counts(script.commands[-1]) == (8, 2, 0, 0)
    assert sink.closed


def test_a_cancel_of_another_message_means_nothing() -> None:
    other = Message(context(9, MOVE), Command(CommandField.C_CANCEL_RQ, MessageIDBeingRespondedTo=4))
    script = Script(iter(()), polls=iter([other]))
    assert script.run(serve_move(request(CommandField.C_MOVE_RQ), Root.STUDY, Holds(2), Sink([0, 0]), "A")) == 0


def test_another_request_meanwhile_breaks_the_protocol() -> None:
    echo = Message(context(), Command(CommandField.C_ECHO_RQ, MessageID=6, AffectedSOPClassUID="1.2.840.10008.1.1"))
    script = Script(iter(()), polls=iter([echo]))
    with pytest.raises(RemoteProtocolError):
        script.run(serve_move(request(CommandField.C_MOVE_RQ), Root.STUDY, Holds(2), Sink([0, 0]), "A"))


def test_an_unknown_destination_is_a801_before_anything_is_looked_up() -> None:
    message = request(CommandField.C_MOVE_RQ)
    for destinations in (None, lambda aet: None):
        with pytest.raises(StatusError) as caught:
            Script(iter(())).run(serve_move(message, Root.STUDY, Holds(1), destinations, "A"))
        assert caught.value.status == 0xA801


def test_an_archive_that_fails_is_a701() -> None:
    class Broken:
        def instances(self, query: Query) -> Sequence[Instance]:
            raise OutOfResourcesError("locked")

    with pytest.raises(StatusError) as caught:
        Script(iter(())).run(serve_get(request(CommandField.C_GET_RQ), Root.STUDY, Broken(), {}))
    assert caught.value.status == 0xA701


def test_get_sends_on_contexts_that_the_requestor_is_scp_of() -> None:
    contexts = {1: context(1), 3: context(3, as_scp=True)}
    script = Script(answered)
    assert script.run(serve_get(request(CommandField.C_GET_RQ), Root.STUDY, Holds(2), contexts)) == 0
    stores = [effect for effect in script.sent if isinstance(effect, SendPayload)]
    assert [effect.context_id for effect in stores] == [3, 3]
    assert 5 not in [effect.command.MessageID for effect in stores]
    assert counts(script.commands[-1]) == (None, 2, 0, 0)


def test_get_without_a_context_for_the_instances() -> None:
    script = Script(answered)
    assert script.run(serve_get(request(CommandField.C_GET_RQ), Root.STUDY, Holds(2), {1: context(1)})) == 0xA702
    assert failed(script.sent[-1]) == ["1.2.0", "1.2.1"]


def test_get_is_cancelled_while_it_waits_for_an_answer() -> None:
    cancel = Message(context(9, GET), Command(CommandField.C_CANCEL_RQ, MessageIDBeingRespondedTo=5))
    turn = iter([cancel, None])

    def answer(script: Script) -> Message:
        return next(turn) or answered(script)

    script = Script(answer)
    contexts = {3: context(3, as_scp=True)}
    assert script.run(serve_get(request(CommandField.C_GET_RQ), Root.STUDY, Holds(3), contexts)) == 0xFE00
    assert counts(script.commands[-1]) == (2, 1, 0, 0)


def test_get_of_nothing_is_a_success() -> None:
    script = Script(iter(()))
    assert script.run(serve_get(request(CommandField.C_GET_RQ), Root.STUDY, Holds(0), {})) == 0
    assert counts(script.commands[-1]) == (None, 0, 0, 0)


def test_more_than_65535_are_counted_as_far_as_counts_go() -> None:
    script = Script(iter(()))
    sink = Sink([0xA700] * 70_000)
    assert script.run(serve_move(request(CommandField.C_MOVE_RQ), Root.STUDY, Holds(70_000), sink, "A")) == 0xA702
    assert counts(script.commands[-1]) == (None, 0, 65_535, 0)
