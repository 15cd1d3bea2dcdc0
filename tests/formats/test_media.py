"""File-sets: DICOMDIRs read, made, changed and written."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

import kerma
from kerma.dataset import Dataset
from kerma.errors import FormatError, KermaError, UsageError
from kerma.formats import media
from kerma.formats.media import types
from kerma.formats.media.directory import FIRST, LAST, walk
from kerma.formats.media.writing import encode
from kerma.standard import elements, sop_classes

DIRTESTS = "pydicom+pydicom/src/pydicom/data/test_files/dicomdirtests"


def instance(
    path: Path, *, patient: int = 1, study: int = 1, series: int = 1, number: int = 1, **changes: object
) -> Path:
    """A small CT image as a file."""
    ds = Dataset()
    values: dict[str, object] = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        "SOPInstanceUID": f"1.2.{patient}.{study}.{series}.{number}",
        "StudyDate": "20260131",
        "StudyTime": "101500",
        "AccessionNumber": "A1",
        "Modality": "CT",
        "PatientName": "Doe^Jane",
        "PatientID": f"P{patient}",
        "StudyInstanceUID": f"1.2.{patient}.{study}",
        "SeriesInstanceUID": f"1.2.{patient}.{study}.{series}",
        "StudyID": str(study),
        "SeriesNumber": series,
        "InstanceNumber": number,
        "Rows": 8,
        "Columns": 8,
        **changes,
    }
    for keyword, value in values.items():
        if value is not None:
            setattr(ds, keyword, value)
    ds.add("PixelData", "OW", bytes(128))
    path.parent.mkdir(parents=True, exist_ok=True)
    kerma.write(ds, path)
    return path


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """A file-set of two patients, three series and five images."""
    with media.FileSet.create(tmp_path / "disc", file_set_id="TEST") as fileset:
        for number in (1, 2):
            fileset.add(instance(tmp_path / f"a{number}", number=number))
            fileset.add(instance(tmp_path / f"b{number}", series=2, number=number))
        fileset.add(instance(tmp_path / "c", patient=2))
    return tmp_path / "disc"


def shape(fileset: media.FileSet) -> list[str]:
    return ["  " * depth + record.type for depth, record in fileset.walk()]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# -- making ------------------------------------------------------------------------------------------------------------


def test_a_new_file_set(disc: Path) -> None:
    fileset = media.FileSet.open(disc)
    assert shape(fileset) == [
        *("PATIENT", "  STUDY", "    SERIES", "      IMAGE", "      IMAGE", "    SERIES", "      IMAGE", "      IMAGE"),
        *("PATIENT", "  STUDY", "    SERIES", "      IMAGE"),
    ]
    assert fileset.file_set_id == "TEST"
    assert fileset.findings == []
    assert list(media.verify(fileset)) == []
    first = next(fileset.instances())
    assert first.file_id == ("PT000000", "ST000000", "SE000000", "IM000000")
    assert fileset.read(first).SOPInstanceUID == first.sop_instance_uid == "1.2.1.1.1.1"
    assert first.dataset.ReferencedTransferSyntaxUIDInFile == "1.2.840.10008.1.2.1"
    assert [above.type for above in first.above] == ["PATIENT", "STUDY", "SERIES"]
    assert first.merged().PatientID == "P1"


def test_files_are_copied_byte_for_byte(disc: Path, tmp_path: Path) -> None:
    fileset = media.FileSet.open(disc)
    assert fileset.path(fileset.find("1.2.2.1.1.1")[0]).read_bytes() == (tmp_path / "c").read_bytes()


def test_every_offset_is_where_an_item_begins(disc: Path) -> None:
    """The bytes are looked at as PS3.3 F.3.2.2 says, without the reader."""
    data = (disc / "DICOMDIR").read_bytes()
    first = struct.unpack_from("<I", data, data.index(b"\x04\0\0\x12UL\x04\0") + 8)[0]
    last = struct.unpack_from("<I", data, data.index(b"\x04\0\x02\x12UL\x04\0") + 8)[0]

    def entity(offset: int) -> list[tuple[str, list[object]]]:
        found: list[tuple[str, list[object]]] = []
        while offset:
            assert data[offset : offset + 4] == b"\xfe\xff\0\xe0"
            following = struct.unpack_from("<I", data, offset + 16)[0]
            assert data[offset + 28 : offset + 30] == b"\xff\xff"
            lower = struct.unpack_from("<I", data, offset + 38)[0]
            size = struct.unpack_from("<H", data, offset + 48)[0]
            found.append((data[offset + 50 : offset + 50 + size].decode().strip(), list(entity(lower))))
            assert following or offset != first or last == first
            offset = following
        return found

    tree = entity(first)
    assert [kind for kind, _ in tree] == ["PATIENT", "PATIENT"]
    assert data[last + 50 : last + 57] == b"PATIENT"
    assert [len(below) for _, below in tree] == [1, 1]


def test_saving_again_changes_nothing(disc: Path) -> None:
    before = (disc / "DICOMDIR").read_bytes()
    media.FileSet.open(disc).save()
    assert (disc / "DICOMDIR").read_bytes() == before


def test_a_file_on_the_medium_stays_where_it_is(tmp_path: Path) -> None:
    path = instance(tmp_path / "IMAGES" / "A_1")
    lower = instance(tmp_path / "images2" / "b", number=2)
    with media.FileSet.create(tmp_path) as fileset:
        assert fileset.add(path).file_id == ("IMAGES", "A_1")
        assert fileset.add(lower).file_id == ("IMAGES2", "B"), "media mounted in lower case stand for upper case"
    assert files(tmp_path) == ["DICOMDIR", "IMAGES/A_1", "images2/b"]
    assert list(media.verify(media.FileSet.open(tmp_path))) == []


def test_in_place_refuses_what_has_no_file_id(tmp_path: Path) -> None:
    path = instance(tmp_path / "image.dcm")
    fileset = media.FileSet.create(tmp_path)
    with pytest.raises(FormatError, match=r"image\.dcm: it does not lie on the medium"):
        fileset.add(path, in_place=True)
    assert fileset.add(path).file_id == ("PT000000", "ST000000", "SE000000", "IM000000")


def test_an_instance_is_listed_once(disc: Path, tmp_path: Path) -> None:
    fileset = media.FileSet.open(disc)
    known = fileset.add(tmp_path / "a1")
    assert known.file_id == ("PT000000", "ST000000", "SE000000", "IM000000")
    assert len(fileset) == 5


def test_a_data_set_from_memory_and_a_bare_one_become_files(tmp_path: Path) -> None:
    bare = instance(tmp_path / "x", number=1)
    bare.write_bytes(kerma.read(bare).to_bytes())
    built = kerma.read(instance(tmp_path / "y", number=2))
    built.PatientComments = "changed"
    with media.FileSet.create(tmp_path / "disc") as fileset:
        fileset.add(bare)
        fileset.add(built, file_id=("MY", "FILE"))
    assert list(media.verify(media.FileSet.open(tmp_path / "disc"))) == []
    assert kerma.read(tmp_path / "disc" / "MY" / "FILE").PatientComments == "changed"


@pytest.mark.parametrize("file_id", [("..", "X"), ("a",), ("TOOLONGNAME",), ("A/B",), ("A",) * 9, ("",), ()])
def test_no_bad_file_id_is_given(tmp_path: Path, file_id: tuple[str, ...]) -> None:
    path = instance(tmp_path / "x")
    fileset = media.FileSet.create(tmp_path / "disc")
    if file_id == ():
        assert fileset.add(path, file_id=None).file_id is not None
        return
    with pytest.raises(KermaError, match="File ID"):
        fileset.add(path, file_id=file_id)
    assert files(tmp_path) == ["x"]


def test_missing_keys_are_named_or_invented(tmp_path: Path) -> None:
    path = instance(tmp_path / "x", StudyID=None, StudyDate=None, ContentDate="20260202", InstanceNumber=None)
    fileset = media.FileSet.create(tmp_path / "disc")
    with pytest.raises(FormatError, match=r"no StudyDate, no StudyID, which a STUDY record needs \(PS3.3 F.5.2\)"):
        fileset.add(path)
    assert fileset.root == []
    with fileset:
        fileset.add(path, invent=True)
    fileset = media.FileSet.open(tmp_path / "disc")
    study = fileset.find("1.2.1.1")[0].dataset
    assert (study.StudyDate, study.StudyID) == ("20260202", "1")
    assert next(fileset.instances()).dataset.InstanceNumber == 1
    assert list(media.verify(fileset)) == []


def test_text_keeps_its_character_set(tmp_path: Path) -> None:
    path = instance(tmp_path / "x", SpecificCharacterSet="ISO_IR 192", PatientName="Müller^Jürgen")
    with media.FileSet.create(tmp_path / "disc") as fileset:
        fileset.add(path)
    patient = media.FileSet.open(tmp_path / "disc").root[0].dataset
    assert (patient.PatientName, patient.SpecificCharacterSet) == ("Müller^Jürgen", "ISO_IR 192")
    study = media.FileSet.open(tmp_path / "disc").root[0].children[0].dataset
    assert "SpecificCharacterSet" not in study, "required only where a key needs it"


def test_two_patients_with_one_study_are_refused(disc: Path, tmp_path: Path) -> None:
    fileset = media.FileSet.open(disc)
    path = instance(tmp_path / "z", number=9, PatientID="OTHER")
    with pytest.raises(FormatError, match="another patient"):
        fileset.add(path)
    nobody = instance(tmp_path / "n", number=10, PatientID=None)
    assert fileset.add(nobody).above[0].dataset.PatientID == "P1", "a study tells whose it is"


def test_what_is_no_instance_is_refused(disc: Path, tmp_path: Path) -> None:
    fileset = media.FileSet.open(disc)
    with pytest.raises(FormatError, match="a DICOMDIR is no instance"):
        fileset.add(disc / "DICOMDIR")
    protocol = instance(tmp_path / "p", SOPClassUID="1.2.840.10008.5.1.4.1.1.200.1")
    with pytest.raises(FormatError, match="no directory record"):
        fileset.add(protocol)


def test_content_of_a_document_is_reduced_to_modifiers(tmp_path: Path) -> None:
    modifier, text = Dataset(), Dataset()
    modifier.RelationshipType = "HAS CONCEPT MOD"
    text.RelationshipType = "CONTAINS"
    path = instance(
        tmp_path / "sr",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11",
        CompletionFlag="COMPLETE",
        VerificationFlag="UNVERIFIED",
        ContentDate="20260101",
        ContentTime="10",
        ConceptNameCodeSequence=[Dataset()],
        ContentSequence=[modifier, text],
    )
    with media.FileSet.create(tmp_path / "disc") as fileset:
        record = fileset.add(path)
    assert record.type == "SR DOCUMENT"
    assert record.file_id == ("PT000000", "ST000000", "SE000000", "SR000000")
    (kept,) = media.FileSet.open(tmp_path / "disc").find("1.2.1.1.1.1")[0].dataset.ContentSequence
    assert kept.RelationshipType == "HAS CONCEPT MOD"


def test_every_current_type_can_be_written(tmp_path: Path) -> None:
    """An instance that has all keys of its type gets a record of it, and that passes verification."""
    written = set()
    fileset = media.FileSet.create(tmp_path / "disc")
    samples = {
        "SQ": [Dataset()],
        "DA": "20260101",
        "TM": "10",
        "DT": "20260101",
        "US": 1,
        "UL": 1,
        "UV": 1,
        "IS": 1,
        "UI": "1.2.3",
    }
    for number, uid in enumerate(sorted(sop_classes.STORAGE)):
        row = types.for_instance(Dataset(), uid)
        if row is None or row.name in written:
            continue
        path = instance(tmp_path / f"x{number}", SOPClassUID=uid, number=number)
        ds = kerma.read(path)
        for tag, kind in row.keys:
            if kind == "1" and tag not in ds:
                ds[tag] = samples.get(elements.vr_of(tag), "TEXT")
        record = fileset.add(ds)
        assert record.type == row.name
        written.add(row.name)
    fileset.save()
    current = {row.name for row in types.all_types().values() if row.refers and not row.retired}
    assert current - written == {"PRIVATE"}
    assert list(media.verify(media.FileSet.open(tmp_path / "disc"))) == []


# -- changing ----------------------------------------------------------------------------------------------------------


def test_adding_to_one_that_is_there(disc: Path, tmp_path: Path) -> None:
    with media.FileSet.open(disc) as fileset:
        fileset.add(instance(tmp_path / "new", number=3))
        fileset.add(instance(tmp_path / "other", study=2, number=3))
    fileset = media.FileSet.open(disc)
    assert fileset.find("1.2.1.1.1.3")[0].file_id == ("PT000000", "ST000000", "SE000000", "IM000002")
    assert fileset.find("1.2.1.2.1.3")[0].file_id == ("PT000000", "ST000001", "SE000000", "IM000000")
    assert list(media.verify(fileset)) == []


def test_a_patient_is_the_same_after_opening(tmp_path: Path) -> None:
    """What tells patients apart is in the record: the issuer of the ID is not (PS3.3 F.5.1)."""
    for number in (1, 2):
        path = instance(tmp_path / f"x{number}", number=number, IssuerOfPatientID="HOSPITAL")
        with (
            media.FileSet.open(tmp_path / "disc") if number == 2 else media.FileSet.create(tmp_path / "disc") as fileset
        ):
            fileset.add(path)
    fileset = media.FileSet.open(tmp_path / "disc")
    assert (len(fileset.root), len(fileset)) == (1, 2)
    assert list(media.verify(fileset)) == []


def test_removing_takes_what_is_empty_along(disc: Path) -> None:
    with media.FileSet.open(disc) as fileset:
        (record,) = fileset.find("1.2.2.1.1.1")
        assert [one.sop_instance_uid for one in fileset.remove(record)] == ["1.2.2.1.1.1"]
        assert (disc / "PT000001/ST000000/SE000000/IM000000").exists(), "files go after the DICOMDIR names them no more"
    fileset = media.FileSet.open(disc)
    assert len(fileset.root) == 1
    assert not (disc / "PT000001").exists()
    assert list(media.verify(fileset)) == []


def test_removing_a_series_by_uid_and_keeping_files(disc: Path) -> None:
    with media.FileSet.open(disc) as fileset:
        fileset.remove(fileset.find("1.2.1.1.2")[0], keep_files=True)
    assert len(media.FileSet.open(disc)) == 3
    assert {problem.code for problem in media.verify(media.FileSet.open(disc))} == {"stranger"}


def test_an_exception_takes_back_what_was_brought(disc: Path, tmp_path: Path) -> None:
    before = files(disc)

    def fail() -> None:
        with media.FileSet.open(disc) as fileset:
            fileset.add(instance(tmp_path / "new", patient=7))
            assert files(disc) != before
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert files(disc) == before
    assert sorted(path.name for path in disc.iterdir()) == ["DICOMDIR", "PT000000", "PT000001"]


def test_a_crash_while_writing_leaves_the_old_one(disc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (disc / "DICOMDIR").read_bytes()
    fileset = media.FileSet.open(disc)
    fileset.add(instance(tmp_path / "new", number=3))

    def crash(*_: object) -> None:
        raise OSError("power cut")

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(OSError, match="power cut"):
        fileset.save()
    assert (disc / "DICOMDIR").read_bytes() == before
    assert [path.name for path in disc.iterdir() if path.name.startswith(".kerma")] == []


def test_a_dicomdir_that_somebody_else_changed_is_not_overwritten(disc: Path, tmp_path: Path) -> None:
    mine, theirs = media.FileSet.open(disc), media.FileSet.open(disc)
    theirs.add(instance(tmp_path / "new", number=3))
    theirs.save()
    with pytest.raises(UsageError, match="changed by somebody else"):
        mine.save()
    with pytest.raises(UsageError, match="a DICOMDIR already"):
        media.FileSet.create(disc)


def test_what_is_changed_in_a_record_is_written(disc: Path) -> None:
    fileset = media.FileSet.open(disc)
    fileset.root[0].dataset.PatientName = "Roe^Richard"
    fileset.root[0].dataset.add(0x00091010, "LO", "private")
    fileset.save()
    again = media.FileSet.open(disc)
    assert again.root[0].dataset.PatientName == "Roe^Richard"
    assert again.root[0].dataset.get(0x00091010) == "private"
    assert list(media.verify(again)) == []


def test_what_else_stands_in_a_dicomdir_is_kept(disc: Path) -> None:
    ds = kerma.read(disc / "DICOMDIR")
    ds.add(0x00041141, "CS", ("README",))
    ds.add(0x00090010, "LO", "SOMEBODY")
    (disc / "DICOMDIR").write_bytes(b"".join(encode(ds, media.FileSet.open(disc).root, head_of(disc))))
    media.FileSet.open(disc).save()
    again = kerma.read(disc / "DICOMDIR")
    assert again.get(0x00041141) == "README"
    assert again.get(0x00090010) == "SOMEBODY"
    assert len(media.FileSet.open(disc)) == 5


def head_of(disc: Path) -> bytes:
    data = (disc / "DICOMDIR").read_bytes()
    return data[: data.index(b"\x04\0\x30\x11CS")]


# -- reading what others wrote -----------------------------------------------------------------------------------------

CORPUS = [
    # path, files listed, files there, codes of findings
    (f"{DIRTESTS}/DICOMDIR", 31, 21, set()),
    (f"{DIRTESTS}/DICOMDIR-bigEnd", 31, 21, set()),
    (f"{DIRTESTS}/DICOMDIR-implicit", 31, 21, set()),
    (f"{DIRTESTS}/DICOMDIR-reordered", 31, 21, set()),
    (f"{DIRTESTS}/DICOMDIR-empty.dcm", 0, 0, set()),
    (f"{DIRTESTS}/DICOMDIR-nooffset", 31, 21, {"item-length", "no-links"}),
    (f"{DIRTESTS}/DICOMDIR-nopatient", 31, 21, {"root"}),
    (f"{DIRTESTS}/TINY_ALPHA/DICOMDIR", 50, 46, set()),
    (
        "pydicom+pydicom/_history/a936bb12/pydicom/data/test_files/dicomdirtests/DICOMDIR-implicit",
        31,
        0,
        {"offset", "mended"},
    ),
    (
        "pydicom+pydicom/_history/c43a04b9/pydicom/data/test_files/dicomdirtests/DICOMDIR-implicit",
        31,
        0,
        {"offset", "mended"},
    ),
    ("pydicom+pydicom/_history/b7696c3e/pydicom/data/test_files/dicomdirtests/DICOMDIR-reordered", 31, 0, {"root"}),
    ("fo-dicom+fo-dicom/Tests/FO-DICOM.Benchmark/Data/DICOMDIR", 20, 0, set()),
    ("suyashkumar+dicom/_history/8f685c73/examples/testdicomdir", 14, 0, set()),
    ("dcm4che+dcm4che/dcm4che-test-data/src/main/resources/DICOMDIR", 11, 0, set()),
    ("neurolabusc+dcm_qa_ct/In/Philips/DICOMDIR", 2, 1, {"no-links", "offsets"}),
    ("neurolabusc+dcm_qa_xa60/In/XA60/DICOMDIR", 60, 1, set()),
    ("neurolabusc+dcm_qa_xa60/In/XA61/DICOMDIR", 72, 2, set()),
]


@pytest.mark.corpus
@pytest.mark.parametrize(("name", "listed", "there", "codes"), CORPUS, ids=[row[0][-40:] for row in CORPUS])
def test_dicomdirs_of_others(corpus: Path, tmp_path: Path, name: str, listed: int, there: int, codes: set[str]) -> None:
    fileset = media.FileSet.open(corpus / name)
    assert len(fileset) == listed
    assert {finding.code for finding in fileset.findings} == codes
    found = 0
    for record in fileset.instances():
        if fileset.medium.path(record.file_id or ()) is not None:
            found += 1
            assert len(fileset.read(record)) > 0
    assert found == there

    # Written again it is the same tree, with right offsets and in the right syntax.
    data = b"".join(encode(fileset.dataset, fileset.root, fileset._head()))
    (tmp_path / "DICOMDIR").write_bytes(data)
    again = media.FileSet.open(tmp_path)
    assert again.findings == []
    assert shape(again) == shape(fileset)
    for (_, one), (_, other) in zip(walk(again.root), walk(fileset.root), strict=True):
        assert one.file_id == other.file_id
        tags = [tag for tag in other.dataset if tag & 0xFFFF and tag not in {0x00041400, 0x00041410, 0x00041420}]
        assert [one.dataset.get(tag) for tag in tags] == [other.dataset.get(tag) for tag in tags]


def test_records_not_in_use_do_not_count(disc: Path) -> None:
    path = disc / "DICOMDIR"
    data = bytearray(path.read_bytes())
    fileset = media.FileSet.open(disc)
    data[fileset.root[0].children[0].children[0].offset + 28 : fileset.root[0].children[0].children[0].offset + 30] = (
        b"\0\0"
    )
    path.write_bytes(data)
    again = media.FileSet.open(disc)
    assert len(again) == 3
    assert again.findings == []
    assert again.unreached == []


def test_offsets_that_count_from_elsewhere_are_understood(disc: Path) -> None:
    """Some writers count from behind the preamble and its DICM."""
    fileset = media.FileSet.open(disc)
    data = bytearray((disc / "DICOMDIR").read_bytes())
    places = [record.offset for _, record in fileset.walk()]
    spots = [data.index(b"\x04\0\0\x12UL\x04\0") + 8, data.index(b"\x04\0\x02\x12UL\x04\0") + 8]
    spots += [place + 16 for place in places] + [place + 38 for place in places]
    for spot in spots:
        value = struct.unpack_from("<I", data, spot)[0]
        struct.pack_into("<I", data, spot, value and value - 132)
    (disc / "DICOMDIR").write_bytes(data)
    again = media.FileSet.open(disc)
    assert [finding.text for finding in again.findings] == ["all offsets are off by 132"]
    assert shape(again) == shape(fileset)


def test_multi_referenced_file_records_are_resolved(tmp_path: Path) -> None:
    """Retired: a record may name its file by another record's offset (PS3.3-2004)."""
    path = instance(tmp_path / "IM1")
    fileset = media.FileSet.create(tmp_path)
    leaf = fileset.add(path)
    target = Dataset()
    target.DirectoryRecordType = "MRDR"
    for keyword in ("ReferencedFileID", "ReferencedSOPClassUIDInFile", "ReferencedSOPInstanceUIDInFile"):
        setattr(target, keyword, leaf.dataset.get(keyword))
        del leaf.dataset[keyword]
    leaf.dataset.add(0x00041504, "UL", 0)
    fileset.root.append(media.Record(target, "MRDR"))
    fileset.save()
    data = bytearray((tmp_path / "DICOMDIR").read_bytes())
    offset = media.FileSet.open(tmp_path).root[1].offset
    struct.pack_into("<I", data, data.index(b"\x04\0\x04\x15UL\x04\0") + 8, offset)
    (tmp_path / "DICOMDIR").write_bytes(data)
    record = next(record for record in media.FileSet.open(tmp_path).instances() if record.type == "IMAGE")
    assert record.file_id == ("IM1",)
    assert record.sop_instance_uid == "1.2.1.1.1.1"


