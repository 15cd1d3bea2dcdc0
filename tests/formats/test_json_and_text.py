"""DICOM JSON (PS3.18 F.2) against pydicom, and the text dump."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

import kerma
from kerma.dataset import Dataset
from kerma.formats.json import to_json_object
from kerma.formats.text import dump_lines


def path_of(name: str) -> str:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    return path


@pytest.mark.parametrize("name", ["CT_small.dcm", "rtplan.dcm", "reportsi.dcm", "nested_priv_SQ.dcm", "test-SR.dcm"])
def test_json_agrees_with_pydicom(name: str) -> None:
    ours = json.loads(kerma.to_json(kerma.read(path_of(name))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = dcmread(path_of(name)).to_json_dict(bulk_data_threshold=1 << 30)
    # Ours says what the character set of the JSON is (F.2.2), theirs what that of the file was.
    ours.pop("00080005", None)
    theirs.pop("00080005", None)
    assert ours == without_empty(json.loads(json.dumps(theirs)))


def without_empty(value: Any) -> Any:
    """Without the empty "Value" that pydicom gives an empty sequence, where F.2.5 has none."""
    if isinstance(value, list):
        return [without_empty(part) for part in value]
    if isinstance(value, dict):
        return {key: without_empty(part) for key, part in value.items() if not (key == "Value" and part == [])}
    return value


def test_values_of_every_kind() -> None:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.PatientName = "Yamada^Tarou=山田^太郎"
    ds.PatientID = ""
    ds.ImageType = ["A", "", "B"]
    ds.InstanceNumber = 7
    ds.FrameIncrementPointer = 0x00181063
    ds.SelectorUVValue = 2**60
    ds.SelectorFDValue = [1.5, float("inf"), float("nan")]
    ds.EncapsulatedDocument = b"\1\2"
    ds.ConceptNameCodeSequence = [Dataset()]
    found = to_json_object(ds)
    assert found["00080005"]["Value"] == ["ISO_IR 192"]
    assert found["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}]}
    assert found["00100020"] == {"vr": "LO"}
    assert found["00080008"]["Value"] == ["A", None, "B"]
    assert found["00200013"]["Value"] == [7]
    assert found["00280009"]["Value"] == ["00181063"]
    assert found["0072007A" if "0072007A" in found else "00720083"]["Value"] == [str(2**60)]
    assert found["00720074"]["Value"] == [1.5, "inf", "NaN"]
    assert found["00420011"] == {"vr": "OB", "InlineBinary": "AQI="}
    assert found["0040A043"] == {"vr": "SQ", "Value": [{}]}


def test_bulk_data_may_stay_out() -> None:
    ds = Dataset()
    ds.EncapsulatedDocument = b"\1\2"
    paths: list[tuple[int, ...]] = []

    def bulk(path: tuple[int, ...], element: Any) -> str | None:
        paths.append(path)
        return "http://example.org/bulk"

    assert to_json_object(ds, bulk=bulk)["00420011"]["BulkDataURI"] == "http://example.org/bulk"
    assert to_json_object(ds, inline=False) == {"00420011": {"vr": "OB"}}
    assert paths == [(0x00420011,)]


def test_depth_is_no_matter() -> None:
    ds = Dataset()
    for _ in range(3000):
        outer = Dataset()
        outer.ContentSequence = [ds]
        ds = outer
    text = kerma.to_json(ds)
    assert text.count("{") == 6001
    assert kerma.to_json(kerma.from_json(text)) == text


def test_dump_has_a_line_for_each_element() -> None:
    ds = kerma.read(path_of("rtplan.dcm"))
    lines = list(dump_lines(ds))
    tags = sum(1 for line in lines if line.lstrip().startswith("("))
    assert tags == sum(1 for _ in ds.walk()) + len(ds.meta or ())
    assert any("# 10, ApprovalStatus" in line for line in lines)
    assert all(len(line) < 250 for line in lines)


def test_dump_shows_what_cannot_be_decoded() -> None:
    ds = Dataset.from_bytes(b"\x28\0\x10\0US\3\0abc" + b"\x10\0\x10\0PN\4\0A\x1b\r\n", "1.2.840.10008.1.2.1")
    lines = list(dump_lines(ds))
    assert "61\\62\\63" in lines[2]
    assert not any(character in line for line in lines for character in "\x1b\r\n")
