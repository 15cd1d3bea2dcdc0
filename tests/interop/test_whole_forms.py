"""JSON and XML with those who read and write them: pydicom, dcmjs, DCMTK."""

from __future__ import annotations

import json
import os
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest

import kerma
from kerma.dataset.differences import Rules

from .conftest import missing

Program = Callable[[str], str]

HERE = Path(__file__).parent
MODULES = HERE.parents[1] / ".venv" / "npm" / "node_modules"
FOLDER = "pydicom+pydicom/src/pydicom/data"
NAMES = [
    "test_files/CT_small.dcm",
    "test_files/MR_small_bigendian.dcm",
    "test_files/rtdose_1frame.dcm",
    "test_files/reportsi.dcm",
    "test_files/waveform_ecg.dcm",
    "test_files/liver_1frame.dcm",
    "charset_files/chrI2.dcm",
    "charset_files/chrRuss.dcm",
    "charset_files/chrGreek.dcm",
]


@pytest.fixture(params=NAMES)
def path(request: pytest.FixtureRequest, corpus: Path) -> Path:
    """Files of several kinds, syntaxes and character sets."""
    found = corpus / FOLDER / str(request.param)
    if not found.is_file():
        pytest.skip(f"the corpus has no {request.param}")
    return found


def places(
    one: kerma.Dataset, two: kerma.Dataset, but: frozenset[str] = frozenset(), private: bool = True
) -> list[tuple[int, ...]]:
    """Where two data sets differ, but for VRs that the other side has its own way with; xml2dcm drops the padding at
    the end of a file.
    """
    tags = frozenset(path[-1] for path, element in one.walk() if element.vr in but)
    return [found.path for found in kerma.differences(one, two, Rules(tags | {0xFFFCFFFC}, private=private))]


def test_pydicom_reads_our_json_and_we_read_its(path: Path) -> None:
    ds = kerma.read(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pydicom.Dataset.from_json(kerma.to_json(ds))
        assert places(ds, kerma.from_pydicom(theirs)) == []
        # pydicom gives the words of a big-endian file as they lie there.
        but = frozenset({"OW"}) if "bigendian" in path.name else frozenset()
        text = pydicom.dcmread(path).to_json(bulk_data_threshold=1 << 30)
    assert places(ds, kerma.from_json(text), but) == []


# -- dcmjs -------------------------------------------------------------------------------------------------------------


def dcmjs(program: Program, *words: object) -> str:
    node = program("node")
    if not (MODULES / "dcmjs").is_dir():
        missing("dcmjs is not installed (make peers)")
    done = subprocess.run(
        [node, str(HERE / "node" / "dcmjs_json.js"), *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, "NODE_PATH": str(MODULES)},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["CT_small.dcm", "rtdose_1frame.dcm", "reportsi.dcm", "waveform_ecg.dcm"])
def test_dcmjs_reads_our_json_and_we_read_its(program: Program, corpus: Path, tmp_path: Path, name: str) -> None:
    path = corpus / FOLDER / "test_files" / name
    ds = kerma.read(path)
    (tmp_path / "ours.json").write_text(kerma.to_json(ds), encoding="utf-8")
    seen = json.loads(dcmjs(program, "write", tmp_path / "ours.json", tmp_path / "theirs.dcm"))
    assert seen == {"rows": ds.get("Rows"), "name": str(ds.PatientName)}
    # dcmjs writes the text of a tag as if its digits were the number.
    assert places(ds, kerma.read(tmp_path / "theirs.dcm"), frozenset({"AT"})) == []
    assert places(ds, kerma.from_json(dcmjs(program, "give", path))) == []


# -- DCMTK -------------------------------------------------------------------------------------------------------------


def run(*words: object) -> bytes:
    done = subprocess.run([*map(str, words)], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_xml2dcm_reads_our_xml(program: Program, path: Path, tmp_path: Path) -> None:
    ds = kerma.read(path)
    (tmp_path / "ours.xml").write_text(kerma.to_xml(ds, dialect="dcmtk"), encoding="utf-8")
    run(program("xml2dcm"), tmp_path / "ours.xml", tmp_path / "theirs.dcm")
    assert places(ds, kerma.read(tmp_path / "theirs.dcm")) == []


@pytest.mark.parametrize("options", [("+M", "+Wb"), ("+M", "+Wb", "+Eb", "+Xn"), ("+M", "+Wb", "+Xe")])
def test_we_read_what_dcm2xml_writes(program: Program, path: Path, options: tuple[str, ...]) -> None:
    check_theirs(program, path, options, frozenset())


def test_we_read_the_native_model_of_dcm2xml(program: Program, path: Path) -> None:
    # It gives words in big endian, and forgets the block of a private element whose creator is not declared.
    check_theirs(program, path, ("-nat", "+M", "+Eb", "+Xn"), frozenset({"OW"}), private="waveform" not in path.name)


def check_theirs(
    program: Program, path: Path, options: tuple[str, ...], but: frozenset[str], private: bool = True
) -> None:
    if "charset_files" in str(path):
        options = (*options, "+U8")
    text = run(program("dcm2xml"), "-q", *options, path)
    assert places(kerma.read(path), kerma.from_xml(text), but, private) == []
