"""PDUs: bytes as the standard prints them, round trips, and what is refused."""

from __future__ import annotations

import pytest
from pynetdicom import pdu as oracle
from tests.ul.samples import AC, CT, FULL_AC, FULL_RQ, IMPLICIT, RQ

from kerma.errors import LocalProtocolError, RemoteProtocolError
from kerma.ul import pdu
from kerma.ul.codes import abort_text, context_result_text, reject_text

SMALL = [
    (pdu.AssociateRJ(1, 1, 7), "03000000000400010107"),
    (pdu.ReleaseRQ(), "05000000000400000000"),
    (pdu.ReleaseRP(), "06000000000400000000"),
    (pdu.Abort(2, 6), "07000000000400000206"),
    (
        pdu.PDataTF(
            (pdu.PresentationDataValue(1, True, True, b"abcd"), pdu.PresentationDataValue(3, False, False, b""))
        ),
        "0400000000100000000601036162636400000002" + "0300",
    ),
]


@pytest.mark.parametrize(("value", "printed"), SMALL)
def test_small_pdus_are_as_printed(value: pdu.PDU, printed: str) -> None:
    assert value.encode().hex() == printed
    assert pdu.decode(bytes.fromhex(printed)) == value


@pytest.mark.parametrize("value", [RQ, AC, FULL_RQ, FULL_AC])
def test_associate_round_trip(value: pdu.PDU) -> None:
    assert pdu.decode(value.encode()) == value
    assert pdu.decode(value.encode()).encode() == value.encode()


@pytest.mark.parametrize(("value", "theirs"), [(FULL_RQ, oracle.A_ASSOCIATE_RQ), (FULL_AC, oracle.A_ASSOCIATE_AC)])
def test_pynetdicom_reads_ours_and_we_read_its(value: pdu.PDU, theirs: type) -> None:
    # pynetdicom does not keep unknown items and knows them not at all at the top.
    known = pdu.decode(value.encode())
    assert isinstance(known, pdu.AssociateRQ | pdu.AssociateAC)
    user = pdu.UserInformation(**{name: getattr(known.user, name) for name in _USER_FIELDS})
    known = type(known)(known.called_ae_title, known.calling_ae_title, known.contexts, user)  # type: ignore[arg-type]
    parsed = theirs()
    parsed.decode(known.encode())
    assert parsed.user_information.maximum_length == known.user.maximum_length
    assert parsed.user_information.implementation_class_uid == known.user.implementation_class_uid
    assert [item.presentation_context_id for item in parsed.presentation_context] == [c.id for c in known.contexts]
    assert pdu.decode(parsed.encode()) == known


_USER_FIELDS = [
    "maximum_length",
    "implementation_class_uid",
    "implementation_version_name",
    "asynchronous_operations_window",
    "roles",
    "extended",
    "common_extended",
    "user_identity",
    "user_identity_response",
]


def test_reserved_bytes_are_not_tested() -> None:
    data = bytearray(RQ.encode())
    data[1] = 0xFF
    data[8:10] = b"\xff\xff"
    data[42:74] = bytes(range(32))
    assert pdu.decode(data) == RQ


def test_titles_lose_only_spaces_and_uids_only_padding() -> None:
    data = RQ.encode().replace(b"ACCEPTOR        ", b"   ACCEPTOR\0\0\0\0\0")
    assert pdu.decode(data) == RQ
    context = pdu.PresentationContextRQ(1, CT + "\0", (IMPLICIT + " ",))
    read = pdu.decode(pdu.AssociateRQ("A", "B", (context,)).encode())
    assert isinstance(read, pdu.AssociateRQ)
    assert read.contexts == (pdu.PresentationContextRQ(1, CT, (IMPLICIT,)),)


def test_unstated_maximum_length_is_small() -> None:
    user = pdu.UserInformation.decode(memoryview(b"\x52\0\0\3" + b"1.2"))
    assert user == pdu.UserInformation(16_384, "1.2")


def test_long_sub_items_survive() -> None:
    user = pdu.UserInformation(user_identity=pdu.UserIdentityRQ(4, b"<saml>" * 9_000, b"", True))
    request = pdu.AssociateRQ("A", "B", RQ.contexts, user)
    assert pdu.decode(request.encode()) == request
    with pytest.raises(LocalProtocolError, match="65535"):
        pdu.UserInformation(user_identity=pdu.UserIdentityRQ(4, b"x" * 65_530)).encode()


