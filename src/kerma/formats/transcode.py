"""A stored data set in another uncompressed syntax, as a stream (PS3.5 A; for C-GET, C-MOVE and send).

The elements before pixel data are converted as a data set; pixel data follows from the source in pieces of at most a
megabyte, its words swapped where the byte order differs; what comes after it is converted like the head. So memory is
bounded by the header. A deflated data set is inflated to a temporary file first, and deflated as it comes; one without
pixel data is held as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from kerma.dataset import Dataset
from kerma.dataset.writing import needs_codec
from kerma.encoding.headers import overrun, read_header
from kerma.encoding.inflate import deflate, inflate
from kerma.encoding.marks import Header, Marks
from kerma.encoding.scan import scan_head
from kerma.encoding.source import Buffer, ByteSource, BytesSource
from kerma.encoding.swap import WORD_SIZES, swapped
from kerma.encoding.syntax import UNDEFINED, Encoding, encoding_of, key_of
from kerma.encoding.writer import PIECE, element_header
from kerma.formats.inflating import InflatedSource
from kerma.limits import Limits, Strictness
from kerma.standard import elements, transfer_syntaxes
from kerma.standard.transfer_syntaxes import DEFLATED_LE, EXPLICIT_LE

_LIMITS = Limits()
_FIRST = 1 << 16


def transcode(
    source: ByteSource, offset: int, length: int, from_uid: str, to_uid: str, *, limits: Limits = _LIMITS
) -> Iterator[Buffer]:
    """The data set at ``offset`` in ``source`` (``length`` bytes, in ``from_uid``) as buffers in ``to_uid``.

    ``UnsupportedSyntaxError`` where pixel data would have to be compressed or decompressed, ``FormatError`` and its
    kinds where the bytes are no data set. The source must stay open while the iterator is used.
    """
    before, deflated = encoding_of(from_uid)
    after, deflate_too = encoding_of(to_uid)
    if (deflated and from_uid != DEFLATED_LE.uid) or (deflate_too and to_uid != DEFLATED_LE.uid):  # JPIP
        return Dataset.from_bytes(source.read(offset, length), from_uid, limits=limits).chunks(to_uid)
    if deflated:
        return _inflated(source, offset, length, to_uid, limits)
    if deflate_too:
        return deflate(transcode(source, offset, length, from_uid, EXPLICIT_LE.uid, limits=limits))
    data, pixel = _head(source, offset, length, before, limits)
    if pixel < 0:
        return Dataset.from_bytes(data, from_uid, limits=limits).chunks(to_uid)
    header = read_header(data, pixel, before)
    row = transfer_syntaxes.get(to_uid)
    if header.length == UNDEFINED or (row is not None and row.encapsulated):
        raise needs_codec(from_uid, to_uid)
    if header.value + header.length > length:
        raise overrun(header, pixel, length, ())
    head = Dataset.from_bytes(data[:pixel], from_uid, limits=limits)
    tail_at = header.value + header.length
    tail = Dataset.from_bytes(source.read(offset + tail_at, length - tail_at), from_uid, limits=limits)
    parts = (head.chunks(to_uid), _pixels(source, offset, header, before, after), tail.chunks(to_uid))
    return (piece for part in parts for piece in part)


def _inflated(source: ByteSource, offset: int, length: int, to_uid: str, limits: Limits) -> Iterator[Buffer]:
    """The same of a deflated one. What is small is inflated at once, so that errors come before anything is sent."""
    if length <= _FIRST:
        data = inflate(source.read(offset, length), limits)
        return transcode(BytesSource(data), 0, len(data), EXPLICIT_LE.uid, to_uid, limits=limits)
    inflated = InflatedSource(source, offset, length, limits)
    return transcode(inflated, 0, inflated.size, EXPLICIT_LE.uid, to_uid, limits=limits)


def _head(source: ByteSource, offset: int, length: int, encoding: Encoding, limits: Limits) -> tuple[bytes, int]:
    """The first bytes, up to pixel data at least, and where that begins; -1 where there is none: then all bytes."""
    want = _FIRST
    while True:
        want = min(want, length)
        data = source.read(offset, want)
        marks = Marks(limits, Strictness.LENIENT)
        marks.partial = want < length
        pixel = scan_head(data, want, encoding, marks, last=want == length)
        if pixel >= 0 or want == length:
            return data, pixel
        want *= 4


def _pixels(source: ByteSource, offset: int, header: Header, before: Encoding, after: Encoding) -> Iterator[Buffer]:
    tag = key_of(header.key)
    vr = header.vr or elements.vr_of(tag)
    odd = header.length & 1
    yield element_header(after, tag, vr, header.length + odd)
    size = WORD_SIZES.get(vr, 1) if before.little_endian != after.little_endian else 1
    at, end = offset + header.value, offset + header.value + header.length
    while at < end:
        piece: Buffer = source.read(at, min(PIECE, end - at))
        at += len(piece)
        if odd and at == end:
            piece = bytes(piece) + b"\0"
        yield piece if size == 1 else swapped(piece, size)
