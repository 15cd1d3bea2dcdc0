"""Command sets: bytes against pynetdicom's, what is refused, responses."""

from __future__ import annotations

import copy
from io import BytesIO
from typing import Any

import pytest
from pydicom.filereader import read_dataset
from pynetdicom import dimse_messages as oracle

from kerma.dimse import Command, CommandField
from kerma.dimse.fields import ELEMENTS, MESSAGES, NO_DATA_SET, DataSet, Kind, Priority
from kerma.errors import LocalProtocolError, RemoteProtocolError

CT = "1.2.840.10008.5.1.4.1.1.2"
SAMPLE: dict[Kind, Any] = {
    Kind.US: 7,
    Kind.UI: "1.2.840.1",
    Kind.AE: "STORE",
    Kind.LO: "a comment",
    Kind.AT: (0x00100010,),
}
KIND_OF = dict(ELEMENTS.values())


def sample(field: CommandField, *, optional: bool = True) -> Command:
    """A message with all its elements."""
    message = MESSAGES[field]
    keywords = (*message.required, *(message.optional if optional else ()))
    return Command(field, **{keyword: SAMPLE[KIND_OF[keyword]] for keyword in keywords})


def element(number: int, value: bytes, group: int = 0) -> bytes:
    return group.to_bytes(2, "little") + number.to_bytes(2, "little") + len(value).to_bytes(4, "little") + value


ECHO = {0x0002: b"1.2.840.10008.1.1\0", 0x0100: b"\x30\0", 0x0110: b"\1\0", 0x0800: b"\1\1"}


def echo(**changes: bytes | None) -> bytes:
    """A C-ECHO-RQ with elements changed, added, or left out."""
    values: dict[int, bytes | None] = {**ECHO, **{int(name[1:], 16): value for name, value in changes.items()}}
    return b"".join(element(number, value) for number, value in sorted(values.items()) if value is not None)


def test_echo_is_as_the_standard_says() -> None:
    command = Command(CommandField.C_ECHO_RQ, MessageID=1, AffectedSOPClassUID="1.2.840.10008.1.1")
    assert command.encode() == element(0, (56).to_bytes(4, "little")) + echo()
    assert Command.decode(command.encode()) == command
    assert not command.has_data
    assert not command.is_response


@pytest.mark.parametrize("field", CommandField)
def test_every_message_survives(field: CommandField) -> None:
    for command in (sample(field), sample(field, optional=False)):
        data = command.encode()
        assert Command.decode(data) == command
        assert Command.decode(memoryview(data)) == command
        assert int.from_bytes(data[8:12], "little") == len(data) - 12
        assert hash(Command.decode(data)) == hash(command)


@pytest.mark.parametrize("field", CommandField)
def test_pydicom_reads_the_same(field: CommandField) -> None:
    command = sample(field)
    read = read_dataset(BytesIO(command.encode()), is_implicit_VR=True, is_little_endian=True)
    assert [element.tag for element in read] == sorted(element.tag for element in read)
    assert read.CommandField == field
    for item in read:
        if item.keyword not in ("CommandGroupLength", "CommandField", "CommandDataSetType"):
            expected = command.get(item.keyword)
            assert item.value == (expected[0] if isinstance(expected, tuple) else expected)


@pytest.mark.parametrize("field", CommandField)
def test_messages_of_pynetdicom_have_the_elements_that_we_know(field: CommandField) -> None:
    name = field.printed.replace("-", "_")
    theirs = getattr(oracle, name)().command_set
    known = {*MESSAGES[field].required, *MESSAGES[field].optional, "CommandField", "CommandDataSetType"}
    assert {item.keyword for item in theirs} - known <= {"CommandGroupLength"}


def test_values_are_read_by_keyword() -> None:
    command = Command.decode(sample(CommandField.C_MOVE_RQ).encode())
    assert command.MoveDestination == "STORE"
    assert command.get("Status") is None
    assert command.get("MessageID") == 7
    with pytest.raises(AttributeError, match="C-MOVE-RQ has no Status here"):
        _ = command.Status
    with pytest.raises(AttributeError):
        _ = command.Nonsense
    assert copy.copy(command) == command
    assert command != object()