def test_secrets_are_not_shown() -> None:
    shown = repr(FULL_RQ) + repr(FULL_AC) + str(FULL_RQ)
    assert "pass" not in shown
    assert "ticket" not in shown


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "6 bytes"),
        (b"\x09\0\0\0\0\0", "09H is not defined"),
        (b"\x05\0\0\0\0\4\0\0\0", "3 bytes follow"),
        (b"\x05\0\0\0\0\2\0\0", "instead of 4"),
        (b"\x01\0\0\0\0\4abcd", "at least 68"),
        (b"\x04\0\0\0\0\0", "without presentation data value"),
        (b"\x04\0\0\0\0\3abc", "3 stray bytes"),
        (b"\x04\0\0\0\0\6\0\0\0\3\1\0", "3 bytes where 2 are left"),
        (b"\x04\0\0\0\0\6\0\0\0\1\1\0", "of 1 bytes"),
    ],
)
def test_broken_pdus_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(RemoteProtocolError, match=says) as caught:
        pdu.decode(data)
    assert caught.value.source == 2


def associate(*items: bytes) -> bytes:
    """An A-ASSOCIATE-RQ with these items behind the fixed fields."""
    value = b"\0\1\0\0" + b"A".ljust(16) + b"B".ljust(16) + bytes(32) + b"".join(items)
    return b"\1\0" + len(value).to_bytes(4) + value


APPLICATION = b"\x10\0\0\x15" + pdu.APPLICATION_CONTEXT_NAME.encode()
USER = b"\x50\0\0\x08\x51\0\0\4\0\0\x40\0"
CONTEXT = b"\x20\0\0\x0e\1\0\0\0\x30\0\0\1x\x40\0\0\1y"


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ([APPLICATION, CONTEXT], "without application context or user information"),
        ([CONTEXT, USER], "without application context or user information"),
        ([APPLICATION, APPLICATION, CONTEXT, USER], "application context item is there twice"),
        ([APPLICATION, CONTEXT, USER, USER], "user information item is there twice"),
        ([APPLICATION, CONTEXT, CONTEXT, USER], "id 1 is there twice"),
        ([APPLICATION, CONTEXT.replace(b"\1\0\0\0\x30", b"\2\0\0\0\x30"), USER], "id 2 is not odd"),
        ([APPLICATION, b"\x20\0\0\3\1\0\0", USER], "at least 4"),
        ([APPLICATION, b"\x20\0\0\x09\1\0\0\0\x30\0\0\1x", USER], "no transfer syntax"),
        ([APPLICATION, b"\x20\0\0\x09\1\0\0\0\x40\0\0\1x", USER], "no abstract syntax"),
        ([APPLICATION, b"\x20\0\0\x0e\1\0\0\0\x30\0\0\1x\x30\0\0\1y", USER], "two abstract syntaxes"),
        ([APPLICATION, CONTEXT, b"\x50\0\0\x08\x51\0\0\5\0\0\x40\0"], "5 bytes in an item that has 4 left"),
        ([APPLICATION, CONTEXT, b"\x50\0\0\x07\x51\0\0\3\0\x40\0"], "3 bytes instead of 4"),
        ([APPLICATION, CONTEXT, b"\x50\xff\xff\xff\x51\0\0\4\0\0\x40\0"], "65535 bytes in an item"),
        ([APPLICATION, CONTEXT, USER + b"\x11"], "stray bytes"),
        ([APPLICATION, CONTEXT, b"\x50\0\0\x10" + USER[4:] * 2], "51H is there twice"),
        ([APPLICATION, CONTEXT, b"\x50\0\0\x07\x53\0\0\3abc"], "asynchronous operations window has 3"),
        ([APPLICATION, CONTEXT, b"\x50\0\0\x09\x54\0\0\5\0\1x\2\0"], "neither 0 nor 1"),
        ([APPLICATION, CONTEXT, b"\x50\0\0\x09\x54\0\0\5\0\2x\2\0"], "1 bytes instead of 2"),
        ([APPLICATION, CONTEXT, b"\x50\0\0\x07\x56\0\0\3\0\2x"], "2 bytes in an item that has 1 left"),
        ([APPLICATION, CONTEXT, b"\x50\0\0\x0b\x57\0\0\7\0\0\0\0\0\3x"], "3 bytes in an item that has 1 left"),
        ([APPLICATION, CONTEXT, b"\x50\0\0\x0a\x58\0\0\6\1\0\0\0\0\1"], "1 bytes in an item that has 0 left"),
        ([APPLICATION, CONTEXT, b"\x50\0\0\x0b\x58\0\0\7\1\0\0\0\0\0x"], "rest of user identity"),
        ([APPLICATION, CONTEXT, b"\x50\0\0\x05\x59\0\0\1x"], "at least 2"),
    ],
)
def test_broken_items_are_refused(items: list[bytes], says: str) -> None:
    with pytest.raises(RemoteProtocolError, match=says) as caught:
        pdu.decode(associate(*items))
    assert (caught.value.source, caught.value.reason) == (2, 6)