def test_first_and_last_offsets(disc: Path) -> None:
    fileset = media.FileSet.open(disc)
    assert [fileset.dataset.get(tag) for tag in (FIRST, LAST)] == [fileset.root[0].offset, fileset.root[1].offset]


def test_media_is_reached_from_the_package(disc: Path) -> None:
    assert len(kerma.media.FileSet.open(disc / "DICOMDIR")) == 5


def test_the_example_of_the_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs" / "guide" / "media.md").read_text(encoding="utf-8")
    example = guide.partition("```python\n")[2].partition("```")[0]
    instance(tmp_path / "ct.dcm", SOPInstanceUID="1.2.3.4")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(example, "media.md", "exec"), names)
    assert len(media.FileSet.open("disc")) == 0
    assert files(tmp_path / "disc") == ["DICOMDIR"]


def test_of_a_blending_state_the_record_says_what_is_blended(tmp_path: Path) -> None:
    blended, series = Dataset(), Dataset()
    series.SeriesInstanceUID = "1.2.9.1"
    blended.StudyInstanceUID = "1.2.9"
    blended.ReferencedSeriesSequence = [series]
    blended.BlendingPosition = "SUPERIMPOSED"
    path = instance(
        tmp_path / "state",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.11.4",
        PresentationCreationDate="20260101",
        PresentationCreationTime="10",
        ContentLabel="BLEND",
        BlendingSequence=[blended],
    )
    with media.FileSet.create(tmp_path / "disc") as fileset:
        assert fileset.add(path).type == "PRESENTATION"
    (item,) = media.FileSet.open(tmp_path / "disc").find("1.2.1.1.1.1")[0].dataset.BlendingSequence
    assert item.keywords() == ["ReferencedSeriesSequence", "StudyInstanceUID"]


def test_an_empty_file_set(disc: Path) -> None:
    with media.FileSet.open(disc) as fileset:
        for record in list(fileset.root):
            fileset.remove(record)
    fileset = media.FileSet.open(disc)
    assert (len(fileset), fileset.findings, files(disc)) == (0, [], ["DICOMDIR"])
    assert list(media.verify(fileset)) == []
