"""Where Kerma and pydicom 3 do not say the same, and the paragraph that settles it.

A row names files and elements by patterns, the kind of difference (``compare.Difference``, and ``refused`` for a
file that Kerma does not read at all), the paragraph of the standard, and the reason in a sentence. Rows are tried in
order; the first that fits counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from kerma.errors import format_path

from .compare import Difference
from .files import PAGE


@dataclass(frozen=True)
class Row:
    """One known difference. ``files`` is a shell pattern; ``elements``, ``ours`` and ``theirs`` are regular
    expressions.
    """

    files: str
    elements: str
    kind: str
    section: str
    reason: str
    ours: str = ""
    theirs: str = ""

    def names(self, file: str) -> bool:
        """Whether this row is about ``file``."""
        return fnmatchcase(file, self.files)

    def fits(self, difference: Difference) -> bool:
        """Whether this row explains ``difference``."""
        return (
            re.fullmatch(self.kind, difference.kind) is not None
            and self.names(difference.file)
            and re.fullmatch(self.elements, format_path(difference.path)) is not None
            and re.search(self.ours, difference.ours, re.DOTALL) is not None
            and re.search(self.theirs, difference.theirs, re.DOTALL) is not None
        )


ANY = ".*"
GROUP_LENGTH = r".*\([0-9A-F]{4},0000\)"
PRIVATE = r"(.*\.)?\([0-9A-F]{3}[13579BDF],[0-9A-F]{4}\)(\[.*)?"
FUZZ = "pwnlabmx+dicom-fuzzing-corpus/*/"

ROWS: tuple[Row, ...] = (
    # -- what is cut or garbled is refused, with the offset ------------------------------------------------------------
    Row(
        "*/MR_truncated.dcm",
        "",
        "refused",
        "PS3.5 7.1",
        "the pixel data is cut; pydicom gives a shorter value",
        "Trunc",
    ),
    Row("*/rtplan_truncated.dcm", "", "refused", "PS3.5 7.1", "a sequence is cut; pydicom gives fewer items", "Trunc"),
    Row("*/3gb-bulk-data-truncated", "", "refused", "PS3.5 7.1", "3 GB of pixel data announced, 98 kB there", "Trunc"),
    Row("*/GH626.dcm", "", "refused", "PS3.5 7.1", "explicit elements in an implicit item run out of step", "Trunc"),
    Row("*/GH179B.dcm", "", "refused", "PS3.5 7.1.2", "an element without VR and without length", "no VR"),
    Row(
        "*/RP.1.2.246.352.71.5.2088656855.377401.20110920153647.dcm",
        "",
        "refused",
        "PS3.5 7.1",
        "every line feed became two characters on its way; no length is right after the first",
        "Trunc",
    ),
    Row(FUZZ + "cat05_transfer_syntax/*_deflate_corrupt.dcm", "", "refused", "PS3.10 7.1", "no element follows DICM"),
    Row(
        FUZZ + "cat07_file_meta/*_meta_glen_huge.dcm",
        "",
        "refused",
        "PS3.10 7.1",
        "an element of no VR in the meta group",
    ),
    Row(FUZZ + "cat09_logic_bombs/*_group_len_zero.dcm", "", "refused", "PS3.5 7.1.2", "UL with a length of 32 bits"),
    Row(
        FUZZ + "cat10_cve_2026_3650/*_meta_*_vr_*.dcm",
        "",
        "refused",
        "PS3.10 7.1",
        "meta information without right VRs that nothing tells how to read; pydicom gives no element of the data set",
    ),
    Row(
        FUZZ + "cat10_cve_2026_3650/*_fake_elems.dcm",
        "",
        "refused",
        "PS3.10 7.1",
        "elements of no VR in the meta group",
    ),
    Row(FUZZ + "cat11_cve_2025_11266/*.dcm", "", "refused", "PS3.5 A.4", "fragments with lengths that are not theirs"),
    Row(
        FUZZ + "cat17_cve_libdicom_uaf/*_truncated_meta_group.dcm",
        "",
        "refused",
        "PS3.10 7.1",
        "the file ends inside its meta information; pydicom gives what is there",
        "Trunc",
    ),
    Row(
        FUZZ + "cat20_cve_dcmtk_dimse_segfault/*.dcm",
        "",
        "refused",
        "PS3.5 7.1",
        "the file ends inside a value",
        "Trunc",
    ),
    Row(
        FUZZ + "cat23_cve_merge_toolkit/*.dcm",
        "",
        "refused",
        "PS3.5 7.1",
        "a wrong length puts all after it out of step",
    ),
    # -- more is read than pydicom reads -------------------------------------------------------------------------------
    Row(
        FUZZ + "cat10_cve_2026_3650/*_meta_*_vr_*.dcm",
        ANY,
        "extra",
        "PS3.10 7.1",
        "a wrong VR in the meta information; pydicom takes the rest of the file for its value",
    ),
    Row(
        FUZZ + "cat10_cve_2026_3650/*_meta_*_vr_*.dcm",
        ANY,
        "value",
        "PS3.10 7.1",
        "the same: its value is the whole file",
    ),
    Row(
        FUZZ + "cat10_cve_2026_3650/*_meta_*_vr_*.dcm",
        ANY,
        "theirs",
        "PS3.5 6.2",
        "the same: pydicom has no value for it",
    ),
    Row(
        FUZZ + "cat10_cve_2026_3650/*_meta_*_vr_*.dcm",
        r"\(0002,0000\)",
        "missing",
        "PS3.10 7.1",
        "the same: pydicom finds a group length inside a value",
    ),
    Row(
        FUZZ + "cat07_file_meta/*_meta_glen_one.dcm", ANY, "extra", "PS3.10 7.1", "pydicom takes the rest for one value"
    ),
    Row(FUZZ + "cat07_file_meta/*_meta_glen_one.dcm", r"\(0002,0001\)", "value", "PS3.10 7.1", "the same"),
    Row(
        "*/GH1339.dcm",
        ANY,
        "extra",
        "PS3.5 A.4",
        "pixel data without its delimiter at the end: a finding; pydicom drops the whole data set",
    ),
    Row("*/emri_small_jpeg_2k_lossless_too_short.dcm", ANY, "extra", "PS3.5 A.4", "the same"),
    Row("*/GH179A.dcm", ANY, "extra", "PS3.5 6.2", "a blank VR; pydicom takes the rest of the file for its value"),
    Row("*/GH179A.dcm", r"\(0028,0120\)", "value", "PS3.5 6.2", "the same"),
    Row(
        "*/zero-length-US.dcm",
        r"\(5600,00[12]0\)",
        "(extra|value)",
        "PS3.5 7.1.2",
        "OF with a length field of 16 bits; pydicom takes two elements for one value",
    ),
    Row(
        FUZZ + "cat23_cve_merge_toolkit/*_odd_len_*.dcm",
        ANY,
        "(extra|missing|value|theirs)",
        "PS3.5 7.1.1",
        "an odd length that does not count the padding: a finding; pydicom reads on from inside the value",
    ),
    Row(
        FUZZ + "cat08_string_encoding/*_latin1_utf8_payload.dcm",
        ANY,
        "(missing|value)",
        "PS3.5 7.1.2",
        "the second name has a length field of 32 bits and an odd length; pydicom reads an empty one and nonsense",
    ),
    Row(
        FUZZ + "cat09_logic_bombs/*_duplicate_tags.dcm",
        ANY,
        "(missing|value)",
        "PS3.5 7.1.2",
        "the second name has a length field of 32 bits; pydicom reads an empty one and nonsense",
    ),
    # -- items
    # -----------------------------------------------------------------------------------------------------------
    Row(
        "*",
        r"\(FFFE,E000\)",
        "missing",
        "PS3.5 7.5",
        "an item outside any sequence is no element; it is left out: a finding",
    ),
    Row(
        FUZZ + "cat17_cve_libdicom_uaf/*_sq_early_delim.dcm",
        r"\(0008,1140\)",
        "items",
        "PS3.5 7.5.2",
        "the sequence is ended by its delimiter; what follows is no item of it",
    ),
    Row(
        "*/pt_256x256_16bit_jpls.dcm",
        r"\(0009,1010\)(\[0\])?",
        "(items|error)",
        "PS3.5 A.4",
        "an icon in a private UN, its pixel data of undefined length without fragments",
    ),
    Row(
        "*/Tag-0040-A170-VR-CS.dcm",
        r".*\(0040,A170\)",
        "(error|value)",
        "PS3.5 7.5",
        "implicit VR, SQ by the dictionary, but a code string in the file; pydicom makes items of its letters",
    ),
    # -- VRs
    # ---------------------------------------------------------------------------------------------------------------
    Row("*", GROUP_LENGTH, "vr", "PS3.5 7.2", "a group length is UL in every group", "UL", "UN"),
    Row(
        "*/brain_001.dcm",
        r"\(0000,0000\)",
        "missing",
        "PS3.5 7.1",
        "zeros after the last element are a finding, no element",
    ),
    Row(
        "*/bad.dcm",
        r"\(0000,0000\)",
        "theirs",
        "PS3.5 6.2",
        "the bytes are no UL: an error when the value is asked for",
    ),
    Row(
        "*",
        PRIVATE,
        "(vr|value)",
        "PS3.5 7.8.1",
        "UN for a private element whose creator is known, but written as UN too; pydicom does not look behind that",
        theirs="UN",
    ),
    Row(
        FUZZ + "*/*_65535.dcm",
        ANY,
        "vr",
        "PS3.5 6.2.2",
        "UN for an element that the standard knows; pydicom resolves only those shorter than 65535 bytes",
        theirs="UN",
    ),
    Row(
        FUZZ + "*/*_over_64KB.dcm",
        ANY,
        "vr",
        "PS3.5 6.2.2",
        "UN for an element that the standard knows; pydicom resolves only those shorter than 65535 bytes",
        theirs="UN",
    ),
    Row("*/ambiguous_vr.dcm", ANY, "vr", "PS3.5 A.1", "OB or OW is OW in implicit VR", "OW", "OB or OW"),
    Row(
        "*/SC_rgb_jpeg.dcm", r".*\(7FE0,0010\)", "vr", "PS3.5 A.1", "the data set is in implicit VR, so OW", "OW", "OB"
    ),
    # -- values
    # ------------------------------------------------------------------------------------------------------------
    Row("*/badVR.dcm", r"\(0028,0008\)", "error", "PS3.5 6.2", "IS '1A' is no number; pydicom gives the text"),
    Row(
        "*/vr-format-?S.dcm", ANY, "error", "PS3.5 6.2", "a text that is no number in IS and DS; pydicom gives the text"
    ),
    Row(
        "*/xa_minimal.dcm", r"\(0018,115[01]\)", "error", "PS3.5 6.2", "IS with a binary number; pydicom gives a letter"
    ),
    Row(
        "*/chrGB2312.dcm",
        r"\(0010,0010\)",
        "value",
        "PS3.3 C.12.1.1.2",
        "ISO 2022 IR 58 as the only value; its escape sequences mean what they say",
    ),
)


def row_of(difference: Difference) -> Row | None:
    """The row that explains ``difference``, or None."""
    return next((row for row in ROWS if row.fits(difference)), None)


_HEAD = """# Where Kerma and pydicom read differently

