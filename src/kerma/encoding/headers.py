"""One element header: read it where it is well formed, understand it where it is not (PS3.5 7.1, 6.2.2).

``header_at`` is the careful reader: it checks everything and is used where the fast loops of ``scan`` gave up, for
single elements, and inside undefined lengths. What it had to guess it notes in ``Marks.odd``, so that the guess is
made once.

The guesses, in the order in which they are tried, each accepted only when what follows looks like an element or the
end:

- a VR of no known code in capital letters is of a later edition: 32-bit length (7.1.2);
- otherwise the element was written in implicit VR, or with a blank VR in front of a 16-bit or 32-bit length;
- a long VR whose length does not fit was written with a 16-bit length; a short VR likewise with a 32-bit one.
"""

from __future__ import annotations

from kerma.encoding.marks import Header, Marks
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, UNDEFINED, Encoding, key_of
from kerma.errors import FormatError, TruncatedError, format_path
from kerma.limits import Limits, Strictness
from kerma.standard import elements

SECTION_HEADER = "PS3.5 7.1"


def read_header(buf: Buffer, pos: int, encoding: Encoding) -> Header:
    """The header at ``pos`` that a scan has accepted; no checks."""
    if not encoding.explicit:
        key, length = encoding.header.unpack_from(buf, pos)
        if not encoding.little_endian:
            key = key_of(key)
        return Header(key, "", length, pos + 8)
    key, code, length = encoding.header.unpack_from(buf, pos)
    if not encoding.little_endian:
        key = key_of(key)
    if code in encoding.long:
        return Header(key, encoding.vr_of[code], encoding.u32.unpack_from(buf, pos + 8)[0], pos + 12)
    return Header(key, encoding.vr_of.get(code, "UN"), length, pos + 8)


def header_at(buf: Buffer, pos: int, end: int, encoding: Encoding, marks: Marks, path: tuple[int, ...]) -> Header:
    """The header at ``pos``, checked: it fits before ``end``, and so does its value unless that is of undefined length.

    ``TruncatedError`` where it does not, ``FormatError`` where the bytes are no header.
    """
    odd = marks.odd.get(pos)
    if odd is not None:
        return odd
    if end - pos < 8:
        raise TruncatedError(
            f"an element header of 8 bytes begins, {8 - (end - pos)} are missing",
            missing=8 - (end - pos),
            offset=pos,
            path=path,
        )
    if not encoding.explicit:
        key, length = encoding.header.unpack_from(buf, pos)
        if not encoding.little_endian:
            key = key_of(key)
        header = Header(key, "", length, pos + 8)
    else:
        key, code, length = encoding.header.unpack_from(buf, pos)
        if not encoding.little_endian:
            key = key_of(key)
        if code in encoding.short:
            header = Header(key, encoding.vr_of[code], length, pos + 8)
        elif code not in encoding.long:
            return _guess_vr(buf, pos, end, encoding, marks, path, key)
        elif end - pos < 12:
            missing = 12 - (end - pos)
            raise TruncatedError(
                f"an element header of 12 bytes begins, {missing} are missing", missing=missing, offset=pos, path=path
            )
        else:
            length = encoding.u32.unpack_from(buf, pos + 8)[0]
            header = Header(key, encoding.vr_of[code], length, pos + 12)
    if header.length == UNDEFINED:
        return header
    if header.value + header.length <= end and (
        header.length or header.value != pos + 8 or plausible(buf, header.value, end, encoding, key)
    ):
        return _padded(buf, pos, end, encoding, marks, path, header) if header.length & 1 else header
    slipped = _guess_length(buf, pos, end, encoding, header) if encoding.explicit else None
    if slipped is None and header.value + header.length <= end:
        return header
    if slipped is None:
        raise overrun(header, pos, end, path)
    marks.note(
        "length-field",
        f"{tag_text(key)} has VR {header.vr} with a length field of the other size",
        offset=pos,
        path=path,
        section="PS3.5 7.1.2",
    )
    marks.odd[pos] = slipped
    return slipped


def _padded(
    buf: Buffer, pos: int, end: int, encoding: Encoding, marks: Marks, path: tuple[int, ...], header: Header
) -> Header:
    """A value of odd length: as it is, or with the padding byte that its writer did not count."""
    after = header.value + header.length
    if plausible(buf, after, end, encoding, header.key) or not plausible(buf, after + 1, end, encoding, header.key):
        return header
    text = f"{tag_text(header.key)} has an odd length that does not count its padding byte"
    marks.note("odd-length", text, offset=pos, path=path, section="PS3.5 7.1.1")
    header = header._replace(length=header.length + 1)
    marks.odd[pos] = header
    return header


def tag_text(key: int) -> str:
    return format_path((key_of(key),))


def overrun(header: Header, pos: int, end: int, path: tuple[int, ...]) -> TruncatedError:
    """The error for a value that goes past the end of what holds it."""
    missing = header.value + header.length - end
    return TruncatedError(
        f"the value of {tag_text(header.key)} is {header.length} bytes long, {missing} of them are missing",
        missing=missing,
        offset=pos,
        path=(*path, key_of(header.key)),
    )


