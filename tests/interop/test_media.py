"""File-sets of DCMTK and pydicom are read, and ours by them, by ``dcmdump`` and by ``dciodvfy``."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kerma.formats import media

from . import studies

Program = Callable[[str], str]


@pytest.fixture
def source(corpus: Path, tmp_path: Path) -> Path:
    """Images of four patients in names that are File IDs."""
    folder = corpus / "pydicom+pydicom/src/pydicom/data/test_files/dicomdirtests"
    for name in ("77654033", "98892003"):
        shutil.copytree(folder / name, tmp_path / "source" / name)
    return tmp_path / "source"


def run(*words: object, cwd: Path | None = None) -> str:
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, cwd=cwd, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def make(folder: Path, source: Path) -> media.FileSet:
    with media.FileSet.create(folder, file_set_id="KERMA") as fileset:
        for path in sorted(source.rglob("*")):
            if path.is_file():
                fileset.add(path)
    return media.FileSet.open(folder)


def uids(fileset: media.FileSet) -> set[str]:
    return {record.sop_instance_uid for record in fileset.instances()}


@pytest.mark.parametrize("name", ["dcmmkdir", "dcmgpdir"])
@pytest.mark.parametrize("lengths", ["+e", "-e"])
def test_dcmtk_makes_and_we_read(program: Program, source: Path, name: str, lengths: str) -> None:
    run(program(name), "+r", "+id", ".", lengths, "+F", "THEIRS", cwd=source)
    fileset = media.FileSet.open(source)
    assert (fileset.file_set_id, len(fileset), fileset.findings) == ("THEIRS", 14, [])
    assert [str(problem) for problem in media.verify(fileset)] == []
    fileset.remove(next(fileset.instances()))
    fileset.save()
    assert len(media.FileSet.open(source)) == 13
    run(program("dcmdump"), "-q", source / "DICOMDIR")


def test_we_make_and_dcmtk_reads_and_appends(program: Program, source: Path, tmp_path: Path) -> None:
    fileset = make(tmp_path / "ours", source / "98892003")
    listing = run(program("dcmdump"), tmp_path / "ours" / "DICOMDIR")
    for _, record in fileset.walk():
        assert re.search(rf"#  offset=\${record.offset}\s", listing)
    assert listing.count('"Directory Record"') == sum(1 for _ in fileset.walk())

    new = next(path for path in (source / "77654033" / "CR1").iterdir())
    shutil.copy(new, tmp_path / "ours" / "NEW")
    run(program("dcmgpdir"), "+A", "NEW", cwd=tmp_path / "ours")
    again = media.FileSet.open(tmp_path / "ours")
    assert len(again) == len(fileset) + 1
    assert again.findings == []
    assert uids(again) > uids(fileset)
    assert list(media.verify(again)) == []

    with again:
        again.add(next(path for path in (source / "77654033" / "CT2").iterdir()))
    run(program("dcmgpdir"), "+U", "NEW", cwd=tmp_path / "ours")
    assert list(media.verify(media.FileSet.open(tmp_path / "ours"))) == []


def test_ours_is_valid_to_dciodvfy(program: Program, source: Path, tmp_path: Path) -> None:
    make(tmp_path / "ours", source)
    said = run(program("dciodvfy"), tmp_path / "ours" / "DICOMDIR")
    assert "BasicDirectory" in said
    assert "Error" not in said
    assert "Warning" not in said


# As programs of their own: pydicom's FileSet leaves its temporary folder to the garbage collector, which warns.
PYDICOM_READ = """
import sys
from pydicom.fileset import FileSet
fileset = FileSet(sys.argv[1])
for one in fileset:
    assert one.load().SOPInstanceUID == one.SOPInstanceUID
    print(one.SOPInstanceUID)
"""
PYDICOM_MAKE = """
import sys
from pydicom.fileset import FileSet
fileset = FileSet()
for path in sys.argv[2:]:
    fileset.add(path)
fileset.write(sys.argv[1])
"""


def test_pydicom_reads_ours_and_we_read_its(source: Path, tmp_path: Path) -> None:
    ours = make(tmp_path / "ours", source)
    python = (sys.executable, "-c")
    assert set(run(*python, PYDICOM_READ, tmp_path / "ours" / "DICOMDIR").split()) == uids(ours)

    paths = [path for path in sorted(source.rglob("*")) if path.is_file()]
    run(*python, PYDICOM_MAKE, tmp_path / "theirs", *paths)
    theirs = media.FileSet.open(tmp_path / "theirs")
    assert theirs.findings == []
    assert uids(theirs) == uids(ours)
    assert [str(problem) for problem in media.verify(theirs)] == []
    with theirs:
        theirs.remove(next(theirs.instances()))
    assert set(run(*python, PYDICOM_READ, tmp_path / "theirs" / "DICOMDIR").split()) == uids(theirs)


def test_compressed_and_private_syntaxes_are_listed_as_they_are(
    tmp_path: Path, mixed_study: list[studies.Made]
) -> None:
    with media.FileSet.create(tmp_path / "ours") as fileset:
        for made in mixed_study:
            fileset.add(made.path, invent=True)
    fileset = media.FileSet.open(tmp_path / "ours")
    assert list(media.verify(fileset)) == []
    syntaxes = {str(record.dataset.get("ReferencedTransferSyntaxUIDInFile")) for record in fileset.instances()}
    assert len(syntaxes) == 6
