"""Any form of a data set by what its bytes say: a DICOM file, DICOM JSON or XML; and the names of the forms to write.

Rules: a file with "DICM" behind its preamble is a DICOM file whatever the preamble looks like (PS3.10 7.1); otherwise
the first character decides, because no data set begins with one of those.
"""

from __future__ import annotations

import os
from pathlib import Path

from kerma.dataset import Dataset
from kerma.errors import UsageError
from kerma.formats import part10
from kerma.formats.json import from_json
from kerma.formats.xml import from_xml
from kerma.limits import Limits, Strictness
from kerma.standard import transfer_syntaxes, uids

_LIMITS = Limits()
_MARKS = {0x7B: "json", 0x5B: "json", 0x3C: "xml"}
_BOM = b"\xef\xbb\xbf"

SHORT_NAMES = {
    "implicit": "1.2.840.10008.1.2",
    "explicit": "1.2.840.10008.1.2.1",
    "deflated": "1.2.840.10008.1.2.1.99",
    "big": "1.2.840.10008.1.2.2",
    "encapsulated": "1.2.840.10008.1.2.1.98",
    "deflated-frames": "1.2.840.10008.1.2.8.1",
    "rle": "1.2.840.10008.1.2.5",
    "jpeg": "1.2.840.10008.1.2.4.50",
    "jpeg-12": "1.2.840.10008.1.2.4.51",
    "jpeg-lossless": "1.2.840.10008.1.2.4.70",
    "jpeg-ls": "1.2.840.10008.1.2.4.80",
    "jpeg-ls-near": "1.2.840.10008.1.2.4.81",
    "jpeg2000": "1.2.840.10008.1.2.4.90",
    "jpeg2000-lossy": "1.2.840.10008.1.2.4.91",
    "htj2k": "1.2.840.10008.1.2.4.201",
    "htj2k-rpcl": "1.2.840.10008.1.2.4.202",
    "htj2k-lossy": "1.2.840.10008.1.2.4.203",
    "jpeg-xl": "1.2.840.10008.1.2.4.110",
    "jpeg-xl-lossy": "1.2.840.10008.1.2.4.112",
}
"""Short names of the transfer syntaxes that are written; without "lossy", "near" or plain "jpeg" nothing is lost."""


def form_of(path: str | os.PathLike[str]) -> str:
    """ "json", "xml" or "dicom", by the first bytes of a file."""
    with open(path, "rb") as file:
        head = file.read(132)
    if head[128:] == b"DICM":
        return "dicom"
    start = head.removeprefix(_BOM).lstrip()[:1]
    return _MARKS.get(start[0], "dicom") if start else "dicom"


def read(
    path: str | os.PathLike[str], *, limits: Limits = _LIMITS, strictness: Strictness = Strictness.LENIENT
) -> Dataset:
    """The data set of a file in any form; what lies inside an archive is a DICOM file."""
    form = form_of(path) if os.path.isfile(path) else "dicom"
    if form == "json":
        return from_json(Path(path), limits=limits)
    if form == "xml":
        return from_xml(Path(path), limits=limits)
    return part10.read(path, limits=limits, strictness=strictness)


def syntax_uid(name: str) -> str:
    """The UID of a transfer syntax by its UID, keyword ("ImplicitVRLittleEndian") or short name ("implicit").
    ``UsageError`` for what is none.
    """
    uid = SHORT_NAMES.get(name.lower()) or uids.uid_of(name) or name
    row = transfer_syntaxes.get(uid)
    if row is None:
        raise UsageError(
            f"{name[:64]!r} is no transfer syntax", hint=f"a UID, a keyword of PS3.6, or {', '.join(SHORT_NAMES)}"
        )
    return row.uid
