"""Writing: untouched bytes stay, what changed is written anew, all encodings, character sets, styles (PS3.5 7, A)."""

from __future__ import annotations

import copy
import pickle

import pytest

from kerma.dataset import Dataset
from kerma.dataset.fragments import Fragments
from kerma.errors import UnsupportedSyntaxError, ValueEncodeError

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG = "1.2.840.10008.1.2.2"
JPEG = "1.2.840.10008.1.2.4.50"
SYNTAXES = [IMPLICIT, EXPLICIT, DEFLATED, BIG]

ITEM, ITEM_END, SEQUENCE_END = b"\xfe\xff\0\xe0", b"\xfe\xff\r\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0"
UNDEFINED = b"\xff\xff\xff\xff"


def sample() -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.PatientName = "Müller^Jörg"
    ds.Rows = 2
    ds.FrameIncrementPointer = 0x00181063
    ds.RescaleSlope = "1.5"
    ds.SelectorFDValue = [0.5, -3.25]
    ds.SelectorSLValue = [-5, 70000]
    inner = Dataset()
    inner.CodeMeaning = "Größe"
    item = Dataset()
    item.ConceptNameCodeSequence = [inner]
    ds.ContentSequence = [item, Dataset()]
    ds.private_block(0x0009, "KERMA", create=True).add(1, "UN", b"\1\2\3\4")
    ds.add("PixelData", "OW", b"\1\2\3\4\5\6\7\x08")
    return ds


@pytest.mark.parametrize("uid", SYNTAXES)
def test_what_is_written_is_read_back(uid: str) -> None:
    ds = sample()
    data = ds.to_bytes(uid)
    again = Dataset.from_bytes(data, uid)
    assert again == ds
    assert again.to_bytes() == data
    assert b"".join(again.chunks(uid)) == data
    assert again.ContentSequence[0].ConceptNameCodeSequence[0].CodeMeaning == "Größe"


@pytest.mark.parametrize("uid", SYNTAXES)
@pytest.mark.parametrize("other", SYNTAXES)
def test_transcoding_there_and_back(uid: str, other: str) -> None:
    data = sample().to_bytes(uid)
    there = Dataset.from_bytes(data, uid).to_bytes(other)
    back = Dataset.from_bytes(there, other).to_bytes(uid)
    assert Dataset.from_bytes(back, uid) == sample()
    assert there == sample().to_bytes(other)


def test_big_endian_is_swapped_by_vr() -> None:
    raw = Dataset.from_bytes(sample().to_bytes(BIG), BIG)
    assert bytes(raw["PixelData"].raw or b"") == b"\2\1\4\3\6\5\x08\7"
    assert bytes(raw["FrameIncrementPointer"].raw or b"") == b"\0\x18\x10\x63"
    assert raw.SelectorSLValue == (-5, 70000)
    assert bytes(raw[0x00091001].raw or b"") == b"\1\2\3\4"


def undefined_style() -> bytes:
    name = b"\x08\0\0\1SH\4\0abcd"
    item = ITEM + UNDEFINED + name + ITEM_END
    defined = ITEM + len(name).to_bytes(4, "little") + name
    return (
        b"\x08\0\x05\0CS\n\0ISO_IR 100"
        + b"\x08\0\x40\x11SQ\0\0"
        + UNDEFINED
        + item
        + defined
        + SEQUENCE_END
        + b"\x10\0\x20\0LO\4\0P1  "
        + b"\xfc\xff\xfc\xffOB\0\0\2\0\0\0\0\0"
    )


def test_a_change_leaves_everything_else_as_it_was() -> None:
    data = undefined_style()
    ds = Dataset.from_bytes(data, EXPLICIT)
    ds.PatientID = "P2"
    assert ds.to_bytes() == data.replace(b"LO\4\0P1  ", b"LO\2\0P2")
    ds = Dataset.from_bytes(data, EXPLICIT)
    ds.ReferencedImageSequence[0].CodeValue = "wxyz"
    assert ds.to_bytes() == data.replace(b"abcd", b"wxyz", 1)
    ds = Dataset.from_bytes(data, EXPLICIT)
    ds.ReferencedImageSequence[1].CodeValue = "ab"
    changed = ds.to_bytes()
    assert len(changed) == len(data) - 2
    assert changed[:60] == data[:60]
    assert Dataset.from_bytes(changed, EXPLICIT).ReferencedImageSequence[1].CodeValue == "ab"


def test_reading_changes_nothing() -> None:
    data = undefined_style()
    ds = Dataset.from_bytes(data, EXPLICIT)
    for _, element in ds.walk():
        _ = element.value
    _ = ds.ReferencedImageSequence[1].CodeValue
    assert ds.to_bytes() == data


def test_oddities_survive_when_nothing_changes() -> None:
    data = undefined_style()[:-14] + b"\x28\0\x10\0  \2\0\1\0" + bytes(12)
    ds = Dataset.from_bytes(data, EXPLICIT)
    assert ds.Rows == 1
    assert {finding.code for finding in ds.findings} == {"wrong-vr", "trailing-padding"}
    assert ds.to_bytes() == data


