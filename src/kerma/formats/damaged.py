"""The head of a damaged PS3.10 file: what is whole of its meta information, and where its data set begins
(PS3.10 7.1), for ``Strictness.SALVAGE``.

Called where ``meta.split_head`` has failed on the whole file. Without "DICM" nothing says that this is DICOM, and it
stays an error.
"""

from __future__ import annotations

from kerma.encoding.headers import header_at
from kerma.encoding.marks import Header, Marks
from kerma.encoding.salvage import go_on, note
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import EXPLICIT_LE, UNDEFINED, key_of
from kerma.errors import FormatError

_META = 2


def meta_elements(buf: Buffer, start: int, marks: Marks, error: FormatError) -> tuple[dict[int, int], int]:
    """The whole elements of group 0002 from ``start`` on, and the offset of the data set; ``error`` is why they were
    not read the plain way.
    """
    index: dict[int, int] = {}
    pos, end = start, len(buf)
    while pos < end:
        header = _whole(buf, pos, end, marks)
        if header is None:
            last = next(reversed(index), None)
            # The next element is sought in the meta information and behind it: in a run, tags ascend.
            after = go_on(buf, pos + 1, end, EXPLICIT_LE, marks, -1 if last is None else key_of(last))
            note(marks, _placed(error, pos), (pos, after))
            pos = after
        elif header.key & 0xFFFF != _META:
            break
        else:
            index[header.key] = pos
            pos = header.value + header.length
    return index, min(pos, end)


def _whole(buf: Buffer, pos: int, end: int, marks: Marks) -> Header | None:
    try:
        header = header_at(buf, pos, end, EXPLICIT_LE, marks, ())
    except FormatError:
        return None
    group = header.key & 0xFFFF
    return None if (group == _META and header.length == UNDEFINED) or not group else header


def _placed(error: FormatError, pos: int) -> FormatError:
    """The error that was met first, or a plain one for damage elsewhere."""
    if error.offset == pos:
        return error
    return FormatError("the bytes in the file meta information are no element", offset=pos)
