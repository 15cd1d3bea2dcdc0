"""What services ask of the driver: effects, as small frozen values, and the message that comes back.

A flow is a generator. It yields an effect, the driver does it and sends the result in; errors of the transport are
thrown in at the yield. So one flow serves the blocking and the asyncio driver, client and server, and is tested
without either.

Rules of this module:

- ``Receive`` gives the next whole message; ``Poll`` one that has arrived already, or None: it never waits.
- ``Emit`` hands a result to whoever consumes the flow; for a consumer who has had enough ``Stop`` is thrown in there.
- ``Associate`` makes an association current that serves the needs (client only); ``Release`` ends the current one.

Sources: PS3.7 7 to 9. Touches only the values of ``dimse`` and ``ul``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kerma.dimse import Command
from kerma.encoding.source import Buffer, ByteSource
from kerma.errors import KermaError, RemoteProtocolError
from kerma.services.incoming import Incoming
from kerma.ul.negotiation import Context, Need

R = TypeVar("R")


class PayloadError(KermaError):
    """The data set to be sent cannot be read; nothing of it went out, the association is as it was."""


class Stop(Exception):
    """Thrown in at an ``Emit``: the consumer wants no more. The flow ends in good order (cancels, takes what is still
    to come)."""


@dataclass(slots=True)
class Message:
    """One whole DIMSE message: its command, and its data set in memory (``data``) or in a sink (``incoming``)."""

    context: Context
    command: Command
    data: bytes | None = None
    incoming: Incoming | None = None


@dataclass(frozen=True, slots=True)
class RangePayload:
    """``length`` bytes from ``offset`` of what ``opener`` opens: sent as they lie there."""

    opener: Callable[[], ByteSource]
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class ChunkPayload:
    """What ``make`` yields, in turn; made anew for each sending."""

    make: Callable[[], Iterator[Buffer]]


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message whose data set, if any, is in memory. ``more``: another ``Send`` or ``SendPayload`` follows at
    once, and the driver may send both together."""

    context_id: int
    command: Command
    data: bytes | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class SendPayload:
    """Send a message whose data set is streamed. ``PayloadError`` is thrown in where the source cannot be read; a
    source that fails when part of it went out aborts the association, as PS3.8 has no way to take data back."""

    context_id: int
    command: Command
    payload: RangePayload | ChunkPayload


@dataclass(frozen=True, slots=True)
class Receive:
    """Wait for the next message."""


@dataclass(frozen=True, slots=True)
class Poll:
    """Take a message that is there already; None where there is none."""


@dataclass(frozen=True, slots=True)
class Emit:
    """A result for the consumer of the flow."""

    value: Any


@dataclass(frozen=True, slots=True)
class Associate:
    """Have an association with these needs. Gives the accepted contexts by id; ``NetworkError`` where none comes about.

    ``kind`` says what it is for: an open association of the same kind and needs is used again.
    """

    kind: str
    needs: tuple[Need, ...]
    open_sink: Callable[[Context, Command], Incoming] | None = field(default=None, compare=False)
    """Takes the data sets of C-STORE requests on this association (C-GET)."""


@dataclass(frozen=True, slots=True)
class Release:
    """End the current association in good order."""


@dataclass(frozen=True, slots=True)
class Break:
    """The peer broke the protocol: abort the current association."""

    error: RemoteProtocolError


Effect = Break | Send | SendPayload | Receive | Poll | Emit | Associate | Release
Flow = Generator[Effect, Any, R]
