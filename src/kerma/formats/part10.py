"""PS3.10 files: read lazily, written durably.

``read`` takes a path, bytes, a memory map or a binary file. A small file is read whole; of a large one its head, and
its pixels when somebody asks for them (``late``). ``write`` goes to a temporary file in the same folder, which
takes the name when it is complete and synced: there is never half a file under the name.
"""

from __future__ import annotations

import importlib
import mmap
import os
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from kerma import values
from kerma.dataset import Dataset
from kerma.dataset.body import Body
from kerma.dataset.copying import selected
from kerma.dataset.dataset import FileState
from kerma.dataset.writing import touched
from kerma.encoding.front import find_front
from kerma.encoding.inflate import inflate
from kerma.encoding.marks import Marks
from kerma.encoding.salvage import note as note_damage
from kerma.encoding.scan import scan_window
from kerma.encoding.source import Buffer, ByteSource
from kerma.encoding.syntax import IMPLICIT_BE, Encoding, encoding_of, key_of, tag_of
from kerma.encoding.writer import slices
from kerma.errors import FormatError, KermaError, NotDicomError, TruncatedError, UnsupportedSyntaxError
from kerma.formats import acr_nema
from kerma.formats.identity import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from kerma.formats.instance import Instance
from kerma.formats.late import FLAGS, LateFile, LateSource, read_at, read_fully
from kerma.formats.meta import Head, encode_meta, file_head, guess_syntax, split_head
from kerma.formats.personality import NOTHING, note_preamble
from kerma.formats.saving import save
from kerma.formats.source import FileSource
from kerma.formats.tiff import attach, is_tiff, without_padding, without_tiff
from kerma.limits import Limits, Strictness
from kerma.standard import transfer_syntaxes

__all__ = ["Head", "file_head", "open", "probe", "read", "split", "write"]

_LIMITS = Limits()
_WHOLE = 1 << 16  # files up to this size are read whole
_WINDOW = 1 << 14  # bytes that are read of larger ones
_SOON_READ = 1 << 19  # files up to this size are read whole sooner than searched for their front
_WINDOWS = (1 << 16, 1 << 20)  # the same where each read is a request

Path = str | os.PathLike[str]


def read(
    source: Path | Buffer | mmap.mmap | BinaryIO,
    *,
    limits: Limits = _LIMITS,
    strictness: Strictness = Strictness.LENIENT,
) -> Dataset:
    """A data set from a PS3.10 file, or from a bare data set (with a finding), lazily.

    ``source`` is a path (which may go on into a zip, tar or compressed file: ``containers``), bytes, a memory map, or
    a binary file (read from its position to its end). Bytes must not
    change while the data set is used; a large file must stay what it is until its pixels were asked for. Raises
    ``FormatError`` and its kinds with offset and tag path, ``OSError`` where the system cannot open the file.
    """
    if isinstance(source, (str, os.PathLike)):
        try:
            try:
                return _read_path(source, limits, strictness)
            except (FileNotFoundError, NotADirectoryError, NotDicomError):
                # Loaded when it is used: the libraries for archives take longer to load than a file takes to read.
                data = importlib.import_module("kerma.formats.containers").read_packed(source, limits)
                if data is None:
                    raise
            return _over(data, limits, strictness)
        except KermaError as error:
            if error.where is None:
                error.where = os.fspath(source)
            raise
    if isinstance(source, (bytes, bytearray, memoryview)):
        view: Any = bytes(source) if isinstance(source, bytearray) else source
        return _over(view if isinstance(view, bytes) else view.cast("B"), limits, strictness)
    if isinstance(source, mmap.mmap):
        return _over(memoryview(source), limits, strictness)
    return _over(source.read(), limits, strictness)


open = read  # noqa: A001  the same, for ``with kerma.open(path) as ds``


def _read_path(path: Path, limits: Limits, strictness: Strictness) -> Dataset:
    """A small file is read whole. Of a large one the first kilobytes, when all headers are in them."""
    fd = os.open(path, FLAGS)
    try:
        stat = os.fstat(fd)
        size = stat.st_size
        window = read_fully(fd, size + 1 if size <= _WHOLE else _WINDOW)
        if size > _WHOLE:
            late = LateFile(path, stat)
            ds = _by_window(window, late, limits, strictness, lambda at, length: read_at(fd, at, length))
    finally:
        os.close(fd)
    if size <= _WHOLE:
        return _over(window, limits, strictness)
    try:
        return _over(late.data(), limits, strictness, late.close) if ds is None else ds
    except BaseException:
        late.close()
        raise


def read_source(
    source: ByteSource, *, limits: Limits = _LIMITS, strictness: Strictness = Strictness.LENIENT
) -> Dataset:
    """The same from a source of byte ranges, of which as little is read as will do. The data set closes it."""
    late = LateSource(source, limits)
    size = source.size
    if size > _WHOLE:
        for length in _WINDOWS:
            ds = _by_window(source.read(0, min(length, size)), late, limits, strictness, late.read_bytes)
            if ds is not None:
                return ds
    return _over(late.data(), limits, strictness, late.close)