def test_group_lengths_go_where_something_changed_and_stay_otherwise() -> None:
    data = b"\x08\0\0\0UL\4\0\x0e\0\0\0" + b"\x08\0\x60\0CS\2\0CT" + b"\x10\0\x20\0LO\2\0P1"
    ds = Dataset.from_bytes(data, EXPLICIT)
    assert ds.to_bytes() == data
    ds.PatientID = "P2"
    assert ds.to_bytes() == data[12:-1] + b"2"


def test_changing_the_character_set_converts_the_text() -> None:
    ds = Dataset.from_bytes(sample().to_bytes(EXPLICIT), EXPLICIT)
    assert bytes(ds["PatientName"].raw or b"") == "Müller^Jörg ".encode("latin-1")
    ds.SpecificCharacterSet = "ISO_IR 192"
    again = Dataset.from_bytes(ds.to_bytes(), EXPLICIT)
    assert bytes(again["PatientName"].raw or b"") == "Müller^Jörg ".encode()
    meaning = again.ContentSequence[0].ConceptNameCodeSequence[0]["CodeMeaning"]
    assert meaning.value == "Größe"
    assert bytes(meaning.raw or b"") == "Größe ".encode()


def test_an_item_that_moves_takes_its_text_along() -> None:
    source = Dataset.from_bytes(sample().to_bytes(EXPLICIT), EXPLICIT)
    target = Dataset()
    target.SpecificCharacterSet = "ISO_IR 192"
    target.ConceptNameCodeSequence = [source.ContentSequence[0].ConceptNameCodeSequence[0]]
    again = Dataset.from_bytes(target.to_bytes(), EXPLICIT)
    assert again.ConceptNameCodeSequence[0].CodeMeaning == "Größe"
    del target.SpecificCharacterSet
    with pytest.raises(ValueEncodeError, match=r"\(0008,0104\)"):
        target.to_bytes()


def test_long_values_become_un_and_come_back() -> None:
    ds = Dataset()
    ds.add("PixelSpacing", "DS", ["1.25"] * 20_000)
    data = ds.to_bytes(EXPLICIT)
    assert data[4:6] == b"UN"
    again = Dataset.from_bytes(data, EXPLICIT)
    assert again["PixelSpacing"].vr == "DS"
    assert len(again.PixelSpacing or ()) == 20_000


def encapsulated() -> bytes:
    return b"\xe0\x7f\x10\0OB\0\0" + UNDEFINED + ITEM + bytes(4) + ITEM + b"\4\0\0\0" + b"jpeg" + SEQUENCE_END


def test_encapsulated_pixel_data_is_indexed_copied_and_never_transcoded() -> None:
    ds = Dataset.from_bytes(encapsulated(), JPEG)
    element = ds["PixelData"]
    assert element.undefined_length
    assert [length for _, length in element.fragments] == [0, 4]
    assert bytes(element.fragment(1)) == b"jpeg"
    ds.PatientID = "X"
    assert ds.to_bytes().endswith(encapsulated())
    for uid in (IMPLICIT, EXPLICIT, BIG):
        with pytest.raises(UnsupportedSyntaxError, match="compressed"):
            ds.to_bytes(uid)
    with pytest.raises(UnsupportedSyntaxError):
        sample().to_bytes(JPEG)


def test_new_fragments_are_written_padded() -> None:
    ds = Dataset()
    ds._body.cache[0x00107FE0] = Fragments([b"jpeg"])
    ds._body.index[0x00107FE0] = "OB"
    assert ds.to_bytes(JPEG) == encapsulated()
    with pytest.raises(UnsupportedSyntaxError):
        ds.to_bytes(EXPLICIT)


def test_copies_share_nothing_that_can_change() -> None:
    ds = Dataset.from_bytes(undefined_style(), EXPLICIT)
    ds.ReferencedImageSequence[0].CodeValue = "new"
    for twin in (copy.deepcopy(ds), pickle.loads(pickle.dumps(ds))):
        assert twin == ds
        assert twin.transfer_syntax_uid == EXPLICIT
        twin.ReferencedImageSequence[0].CodeValue = "other"
        twin.PatientID = "P9"
        assert ds.ReferencedImageSequence[0].CodeValue == "new"
        assert ds.PatientID == "P1"
    shallow = copy.copy(ds)
    shallow.PatientID = "P8"
    assert ds.PatientID == "P1"
    assert shallow.ReferencedImageSequence[0] is ds.ReferencedImageSequence[0]


def test_an_item_pickles_with_what_it_inherits() -> None:
    ds = Dataset.from_bytes(sample().to_bytes(EXPLICIT), EXPLICIT)
    item = ds.ContentSequence[0].ConceptNameCodeSequence[0]
    assert pickle.loads(pickle.dumps(item)).CodeMeaning == "Größe"


def test_chunks_are_bounded() -> None:
    ds = Dataset()
    ds.add("PixelData", "OW", bytes(5 << 20))
    for uid in (EXPLICIT, BIG):
        assert max(len(piece) for piece in ds.chunks(uid)) <= 1 << 20
