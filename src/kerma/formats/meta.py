"""The head of a PS3.10 file: preamble, "DICM", file meta information; found in a buffer, and made (PS3.10 7.1).

Lenient: no preamble, no meta information at all (the syntax is then guessed from the first element), a group length
that is missing or wrong, meta information in implicit VR. Each is a finding.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from kerma import values
from kerma.encoding.headers import header_at, read_header
from kerma.encoding.marks import Marks
from kerma.encoding.places import Index, Places
from kerma.encoding.salvage import note
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, UNDEFINED, Encoding, key_of
from kerma.encoding.twin import loops
from kerma.encoding.writer import element_header
from kerma.errors import FormatError, NotDicomError, TruncatedError, ValueFormatError
from kerma.findings import Finding
from kerma.formats.damaged import meta_elements
from kerma.formats.identity import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from kerma.limits import Limits, Strictness

_SECTION = "PS3.10 7.1"
meta_places = loops.meta
_SYNTAX = key_of(0x00020010)
_GROUP_LENGTH = key_of(0x00020000)
_LIMITS = Limits()
_FIRST_META = 1024
"""Bytes of the first meta element; more is two letters of a wrong VR taken for a length."""


class Head(NamedTuple):
    """Where the parts of a file lie. ``meta`` is (start, end) of the meta elements, None without; ``marks`` belongs
    to their bytes.
    """

    preamble: bytes | None
    meta: tuple[int, int] | None
    transfer_syntax_uid: str
    dataset_offset: int
    elements: Index | Places
    encoding: Encoding
    marks: Marks

    @property
    def findings(self) -> list[Finding]:
        return self.marks.findings

    def text(self, buf: Buffer, tag: int) -> str:
        """A UID or other plain text of the meta information, "" where absent."""
        return _text(buf, self.elements, self.encoding, self.marks, key_of(tag))


def place(elements: Index | Places, key: int) -> int:
    """Where the element of an index key lies, -1 where there is none."""
    return elements.get(key, -1) if isinstance(elements, dict) else loops.find(elements, key)


def _text(buf: Buffer, index: Index | Places, encoding: Encoding, marks: Marks, key: int) -> str:
    at = place(index, key)
    if at < 0:
        return ""
    head = marks.odd.get(at) or read_header(buf, at, encoding)
    return str(bytes(buf[head.value : head.value + head.length]), "latin-1").strip(" \0")


def split_head(
    buf: Buffer, size: int, *, limits: Limits = _LIMITS, strictness: Strictness = Strictness.LENIENT
) -> Head:
    """The head of a file of ``size`` bytes, of which ``buf`` holds at least the head.

    ``NotDicomError`` where nothing says that this is DICOM, ``TruncatedError`` where the head goes past ``buf``.
    """
    marks = Marks(limits, strictness)
    try:
        return _split(buf, size, marks)
    except FormatError as error:
        if marks.salvage is None or len(buf) < size:
            raise
        return _damaged(buf, Marks(limits, strictness), error)


def _split(buf: Buffer, size: int, marks: Marks) -> Head:
    if buf[128:132] == b"DICM":
        return _after_mark(buf, size, marks, bytes(buf[:128]), 132)
    if buf[:4] == b"DICM":
        marks.note("no-preamble", "the file begins with DICM, without a preamble", offset=0, section=_SECTION)
        return _after_mark(buf, size, marks, None, 4)
    if size == 0:
        raise NotDicomError("the file is empty", offset=0)
    return _without_mark(buf, size, marks)


def _damaged(buf: Buffer, marks: Marks, error: FormatError) -> Head:
    """The head of a damaged file that has its mark."""
    start = 132 if buf[128:132] == b"DICM" else 4
    if buf[start - 4 : start] != b"DICM":
        raise error
    index, end = meta_elements(buf, start, marks, error)
    note(marks, error, None)  # unless the damage is said already
    preamble = bytes(buf[:128]) if start == 132 else None
    if index:
        return _with_meta(buf, len(buf), marks, preamble, (start, end), index, EXPLICIT_LE)
    return Head(preamble, None, guess_syntax(buf, end, len(buf), certain=True), end, {}, EXPLICIT_LE, marks)


def _after_mark(buf: Buffer, size: int, marks: Marks, preamble: bytes | None, start: int) -> Head:
    encoding = EXPLICIT_LE
    head = _well_formed(buf, marks, preamble, start)
    if head is not None:
        return head
    index, end = _meta_elements(buf, start, size, encoding, marks)
    if not index:
        return _bare(buf, size, marks, preamble, start)
    return _with_meta(buf, size, marks, preamble, (start, end), index, encoding)


def _with_meta(
    buf: Buffer,
    size: int,
    marks: Marks,
    preamble: bytes | None,
    span: tuple[int, int],
    index: dict[int, int],
    encoding: Encoding,
) -> Head:
    start, end = span
    uid = _text(buf, index, encoding, marks, _SYNTAX)
    if not uid:
        uid = guess_syntax(buf, end, size, certain=True)
        marks.note(
            "no-syntax", "the meta information names no transfer syntax; it is guessed", offset=start, section=_SECTION
        )
    return Head(preamble, (start, end), uid, end, index, encoding, marks)


def _well_formed(buf: Buffer, marks: Marks, preamble: bytes | None, start: int) -> Head | None:
    """The head in a hurry, None where anything about it is odd."""
    places, pos, raw = meta_places(buf, start)
    if pos < 0:
        return None
    uid = _UIDS.get(raw) or _uid(raw)
    return Head(preamble, (start, pos), uid, pos, places, EXPLICIT_LE, marks) if uid else None


_UIDS: dict[bytes, str] = {}  # of transfer syntaxes that were seen


def _uid(raw: bytes) -> str:
    """A transfer syntax UID as text, "" where it is none."""
    try:
        uid = str(raw, "ascii").rstrip("\0 ")
    except UnicodeDecodeError:
        return ""
    if len(_UIDS) < 256 and len(raw) <= 64:
        _UIDS[raw] = uid
    return uid


def _bare(buf: Buffer, size: int, marks: Marks, preamble: bytes | None, start: int) -> Head:
    """No meta elements after DICM: meta information in implicit VR or with a wrong VR in front, or a data set."""
    if buf[start : start + 2] == b"\x02\0" and start + 8 <= len(buf):
        index, end, encoding = _odd_meta(buf, start, size, marks)
        if index:
            if encoding is IMPLICIT_LE:
                marks.note("implicit-meta", "the meta information is in implicit VR", offset=start, section=_SECTION)
            return _with_meta(buf, size, marks, preamble, (start, end), index, encoding)
    uid = guess_syntax(buf, start, size)
    marks.note("no-meta", "there is no file meta information", offset=start, section=_SECTION)
    return Head(preamble, None, uid, start, {}, EXPLICIT_LE, marks)


def _odd_meta(buf: Buffer, start: int, size: int, marks: Marks) -> tuple[dict[int, int], int, Encoding]:
    """Meta elements of which the first has no VR: they are in implicit VR, or it has a wrong one."""
    length = IMPLICIT_LE.header.unpack_from(buf, start)[1]
    if length <= _FIRST_META:
        try:
            return *_meta_elements(buf, start, size, IMPLICIT_LE, marks, guess=True), IMPLICIT_LE
        except FormatError:
            marks.forget(start, size)
    return *_meta_elements(buf, start, size, EXPLICIT_LE, marks, guess=True), EXPLICIT_LE


def _without_mark(buf: Buffer, size: int, marks: Marks) -> Head:
    """No "DICM": meta information or a data set at the very beginning, or no DICOM at all."""
    if len(buf) >= 8 and buf[:2] == b"\x02\0":
        for encoding in (EXPLICIT_LE, IMPLICIT_LE):
            index, end = _meta_elements(buf, 0, size, encoding, marks)
            if index:
                marks.note("no-preamble", "the file begins with its meta information", offset=0, section=_SECTION)
                return _with_meta(buf, size, marks, None, (0, end), index, encoding)
    uid = guess_syntax(buf, 0, size)
    marks.note("no-meta", "there is neither preamble nor file meta information", offset=0, section=_SECTION)
    return Head(None, None, uid, 0, {}, EXPLICIT_LE, marks)


def _meta_elements(
    buf: Buffer, pos: int, size: int, encoding: Encoding, marks: Marks, *, guess: bool = False
) -> tuple[dict[int, int], int]:
    """The elements of group 0002 from ``pos`` on, and where they end. The group decides, not the group length, which
    may be wrong.

    Nothing where the first has no VR of the standard, unless ``guess``; a wrong VR further on is understood where
    that makes sense.
    """
    index: dict[int, int] = {}
    limit = len(buf)
    start = pos
    announced = -1
    while pos + 8 <= limit:
        if buf[pos : pos + 2] != b"\x02\0":
            break
        if encoding.explicit and not index and not guess and not _is_vr(buf, pos, encoding):
            return {}, start
        try:
            head = header_at(buf, pos, limit, encoding, marks, ())
        except TruncatedError as error:
            if limit < size or not encoding.explicit:
                if not encoding.explicit and not index:
                    return {}, start
                raise
            raise TruncatedError(
                f"in the file meta information, {error.message}", missing=error.missing, offset=pos, path=error.path
            ) from None
        if head.length == UNDEFINED:
            raise FormatError("an undefined length in the file meta information", offset=pos)
        index[head.key] = pos
        pos = head.value + head.length
        if head.key == _GROUP_LENGTH and head.length == 4:
            announced = pos + struct.unpack_from("<I", buf, head.value)[0]
    if pos + 8 > limit and limit < size:
        raise TruncatedError("the head of the file goes on", missing=size - limit, offset=pos)
    if index and announced > size == pos:
        missing = announced - size
        text = f"the file meta information is {missing} bytes longer than the file"
        raise TruncatedError(text, missing=missing, offset=pos)
    if index and announced != pos:
        text = "the group length of the meta information is " + ("absent" if announced < 0 else "wrong")
        marks.note("meta-length", text, offset=start, section=_SECTION)
    return index, pos


def _is_vr(buf: Buffer, pos: int, encoding: Encoding) -> bool:
    code = encoding.u16.unpack_from(buf, pos + 4)[0]
    return code in encoding.short or code in encoding.long


_GUESSES = ((EXPLICIT_LE, "1.2.840.10008.1.2.1"), (EXPLICIT_BE, "1.2.840.10008.1.2.2"))


def guess_syntax(buf: Buffer, pos: int, size: int, *, certain: bool = False) -> str:
    """The syntax of a data set without a name for it, from its first element.

    ``NotDicomError`` where that is none, unless it is ``certain`` that this is DICOM: then it is the default syntax
    (PS3.5 10.1).
    """
    if pos + 8 > min(size, len(buf)):
        if pos == size and pos:
            return "1.2.840.10008.1.2.1"
        if certain:
            return "1.2.840.10008.1.2"
        raise NotDicomError("the bytes are neither a DICOM file nor a data set", offset=pos)
    for encoding, uid in _GUESSES:
        group = encoding.u16.unpack_from(buf, pos)[0]
        if _is_vr(buf, pos, encoding) and group <= 0x0100:
            return uid
    if certain:
        return "1.2.840.10008.1.2"
    group, element, length = struct.unpack_from("<HHI", buf, pos)
    first = not group & 1 and element <= 0x9999 and bool(group or element or length)
    if first and pos + 8 + length <= size and group in {0x0000, 0x0002, 0x0004, 0x0008, 0x0010, 0x0018, 0x0020, 0x0028}:
        return "1.2.840.10008.1.2"
    raise NotDicomError(
        "nothing says that this is DICOM: no DICM at offset 128, and no data set at the beginning", offset=pos
    )


# -- making one --------------------------------------------------------------------------------------------------------


def encode_meta(elements: list[tuple[int, str, bytes]]) -> bytes:
    """Meta elements (tag, VR, value bytes) in tag order as bytes, with a right group length in front."""
    body = b"".join(
        element_header(EXPLICIT_LE, tag, vr, len(raw)) + raw for tag, vr, raw in sorted(elements) if tag != 0x00020000
    )
    return element_header(EXPLICIT_LE, 0x00020000, "UL", 4) + struct.pack("<I", len(body)) + body


def file_head(
    *,
    sop_class_uid: str,
    sop_instance_uid: str,
    transfer_syntax_uid: str,
    source_aet: str = "",
    preamble: bytes | None = None,
) -> bytes:
    """Preamble, "DICM" and meta information, ready to be followed by the data set (PS3.10 7.1).

    ``ValueEncodeError`` for text that a UID or AE cannot hold; whether a UID is well formed is the caller's to judge.
    """
    if preamble is not None and len(preamble) != 128:
        raise ValueFormatError("a preamble has 128 bytes (PS3.10 7.1)")
    rows: list[tuple[int, str, bytes]] = [(0x00020001, "OB", b"\0\1")]
    texts = [
        (0x00020002, "UI", sop_class_uid),
        (0x00020003, "UI", sop_instance_uid),
        (0x00020010, "UI", transfer_syntax_uid),
        (0x00020012, "UI", IMPLEMENTATION_CLASS_UID),
        (0x00020013, "SH", IMPLEMENTATION_VERSION_NAME),
    ]
    if source_aet:
        texts.append((0x00020016, "AE", source_aet))
    rows += [(tag, vr, values.encode(vr, text)) for tag, vr, text in texts]
    return (b"\0" * 128 if preamble is None else preamble) + b"DICM" + encode_meta(rows)