def plausible(buf: Buffer, pos: int, end: int, encoding: Encoding, key: int) -> bool:
    """Whether what lies at ``pos`` can follow the element ``key``: the end, padding, a delimiter or a later element."""
    if pos == end:
        return True
    if not any(bytes(buf[pos : min(pos + 8, end)])):
        return pos < end
    if pos > end - 8:
        return False
    following, *rest = encoding.header.unpack_from(buf, pos)
    if not encoding.little_endian:
        following = key_of(following)
    tag = key_of(following)
    if tag in {0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD}:
        return True
    if tag <= key_of(key):
        return False
    if encoding.explicit:
        return rest[0] in encoding.short or rest[0] in encoding.long
    return rest[0] == UNDEFINED or pos + 8 + int(rest[0]) <= end


def _guess_length(buf: Buffer, pos: int, end: int, encoding: Encoding, header: Header) -> Header | None:
    """The same VR with a length field of the other size, if that makes sense."""
    if header.value == pos + 12:
        other = Header(header.key, header.vr, encoding.u16.unpack_from(buf, pos + 6)[0], pos + 8)
    elif end - pos >= 12 and not encoding.u16.unpack_from(buf, pos + 6)[0]:
        other = Header(header.key, header.vr, encoding.u32.unpack_from(buf, pos + 8)[0], pos + 12)
    else:
        return None
    after = other.value + other.length
    return other if after <= end and plausible(buf, after, end, encoding, header.key) else None


def _guess_vr(
    buf: Buffer, pos: int, end: int, encoding: Encoding, marks: Marks, path: tuple[int, ...], key: int
) -> Header:
    raw = bytes(buf[pos + 4 : pos + 6])
    tag = key_of(key)
    vr = elements.vr_of(tag)
    short = Header(key, vr, encoding.u16.unpack_from(buf, pos + 6)[0], pos + 8)
    implicit = Header(key, vr, encoding.u32.unpack_from(buf, pos + 4)[0], pos + 8)
    tries = [short, implicit]
    if end - pos >= 12:
        tries.append(Header(key, vr, encoding.u32.unpack_from(buf, pos + 8)[0], pos + 12))
    if raw.isalpha() and raw.isupper():
        tries = [one._replace(vr="UN") for one in reversed(tries)]
        if encoding.u16.unpack_from(buf, pos + 6)[0]:  # no reserved bytes, so hardly a length of 32 bits
            tries.reverse()
    elif raw not in {b"  ", b"\0\0", b"??", b"--"}:
        tries = [implicit, short, *tries[2:]]
    for guess in tries:
        after = guess.value + guess.length
        fits = after <= end and plausible(buf, after, end, encoding, key)
        if fits or (guess.length == UNDEFINED and _is_item(buf, guess.value, end, encoding)):
            marks.note(
                "wrong-vr",
                f"{tag_text(key)} has no VR of PS3.5; taken as {vr}",
                offset=pos,
                path=path,
                section="PS3.5 6.2",
            )
            marks.odd[pos] = guess
            return guess
    raise FormatError(f"the bytes after tag {tag_text(key)} are no VR", offset=pos, path=path)


def _is_item(buf: Buffer, pos: int, end: int, encoding: Encoding) -> bool:
    return pos + 8 <= end and encoding.u32.unpack_from(buf, pos)[0] in {encoding.item, encoding.sequence_end}


def other_encoding(buf: Buffer, pos: int, end: int, encoding: Encoding) -> Encoding | None:
    """What a data set that is not in ``encoding`` is in, told by its first element; None where that tells nothing.

    For the wild: a file whose transfer syntax says explicit VR and whose elements are implicit, and the reverse
    (PS3.5 7.1, 10).
    """
    if end - pos < 8:
        return None
    for other in (EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE):
        if other is encoding:
            continue
        try:
            header = header_at(buf, pos, end, other, Marks(Limits(), Strictness.STRICT), ())
        except FormatError:
            continue
        known = elements.lookup(key_of(header.key)) is not None or not header.key >> 16
        if header.length == UNDEFINED:
            follows = _is_item(buf, header.value, end, other)
        else:
            follows = plausible(buf, header.value + header.length, end, other, header.key)
        if known and follows:
            return other
    return None


def encoding_inside(buf: Buffer, pos: int, end: int, encoding: Encoding) -> Encoding:
    """The encoding of the elements that begin at ``pos`` in a data set of ``encoding``.

    Items in the other VR form are of the wild: implicit inside explicit, and explicit inside UN, which is implicit
    (PS3.5 6.2.2).
    """
    if end - pos < 8:
        return encoding
    if encoding.explicit:
        key, code, _ = encoding.header.unpack_from(buf, pos)
        if code in encoding.short or code in encoding.long or key in {encoding.item_end, encoding.sequence_end}:
            return encoding
        length = IMPLICIT_LE.header.unpack_from(buf, pos)[1]
        if encoding.little_endian and (length == UNDEFINED or length <= end - pos - 8):
            return IMPLICIT_LE
        return encoding
    key, code, short = EXPLICIT_LE.header.unpack_from(buf, pos)
    if code in EXPLICIT_LE.short or code in EXPLICIT_LE.long:
        length = IMPLICIT_LE.header.unpack_from(buf, pos)[1]
        if length != UNDEFINED and length > end - pos - 8:
            return EXPLICIT_LE
        # Two letters of a VR make a long value in implicit VR. Where that leads nowhere, they are the VR.
        if code in EXPLICIT_LE.short and not plausible(buf, pos + 8 + length, end, IMPLICIT_LE, key):
            return EXPLICIT_LE if plausible(buf, pos + 8 + short, end, EXPLICIT_LE, key) else encoding
    return encoding