def test_nothing_of_a_patient_is_shown() -> None:
    command = Command(CommandField.C_FIND_RSP, MessageIDBeingRespondedTo=1, Status=0xC000, ErrorComment="DOE^JOHN")
    assert "DOE" not in repr(command)
    assert "C-FIND-RSP" in repr(command)


def test_data_set_type() -> None:
    response = Command(CommandField.C_FIND_RSP, MessageIDBeingRespondedTo=1, Status=0xFF00)
    assert not Command.decode(response.encode()).has_data
    assert Command.decode(response.encode(has_data=True)).has_data
    with pytest.raises(LocalProtocolError, match="needs a data set"):
        sample(CommandField.C_STORE_RQ).encode(has_data=False)
    with pytest.raises(LocalProtocolError, match="has no data set"):
        sample(CommandField.C_ECHO_RQ).encode(has_data=True)
    # Any value but 0101H says that a data set follows (PS3.7 E.1), and it is kept.
    old = Command(CommandField.C_FIND_RSP, MessageIDBeingRespondedTo=1, Status=0xFF00, CommandDataSetType=0x0102)
    assert Command.decode(old.encode()).CommandDataSetType == 0x0102


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "without Command Field"),
        (b"\0\0\0\1\2\0\0", "7 stray bytes"),
        (echo() + b"\0", "1 stray bytes"),
        (element(0x10, b"ab", group=8) + echo(), r"\(0008,0010\) in a command set"),
        (echo()[:-1], "of 2 bytes where 1 are left"),
        (echo(x0100=None), "without Command Field"),
        (echo(x0100=b""), "without Command Field"),
        (echo(x0100=b"\x31\0"), "0031H is not defined"),
        (echo(x0100=b"\x30\0\0\0"), "has 4 bytes instead of 2"),
        (echo(x0110=None), r"lacks MessageID \(0000,0110\)"),
        (echo(x0110=b""), "lacks MessageID"),
        (echo(x0002=None), "lacks AffectedSOPClassUID"),
        (echo(x0002=b""), "lacks AffectedSOPClassUID"),
        (echo(x0800=None), "lacks CommandDataSetType"),
        (echo(x0800=b"\0\0"), "says that a data set follows"),
        (echo() + element(0x0110, b"\2\0"), "is there twice"),
        (echo(x0901=b"\0\0\0"), "no list of tags"),
        (b"\0\0\0\1\xff\xff\xff\xff" + bytes(20), "of 4294967295 bytes where 20"),
        (b"GET / HTTP/1.1\r\n", "in a command set"),
    ],
)
def test_what_is_no_command_set(data: bytes, says: str) -> None:
    with pytest.raises(RemoteProtocolError, match=says) as caught:
        Command.decode(data)
    assert (caught.value.source, caught.value.reason) == (0, 0)


@pytest.mark.parametrize("field", CommandField)
def test_every_required_element_is_missed(field: CommandField) -> None:
    whole = sample(field, optional=False)
    values = {keyword: whole.get(keyword) for keyword in MESSAGES[field].required}
    for keyword in values:
        short = Command(field, **{name: value for name, value in values.items() if name != keyword})
        with pytest.raises(LocalProtocolError, match=f"lacks {keyword}"):
            short.encode()


@pytest.mark.parametrize("field", CommandField)
def test_data_set_where_the_message_has_none_or_needs_one(field: CommandField) -> None:
    kind = MESSAGES[field].data_set
    data = sample(field, optional=False).encode()
    wrong = NO_DATA_SET if kind is DataSet.ALWAYS else 0
    changed = data.replace(
        element(0x0800, sample(field).CommandDataSetType.to_bytes(2, "little")),
        element(0x0800, wrong.to_bytes(2, "little")),
    )
    if kind is DataSet.MAYBE:
        assert Command.decode(changed).has_data
    else:
        with pytest.raises(RemoteProtocolError, match="data set follows"):
            Command.decode(changed)


