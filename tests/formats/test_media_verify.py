"""What ``verify`` says, and application profiles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import kerma
from kerma.errors import FormatError, UsageError
from kerma.formats import media
from kerma.formats.media import types

from .test_media import instance


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    with media.FileSet.create(tmp_path / "disc") as fileset:
        for number in (1, 2):
            fileset.add(instance(tmp_path / f"a{number}", number=number))
    return tmp_path / "disc"


def codes(disc: Path, **options: object) -> dict[str, str]:
    return {problem.code: problem.severity for problem in media.verify(media.FileSet.open(disc), **options)}  # type: ignore[arg-type]


IMAGE = "PT000000/ST000000/SE000000/IM000000"


def _missing(disc: Path) -> None:
    (disc / IMAGE).unlink()


def _other(disc: Path) -> None:
    instance(disc / IMAGE, number=77)


def _other_patient(disc: Path) -> None:
    instance(disc / IMAGE, PatientID="P9")


def _not_dicom(disc: Path) -> None:
    (disc / IMAGE).write_bytes(b"MZ" + bytes(300))


def _bare(disc: Path) -> None:
    (disc / IMAGE).write_bytes(kerma.read(disc / IMAGE).to_bytes())


def _folder(disc: Path) -> None:
    (disc / IMAGE).unlink()
    (disc / IMAGE).mkdir()


def _stranger(disc: Path) -> None:
    instance(disc / "EXTRA" / "X", number=9)


def changed(disc: Path, change: Callable[[media.FileSet], object]) -> None:
    fileset = media.FileSet.open(disc)
    change(fileset)
    fileset.save()


def _no_key(disc: Path) -> None:
    changed(disc, lambda fileset: fileset.root[0].dataset.pop("PatientID"))


def _no_empty_key(disc: Path) -> None:
    changed(disc, lambda fileset: fileset.root[0].children[0].dataset.pop("AccessionNumber"))


def _wrong_type(disc: Path) -> None:
    def change(fileset: media.FileSet) -> None:
        fileset.root[0].dataset.DirectoryRecordType = "NONSENSE"

    changed(disc, change)


def _wrong_level(disc: Path) -> None:
    changed(disc, lambda fileset: fileset.root.append(fileset.root[0].children.pop()))


def _twice(disc: Path) -> None:
    def change(fileset: media.FileSet) -> None:
        one, other = fileset.instances()
        other.dataset.ReferencedFileID = one.dataset.ReferencedFileID

    changed(disc, change)


def _same_uid(disc: Path) -> None:
    def change(fileset: media.FileSet) -> None:
        one, other = fileset.instances()
        other.dataset.ReferencedSOPInstanceUIDInFile = one.sop_instance_uid

    changed(disc, change)


def _no_reference(disc: Path) -> None:
    changed(disc, lambda fileset: next(fileset.instances()).dataset.pop("ReferencedSOPClassUIDInFile"))


def _bad_name(disc: Path) -> None:
    def change(fileset: media.FileSet) -> None:
        next(fileset.instances()).dataset.ReferencedFileID = "MUCHTOOLONG"
        instance(disc / "MUCHTOOLONG")

    changed(disc, change)


def _inconsistent(disc: Path) -> None:
    changed(disc, lambda fileset: fileset.dataset.add(0x00041212, "US", 0xFFFF))


def _no_descriptor(disc: Path) -> None:
    changed(disc, lambda fileset: fileset.dataset.add(0x00041141, "CS", "README"))


def _descriptor_elsewhere(disc: Path) -> None:
    changed(disc, lambda fileset: fileset.dataset.add(0x00041141, "UC", ("..", "README")))


def _implicit(disc: Path) -> None:
    ds = kerma.read(disc / "DICOMDIR")
    kerma.write(ds, disc / "DICOMDIR", transfer_syntax_uid="1.2.840.10008.1.2")


WRONG = [
    (_missing, {"missing": "error"}),
    (_other, {"mismatch": "error"}),
    (_other_patient, {"mismatch": "error"}),
    (_not_dicom, {"broken": "error"}),
    (_bare, {"meta": "error"}),
    (_folder, {"no-file": "error"}),
    (_stranger, {"stranger": "warning"}),
    (_no_key, {"key": "error"}),
    (_no_empty_key, {"key": "error"}),
    (_wrong_type, {"type": "error", "level": "error"}),
    (_wrong_level, {"level": "error"}),
    (_twice, {"twice": "error", "mismatch": "error", "stranger": "warning"}),
    (_same_uid, {"twice": "error", "mismatch": "error"}),
    (_no_reference, {"reference": "error"}),
    (_bad_name, {"file-id": "error", "stranger": "warning"}),
    (_inconsistent, {"consistency": "warning"}),
    (_no_descriptor, {"missing": "error"}),
    (_descriptor_elsewhere, {"unsafe": "error"}),
]


@pytest.mark.parametrize(("spoil", "expected"), WRONG, ids=[row[0].__name__ for row in WRONG])
def test_what_is_wrong_is_said(disc: Path, spoil: Callable[[Path], None], expected: dict[str, str]) -> None:
    spoil(disc)
    assert codes(disc) == expected


def test_the_syntax_of_the_dicomdir(disc: Path) -> None:
    _implicit(disc)
    found = codes(disc)
    assert found["syntax"] == "error"
    media.FileSet.open(disc).save()
    assert codes(disc) == {}, "it is written in the right one, with right offsets"


def test_the_dicomdir_alone(disc: Path) -> None:
    _missing(disc)
    assert codes(disc, files=False) == {}


def test_progress_counts_files(disc: Path) -> None:
    seen: list[tuple[int, int]] = []
    list(media.verify(media.FileSet.open(disc), progress=lambda done, total: seen.append((done, total))))
    assert seen == [(1, 2), (2, 2)]


def test_a_message_names_no_patient(disc: Path) -> None:
    _other_patient(disc)
    (problem,) = media.verify(media.FileSet.open(disc))
    assert str(problem) == f"{IMAGE}: the PatientID of the file is not that of the PATIENT record above it"


# -- profiles ----------------------------------------------------------------------------------------------------------


def test_a_profile_adds_its_keys_and_checks_them(tmp_path: Path) -> None:
    ctmr = media.profile("STD-CTMR-CD")
    path = instance(tmp_path / "ct", ImagePositionPatient=(1, 2, 3), FrameOfReferenceUID="1.2.3")
    with media.FileSet.create(tmp_path / "with") as fileset:
        fileset.add(path, profile=ctmr)
    record = next(media.FileSet.open(tmp_path / "with").instances()).dataset
    assert record.Rows == 8
    assert record.get("ImagePositionPatient") == (1, 2, 3)
    assert "PixelSpacing" not in record
    assert codes(tmp_path / "with", profile=ctmr) == {}
    with media.FileSet.create(tmp_path / "without") as fileset:
        fileset.add(path)
    assert codes(tmp_path / "without", profile=ctmr) == {"key": "error"}


def test_keys_of_enhanced_images_come_from_their_functional_groups(tmp_path: Path) -> None:
    group, position = kerma.Dataset(), kerma.Dataset()
    position.ImagePositionPatient = (4, 5, 6)
    group.PlanePositionSequence = [position]
    path = instance(tmp_path / "ct", SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1", SharedFunctionalGroupsSequence=[group])
    fileset = media.FileSet.create(tmp_path / "disc")
    record = fileset.add(path, profile=media.profile("std-gen-usb-jpeg")).dataset
    assert record.get("ImagePositionPatient") == (4, 5, 6)


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("STD-XABC-CD", {}, "STD-XABC-CD has no place for CT Image Storage"),
        ("STD-XABC-CD", {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.12.1"}, "wants JPEG Lossless"),
        ("STD-GEN-CD", {"SOPClassUID": "1.2.3.4"}, "no place for its SOP class"),
        ("STD-DVD-MPEG2-MPML", {}, "wants MPEG2"),
        ("STD-US-SC-SF-CDR", {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1"}, "no SequenceOfUltrasoundRegions"),
        (
            "STD-DEN-CD",
            {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1", "BitsStored": 9},
            "BitsStored is none of 8, 10, 12, 16",
        ),
        ("STD-XA1K-DVD", {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "Rows": 2048}, "Rows is beyond 1024"),
    ],
)
def test_a_profile_refuses(tmp_path: Path, name: str, changes: dict[str, object], reason: str) -> None:
    path = instance(tmp_path / "x", **changes)  # type: ignore[arg-type]
    fileset = media.FileSet.create(tmp_path / "disc")
    with pytest.raises(FormatError, match=reason):
        fileset.add(path, profile=media.profile(name))
    assert len(fileset) == 0


def test_icons_that_a_profile_wants(tmp_path: Path) -> None:
    with media.FileSet.create(tmp_path / "disc") as fileset:
        fileset.add(instance(tmp_path / "x"))
    assert "icon" in codes(tmp_path / "disc", profile=media.profile("STD-XABC-CD"))


def test_profiles_by_name() -> None:
    names = media.profile_names()
    assert len(names) == len(set(names)) == 37
    for name in names:
        assert media.profile(name.replace("xxxx", "MOD41").lower()).name == name
    with pytest.raises(UsageError, match="there are STD-XABC-CD"):
        media.profile("STD-CTMR-")


def test_every_type_of_the_standard_is_in_the_table() -> None:
    rows = types.all_types()
    assert len([row for row in rows.values() if not row.retired]) == 35
    for row in rows.values():
        assert row.level in {types.TOP, types.STUDY, types.SERIES, types.LEAF}
        assert row.retired or len(row.prefix) == 2
    assert len({row.prefix for row in rows.values() if not row.retired}) == 35
