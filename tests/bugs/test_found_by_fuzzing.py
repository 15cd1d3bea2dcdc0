"""What coverage-guided fuzzing has found, each once, as small as it can be."""

from __future__ import annotations

import pytest

from kerma.dataset import Dataset
from kerma.dataset.fragments import Fragments
from kerma.dataset.salvage import kept
from kerma.dimse import Command, CommandField
from kerma.errors import FormatError, RemoteProtocolError
from kerma.formats import part10
from kerma.formats.json import from_json, to_json
from kerma.formats.media.directory import Record
from kerma.formats.media.writing import encode
from kerma.formats.xml import from_xml, to_xml
from kerma.limits import Strictness

EXPLICIT_LE = "1.2.840.10008.1.2.1"
IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT = b"\x08\0\x60\0CS\2\0CT" + b"\x10\0\x10\0PN\2\0A "


def test_a_command_with_a_uid_of_padding_lacks_it() -> None:
    """It was read, but what was written of it could not be read."""
    uid = "1.2.3"
    right = Command(
        CommandField.N_DELETE_RQ, MessageID=1, RequestedSOPClassUID=uid, RequestedSOPInstanceUID="9.9.9"
    ).encode()
    with pytest.raises(RemoteProtocolError, match="lacks RequestedSOPInstanceUID"):
        Command.decode(right.replace(b"9.9.9\0", bytes(6)))


def test_a_file_id_that_is_no_text() -> None:
    """A Referenced File ID with VR US was a TypeError."""
    record = Dataset()
    record.add(0x00041500, "US", 7)
    assert Record(record, "IMAGE").file_id is not None


def test_what_a_failed_walk_found_is_not_believed() -> None:
    """Of pixel data whose fragments run into nonsense, the first attempt to read it left an end behind; salvage took
    that for whole and said nothing.
    """
    ds = Dataset()
    ds.SOPInstanceUID = "1.2.3"
    nonsense = b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff" + b"\xfe\xff\0\xe0\0\0\0\0" + b"\xfe\xff\xdd\x20\0\0\0\0"
    data = bytes(128) + b"DICM" + b"\2\0\x10\0UI\x14\0" + EXPLICIT_LE.encode() + b"\0" + ds.to_bytes(EXPLICIT_LE)
    found = part10.read(data + nonsense, strictness=Strictness.SALVAGE)
    assert [one.severity for one in found.findings if one.code == "damaged"] == ["error"]


def test_a_stray_meta_element_in_a_dicomdir_is_not_written_behind_the_meta_information() -> None:
    """It became part of it, so the offsets were read from elsewhere, or nothing was read at all."""
    top = Dataset()
    top.add(0x00020013, "SH", "STRAY")
    top.add(0x00041130, "CS", "ID")
    written = b"".join(bytes(piece) for piece in encode(top, [], b""))
    assert b"STRAY" not in written
    assert b"ID" in written


def test_xml_in_an_encoding_that_nobody_knows() -> None:
    """It was a LookupError."""
    with pytest.raises(FormatError, match="encoding"):
        from_xml(b'<?xml version="1.0" encoding="SQF-8"?><NativeDicomModel/>')


def test_damage_that_another_encoding_explains_is_said() -> None:
    """Bytes that default reading refuses were salvaged in another encoding without a word."""
    ds = Dataset()
    ds.add(0x06020010, "UI", "1.2.3")
    ds.PatientID = "A"
    meta = b"\2\0\x10\0UI\x12\0" + b"1.2.840.10008.1.2\0"
    data = bytes(128) + b"DICM" + meta + b"\2\6\x10\0UI\6\0" + b"1.2.3\0" + ds.to_bytes(EXPLICIT_LE)
    with pytest.raises(FormatError):
        part10.read(data)
    found = part10.read(data, strictness=Strictness.SALVAGE)
    assert found.PatientID == "A"
    assert any(one.severity == "error" for one in found.findings)


def test_xml_in_an_encoding_of_several_bytes() -> None:
    """It was a ValueError."""
    with pytest.raises(FormatError, match="encoding"):
        from_xml(b'<?xml version="1.0" encoding="big5"?><NativeDicomModel/>')


