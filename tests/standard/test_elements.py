"""The element tables: counts, the rows by hand, repeating groups, agreement with pydicom, laziness."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.errors import KermaError, UsageError
from kerma.standard import elements, vrs
from kerma.standard._gen import elements_data, elements_names


def test_counts() -> None:
    tags = elements_data.TAGS.split("\n")
    assert len(tags) == 5355
    assert sum(not tag.startswith("0000") for tag in tags) == 5309  # PS3.6 2026c; the rest is PS3.7 E
    assert len(elements_data.KEYWORDS.split("\n")) == len(elements_names.NAMES.split("\n")) == len(tags)
    assert len(elements_data.ROW_KINDS.split("\n")) == len(tags)
    assert len(elements_data.MASKS) == len(tags) - elements_data.SINGLE == 88
    assert tags[: elements_data.SINGLE] == sorted(tags[: elements_data.SINGLE])


def test_every_row_is_well_formed() -> None:
    blank = 0
    for text in elements_data.TAGS.split("\n"):
        row = elements.lookup(int(text, 16))
        assert row is not None
        assert row.tag == int(text, 16)
        assert row.vr == row.vrs[0]
        assert re.fullmatch(r"\d+(-\d*n|-\d+)?", row.vm), row
        if row.vr:
            assert all(vr in vrs.ALL for vr in row.vrs), row
        else:
            assert row.tag in {0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD}
        if row.keyword:
            assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", row.keyword), row
            assert elements.tag_of(row.keyword) == row.tag
            assert elements.keyword_of(row.tag) == row.keyword
            assert row.name
        else:
            blank += 1
            assert row.retired
            assert not row.name
    assert blank == 7
    assert len(list(elements.keywords())) == 5348


@pytest.mark.parametrize(
    ("tag", "vr", "vm", "name", "keyword"),
    [
        (0x00100010, "PN", "1", "Patient's Name", "PatientName"),
        (0x0008001D, "SQ", "1", "Sensitive Content Code Sequence", "SensitiveContentCodeSequence"),
        (0x00189390, "SQ", "1", "Metal Artifact Reduction Sequence", "MetalArtifactReductionSequence"),
        (0x00189391, "CS", "1", "Metal Artifact Reduction Applied", "MetalArtifactReductionApplied"),
        (
            0x00189392,
            "SQ",
            "1",
            "Metal Artifact Reduction Algorithm Identification Sequence",
            "MetalArtifactReductionAlgorithmIdentificationSequence",
        ),
        (0x0040E012, "UR", "1", "Display URI", "DisplayURI"),
        (0x30040020, "SQ", "1", "Dose Unit Code Sequence", "DoseUnitCodeSequence"),
        (0x30040021, "SQ", "1", "RT Dose Interpreted Type Code Sequence", "RTDoseInterpretedTypeCodeSequence"),
        (
            0x30040022,
            "SQ",
            "1",
            "RT Dose Interpreted Type Code Modifier Sequence",
            "RTDoseInterpretedTypeCodeModifierSequence",
        ),
        (
            0x30040023,
            "SQ",
            "1",
            "Dose Radiobiological Interpretation Sequence",
            "DoseRadiobiologicalInterpretationSequence",
        ),
        (0x30040024, "SQ", "1", "RT Dose Intent Code Sequence", "RTDoseIntentCodeSequence"),
        (0x00100012, "LT", "1", "Name to Use", "NameToUse"),
        (0x0040A034, "DT", "1", "Effective Start DateTime", "EffectiveStartDateTime"),
        (0x0040B03E, "IS", "1", "Montage Channel Number", "MontageChannelNumber"),
        (0x00102162, "UC", "1-n", "Ethnic Groups", "EthnicGroups"),
    ],
)
def test_rows_that_older_tables_lack(tag: int, vr: str, vm: str, name: str, keyword: str) -> None:
    assert elements.lookup(tag) == elements.ElementRow(tag, vr, (vr,), vm, name, keyword, retired=False)


@pytest.mark.parametrize(("keyword", "retired"), [("DoseValue", False), ("EthnicGroup", True)])
def test_retired_flags_that_other_tables_have_wrong(keyword: str, retired: bool) -> None:
    tag = elements.tag_of(keyword)
    assert tag is not None
    row = elements.lookup(tag)
    assert row is not None
    assert row.retired is retired


@pytest.mark.parametrize("tag", [0x003A0320, 0x003A0325])
def test_keywords_that_other_tables_have_cut(tag: int) -> None:
    row = elements.lookup(tag)
    assert row is not None
    squeezed = re.sub(r"[^A-Za-z0-9]", "", row.name.title().replace("'S", "s"))
    assert row.keyword.lower() == squeezed.lower()


@pytest.mark.parametrize(
    ("tag", "keyword", "vr"),
    [
        (0x50000010, "NumberOfPoints", "US"),
        (0x501E3000, "CurveData", "OB"),
        (0x60000010, "OverlayRows", "US"),
        (0x60023000, "OverlayData", "OB"),
        (0x601E0010, "OverlayRows", "US"),
        (0x60FE3000, "OverlayData", "OB"),
        (0x00203100, "SourceImageIDs", "CS"),
        (0x00203102, "SourceImageIDs", "CS"),
        (0x00280400, "TransformLabel", "LO"),
        (0x00280410, "RowsForNthOrderCoefficients", "US"),
        (0x002804F2, "CoefficientCoding", "LO"),
        (0x00280800, "CodeLabel", "CS"),
        (0x00280838, "ImageDataLocation", "AT"),
        (0x10000010, "EscapeTriplet", "US"),
        (0x10001231, "RunLengthTriplet", "US"),
        (0x10100004, "ZonalMap", "US"),
        (0x1010ABCD, "ZonalMap", "US"),
        (0x7F020010, "VariablePixelData", "OB"),
        (0x7FE00010, "PixelData", "OB"),
        (0x7FE00020, "CoefficientsSDVN", "OW"),
    ],
)
def test_repeating_groups(tag: int, keyword: str, vr: str) -> None:
    row = elements.lookup(tag)
    assert row is not None
    assert (row.tag, row.keyword, row.vr) == (tag, keyword, vr)
    assert elements.keyword_of(tag) == keyword


@pytest.mark.parametrize("tag", [0x60013000, 0x50010010, 0x7F010010, 0x00291010, 0x00081234, 0x60004321, -1, 1 << 32])
def test_no_row(tag: int) -> None:
    assert elements.lookup(tag) is None
    assert elements.keyword_of(tag) == ""


@pytest.mark.parametrize(
    ("tag", "vr"),
    [
        (0x00080000, "UL"),
        (0x00090000, "UL"),
        (0x00090010, "LO"),
        (0x000900FF, "LO"),
        (0x00090001, "UN"),
        (0x00091010, "UN"),
        (0x60010010, "LO"),
        (0x60023000, "OW"),
        (0x7FE00010, "OW"),
        (0x54001010, "OW"),
        (0x00280106, "US"),
        (0x00283006, "OW"),
        (0x00281200, "OW"),
        (0x00281201, "OW"),
        (0x0028A001, "UN"),
        (0xFFFEE000, "UN"),
        (0x00080005, "CS"),
        (0x00041220, "SQ"),
    ],
)
def test_vr_of(tag: int, vr: str) -> None:
    assert elements.vr_of(tag) == vr


def test_group_lengths_have_a_row_without_keyword() -> None:
    assert elements.lookup(0x00080000) == elements.ElementRow(
        0x00080000, "UL", ("UL",), "1", "Group Length", "", retired=True
    )
    row = elements.lookup(0x00020000)
    assert row is not None
    assert row.keyword == "FileMetaInformationGroupLength"
    assert elements.lookup(0x00090000) is None


def test_unknown_tags_do_not_grow_the_tables() -> None:
    elements.vr_of(0)
    size = len(elements.TAG_TO_VR)
    for tag in range(0x00090000, 0x00094000):
        elements.vr_of(tag)
    for tag in range(0x60020000, 0x60022000):
        elements.vr_of(tag)
    assert len(elements.TAG_TO_VR) == size
    assert elements.tag_of("NoSuchKeyword") is None
    assert "NoSuchKeyword" not in elements.KEYWORD_TO_TAG


@pytest.mark.parametrize("keyword", ["", "patientname", "Patient Name", "PatientName ", "\x00"])
def test_keywords_are_exact(keyword: str) -> None:
    assert elements.tag_of(keyword) is None
    with pytest.raises(KeyError):
        elements.KEYWORD_TO_TAG[keyword]


@pytest.mark.parametrize(
    "text", ["PatientName", "00100010", "0x00100010", "(0010,0010)", "0010,0010", " (0010, 0010) ", "PatientName\n"]
)
def test_parse_tag(text: str) -> None:
    assert elements.parse_tag(text) == 0x00100010


def test_parse_tag_takes_hexadecimal_letters() -> None:
    assert elements.parse_tag("(7FE0,0010)") == elements.parse_tag("7fe00010") == 0x7FE00010


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("PatientNam", "PatientName"),
        ("patientname", "PatientName"),
        ("Patient's Name", "PatientName"),
        ("Modalty", "Modality"),
    ],
)
def test_parse_tag_suggests(text: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        elements.parse_tag(text)
    assert caught.value.hint is not None
    assert near in caught.value.hint


def test_parse_tag_without_anything_near() -> None:
    with pytest.raises(UsageError, match="keyword like PatientName"):
        elements.parse_tag("qqqqqqq" * 100)


@given(st.text(max_size=40))
def test_parse_tag_never_breaks(text: str) -> None:
    try:
        tag = elements.parse_tag(text)
    except KermaError as error:
        tag = len(str(error))
    assert 0 <= tag <= 0xFFFFFFFF


@given(st.integers(0, 0xFFFFFFFF))
def test_the_functions_agree(tag: int) -> None:
    row = elements.lookup(tag)
    vr = elements.vr_of(tag)
    assert vr in vrs.ALL
    assert elements.keyword_of(tag) == ("" if row is None else row.keyword)
    if row is not None and row.vr:
        assert vr in row.vrs


def test_agreement_with_pydicom() -> None:
    """Where both know a row they agree, but for the slips and the news listed in standard-sources."""
    from pydicom._dicom_dict import DicomDictionary

    different = {
        0x00102160: "retired since its table",
        0x30040012: "not retired",
        0x003A0320: "keyword cut",
        0x003A0325: "keyword cut",
    }
    compared = 0
    for tag, (vr, vm, name, retired, keyword) in DicomDictionary.items():
        row = elements.lookup(tag)
        assert row is not None, hex(tag)
        if tag in different:
            continue
        compared += 1
        theirs = ("" if vr == "NONE" else vr, vm, bool(retired), keyword)
        assert (" or ".join(row.vrs), row.vm, row.retired, row.keyword) == theirs, hex(tag)
        assert row.name == name or not row.keyword, hex(tag)
    assert compared > 5000


def test_agreement_with_pydicom_on_repeating_groups() -> None:
    from pydicom._dicom_dict import RepeatersDictionary

    for pattern, (vr, vm, name, retired, keyword) in RepeatersDictionary.items():
        tag = int(pattern.replace("x", "2"), 16)
        row = elements.lookup(tag)
        assert row is not None, pattern
        theirs = (vr, vm, name, bool(retired), keyword)
        assert (" or ".join(row.vrs), row.vm, row.name, row.retired, row.keyword) == theirs, pattern


def test_importing_loads_no_table() -> None:
    code = (
        "import sys; from kerma.standard import elements, private, transfer_syntaxes, uids, vrs\n"
        "print(sorted(n for n in sys.modules if n.startswith('kerma.standard._gen.')))\n"
        "elements.vr_of(0x00100010), elements.tag_of('Rows')\n"
        "print(sorted(n for n in sys.modules if n.startswith('kerma.standard._gen.')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['kerma.standard._gen.elements_data']"]