def _by_window(
    window: bytes,
    late: LateFile | LateSource,
    limits: Limits,
    strictness: Strictness,
    read: Callable[[int, int], bytes],
) -> Dataset | None:
    """The data set, when all its element headers are in the first bytes of its file and nothing about them is odd."""
    if strictness is Strictness.STRICT:
        return None  # which looks at everything
    try:
        head = split_head(window, late.size, limits=limits, strictness=strictness)
        encoding, deflated = encoding_of(head.transfer_syntax_uid)
    except KermaError:
        return None
    if deflated or head.findings:
        return None
    index: Any = scan_window(window, head.dataset_offset, late.size, encoding, head.marks, read)
    if index is None and late.size > _SOON_READ:
        row = transfer_syntaxes.get(head.transfer_syntax_uid)
        compressed = row is not None and row.encapsulated
        index = find_front(window, head.dataset_offset, late.size, encoding, head.marks, read, compressed=compressed)
    if index is None:
        return None
    state = _state(window, head, late.size, late.data, late.close)
    return Dataset.from_body(
        Body.of_window(window, head.dataset_offset, late.size, encoding, head.marks, index, late.data), state
    )


def _state(buf: Buffer, head: Head, size: int, whole: Any, closer: Any) -> FileState:
    state = FileState()
    state.uid = head.transfer_syntax_uid
    preamble = head.preamble
    state.preamble = preamble
    state.size = size
    if preamble is not None and preamble != NOTHING:
        note_preamble(preamble, head.marks)
    state.whole = whole
    state.closer = closer
    if head.meta is not None:
        state.meta = (buf, head.meta[0], head.meta[1], head.encoding, head.marks)
    return state


def _over(buf: Any, limits: Limits, strictness: Strictness, closer: Any = None) -> Dataset:
    try:
        head = split_head(buf, len(buf), limits=limits, strictness=strictness)
    except NotDicomError:
        if not acr_nema.looks_big_endian(buf, len(buf)):
            raise
        return _big_endian_stream(buf, Marks(limits, strictness), closer)
    encoding, deflated = _encoding(buf, head)
    state = _state(buf, head, len(buf), lambda: buf, closer)
    marks = head.marks
    start, end = head.dataset_offset, len(buf)
    data = buf
    if deflated:
        state.deflated = memoryview(buf)[start:]
        damage: list[FormatError] | None = None if marks.salvage is None else []
        data = inflate(state.deflated, limits, damage)
        state.findings = head.findings
        marks = Marks(limits, strictness)
        if damage:
            note_damage(marks, damage[0], None)
        start, end = 0, len(data)
    body = Body(data, start, end, encoding, marks)
    body.settle()
    ds = Dataset.from_body(body, state)
    if head.meta is None:
        acr_nema.note(ds)
    return ds


def _big_endian_stream(buf: Any, marks: Marks, closer: Any) -> Dataset:
    """An ACR-NEMA stream of a big-endian machine: elements in no transfer syntax."""
    state = FileState()
    state.whole = lambda: buf
    state.closer = closer
    body = Body(buf, 0, len(buf), IMPLICIT_BE, marks)
    body.load()
    ds = Dataset.from_body(body, state)
    acr_nema.note(ds)
    return ds


def _encoding(buf: Buffer, head: Head) -> tuple[Encoding, bool]:
    """The encoding of the data set; of a syntax that is not known, private ones for instance, as the first element
    has it.
    """
    try:
        return encoding_of(head.transfer_syntax_uid)
    except UnsupportedSyntaxError:
        guess = guess_syntax(buf, head.dataset_offset, len(buf), certain=True)
        text = "the transfer syntax is not known; the data set is read as its first element is encoded"
        head.marks.note("unknown-syntax", text, offset=head.dataset_offset, section="PS3.5 10")
        return encoding_of(guess)


def split(data: Buffer) -> Head:
    """The head of a buffer that holds at least the head of a file. ``TruncatedError`` where it does not."""
    return split_head(data, max(len(data), 1))


# -- what a sender needs -----------------------------------------------------------------------------------------------


def probe(path: Path) -> Instance:
    """An ``Instance`` from the first kilobytes of a file; nothing else of it is read.

    ``FormatError`` where the file is no DICOM or names no SOP class and instance.
    """
    name = os.fspath(path)
    try:
        with FileSource(path) as source:
            return _probe(source, name)
    except KermaError as error:
        if error.where is None:
            error.where = name
        raise


def _probe(source: ByteSource, name: str) -> Instance:
    size = source.size
    want = 4096
    while True:
        want = min(want, size)
        data = source.read(0, want)
        try:
            head = split_head(data, size)
            break
        except TruncatedError:
            if want == size or want > 1 << 20:
                raise
            want *= 4
    sop_class = head.text(data, 0x00020002)
    instance = head.text(data, 0x00020003)
    if not sop_class or not instance:
        ds = read(name)
        sop_class = str(ds.get("SOPClassUID") or sop_class)
        instance = str(ds.get("SOPInstanceUID") or instance)
        if not sop_class or not instance:
            raise FormatError("no SOP Class UID or no SOP Instance UID", hint="only composite instances can be sent")
    return Instance(
        sop_class_uid=sop_class,
        sop_instance_uid=instance,
        transfer_syntax_uid=head.transfer_syntax_uid,
        dataset_offset=head.dataset_offset,
        dataset_length=size - head.dataset_offset,
        open=lambda: FileSource(name),
        name=name,
    )