def test_a_character_set_that_is_no_text() -> None:
    """It was a ValueError or a TypeError, where it was used."""
    with pytest.raises(FormatError, match="AT"):
        from_json('{"00080005": {"vr": "AT", "InlineBinary": "AAAAAA=="}}')


def test_meta_elements_in_a_data_set_are_not_written_behind_the_meta_information() -> None:
    """They were read as part of it, and changed the transfer syntax."""
    ds = Dataset()
    ds.SOPInstanceUID = "1.2.3"
    ds.add(0x00020010, "UI", "1.2.840.10008.1.2.1.99")
    again = part10.read(b"".join(bytes(piece) for piece in part10.file_chunks(ds)))
    assert again.SOPInstanceUID == "1.2.3"
    assert again.transfer_syntax_uid == EXPLICIT_LE


@pytest.mark.parametrize("strictness", [Strictness.LENIENT, Strictness.SALVAGE])
def test_a_changed_data_set_is_in_the_syntax_that_is_said(strictness: Strictness) -> None:
    """One that was in another encoding than its transfer syntax says was written so again when it was changed, and
    what was written need not tell that anew.
    """
    data = Dataset.from_bytes(EXPLICIT, EXPLICIT_LE).to_bytes(IMPLICIT_LE)
    ds = Dataset.from_bytes(data, EXPLICIT_LE, strictness=strictness)
    assert {one.code for one in ds.findings} == {"wrong-syntax"}
    assert ds.to_bytes() == data
    ds.PatientName = "B"
    assert ds.to_bytes() == EXPLICIT.replace(b"A ", b"B ")
    assert ds.to_bytes(EXPLICIT_LE) == EXPLICIT.replace(b"A ", b"B ")


def test_a_sequence_in_the_meta_information_has_its_items_in_json_and_xml() -> None:
    """Its items were left out and its brackets not closed."""
    ds = Dataset()
    ds.PatientID = "A"
    ds.meta = Dataset()
    item = Dataset()
    item.PatientID = "B"
    ds.meta.add(0x0002A730, "SQ", [item, Dataset()])
    for write, read in ((to_json, from_json), (to_xml, from_xml)):
        again = read(write(ds, meta=True))
        assert again.PatientID == "A"
        assert again.meta is not None
        assert [one.get("PatientID") for one in again.meta.value_of(0x0002A730)] == ["B", None]


def test_a_private_creator_of_two_lines_is_the_same_in_xml() -> None:
    """The line break in the attribute was read as a blank, so another block was reserved."""
    ds = Dataset()
    ds.add(0x00090010, "LT", "two\r\nlines\tof")
    ds.add(0x00091001, "ST", "text")
    again = from_xml(to_xml(ds))
    assert list(again) == [0x00090010, 0x00091001]


def test_damaged_meta_information_read_late_leaves_the_data_set_whole() -> None:
    """What was known of the data set behind it was dropped with what was known of the meta information."""
    ds = Dataset()
    ds.SOPInstanceUID = "1.2.3"
    ds.add("PixelData", "OB", Fragments([b"\xff\xd8\xff\xd9"]))
    data = b"".join(bytes(piece) for piece in part10.file_chunks(ds, "1.2.840.10008.1.2.4.50"))
    data = data.replace(b"\2\0\0\0UL\4\0", b"\2\0\0\0UL\xff\xff")
    found = part10.read(data, strictness=Strictness.SALVAGE)
    pixels = bytes(found["PixelData"].raw or b"")
    assert found.meta is not None
    assert list(found.meta.walk())
    found.PatientID = "A"
    again = part10.read(b"".join(bytes(piece) for piece in part10.file_chunks(found)))
    assert bytes(again["PixelData"].raw or b"") == pixels


def test_bytes_of_a_time_that_xml_cannot_hold_stay_the_same() -> None:
    """They were encoded once more each time, as if a time were in a character set."""
    ds = Dataset.from_bytes(b"\x08\0\x30\0TM\4\0\1\xc2\x99 ", EXPLICIT_LE)
    once = to_xml(ds)
    assert to_xml(from_xml(once)) == once
    assert from_xml(once).StudyTime == ds.StudyTime