def test_the_smallest_request_is_read() -> None:
    read = pdu.decode(associate(APPLICATION, CONTEXT, USER))
    assert read == pdu.AssociateRQ("A", "B", (pdu.PresentationContextRQ(1, "x", ("y",)),), pdu.UserInformation(0x4000))


def test_unknown_items_are_skipped_and_only_some_are_kept() -> None:
    read = pdu.decode(associate(APPLICATION, CONTEXT, b"\x60\0\0\0" * 5_000, USER))
    assert isinstance(read, pdu.AssociateRQ)
    assert read.unknown == (pdu.UnknownItem(0x60, b""),) * 64
    user = pdu.UserInformation.decode(memoryview(b"\x5f\0\0\1x" * 100 + USER[4:]))
    assert user.maximum_length == 0x4000
    assert user.unknown == (pdu.UnknownItem(0x5F, b"x"),) * 64


def test_accepted_context_needs_one_transfer_syntax() -> None:
    data = AC.encode().replace(
        b"\x21\0\0\x19\1\0\0\0\x40\0\0\x11" + IMPLICIT.encode(), b"\x21\0\0\4\1\0\0\0" + b"\x21" * 0
    )
    data = data[:2] + (len(data) - 6).to_bytes(4) + data[6:]
    with pytest.raises(RemoteProtocolError, match="0 transfer syntaxes"):
        pdu.decode(data)
    # A refused one needs none: the field has no meaning there (PS3.8 9.3.3.2).
    read = pdu.decode(data.replace(b"\x21\0\0\4\1\0\0\0", b"\x21\0\0\4\1\0\3\0"))
    assert isinstance(read, pdu.AssociateAC)
    assert read.contexts[0] == pdu.PresentationContextAC(1, 3, "")


def test_answer_without_application_context_is_read() -> None:
    data = AC.encode().replace(APPLICATION, b"")
    data = data[:2] + (len(data) - 6).to_bytes(4) + data[6:]
    assert pdu.decode(data) == AC


@pytest.mark.parametrize("title", ["X" * 17, "Größe€"])
def test_impossible_titles_are_not_sent(title: str) -> None:
    with pytest.raises(LocalProtocolError, match="AE title"):
        pdu.AssociateRQ(title, "B", RQ.contexts).encode()


def test_impossible_names_are_not_sent() -> None:
    with pytest.raises(LocalProtocolError, match="8859"):
        pdu.AssociateRQ("A", "B", (pdu.PresentationContextRQ(1, "€", ("1",)),)).encode()


def test_codes_are_printed() -> None:
    assert reject_text(1, 1, 7) == "rejected-permanent, called-AE-title-not-recognized, by DICOM UL service-user"
    assert reject_text(9, 9, 9) == "reserved result 9, reserved reason 9, by reserved source 9"
    assert abort_text(0, 5) == "aborted by DICOM UL service-user"
    assert abort_text(2, 1) == "aborted by DICOM UL service-provider: unrecognized-PDU"
    assert abort_text(2, 3) == "aborted by DICOM UL service-provider: reserved reason 3"
    assert context_result_text(4) == "transfer-syntaxes-not-supported (provider rejection)"
    assert context_result_text(9) == "reserved result 9"
    assert str(pdu.Abort(2, 2, detail="too early")).endswith("unexpected-PDU: too early")
    assert "transient" in str(pdu.AssociateRJ(2, 3, 2))
