"""Large data sets as P-DATA-TF, laid out in a buffer of the caller's: headers here, payload by one scattered read.

Rules of this module:

- A PDU carries one fragment; its variable field is at most the peer's maximum length (PS3.8 D.1), fragments but the
  last have an even length.
- Headers of a full batch are written once and stay while full batches follow: what changes from batch to batch is
  payload only.
- At most ``MAX_SLOTS`` slots a batch, so that one ``preadv`` (IOV_MAX) can fill it.

Sources: PS3.8 9.3.5, D.1, E. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import NamedTuple

from kerma.errors import LocalProtocolError, RemoteProtocolError

Buffer = bytes | bytearray | memoryview

MAX_SLOTS = 1024
LARGEST_PDU = 1 << 20
"""What is sent at most in one PDU to a peer without limit or with a huge one."""
HEADERS = 12
"""Bytes of the PDU header and of the header of its one presentation data value."""

_pack_headers = Struct(">BxIIBB").pack
_pack_headers_into = Struct(">BxIIBB").pack_into


def fragment_size(max_pdu: int) -> int:
    """Payload bytes of a full fragment for a peer that announced ``max_pdu`` (0: no limit).

    ``RemoteProtocolError`` for a maximum length that not even one byte fits in.
    """
    size = (min(max_pdu, LARGEST_PDU) if max_pdu else LARGEST_PDU) - 6
    if size < 1:
        raise RemoteProtocolError(f"the maximum length {max_pdu} leaves no room for a byte of data", source=2, reason=6)
    return size if size == 1 else size & ~1


def headers(context_id: int, size: int, *, is_command: bool, is_last: bool) -> bytes:
    """The twelve bytes before a fragment of ``size`` bytes."""
    return _pack_headers(4, size + 6, size + 2, context_id, is_command | is_last << 1)


class Batch(NamedTuple):
    """Payload ``slots`` to fill in turn (``readinto``), and ``wire``, what to send when they are filled."""

    slots: list[memoryview]
    wire: memoryview


class Framer:
    """Lays P-DATA-TF PDUs of one data set into ``buffer``.

    For data of known length: ``for slots, wire in framer.batches(total): source.readinto(offset, slots);
    send(wire)``. For chunks as they come: ``stream``, or ``feed`` and ``finish``. A batch must be sent before the
    next is asked for. About a megabyte of buffer makes sends of about a megabyte.
    """

    __slots__ = ("_buffer", "_context", "_filled", "_full", "_size", "_view", "capacity")

    def __init__(self, context_id: int, buffer: bytearray, max_pdu: int) -> None:
        size = min(fragment_size(max_pdu), len(buffer) - HEADERS)
        if size < 1:
            raise LocalProtocolError(f"a buffer of {len(buffer)} bytes is too small for a PDU")
        self._size = size if size == 1 else size & ~1
        self._buffer = buffer
        self._view = memoryview(buffer)
        self._context = context_id
        self._full: Batch | None = None
        self._filled = 0
        self.capacity = self._size * min(len(buffer) // (self._size + HEADERS), MAX_SLOTS)
        """Payload bytes of a full batch."""

    def layout(self, size: int, *, last: bool) -> Batch:
        """Headers for the next ``size`` payload bytes, at most ``capacity``; ``last`` where they end the data set."""
        if not last and size == self.capacity and self._full is not None:
            return self._full
        if not 0 <= size <= self.capacity:
            raise LocalProtocolError(f"{size} bytes do not fit in a batch of {self.capacity}")
        buffer, view, context, step = self._buffer, self._view, self._context, self._size
        slots: list[memoryview] = []
        position, left = 0, size
        while True:
            part = step if left > step else left
            left -= part
            _pack_headers_into(buffer, position, 4, part + 6, part + 2, context, 2 if last and not left else 0)
            position += HEADERS
            if part:
                slots.append(view[position : position + part])
            position += part
            if not left:
                break
        batch = Batch(slots, view[:position])
        self._full = batch if not last and size == self.capacity else None
        return batch

    def batches(self, total: int) -> Iterator[Batch]:
        """Batches for a data set of ``total`` bytes; the last one ends it. An empty data set is one empty last
        fragment.
        """
        left = total
        while True:
            size = min(left, self.capacity)
            left -= size
            yield self.layout(size, last=not left)
            if not left:
                return

    def feed(self, chunk: Buffer) -> Iterator[memoryview]:
        """Take the next bytes of the data set; yields what has to be sent before going on. Exhaust it."""
        data = memoryview(chunk).cast("B")
        step, view = self._size, self._view
        position, end = 0, len(data)
        while position < end:
            filled = self._filled
            if filled == self.capacity:
                # Held back until now: only here it is known not to be the last batch.
                yield self.layout(filled, last=False).wire
                self._filled = filled = 0
            index, inside = divmod(filled, step)
            part = min(step - inside, end - position)
            start = index * (step + HEADERS) + HEADERS + inside
            view[start : start + part] = data[position : position + part]
            self._filled = filled + part
            position += part

    def finish(self) -> memoryview:
        """The data set has ended: what is left to send."""
        size, self._filled = self._filled, 0
        return self.layout(size, last=True).wire

    def stream(self, chunks: Iterable[Buffer]) -> Iterator[memoryview]:
        """What to send for a data set that comes in ``chunks`` of any size; the length need not be known."""
        for chunk in chunks:
            yield from self.feed(chunk)
        yield self.finish()
