"""The scan: where elements lie, and what is refused (PS3.5 7.1)."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from kerma.encoding.marks import Marks
from kerma.encoding.scan import careful, scan, scan_head
from kerma.encoding.syntax import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, Encoding, encoding_of, key_of
from kerma.encoding.writer import element_header, item_end, item_header, sequence_end
from kerma.errors import FormatError, LimitError, TruncatedError, UnsupportedSyntaxError
from kerma.limits import Limits, Strictness

ENCODINGS = [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE]
UNDEFINED = 0xFFFFFFFF


def marks(**limits: Any) -> Marks:
    return Marks(Limits(**limits), Strictness.LENIENT)


def element(encoding: Encoding, tag: int, vr: str, value: bytes) -> bytes:
    return element_header(encoding, tag, vr, len(value)) + value


def small(encoding: Encoding) -> tuple[bytes, list[int]]:
    parts = [
        element(encoding, 0x00080016, "UI", b"1.2\0"),
        element(encoding, 0x00100010, "PN", b"A^B "),
        element(encoding, 0x00280010, "US", encoding.u16.pack(3)),
        element(encoding, 0x7FE00010, "OW", bytes(40)),
    ]
    offsets = [sum(map(len, parts[:at])) for at in range(len(parts))]
    return b"".join(parts), offsets


@pytest.mark.parametrize("encoding", ENCODINGS, ids=repr)
def test_every_element_is_found_where_it_lies(encoding: Encoding) -> None:
    data, offsets = small(encoding)
    index = scan(data, 0, len(data), encoding, marks())
    assert index == dict(zip(map(key_of, (0x00080016, 0x00100010, 0x00280010, 0x7FE00010)), offsets, strict=True))
    assert careful(data, 0, len(data), encoding, marks()) == index


@pytest.mark.parametrize("encoding", ENCODINGS, ids=repr)
def test_every_cut_is_an_error_that_says_where_and_how_much(encoding: Encoding) -> None:
    data, offsets = small(encoding)
    for end in range(1, len(data)):
        if end in offsets:
            continue  # between elements a shorter data set is a whole one
        with pytest.raises(TruncatedError) as caught:
            scan(data[:end], 0, end, encoding, marks())
        error = caught.value
        start = max(at for at in offsets if at < end)
        assert error.offset == start
        assert error.missing >= 1
        if error.path:  # the header is whole, so the tag is known and the whole gap
            stop = next((at for at in offsets if at > start), len(data))
            assert error.missing == stop - end


def test_a_length_of_four_gigabytes_in_a_small_file_is_refused_at_once() -> None:
    data = element_header(EXPLICIT_LE, 0x7FE00010, "OW", 0xFFFFFFFE) + b"1234"
    with pytest.raises(TruncatedError) as caught:
        scan(data, 0, len(data), EXPLICIT_LE, marks())
    assert caught.value.missing == 0xFFFFFFFE - 4
    assert caught.value.path == (0x7FE00010,)


@pytest.mark.parametrize("encoding", ENCODINGS, ids=repr)
def test_undefined_lengths_are_walked_and_remembered(encoding: Encoding) -> None:
    inner = element(encoding, 0x00080100, "SH", b"X ")
    body = item_header(encoding) + inner + item_end(encoding) + item_header(encoding, len(inner)) + inner
    head = element_header(encoding, 0x00081140, "SQ", UNDEFINED)
    data = head + body + sequence_end(encoding) + element(encoding, 0x00100010, "PN", b"A ")
    known = marks()
    index = scan(data, 0, len(data), encoding, known)
    assert index[key_of(0x00100010)] == len(head) + len(body) + 8
    assert known.ends[len(head)] == len(head) + len(body)
    assert known.ends[len(head) + 8] == len(head) + 8 + len(inner)


def test_un_of_undefined_length_is_implicit_inside() -> None:
    inner = element(IMPLICIT_LE, 0x00080100, "SH", b"X ")
    data = element_header(EXPLICIT_LE, 0x00091010, "UN", UNDEFINED)
    data += item_header(EXPLICIT_LE) + inner + item_end(EXPLICIT_LE) + sequence_end(EXPLICIT_LE)
    assert scan(data, 0, len(data), EXPLICIT_LE, marks()) == {key_of(0x00091010): 0}


def test_a_sequence_cut_inside_is_an_error_with_its_path() -> None:
    data = element_header(EXPLICIT_LE, 0x00081140, "SQ", UNDEFINED) + item_header(EXPLICIT_LE)
    data += element_header(EXPLICIT_LE, 0x00080100, "SH", 10) + b"short"
    with pytest.raises(TruncatedError) as caught:
        scan(data, 0, len(data), EXPLICIT_LE, marks())
    assert caught.value.path == (0x00081140, 0, 0x00080100)
    assert caught.value.missing == 5


def test_a_missing_delimiter_at_the_end_is_a_finding_and_an_error_when_strict() -> None:
    data = element_header(EXPLICIT_LE, 0x00081140, "SQ", UNDEFINED) + item_header(EXPLICIT_LE, 0)
    known = marks()
    assert list(scan(data, 0, len(data), EXPLICIT_LE, known)) == [key_of(0x00081140)]
    assert [finding.code for finding in known.findings] == ["missing-delimiter"]
    with pytest.raises(FormatError):
        scan(data, 0, len(data), EXPLICIT_LE, Marks(Limits(), Strictness.STRICT))


def test_trailing_zeros_are_a_finding_and_other_garbage_an_error() -> None:
    data, _ = small(EXPLICIT_LE)
    known = marks()
    assert len(scan(data + bytes(13), 0, len(data) + 13, EXPLICIT_LE, known)) == 4
    assert known.findings[0].code == "trailing-padding"
    assert known.findings[0].offset == len(data)
    for garbage in (b"garbage after the data set!!", b"\xff" * 9, b"abc"):
        with pytest.raises(FormatError) as caught:
            scan(data + garbage, 0, len(data) + len(garbage), EXPLICIT_LE, marks())
        assert caught.value.offset == len(data)


@pytest.mark.parametrize("blank", [b"  ", b"\0\0", b"??"])
def test_a_blank_vr_is_taken_from_the_dictionary(blank: bytes) -> None:
    data, offsets = small(EXPLICIT_LE)
    broken = data[: offsets[1] + 4] + blank + data[offsets[1] + 6 :]
    known = marks()
    assert list(scan(broken, 0, len(broken), EXPLICIT_LE, known).values()) == offsets
    assert known.odd[offsets[1]].vr == "PN"
    assert known.findings[0].code == "wrong-vr"


def test_an_element_in_implicit_vr_inside_explicit_is_understood() -> None:
    first = element(EXPLICIT_LE, 0x00080016, "UI", b"1.2\0")
    middle = element(IMPLICIT_LE, 0x00100010, "PN", b"Doe^John")
    last = element(EXPLICIT_LE, 0x00280010, "US", b"\3\0")
    data = first + middle + last
    known = marks()
    assert len(scan(data, 0, len(data), EXPLICIT_LE, known)) == 3
    assert known.odd[len(first)].length == 8


def test_a_long_vr_with_a_short_length_field_is_understood() -> None:
    slipped = struct.pack("<HH2sH", 0x0040, 0xA160, b"UT", 4) + b"text"
    data = slipped + element(EXPLICIT_LE, 0x00500010, "SH", b"ab")
    known = marks()
    assert len(scan(data, 0, len(data), EXPLICIT_LE, known)) == 2
    assert known.findings[0].code == "length-field"


def test_limits_hold() -> None:
    data = b"".join(element(EXPLICIT_LE, 0x00080000 + at, "SH", b"") for at in range(1, 60))
    with pytest.raises(LimitError):
        scan(data, 0, len(data), EXPLICIT_LE, marks(max_elements=20))
    deep = (element_header(EXPLICIT_LE, 0x0040A730, "SQ", UNDEFINED) + item_header(EXPLICIT_LE)) * 12
    deep += (item_end(EXPLICIT_LE) + sequence_end(EXPLICIT_LE)) * 12
    assert len(scan(deep, 0, len(deep), EXPLICIT_LE, marks(max_depth=12))) == 1
    with pytest.raises(LimitError):
        scan(deep, 0, len(deep), EXPLICIT_LE, marks(max_depth=5))


@pytest.mark.parametrize("encoding", ENCODINGS, ids=repr)
def test_the_head_ends_where_pixel_data_begins(encoding: Encoding) -> None:
    data, offsets = small(encoding)
    assert scan_head(data, len(data), encoding, marks(), last=True) == offsets[-1]
    partial = marks()
    partial.partial = True
    assert scan_head(data, offsets[-1], encoding, partial, last=False) == -1
    assert partial.whole == offsets[-1]


def test_an_unknown_syntax_is_named_and_never_printed_at_length() -> None:
    with pytest.raises(UnsupportedSyntaxError) as caught:
        encoding_of("1." * 5000)
    assert len(str(caught.value)) < 200


def test_a_fragment_that_is_cut_has_a_right_path() -> None:
    data = element_header(EXPLICIT_LE, 0x7FE00010, "OB", UNDEFINED) + item_header(EXPLICIT_LE, 64) + b"short"
    with pytest.raises(TruncatedError) as caught:
        scan(data, 0, len(data), EXPLICIT_LE, marks())
    assert caught.value.path == (0x7FE00010,)
    assert caught.value.missing == 59
