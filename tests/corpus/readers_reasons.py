"""Why another reader gives more elements of a file than Kerma: the first row that fits counts."""

from __future__ import annotations

from fnmatch import fnmatchcase

ROWS: tuple[tuple[str, str], ...] = (
    ("*_deflate_corrupt.dcm", "no element follows DICM; pydicom takes noise for one"),
    ("*/MR_truncated.dcm", "the pixel data is cut: its bytes are kept with the finding, not given as a value"),
    ("*/3gb-bulk-data-truncated", "the pixel data is cut: its bytes are kept with the finding, not given as a value"),
    ("*/rtplan_truncated.dcm", "the last element is cut: its bytes are kept with the finding, not given as a value"),
    ("*_midvalue_truncation.dcm", "the name is cut: its bytes are kept with the finding, not given as a value"),
    ("*/badVR.dcm", "IS '1A' is no number: a typed error, its bytes stay reachable"),
    ("*/xa_minimal.dcm", "IS with binary numbers: a typed error, its bytes stay reachable"),
    ("*/vr-format-?S.dcm", "a text that is no number: a typed error, its bytes stay reachable"),
    ("*/brain_001.dcm", "zeros after the last element are a finding; the others count them as (0000,0000)"),
    ("*_meta_glen_huge.dcm", "(0002,967F) has no VR; dcmdump counts it, 34 bytes of it and what follows are kept here"),
    ("*_latin1_utf8_payload.dcm", "a length of 32 bits is understood; pydicom makes an element of its second half"),
    ("*_group_len_zero.dcm", "a length of 32 bits; the others make an element (0004,0000) of its second half"),
    ("*_odd_len_len255.dcm", "a wrong length puts what follows out of step; pydicom counts noise as an element"),
)


def why(row: dict[str, str]) -> str:
    """The reason, "" for none."""
    return next((reason for pattern, reason in ROWS if fnmatchcase(row["file"], pattern)), "")