def test_fragments_that_end_inside_a_header_keep_what_is_there() -> None:
    """What was said to be kept went a byte past the end."""
    ds = Dataset()
    ds.SOPInstanceUID = "1.2.3"
    ds.add("PixelData", "OB", Fragments([b"\xff\xd8\xff\xd9"]))
    data = b"".join(bytes(piece) for piece in part10.file_chunks(ds, "1.2.840.10008.1.2.4.50"))[:-1]
    found = part10.read(data, strictness=Strictness.SALVAGE)
    assert found["PixelData"].raw is not None
    (damage,) = [one for one in found.findings if one.severity == "error"]
    assert damage.kept == (len(data) - 7, len(data))
    assert len(kept(found, damage)) == 7


def test_a_private_creator_with_backslashes_is_refused_in_xml() -> None:
    """It was taken as one value and read as several."""
    text = '<NativeDicomModel><DicomAttribute tag="00090001" vr="ST" privateCreator="A\\B"/></NativeDicomModel>'
    with pytest.raises(FormatError, match="one value"):
        from_xml(text)
    ds = Dataset()
    ds.add(0x00090010, "LO", "A\\B")
    ds.add(0x00091001, "ST", "text")
    assert list(from_xml(to_xml(ds))) == [0x00090010, 0x00091001]


@pytest.mark.parametrize("name", ["=", "A\\=\\B", "=="])
def test_names_whose_groups_are_empty_are_null_in_json(name: str) -> None:
    """They were an empty object, which is read as an empty value."""
    ds = Dataset()
    ds.add(0x00100010, "PN", tuple(name.split("\\")) if "\\" in name else name)
    once = to_json(ds)
    assert to_json(from_json(once)) == once


def test_a_cut_fragment_outside_pixel_data_is_not_written_anew() -> None:
    """It was, and took the elements behind it for its bytes when that was read."""
    item = b"\xfe\xff\x00\xe0"
    value = item + b"\4\0\0\0abcd" + item + b"\xff\0\0\0abcd"
    found = Dataset.from_bytes(
        b"\x09\0\1\x10OB\0\0\xff\xff\xff\xff" + value, EXPLICIT_LE, strictness=Strictness.SALVAGE
    )
    assert list(found) == [0x00091001]
    found.PatientID = "A"
    again = Dataset.from_bytes(found.to_bytes(), EXPLICIT_LE)
    assert again.PatientID == "A"
    assert again.findings == []


@pytest.mark.parametrize(
    ("stored", "said"), [("A=B=C=", "C"), ("A=B=C =\0", "C"), ("A\\B=\0", ""), ("a=b=c=d=", "c=d")]
)
def test_a_name_that_ends_in_delimiters_of_no_group_stays_the_same(stored: str, said: str) -> None:
    """What was written of it was read as another name."""
    ds = Dataset()
    ds.add(0x00100010, "PN", tuple(stored.split("\\")) if "\\" in stored else stored)
    value = ds[0x00100010].value
    assert (value[-1] if isinstance(value, tuple) else value).phonetic == said
    for write, read in ((to_json, from_json), (to_xml, from_xml)):
        once = write(ds)
        assert write(read(once)) == once


def test_items_that_make_no_sense_up_to_the_end_of_two_sequences_end_both() -> None:
    """Where the inner one ended was taken for where the outer one goes on: written anew, it went round for ever."""
    sequence, item = b"\x40\0\x30\xa7SQ\0\0\xff\xff\xff\xff", b"\xfe\xff\0\xe0"
    inner = item + b"\x20\0\0\0" + sequence + item + b"\xff\xff\xff\x3b" + b"\xff" * 8
    found = Dataset.from_bytes(sequence + inner + b"\xff" * 40, EXPLICIT_LE, strictness=Strictness.SALVAGE)
    found.PatientID = "A"
    assert Dataset.from_bytes(found.to_bytes(), EXPLICIT_LE, strictness=Strictness.SALVAGE).PatientID == "A"