# -- writing -----------------------------------------------------------------------------------------------------------


def write(
    ds: Dataset, target: Path | BinaryIO, *, transfer_syntax_uid: str | None = None, tiff: bool | None = None
) -> None:
    """Write a PS3.10 file: untouched parts byte for byte, in the syntax it came in unless told (explicit little
    endian for a new one).

    To a path it is written beside it, synced, and renamed; a failure leaves what was there. Raises
    ``ValueEncodeError`` for values that cannot be written, ``UnsupportedSyntaxError`` where pixel data would have to
    be compressed or decompressed.

    ``tiff`` True makes the file a TIFF as well (``formats.tiff``), False clears the preamble of one; None keeps what it
    was, so the directories of a TIFF are made anew where something moved them.
    """
    already = tiff is not False and is_tiff(ds)
    if not (tiff or already) or (already and _unchanged(ds, transfer_syntax_uid)):
        save(file_chunks(without_tiff(ds) if tiff is False else ds, transfer_syntax_uid), target)
        return
    pieces = file_chunks(without_padding(ds), transfer_syntax_uid)
    try:
        save(pieces, target, attach)
    except (UnsupportedSyntaxError, FormatError):
        if tiff:
            raise
        save(file_chunks(without_tiff(ds), transfer_syntax_uid), target)


def file_chunks(ds: Dataset, transfer_syntax_uid: str | None = None) -> Iterator[Buffer]:
    """The whole file in pieces of at most a megabyte."""
    state = ds._file
    uid = transfer_syntax_uid or ds.transfer_syntax_uid or "1.2.840.10008.1.2.1"
    if _unchanged(ds, transfer_syntax_uid):
        whole = state.whole()  # type: ignore[union-attr, misc]
        return slices(whole, 0, len(whole))
    stray = [key for key in ds._body.index if key & 0xFFFF == 2]
    # What strayed into the data set would be read as meta information behind the one that is written.
    whole = selected(ds, [tag for tag in ds if tag >> 16 != 2]) if stray else ds
    dataset = whole.chunks(uid)  # raises before anything is written
    return _chain(_head_for(ds, uid), dataset)


def _unchanged(ds: Dataset, uid: str | None) -> bool:
    """Whether the file is written as it came."""
    state = ds._file
    same = state is not None and state.whole is not None and uid in {None, state.uid}
    return same and not touched(ds._body) and not _meta_touched(ds)


def _chain(head: bytes, rest: Iterator[Buffer]) -> Iterator[Buffer]:
    yield head
    yield from rest


def _meta_touched(ds: Dataset) -> bool:
    state = ds._file
    return state is not None and isinstance(state.meta, Dataset) and bool(touched(state.meta._body))


def _head_for(ds: Dataset, uid: str) -> bytes:
    """Preamble and meta information for ``ds`` in ``uid``: what it came with, made right and complete."""
    meta = ds.meta
    rows: dict[int, tuple[str, bytes]] = {}
    if meta is not None:
        body = meta._body
        for key, at in body.index.items():
            tag = tag_of(key)
            if tag >> 16 != 2:
                continue
            if isinstance(at, str):
                rows[tag] = at, values.encode(at, body.cache[key])
            else:
                head = body.header(at)
                raw = bytes(body.slice(head))
                rows[tag] = body.vr_of(head), raw + b"\0" if len(raw) & 1 else raw
    defaults: list[tuple[int, str, Any]] = [
        (0x00020002, "UI", ds.get("SOPClassUID")),
        (0x00020003, "UI", ds.get("SOPInstanceUID")),
        (0x00020012, "UI", IMPLEMENTATION_CLASS_UID),
        (0x00020013, "SH", IMPLEMENTATION_VERSION_NAME),
    ]
    if 0x00020012 in rows:
        defaults.pop()  # the version name belongs to the class that is there
    rows.setdefault(0x00020001, ("OB", b"\0\1"))
    _follow_instance(ds, rows)
    for tag, vr, value in defaults:
        if tag not in rows and value:
            rows[tag] = vr, values.encode(vr, value)
    rows[0x00020010] = "UI", values.encode("UI", uid)
    preamble = ds.preamble or b"\0" * 128
    return preamble + b"DICM" + encode_meta([(tag, vr, raw) for tag, (vr, raw) in rows.items()])


def _follow_instance(ds: Dataset, rows: dict[int, tuple[str, bytes]]) -> None:
    """Where the data set's SOP class or instance UID was assigned, the meta information says the same (PS3.10 7.1)."""
    for tag, meta_tag in ((0x00080016, 0x00020002), (0x00080018, 0x00020003)):
        at = ds._body.index.get(key_of(tag))
        if isinstance(at, str) and ds.value_of(tag):
            rows[meta_tag] = "UI", values.encode("UI", ds.value_of(tag))
