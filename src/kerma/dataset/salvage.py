"""One body of a damaged data set: the elements that are whole (``Strictness.SALVAGE``), and the bytes that are none.

What reads without an error is read as ever. The rest is read with ``careful``, which is brought past each place of
damage; the rules are those of ``kerma.encoding.salvage``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kerma.encoding.headers import header_at, other_encoding
from kerma.encoding.marks import Header, Marks
from kerma.encoding.salvage import bare_header, behind, forget, go_on, holds_items, may_search, next_end, note
from kerma.encoding.scan import careful, scan
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, Encoding, key_of
from kerma.encoding.walk import content_encoding, skip
from kerma.errors import FormatError, LimitError, TruncatedError
from kerma.findings import Finding

if TYPE_CHECKING:
    from kerma.dataset.body import Body
    from kerma.dataset.dataset import Dataset


def kept(ds: Dataset, finding: Finding) -> memoryview:
    """The bytes that belong to no element because of the damage that ``finding`` tells of; empty where it has none.

    ``finding`` must be one of ``ds.findings``. Of a deflated data set they are inflated bytes.
    """
    start, end = finding.kept or (0, 0)
    file = ds._file
    source = ds._body.buf
    if file is not None and file.whole is not None and finding in file.findings:
        source = file.whole()  # a deflated data set has a buffer of its own; this was found before it
    return memoryview(source)[start:end].toreadonly()


def salvage(
    buf: Buffer, start: int, end: int, encoding: Encoding, marks: Marks, path: tuple[int, ...]
) -> tuple[dict[int, int], Encoding]:
    """The index of the elements in ``buf[start:end]`` that are whole, and the encoding that they are in."""
    before = len(marks.findings)
    index = _undamaged(buf, start, end, encoding, marks, path)
    if index is not None:
        return index, encoding
    other = None if path else other_encoding(buf, start, end, encoding)
    if other is not None:
        index = _undamaged(buf, start, end, other, marks, path)
        if index is not None or not _begins(buf, start, end, encoding, marks):
            _note_other(marks, start, encoding, other)
            encoding = other
    if index is None:
        seen = marks.findings[before:]
        del marks.findings[before:]
        index = _around(buf, start, end, encoding, marks, path)
        if not path and marks.salvage is not None and (0 in index or start in marks.salvage.damage):
            index, encoding = _in_any(buf, start, end, encoding, marks, len(index))
        marks.findings.extend(one for one in seen if one not in marks.findings[before:])
    return index, encoding


def _in_any(
    buf: Buffer, start: int, end: int, encoding: Encoding, marks: Marks, count: int
) -> tuple[dict[int, int], Encoding]:
    """Where already the first element is none of a file, nothing says that the encoding is right: the one that gives
    most.
    """
    best = encoding
    for other in (EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE):
        if other is not encoding:
            forget(marks, start, end)
            found = len(_around(buf, start, end, other, marks, ()))
            if found > count:
                best, count = other, found
    forget(marks, start, end)
    index = _around(buf, start, end, best, marks, ())
    if best is not encoding:
        _note_other(marks, start, encoding, best)
        # Read as it is not, it may well be whole; but that is a guess, and to be said as one.
        note(marks, FormatError(f"the first element is none in {encoding.name}", offset=start), None)
    return index, best


def _note_other(marks: Marks, start: int, encoding: Encoding, other: Encoding) -> None:
    text = f"the data set is in {other.name}, not in {encoding.name} as its transfer syntax says"
    marks.note("wrong-syntax", text, offset=start, section="PS3.5 10")


def _undamaged(
    buf: Buffer, start: int, end: int, encoding: Encoding, marks: Marks, path: tuple[int, ...]
) -> dict[int, int] | None:
    """The index where nothing is damaged."""
    state = marks.salvage
    assert state is not None
    state.active = False
    try:
        return scan(buf, start, end, encoding, marks, path)
    except LimitError:
        raise
    except FormatError:
        return None
    finally:
        state.active = True


def _begins(buf: Buffer, start: int, end: int, encoding: Encoding, marks: Marks) -> bool:
    """Whether the first element makes sense in ``encoding``."""
    try:
        header_at(buf, start, end, encoding, marks, ())
    except FormatError:
        return False
    return True


def _around(
    buf: Buffer, start: int, end: int, encoding: Encoding, marks: Marks, path: tuple[int, ...]
) -> dict[int, int]:
    index: dict[int, int] = {}
    pos = start
    while pos < end:
        try:
            careful(buf, pos, end, encoding, marks, path, index)
            break
        except LimitError:
            raise
        except FormatError as error:
            pos = _past(buf, marks.whole, end, encoding, marks, path, index, error)
    return index


def _past(
    buf: Buffer,
    at: int,
    end: int,
    encoding: Encoding,
    marks: Marks,
    path: tuple[int, ...],
    index: dict[int, int],
    error: FormatError,
) -> int:
    """Where reading goes on after the element at ``at``, which is not whole."""
    header = bare_header(buf, at, end, encoding)
    if header is not None and isinstance(error, TruncatedError) and holds_items(buf, header, end, encoding):
        return _cut_sequence(buf, at, end, encoding, marks, path, index, header, error)
    last = next(reversed(index), None)
    after = go_on(buf, at + 1, end, encoding, marks, -1 if last is None else key_of(last), nested=bool(path))
    note(marks, error, (at, after), behind(error, last))
    return after


def _cut_sequence(
    buf: Buffer,
    at: int,
    end: int,
    encoding: Encoding,
    marks: Marks,
    path: tuple[int, ...],
    index: dict[int, int],
    header: Header,
    error: TruncatedError,
) -> int:
    """A sequence that is longer than what holds it: its whole items, and the whole elements of the one that is cut."""
    assert marks.salvage is not None
    note(marks, error, None, "; its items are given as far as they go")
    noted = len(marks.findings)
    tag = key_of(header.key)
    after = skip(buf, header.value, end, content_encoding(encoding, header.vr), marks, path, tag)
    marks.findings[noted:] = [one for one in marks.findings[noted:] if one.code != "missing-delimiter"]
    marks.odd[at] = Header(header.key, header.vr, after - header.value, header.value)
    marks.salvage.mended.add(header.value)
    index[header.key] = at
    return after


def items_go_on(buf: Buffer, pos: int, end: int, encoding: Encoding, marks: Marks, error: FormatError) -> int:
    """Where the items of a sequence go on behind bytes that are no item; ``end`` where they do not."""
    state = marks.salvage
    assert state is not None
    known = state.gaps.get(pos)
    if known is None:
        known = next_end(buf, pos + 1, end, encoding) if may_search(state, end - pos, len(buf)) else end
        state.gaps[pos] = known
        note(marks, error, (pos, known))
    return known


def is_damaged(marks: Marks, start: int, end: int) -> bool:
    """Whether there is damage in ``[start, end)``: such bytes are not written into another data set."""
    state = marks.salvage
    return state is not None and any(start <= at < end for at in state.damage)


def must_rebuild(body: Body, at: int, head: Header) -> bool:
    """Whether the element at ``at`` is not to be copied as it is: its header was guessed, it was ended by its damage,
    or there may be damage in its items.
    """
    state = body.marks.salvage
    return state is not None and (head.value in state.mended or at in body.marks.odd or body.vr_of(head) == "SQ")
