"""A message whose data set is streamed, as the pieces to send: one reused buffer, one read and one write for about a
megabyte.

No IO but the payload's own: the source is read here (``preadv`` into the slots between PDU headers), the driver sends
each piece before it asks for the next.

Rules: the command goes out together with the first piece of the data set, so that an unreadable source costs nothing
on the wire: ``PayloadError`` is raised while the association is as it was. A source that fails later leaves no way but
an abort: ``BrokenPayloadError``.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from kerma.dimse import Framer, Session
from kerma.errors import KermaError, NetworkError
from kerma.net.transport import Buffer
from kerma.services.flow import PayloadError, RangePayload, SendPayload


class BrokenPayloadError(NetworkError):
    """The source failed when part of it was on the wire: the association has to be aborted."""


def pieces(session: Session, effect: SendPayload, buffer: bytearray) -> Generator[list[Buffer], None, None]:
    """Lists of buffers to send in turn; ``buffer`` is overwritten when the next is asked for."""
    head = session.frames(effect.context_id, effect.command, has_data=True)
    framer = session.framer(effect.context_id, buffer)
    begun = False
    payload = effect.payload
    wires = _ranges(framer, payload) if isinstance(payload, RangePayload) else framer.stream(payload.make())
    try:
        for wire in wires:
            if begun:
                yield [wire]
            else:
                begun = True
                yield [*head, wire]
    except (KermaError, OSError) as error:
        if isinstance(error, NetworkError):
            raise
        if begun:
            raise BrokenPayloadError(f"the data set cannot be read any more: {error}") from error
        raise PayloadError(f"the data set cannot be read: {error}") from error


def _ranges(framer: Framer, payload: RangePayload) -> Iterator[memoryview]:
    offset = payload.offset
    with payload.opener() as source:
        for slots, wire in framer.batches(payload.length):
            offset += source.readinto(offset, slots)
            yield wire