Every file of the corpus that pydicom 3 reads without `force` is read with both, and every element is compared, items
included. All agree but the ones below; the paragraph settles who is right. Spaces and NULs that PS3.5 6.2 calls
padding, and a `=` at the end of a name, are no difference. `tests/corpus` holds this list to the files, both ways;
`python -m tests.corpus.differences` writes this page from it.

"refused" is a file that Kerma does not read, with offset and tag in the error; "extra" and "missing" are elements
that only Kerma or only pydicom has; "theirs" is an element for which pydicom has no value.

"""


def page() -> str:
    """The list as a page of the documentation."""
    return _HEAD + table(ROWS)


def table(rows: tuple[Row, ...]) -> str:
    """Rows as a table of a page."""
    lines = ["| files | elements | what | paragraph | why |", "|---|---|---|---|---|"]
    lines += [
        f"| {_cell(row.files)} | {_cell(row.elements)} | {_plain(row.kind)} | {row.section} | {row.reason} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _cell(pattern: str) -> str:
    """A pattern as people write it."""
    if pattern in {"*", ANY, ""}:
        return "all" if pattern else "the file"
    if pattern == GROUP_LENGTH:
        return "`(gggg,0000)`"
    if pattern == PRIVATE:
        return "private"
    text = pattern.removeprefix(FUZZ).removeprefix("*/").replace("\\", "").replace("|", "&#124;")
    return f"`{text}`"


def _plain(kind: str) -> str:
    return kind.strip("()").replace("|", ", ")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
