"""Messages of one association: fragments in, messages and slices of data out; messages in, framed bytes out.

Rules of this module:

- A message is its command fragments, then its data set fragments, all on one presentation context and never
  interleaved with another message (PS3.7 8.1, PS3.8 E.1). What breaks that is a ``RemoteProtocolError`` that carries
  the abort.
- A command set is joined, bounded by ``NetworkLimits.max_command``. A data set is handed through as it comes, never
  joined.
- A session holds nothing between messages, so that a thousand idle ones are cheap.

Sources: PS3.7 6.3, 8.1, 9.3, 10.3; PS3.8 9.3.5, E.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from kerma.dimse.command import Command
from kerma.dimse.framer import Framer, fragment_size, headers
from kerma.errors import LocalProtocolError, RemoteProtocolError
from kerma.limits import NetworkLimits
from kerma.ul.association import PData
from kerma.ul.negotiation import Context

Buffer = bytes | bytearray | memoryview

_JOINED = 65_536
"""Up to this size a copy is cheaper than another entry of sendmsg."""


@dataclass(slots=True)
class MessageBegin:
    """A whole command has come; ``has_data`` says whether data slices follow. A ``MessageEnd`` ends it in any case."""

    context: Context
    command: Command
    has_data: bool


@dataclass(slots=True)
class DataSlice:
    """The next bytes of the message's data set, a view valid as long as ``PData.data``."""

    data: memoryview


@dataclass(frozen=True, slots=True)
class MessageEnd:
    """The message is complete, with or without data set."""


MessageEvent = MessageBegin | DataSlice | MessageEnd
_END = MessageEnd()


class Session:
    """The messages of one association, both ways.

    ``contexts`` are the accepted ones by id, ``max_pdu`` is the peer's maximum length (0: no limit).
    ``RemoteProtocolError`` from the constructor where the peer's maximum length has no room for data.
    """

    __slots__ = ("_command", "_context", "_in_data", "_size", "contexts", "limits", "max_pdu")

    def __init__(
        self, contexts: Mapping[int, Context], max_pdu: int = 0, *, limits: NetworkLimits | None = None
    ) -> None:
        self.contexts = contexts
        self.max_pdu = max_pdu
        self.limits = NetworkLimits() if limits is None else limits
        self._size = fragment_size(max_pdu)
        self._command: bytearray | None = None
        self._context = 0
        self._in_data = False

    @property
    def idle(self) -> bool:
        """Whether no message is under way from the peer."""
        return not self._in_data and self._command is None

    # -- in -----------------------------------------------------------------------------------------------------------

    def receive(self, event: PData) -> list[MessageEvent]:
        """What a piece of a presentation data value means. ``RemoteProtocolError`` carries the abort to send."""
        if self._in_data:
            if event.is_command or event.context_id != self._context:
                self._interleaved(event)
            if event.is_last:
                self._in_data = False
                return [DataSlice(event.data), _END] if event.data else [_END]
            return [DataSlice(event.data)] if event.data else []
        return self._receive_command(event)

    def _receive_command(self, event: PData) -> list[MessageEvent]:
        context = self.contexts.get(event.context_id)
        if context is None:
            raise RemoteProtocolError(
                f"data on presentation context {event.context_id}, which was not accepted", source=2, reason=6
            )
        if not event.is_command:
            raise RemoteProtocolError(
                f"a data set on presentation context {event.context_id} without a command before it", source=0, reason=0
            )
        joined = self._command
        if joined is not None and event.context_id != self._context:
            self._interleaved(event)
        size = len(event.data) + (0 if joined is None else len(joined))
        if size > self.limits.max_command:
            raise RemoteProtocolError(f"a command set of more than {self.limits.max_command} bytes", source=0, reason=0)
        if not event.is_last:
            if joined is None:
                self._command = bytearray(event.data)
                self._context = event.context_id
            else:
                joined += event.data
            return []
        data: Buffer = event.data
        if joined is not None:
            joined += event.data
            data = joined
            self._command = None
        command = Command.decode(data)
        if not command.has_data:
            return [MessageBegin(context, command, False), _END]
        self._context = event.context_id
        self._in_data = True
        return [MessageBegin(context, command, True)]

    def _interleaved(self, event: PData) -> NoReturn:
        part = "a command" if event.is_command else "a data set"
        pending = "a data set" if self._in_data else "a command"
        raise RemoteProtocolError(
            f"{part} on presentation context {event.context_id} while {pending} on {self._context} is not complete",
            source=0,
            reason=0,
        )

    # -- out ----------------------------------------------------------------------------------------------------------

    def frames(
        self, context_id: int, command: Command, data: Buffer | None = None, *, has_data: bool | None = None
    ) -> list[Buffer]:
        """A whole small message, framed: what ``sendmsg`` takes, in order.

        Without ``data`` only the command is framed; then ``has_data=True`` says that the data set follows from a
        ``Framer``.
        """
        self._known(context_id)
        if data is not None:
            has_data = True
        elif has_data is None:
            has_data = False
        out: list[Buffer] = []
        pending = bytearray()
        parts: list[tuple[bool, memoryview]] = [(True, memoryview(command.encode(has_data=has_data)))]
        if data is not None:
            parts.append((False, memoryview(data).cast("B")))
        for is_command, view in parts:
            position, end = 0, len(view)
            while True:
                stop = min(position + self._size, end)
                pending += headers(context_id, stop - position, is_command=is_command, is_last=stop == end)
                if stop - position <= _JOINED:
                    pending += view[position:stop]
                else:
                    out += (pending, view[position:stop])
                    pending = bytearray()
                position = stop
                if position == end:
                    break
        if pending:
            out.append(pending)
        return out

    def framer(self, context_id: int, buffer: bytearray) -> Framer:
        """A ``Framer`` for a data set on this context, in the caller's reused ``buffer``; its command goes first."""
        self._known(context_id)
        return Framer(context_id, buffer, self.max_pdu)

    def _known(self, context_id: int) -> None:
        if context_id not in self.contexts:
            raise LocalProtocolError(f"presentation context {context_id} was not accepted")
