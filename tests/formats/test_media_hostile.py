"""DICOMDIRs made to do harm: paths that leave the medium, circles, offsets that lead nowhere, bytes at random."""

from __future__ import annotations

import os
import random
import struct
from pathlib import Path

import pytest

import kerma
from kerma.errors import KermaError
from kerma.formats import media
from kerma.formats.media.ids import Medium, checked, faults, numbered, parse
from kerma.formats.media.writing import encode

from .test_media import DIRTESTS, files, instance

ESCAPES = [
    ("..", "secret"),
    ("IMAGES", "..", "..", "secret"),
    ("/etc/passwd",),
    ("/", "etc", "passwd"),
    ("", "etc", "passwd"),
    ("../secret",),
    ("IMAGES/../../secret",),
    ("C:", "secret"),
    (".", "secret"),
    ("...",),
    (". .", "secret"),
    ("A\0B",),
    ("A\nB",),
    ("X" * 5000,),
    (),
]


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    with media.FileSet.create(tmp_path / "disc") as fileset:
        for number in (1, 2):
            fileset.add(instance(tmp_path / f"a{number}", number=number))
    instance(tmp_path / "secret", number=8)
    return tmp_path / "disc"


def rewritten(disc: Path, file_id: tuple[str, ...]) -> media.FileSet:
    """The file-set with another File ID in its first record."""
    fileset = media.FileSet.open(disc)
    record = next(fileset.instances())
    record.dataset.add(0x00041500, "UC", file_id)  # CS would not take it
    data = b"".join(encode(fileset.dataset, fileset.root, fileset._head()))
    (disc / "DICOMDIR").write_bytes(data)
    return media.FileSet.open(disc)


@pytest.mark.parametrize("file_id", ESCAPES, ids=[str(each)[:24] for each in ESCAPES])
def test_no_file_id_leaves_the_medium(disc: Path, file_id: tuple[str, ...]) -> None:
    medium = Medium(disc)
    for ask in (medium.path, medium.target, checked):
        with pytest.raises(media.UnsafePathError):
            ask(parse(file_id))
    if file_id:
        assert faults(parse(file_id))


@pytest.mark.parametrize("file_id", ESCAPES[:-2], ids=[str(each)[:24] for each in ESCAPES[:-2]])
def test_a_dicomdir_with_such_ids_opens_nothing(disc: Path, file_id: tuple[str, ...]) -> None:
    fileset = rewritten(disc, file_id)
    record = next(fileset.instances())
    with pytest.raises(media.UnsafePathError):
        fileset.read(record)
    assert "unsafe" in {problem.code for problem in media.verify(fileset)}
    fileset.remove(record)
    fileset.save()
    assert (disc.parent / "secret").exists()
    assert len(fileset) == 1


def test_a_separator_within_a_value_parts_it(disc: Path) -> None:
    fileset = rewritten(disc, ("PT000000/ST000000/SE000000/IM000000",))
    assert fileset.read(next(fileset.instances())).SOPInstanceUID == "1.2.1.1.1.1"


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_links_off_the_medium_are_refused(disc: Path, kind: str) -> None:
    folder = disc / "PT000000" / "ST000000" / "SE000000"
    outside = disc.parent / "outside"
    outside.mkdir()
    for path in folder.iterdir():
        path.rename(outside / path.name)
    if kind == "folder":
        folder.rmdir()
        folder.symlink_to(outside)
    else:
        (folder / "IM000000").symlink_to(outside / "IM000000")
    fileset = media.FileSet.open(disc)
    with pytest.raises(media.UnsafePathError, match="by a link"):
        fileset.read(next(fileset.instances()))
    fileset.remove(fileset.root[0])
    fileset.save()
    assert len(files(outside)) == 2, "files outside are not deleted"


def test_a_record_that_names_the_dicomdir_does_not_take_it_along(disc: Path) -> None:
    fileset = rewritten(disc, ("DICOMDIR",))
    fileset.remove(next(fileset.instances()))
    fileset.save()
    assert len(media.FileSet.open(disc)) == 1


def test_a_file_that_two_records_name_stays_while_one_does(disc: Path) -> None:
    fileset = rewritten(disc, ("PT000000/ST000000/SE000000/IM000001",))
    fileset.remove(next(fileset.instances()))
    fileset.save()
    assert [fileset.read(record).InstanceNumber for record in fileset.instances()] == [2]


