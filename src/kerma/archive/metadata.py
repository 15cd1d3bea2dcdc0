"""The headers of what is stored, and what was made of those of a series and kept (PS3.18 10.4.1.1.2).

Rules:

- No file is opened, but for a header that the index does not hold whole.
- What is kept is text of one form, deflated once. It goes in the transaction that changes the series
  (``index.writer``), and is noted only where the series is still the one that it was made of; every process sees both.
- This room knows no JSON: whoever asks brings ``make``.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import xxhash

from kerma.archive.blobs import FileBlobs
from kerma.archive.facts import header_syntax
from kerma.archive.index import headers
from kerma.archive.index.index import Index
from kerma.encoding.inflate import inflate_pieces
from kerma.encoding.source import ByteSource
from kerma.errors import ArchiveError, FormatError
from kerma.formats.head import HeadScanner
from kerma.limits import Limits
from kerma.query.model import Level, Query
from kerma.standard import transfer_syntaxes

MAX_KEPT = 64 << 20
"""Deflated bytes of the largest text that is kept."""
_FORMS = 4
"""Forms of a series that are kept at one time."""
_LEVEL = 6
_PAGE = 256
_PIECE = 1 << 18
_MAX_TAIL = 16 << 20
_LONG_HEAD = 12
"""Bytes of the header of an element of pixels."""
_ROW = (
    "instance.id, instance.sop_instance_uid, instance.transfer_syntax_uid, instance.blob, instance.dataset_offset,"
    " instance.size, instance.rest, instance.header"
)


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """One series of the index."""

    id: int
    study_uid: str
    series_uid: str


@dataclass(frozen=True, slots=True)
class StoredHeader:
    """The header of one instance: ``data`` encoded in ``syntax``, the stored transfer syntax, and tag and VR of the
    pixel data behind it.
    """

    study_uid: str
    series_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    data: bytes
    syntax: str
    pixel: tuple[int, str] | None
    tail: bytes = b""
    """The elements behind the pixel data."""


@dataclass(frozen=True, slots=True)
class SeriesMetadata:
    """What was made of a series: raw deflate data that ends at a byte boundary, CRC-32 and size of the text in it, and
    an entity tag that follows from the text.
    """

    etag: str
    count: int
    size: int
    crc: int
    body: bytes


Make = Callable[[Iterator[StoredHeader]], Iterable[str]]


class Metadata:
    """Headers of one archive."""

    def __init__(self, index: Index, blobs: FileBlobs, limits: Limits, max_header: int) -> None:
        self._index = index
        self._blobs = blobs
        self._limits = limits
        self._max_header = max_header

    # -- headers -------------------------------------------------------------------------------------------------------

    def series(self, query: Query) -> list[SeriesKey]:
        """The series that match a SERIES level question, in the order in which they came."""
        assert query.level is Level.SERIES
        numbers = self._index.matching(query)
        out: list[SeriesKey] = []
        for start in range(0, len(numbers), _PAGE):
            page = _list(numbers[start : start + _PAGE])
            with self._index.database.reader() as connection:
                out += [SeriesKey(*row) for row in connection.execute(_SERIES, (page,))]
        return out

    def header(self, uid_query: Query) -> StoredHeader | None:
        """The header of the first match of an IMAGE level question."""
        assert uid_query.level is Level.IMAGE
        numbers = self._index.matching(uid_query)
        if not numbers:
            return None
        with self._index.database.reader() as connection:
            row = connection.execute(_OF_INSTANCE, (numbers[0],)).fetchone()
        if row is None:
            return None
        return next(self._headers(SeriesKey(*row), [numbers[0]]), None)

    def headers(self, series: SeriesKey) -> Iterator[StoredHeader]:
        """The headers of a series, by instance number; what is deleted meanwhile is left out."""
        with self._index.database.reader() as connection:
            ids = [row[0] for row in connection.execute(_IDS, (series.id,))]
        return self._headers(series, ids)

    def _headers(self, series: SeriesKey, ids: Sequence[int]) -> Iterator[StoredHeader]:
        with self._index.database.reader() as connection:
            row = connection.execute("SELECT header_base FROM series WHERE id = ?", (series.id,)).fetchone()
        if row is None:
            return
        base = headers.unpack_base(row[0])
        for start in range(0, len(ids), _PAGE):
            page = ids[start : start + _PAGE]
            with self._index.database.reader() as connection:
                rows = {row[0]: row for row in connection.execute(_ROWS, (_list(page), series.id))}
            for number in page:
                if number in rows:
                    yield self._header(series, rows[number], base)

    def _header(self, series: SeriesKey, row: tuple[object, ...], base: bytes) -> StoredHeader:
        _, uid, syntax, blob, offset, size, rest, packed = row
        assert isinstance(syntax, str)
        if isinstance(rest, str) and isinstance(packed, bytes):
            data = headers.unpack(packed, base, self._max_header)
            pixel = (int(rest[:8], 16), rest[8:]) if rest else None
            tail = b""
        else:
            data, pixel, tail = self._of_blob(str(blob), syntax, int(offset), int(size))  # type: ignore[call-overload]
        encoding = header_syntax(syntax)
        return StoredHeader(series.study_uid, series.series_uid, str(uid), syntax, data, encoding, pixel, tail)

    def _of_blob(self, blob: str, syntax: str, offset: int, size: int) -> tuple[bytes, tuple[int, str] | None, bytes]:
        """The header as the blob has it, tag and VR of the pixels, and what lies behind them."""
        scanner = HeadScanner(syntax, limits=self._limits, bound=self._limits.max_value)
        with self._blobs.open(blob) as source:
            at = offset
            while at < size and not scanner.done:
                length = min(_PIECE, size - at)
                scanner.feed(source.read(at, length))
                at += length
            try:
                scanner.finish(size - offset)
            except FormatError as error:
                raise ArchiveError("a blob cannot be read", where=blob, hint="run kerma check") from error
            row = transfer_syntaxes.get(syntax)
            if not scanner.pixel:
                tail = b""
            elif row is not None and row.deflated:
                tail = _deflated_tail(source, scanner, offset, size, self._limits)
            else:
                tail = _tail(source, scanner, offset, size)
        return bytes(scanner.header_bytes), scanner.pixel, tail

    def state(self, series: SeriesKey) -> str:
        """A text that is another one whenever the series is another one."""
        with self._index.database.reader() as connection:
            return _state(connection, series.id).digest

    # -- what is kept --------------------------------------------------------------------------------------------------

    def ready(self, series: SeriesKey, form: str, most: int = MAX_KEPT) -> SeriesMetadata | None:
        """What is kept of a series in a ``form`` already, where that is at most ``most`` bytes; nothing is made."""
        with self._index.database.reader() as connection:
            row = connection.execute(_KEPT, (series.id, form, most)).fetchone()
        return None if row is None else SeriesMetadata(*row)

    def kept(self, series: SeriesKey, form: str, make: Make) -> SeriesMetadata | None:
        """What ``make`` makes of the headers of a series, made once for each ``form``; None where it is too large to be
        kept. ``form`` says all that the text depends on beside the series.
        """
        found = self.ready(series, form)
        if found is not None:
            return found
        with self._index.database.reader() as connection:
            state = _state(connection, series.id)
        made = _packed(make(self.headers(series)), state.count)
        if made is None:
            return None

        def job(connection: sqlite3.Connection) -> None:
            if _state(connection, series.id) == state:
                connection.execute(_NOTE, {"id": series.id, "form": form, **asdict(made)})
                connection.execute(_TIDY, (series.id, series.id, _FORMS))

        if state.count:
            with contextlib.suppress(ArchiveError):  # a full disk: then it is made again the next time
                self._index.database.submit(job)
        return made


@dataclass(frozen=True, slots=True)
class _State:
    """What a series consists of. Keys of blobs are never used twice."""

    count: int
    digest: str


def _state(connection: sqlite3.Connection, series_id: int) -> _State:
    digest = xxhash.xxh3_128()
    count = 0
    for (blob,) in connection.execute("SELECT blob FROM instance WHERE series_pk = ? ORDER BY id", (series_id,)):
        digest.update(blob.encode())
        count += 1
    return _State(count, digest.hexdigest())


def _packed(pieces: Iterable[str], count: int) -> SeriesMetadata | None:
    digest = xxhash.xxh3_128()
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15)
    out: list[bytes] = []
    size = crc = packed = 0
    for chunk in _gathered(pieces):
        digest.update(chunk)
        crc = zlib.crc32(chunk, crc)
        size += len(chunk)
        out.append(packer.compress(chunk))
        packed += len(out[-1])
        if packed > MAX_KEPT:
            return None
    out.append(packer.flush(zlib.Z_FULL_FLUSH))
    if packed + len(out[-1]) > MAX_KEPT:
        return None
    return SeriesMetadata(digest.hexdigest(), count, size, crc, b"".join(out))


def _tail(source: ByteSource, scanner: HeadScanner, offset: int, size: int) -> bytes:
    """What lies behind the pixels of a blob; fragments are stepped over."""
    fragments = scanner.fragments
    while fragments is not None and (at := fragments.expects) is not None and offset + at + 8 <= size:
        fragments.feed(at, source.read(offset + at, 8))
    start = scanner.after_pixels
    if start is None or not offset < offset + start < size or size - offset - start > _MAX_TAIL:
        return b""
    return bytes(source.read(offset + start, size - offset - start))


def _deflated_tail(source: ByteSource, scanner: HeadScanner, offset: int, size: int, limits: Limits) -> bytes:
    """The same of a deflated blob, all of which has to be inflated for it."""
    start = scanner.after_pixels
    if start is None or start - len(scanner.header_bytes) <= _LONG_HEAD:  # pixels without a length are none here
        return b""
    raw = (source.read(at, min(_PIECE, size - at)) for at in range(offset, size, _PIECE))
    out: list[bytes] = []
    seen = kept = 0
    try:
        for piece in inflate_pieces(raw, limits):
            out.append(piece[max(0, start - seen) :])
            seen += len(piece)
            kept += len(out[-1])
            if kept > _MAX_TAIL:
                return b""
    except FormatError:
        return b""
    return b"".join(out)


def _gathered(pieces: Iterable[str]) -> Iterator[bytes]:
    """Pieces of text in chunks that are worth a call."""
    held: list[str] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _PIECE:
            yield "".join(held).encode("utf-8", "replace")
            held, size = [], 0
    if held:
        yield "".join(held).encode("utf-8", "replace")


def _list(numbers: Sequence[int] | array[int]) -> str:
    return json.dumps(list(numbers))


_SERIES = (
    "SELECT series.id, study.study_instance_uid, series.series_instance_uid FROM series"
    " JOIN study ON study.id = series.study_pk WHERE series.id IN (SELECT value FROM json_each(?)) ORDER BY series.id"
)
_OF_INSTANCE = (
    "SELECT series.id, study.study_instance_uid, series.series_instance_uid FROM instance"
    " JOIN series ON series.id = instance.series_pk JOIN study ON study.id = series.study_pk WHERE instance.id = ?"
)
_IDS = "SELECT id FROM instance WHERE series_pk = ? ORDER BY CAST(instance_number AS INTEGER), id"
_ROWS = f"SELECT {_ROW} FROM instance WHERE id IN (SELECT value FROM json_each(?)) AND series_pk = ?"  # noqa: S608
_KEPT = (
    "SELECT etag, count, size, crc, body FROM series_metadata WHERE series_pk = ? AND form = ? AND length(body) <= ?"
)
_NOTE = "INSERT OR REPLACE INTO series_metadata VALUES (:id, :form, :etag, :count, :size, :crc, :body)"
_TIDY = (
    "DELETE FROM series_metadata WHERE series_pk = ? AND rowid NOT IN"
    " (SELECT rowid FROM series_metadata WHERE series_pk = ? ORDER BY rowid DESC LIMIT ?)"
)