def test_what_is_tolerated() -> None:
    # Retired elements (PS3.7 E.2), elements out of order, a wrong group length, a missing one, odd padding.
    plain = Command.decode(echo())
    assert Command.decode(echo(x0001=b"\1\0\0\0", x5010=b"abc")) == plain
    assert Command.decode(b"".join(element(number, value) for number, value in reversed(ECHO.items()))) == plain
    assert Command.decode(element(0, b"\xff\xff\0\0") + echo()) == plain
    assert Command.decode(echo(x0002=b"1.2.840.10008.1.1")) == plain
    assert Command.decode(echo(x0002=b"1.2.840.10008.1.1 ")) == plain


@pytest.mark.parametrize(
    ("field", "values", "says"),
    [
        (CommandField.C_ECHO_RQ, {"Status": 0}, "C-ECHO-RQ has no element Status"),
        (CommandField.C_ECHO_RQ, {"MessageID": None}, "is None"),
        (CommandField.C_ECHO_RQ, {"MessageID": 70_000, "AffectedSOPClassUID": "1.2"}, "no US value"),
        (CommandField.C_ECHO_RQ, {"MessageID": "1", "AffectedSOPClassUID": "1.2"}, "no US value"),
        (CommandField.C_ECHO_RQ, {"MessageID": 1, "AffectedSOPClassUID": "€"}, "no UI value"),
        (CommandField.C_ECHO_RQ, {"MessageID": 1, "AffectedSOPClassUID": 12}, "no UI value"),
        (
            CommandField.C_ECHO_RSP,
            {"MessageIDBeingRespondedTo": 1, "Status": 0, "OffendingElement": "x"},
            "no AT value",
        ),
    ],
)
def test_what_is_not_sent(field: CommandField, values: dict[str, Any], says: str) -> None:
    with pytest.raises(LocalProtocolError, match=says):
        Command(field, **values).encode()


def test_impossible_uids_go_back_as_they_came() -> None:
    request = Command.decode(echo(x0002=b"../../\xff\xfe"))
    answer = request.response(0x0122)
    assert Command.decode(answer.encode()).AffectedSOPClassUID == "../../\xff\xfe"
    assert b"../../\xff\xfe" in answer.encode()


def test_comments_lose_what_the_default_repertoire_has_not() -> None:
    response = Command(CommandField.C_ECHO_RSP, MessageIDBeingRespondedTo=1, Status=0x110, ErrorComment="Größe")
    assert Command.decode(response.encode()).ErrorComment == "Gr??e"


def test_responses_take_back_what_belongs_to_them() -> None:
    store = Command(
        CommandField.C_STORE_RQ,
        MessageID=9,
        Priority=Priority.HIGH,
        AffectedSOPClassUID=CT,
        AffectedSOPInstanceUID="1.2",
    )
    answer = store.response(0xA700, ErrorComment="full")
    assert answer.field is CommandField.C_STORE_RSP
    assert answer.is_response
    assert (answer.MessageIDBeingRespondedTo, answer.Status, answer.ErrorComment) == (9, 0xA700, "full")
    assert (answer.AffectedSOPClassUID, answer.AffectedSOPInstanceUID) == (CT, "1.2")
    action = Command(
        CommandField.N_ACTION_RQ, MessageID=3, RequestedSOPClassUID="1.1", RequestedSOPInstanceUID="1.2", ActionTypeID=4
    )
    done = action.response(0)
    assert (done.AffectedSOPClassUID, done.AffectedSOPInstanceUID, done.ActionTypeID) == ("1.1", "1.2", 4)
    assert Command.decode(done.encode()) == done


def test_single_and_many_tags() -> None:
    one = Command(CommandField.N_GET_RSP, MessageIDBeingRespondedTo=1, Status=0, AttributeIdentifierList=0x00100020)
    assert Command.decode(one.encode()).AttributeIdentifierList == (0x00100020,)
    many = tuple(range(0x00100000, 0x00100000 + 5_000))
    get = Command(
        CommandField.N_GET_RQ,
        MessageID=1,
        RequestedSOPClassUID="1.1",
        RequestedSOPInstanceUID="1.2",
        AttributeIdentifierList=many,
    )
    assert Command.decode(get.encode()).AttributeIdentifierList == many
