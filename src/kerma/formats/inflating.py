"""A large deflated data set, inflated to a temporary file instead of memory (PS3.5 A.5).

Rules: the bytes are read, inflated and written a megabyte at a time; the temporary file is a ``Spool``'s, which goes
with the last view of it; what it may grow to is bounded by ``Limits.max_inflated``.
"""

from __future__ import annotations

from collections.abc import Iterator

from kerma.encoding.inflate import inflate_pieces
from kerma.encoding.source import Buffer, ByteSource, BytesSource
from kerma.formats.spool import Spool
from kerma.limits import Limits

_STEP = 1 << 20


class InflatedSource(BytesSource):
    """A ``ByteSource`` over what a deflated data set inflates to. ``buffer`` is all of it, mapped."""

    def __init__(self, source: ByteSource, offset: int, length: int, limits: Limits) -> None:
        spool = Spool(in_memory=0)
        try:
            for piece in inflate_pieces(_pieces(source, offset, length), limits):
                spool.add(piece)
            self.buffer: Buffer = spool.whole()
        finally:
            spool.close()
        super().__init__(self.buffer)

    def close(self) -> None:
        """The map goes with the last view of it."""
        super().__init__(b"")
        self.buffer = b""


def _pieces(source: ByteSource, offset: int, length: int) -> Iterator[Buffer]:
    for at in range(offset, offset + length, _STEP):
        yield source.read(at, min(_STEP, offset + length - at))
