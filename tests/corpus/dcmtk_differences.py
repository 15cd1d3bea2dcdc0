"""Where Kerma and DCMTK's ``dcmdump`` do not say the same, and the paragraph that settles it.

Rows as in ``differences``; "theirs" are what ``dcmdump`` printed.
"""

from __future__ import annotations

from .compare import Difference
from .differences import ANY, FUZZ, Row, table
from .files import ROOT

PAGE = ROOT / "docs" / "dcmtk-differences.md"

ROWS: tuple[Row, ...] = (
    Row(
        FUZZ + "cat07_file_meta/*_meta_glen_huge.dcm",
        "",
        "refused",
        "PS3.10 7.1",
        "an element of no VR in the meta group; dcmdump prints it as ??",
    ),
    Row(
        FUZZ + "cat09_logic_bombs/*_group_len_zero.dcm",
        "",
        "refused",
        "PS3.5 7.1.2",
        "UL with a length of 32 bits; dcmdump reads two elements of it",
    ),
    Row(
        FUZZ + "cat17_cve_libdicom_uaf/*_truncated_meta_group.dcm",
        "",
        "refused",
        "PS3.10 7.1",
        "the meta information announces more than the file has; dcmdump gives what is there",
        "longer than the file",
    ),
    Row(
        "*/GH064.dcm",
        r"\(200[15],\w+\)\[.*",
        "extra",
        "PS3.5 6.2.2",
        "UN of a creator whose element is a sequence: its items are read; dcmdump leaves them as bytes",
    ),
    Row("*/GH064.dcm", r"\(2005,102D\)", "vr", "PS3.5 7.8.1", "UN; the two private dictionaries differ"),
    Row(
        "*/00004_4cbb756b8eed2ea8.dcm",
        r"\(2005,140F\)\[.*",
        "extra",
        "PS3.5 6.2.2",
        "UN of a creator whose element is a sequence: its items are read; dcmdump leaves them as bytes",
    ),
    Row(
        "*CTImage.dcm_JP*",
        r"\(0028,0120\)",
        "value",
        "PS3.3 C.7.5.1.1.2",
        "UN; with signed pixels the padding value is SS, so -32768",
        theirs="32768",
    ),
    Row("*/brain_001.dcm", r"\(0000,0000\)", "missing", "PS3.5 7.1", "zeros after the last element are a finding"),
    Row(
        "*/pt_256x256_16bit_jpls.dcm",
        r"\(0009,1010\)\[0\]",
        "error",
        "PS3.5 A.4",
        "an icon in a private UN, its pixel data of undefined length without fragments",
    ),
    Row("*/input/dicom.dcm", ANY, "value", "PS3.5 7.1.1", "OW of odd length; dcmdump prints whole words"),
    Row(
        "*/mc_old_4/Test",
        ANY,
        "value",
        "PS3.5 9.1",
        "words where a UID must be; dcmdump takes the spaces out",
        theirs="RTStructureSetStorage",
    ),
    Row(
        FUZZ + "cat07_file_meta/*_meta_glen_one.dcm",
        r"\(0002,0001\)",
        "length",
        "PS3.5 7.1",
        "a tag that is there twice: the last counts, dcmdump takes the first; a finding",
    ),
    Row(
        FUZZ + "cat23_cve_merge_toolkit/*_sq_item_huge_len.dcm",
        ANY,
        "(missing|extra)",
        "PS3.5 7.5.2",
        "an item longer than its sequence: it ends with it, dcmdump puts the rest of the file into it; a finding",
    ),
)


def row_of(difference: Difference) -> Row | None:
    """The row that explains ``difference``, or None."""
    return next((row for row in ROWS if row.fits(difference)), None)


_HEAD = """# Where Kerma and DCMTK read differently

Every file of the corpus that `dcmdump` of DCMTK 3.6 reads is read with both, and every element is compared, items
included: its path, its VR, its length, and its value where `dcmdump` prints it (up to 4 kB), text as bytes and numbers
as numbers. Of about 246,000 elements all agree but the ones below; the paragraph settles who is right.
`tests/corpus` holds this list to the files, both ways; `python -m tests.corpus.dcmtk_differences` writes this page.

"refused" is a file that Kerma does not read unless it is told to salvage, with offset and tag in the error; "extra"
and "missing" are elements that only Kerma or only `dcmdump` has.

"""


def page() -> str:
    """The list as a page of the documentation."""
    return _HEAD + table(ROWS)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