def test_links_on_the_medium_are_followed(disc: Path) -> None:
    folder = disc / "PT000000" / "ST000000" / "SE000000"
    (folder / "IM000000").rename(disc / "ELSEWHER")
    (folder / "IM000000").symlink_to(disc / "ELSEWHER")
    fileset = media.FileSet.open(disc)
    assert fileset.read(next(fileset.instances())).SOPInstanceUID == "1.2.1.1.1.1"


def test_names_as_media_are_mounted(disc: Path) -> None:
    folder = disc / "PT000000" / "ST000000" / "SE000000"
    (folder / "IM000000").rename(folder / "im000000")
    (folder / "IM000001").rename(folder / "IM000001;1")
    (disc / "PT000000").rename(disc / "pt000000")
    (disc / "DICOMDIR").rename(disc / "dicomdir")
    fileset = media.FileSet.open(disc)
    assert [fileset.read(record).InstanceNumber for record in fileset.instances()] == [1, 2]
    assert list(media.verify(fileset)) == []


def test_circles_and_shared_records_end(disc: Path) -> None:
    """Every next and lower offset in turn is made to lead to every record."""
    data = (disc / "DICOMDIR").read_bytes()
    places = [record.offset for _, record in media.FileSet.open(disc).walk()]
    for place in places:
        for spot in (place + 16, place + 38):
            for target in (*places, 0, 1, place + 1, 0xFFFFFFFF):
                broken = bytearray(data)
                struct.pack_into("<I", broken, spot, target)
                (disc / "DICOMDIR").write_bytes(broken)
                fileset = media.FileSet.open(disc)
                records = [id(record) for _, record in fileset.walk()]
                assert len(records) == len(set(records)) <= len(places)
                if bytes(broken) != data:
                    assert fileset.findings


def test_a_chain_of_many_levels_needs_no_recursion(tmp_path: Path) -> None:
    fileset = media.FileSet.create(tmp_path)
    entity = fileset.root
    for _ in range(5000):
        ds = kerma.Dataset()
        ds.DirectoryRecordType = "PRIVATE"
        record = media.Record(ds, "PRIVATE")
        entity.append(record)
        entity = record.children
    fileset.save()
    again = media.FileSet.open(tmp_path)
    assert max(depth for depth, _ in again.walk()) == 4999
    assert len({problem.code for problem in media.verify(again, files=False)}) <= 2


def test_bytes_at_random_end_in_a_typed_error(corpus: Path, tmp_path: Path) -> None:
    """Each DICOMDIR with some bytes changed: it is understood, or a ``KermaError`` says why not."""
    rng = random.Random(20261125)
    names = ["DICOMDIR", "DICOMDIR-implicit", "DICOMDIR-bigEnd", "DICOMDIR-nooffset"]
    originals = [(corpus / DIRTESTS / name).read_bytes() for name in names]
    path = tmp_path / "DICOMDIR"
    understood = 0
    reasons: set[type] = set()
    for _ in range(400):
        data = bytearray(rng.choice(originals))
        for _ in range(rng.randint(1, 12)):
            data[rng.randrange(132, len(data))] = rng.choice((0, 1, 255, rng.randrange(256)))
        if rng.random() < 0.2:
            del data[rng.randrange(132, len(data)) :]
        path.write_bytes(data)
        try:
            fileset = media.FileSet.open(path)
            list(media.verify(fileset, files=False))
            b"".join(encode(fileset.dataset, fileset.root, fileset._head()))
            understood += 1
        except KermaError as error:
            reasons.add(type(error))
    assert understood > 100
    assert reasons


def test_numbers_of_names_end() -> None:
    assert numbered("IM", 999_999) == "IM999999"
    with pytest.raises(KermaError, match="no more File IDs"):
        numbered("IM", 1_000_000)


def test_a_folder_or_other_file_is_no_dicomdir(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        media.FileSet.open(tmp_path)
    with pytest.raises(KermaError, match="no DICOMDIR"):
        media.FileSet.open(instance(tmp_path / "x"))
    (tmp_path / "DICOMDIR").write_bytes(b"nothing of the kind" * 20)
    with pytest.raises(KermaError, match=os.fspath(tmp_path)):
        media.FileSet.open(tmp_path)
