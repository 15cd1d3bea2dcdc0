"""Where a value of undefined length ends: the loop for what is plain, the walk for all else (PS3.5 7.5).

For everybody but the loops themselves and what knows that the value is odd.
"""

from __future__ import annotations

from kerma.encoding import walk
from kerma.encoding.marks import Marks
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import Encoding
from kerma.encoding.twin import loops

walked = loops.walked


def skip(
    buf: Buffer,
    start: int,
    end: int,
    encoding: Encoding,
    marks: Marks,
    path: tuple[int, ...],
    tag: int,
    *,
    in_item: bool = False,
) -> int:
    """See ``walk.skip``."""
    if encoding.little_endian and start not in marks.ends:
        after = walked(buf, start, end, encoding.explicit, in_item, marks)
        if after >= 0:
            return after
    return walk.skip(buf, start, end, encoding, marks, path, tag, in_item=in_item)
