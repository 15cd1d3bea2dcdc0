"""Character sets with DCMTK's dcmconv and dcm2xml: what we write in each set is what they read, and the reverse."""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.data import get_charset_files

import kerma

Program = Callable[[str], str]

EXPLICIT_LE = "1.2.840.10008.1.2.1"
JAPANESE = ("chrH31", "chrH32", "chrJap", "chrSQ")
CHARSET_FILES = sorted(
    Path(name) for name in get_charset_files() if name.endswith(".dcm") and not Path(name).name.startswith(JAPANESE)
)

# Terms, a name and a text in them. The Japanese sets of two bytes are not here: DCMTK with the C library's iconv, as
# Debian builds it, refuses them; pydicom is the peer for those (tests/values).
TEXTS: list[tuple[str, str, str]] = [
    ("ISO_IR 100", "Buc^Jérôme", "éè\r\nü"),
    ("ISO_IR 101", "Łódź^Ą", "Łódź\tł"),
    ("ISO_IR 109", "ħ^ċ", "ħċ"),
    ("ISO_IR 110", "Rīga^ą", "Rīga"),
    ("ISO_IR 144", "Люкceмбypг^Ж", "щ\r\nж"),
    ("ISO_IR 127", "قباني^لنزار", "قباني\r\nلنزار"),
    ("ISO_IR 126", "Διονυσιος^Α", "αβγ"),
    ("ISO_IR 138", "שרון^דבורה", "שרון"),
    ("ISO_IR 148", "İstanbul^ş", "ğüş"),
    ("ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ", "ﾔﾏﾀﾞ"),
    ("ISO_IR 166", "สวัสดี^ก", "สวัสดี"),
    ("ISO_IR 192", "Wang^XiaoDong=王^小東=", "中文 🩻"),
    ("GB18030", "Wang^XiaoDong=王^小东=", "中文"),
    ("GBK", "Wang^XiaoDong=王^小东=", "中文"),
    ("\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞=홍^길동", "The first line includes 한글.\r\nThe second 한글, too."),
    ("\\ISO 2022 IR 58", "Zhang^XiaoDong=张^小东=", "1.第一行文字。\r\n2.第二行"),
    ("ISO 2022 IR 100\\ISO 2022 IR 144", "é^щ=é", "é щ\r\né"),
    ("\\ISO 2022 IR 126\\ISO 2022 IR 101", "α^ł", "αł\tα"),
]
IDS = [row[0].lstrip("\\") for row in TEXTS]
KEYWORDS = ("PatientName", "PatientComments", "PatientAddress", "OtherPatientNames")


def data_set(terms: str, name: str, text: str) -> kerma.Dataset:
    ds = kerma.Dataset()
    ds.SpecificCharacterSet = terms
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    ds.PatientName = name
    ds.OtherPatientNames = [name, name]
    ds.PatientComments = text
    ds.PatientAddress = text.splitlines()[0]
    return ds


def run(*words: object) -> str:
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "E:" not in done.stderr, done.stderr
    return done.stdout


def same(left: kerma.Dataset, right: kerma.Dataset) -> None:
    for keyword in KEYWORDS:
        ours, theirs = left.get(keyword), right.get(keyword)
        if keyword == "OtherPatientNames" and left.SpecificCharacterSet == "ISO_IR 13":
            # DCMTK makes the backslash between two values a yen sign, which is no delimiter any more.
            ours = "¥".join(ours)
        assert ours == theirs, keyword


@pytest.mark.parametrize(("terms", "name", "text"), TEXTS, ids=IDS)
def test_dcmtk_reads_what_we_write(program: Program, tmp_path: Path, terms: str, name: str, text: str) -> None:
    ds = data_set(terms, name, text)
    kerma.write(ds, tmp_path / "ours.dcm", transfer_syntax_uid=EXPLICIT_LE)
    run(program("dcmconv"), "+U8", tmp_path / "ours.dcm", tmp_path / "utf8.dcm")
    theirs = kerma.read(tmp_path / "utf8.dcm")
    assert theirs.SpecificCharacterSet == "ISO_IR 192"
    same(ds, theirs)


@pytest.mark.parametrize(
    ("terms", "name", "text"),
    [row for row in TEXTS if "\\" not in row[0]],
    ids=[i for i in IDS if "\\" not in i and "2022" not in i],
)
def test_we_read_what_dcmtk_writes(program: Program, tmp_path: Path, terms: str, name: str, text: str) -> None:
    ds = data_set("ISO_IR 192", name, text)
    kerma.write(ds, tmp_path / "utf8.dcm", transfer_syntax_uid=EXPLICIT_LE)
    run(program("dcmconv"), "+C", terms, tmp_path / "utf8.dcm", tmp_path / "theirs.dcm")
    theirs = kerma.read(tmp_path / "theirs.dcm")
    assert theirs.SpecificCharacterSet == terms
    same(ds, theirs)
    # And where nothing is left open by the standard, both write the same bytes.
    ours = data_set(terms, name, text)
    again = kerma.Dataset.from_bytes(ours.to_bytes(EXPLICIT_LE), EXPLICIT_LE)
    for keyword in KEYWORDS:
        assert bytes(again[keyword].raw or b"") == bytes(theirs[keyword].raw or b""), keyword


@pytest.mark.parametrize("path", CHARSET_FILES, ids=lambda path: path.stem)
def test_real_files_as_dcmtk_reads_them(program: Program, tmp_path: Path, path: Path) -> None:
    done = subprocess.run(
        [program("dcmconv"), "+U8", path, tmp_path / "utf8.dcm"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ours, theirs = kerma.read(path), kerma.read(tmp_path / "utf8.dcm")
    for tag in ours:
        if ours.vr_of(tag) in {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}:
            assert ours.value_of(tag) == theirs.value_of(tag), f"{tag:08X}"


@pytest.mark.parametrize(("terms", "name", "text"), TEXTS, ids=IDS)
def test_the_names_in_dcm2xml(program: Program, tmp_path: Path, terms: str, name: str, text: str) -> None:
    kerma.write(data_set(terms, name, text), tmp_path / "ours.dcm", transfer_syntax_uid=EXPLICIT_LE)
    run(program("dcmconv"), "+U8", tmp_path / "ours.dcm", tmp_path / "utf8.dcm")
    root = ET.fromstring(run(program("dcm2xml"), tmp_path / "utf8.dcm"))
    (element,) = (one for one in root.iter("element") if one.get("tag") == "0010,0010")
    assert element.text == name
