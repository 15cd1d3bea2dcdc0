"""The asyncio driver of one association: the same effects as ``link``, awaited.

Rules:

- What may block on a disk (reading a payload, writing a received instance, a flow's own file work) is done in a
  thread; the loop never waits.
- The send buffer is reused only when the transport has taken all of it.
- Cancelling a call leaves the association in the middle of something: it is aborted.

Sources: PS3.8 9.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import closing
from typing import Any

from kerma.errors import ConnectionLostError, KermaError, NetworkError, RemoteProtocolError, TimeoutExpiredError
from kerma.limits import NetworkLimits
from kerma.net.core import Core, Patience
from kerma.net.link import BUFFER_SIZE
from kerma.net.outgoing import BrokenPayloadError, pieces
from kerma.net.peer import Peer
from kerma.net.transport import Buffer, connect_error
from kerma.services.flow import Break, Effect, Emit, Flow, Message, Poll, Receive, Send, SendPayload, Stop


class AsyncLink:
    """A stream, the protocol on it, and a send buffer made on first use."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, core: Core, limits: NetworkLimits
    ) -> None:
        self.core = core
        self.limits = limits
        self._reader = reader
        self._writer = writer
        self._buffer: bytearray | None = None
        # Drained is sent: nothing lingers in a buffer that is about to be reused. (asyncio's TLS, which copies, would
        # pause for ever at 0.)
        writer.transport.set_write_buffer_limits(high=0 if writer.get_extra_info("ssl_object") is None else 1, low=0)

    @classmethod
    async def connect(cls, peer: Peer, core: Core, limits: NetworkLimits) -> AsyncLink:
        """``ConnectError`` where no connection comes about."""
        context = None if peer.tls is None else peer.tls.client_context()
        host = None if context is None else peer.host
        try:
            async with asyncio.timeout(limits.connect):
                reader, writer = await asyncio.open_connection(
                    peer.host, peer.port, ssl=context, server_hostname=host, limit=BUFFER_SIZE
                )
        except OSError as error:  # a time-out is one
            raise connect_error(peer, error) from error
        return cls(reader, writer, core, limits)

    # -- bytes --------------------------------------------------------------------------------------------------------

    async def flush(self) -> None:
        """Send what the protocol has to say."""
        out = self.core.ul.take_output()
        if out:
            await self._send(out)

    async def receive_some(self, timeout: float) -> bool:
        """Read once and feed it; False where nothing came in time."""
        try:
            async with asyncio.timeout(timeout):
                data = await self._reader.read(BUFFER_SIZE)
        except TimeoutError:
            return False
        except OSError as error:
            self.core.feed(b"")
            self.core.fail(ConnectionLostError(f"the connection is lost: {error.strerror}", where=self.core.where))
            return True
        if self.core.stores:
            await asyncio.to_thread(self.core.feed, data)
        else:
            self.core.feed(data)
        try:
            await self.flush()
        except NetworkError as error:
            self.core.fail(error)
        return True

    async def next_message(self, timeout: float) -> Message:
        """Wait for a whole message; raises why none will come."""
        core, loop = self.core, asyncio.get_running_loop()
        patience = Patience(core, timeout, loop.time())
        while not core.messages:
            core.check()
            left = patience.left(loop.time())
            if left <= 0 or not await self.receive_some(left):
                error = TimeoutExpiredError(f"no response within {timeout:g} s", where=core.where)
                await self.abort(error)
                raise error
        return core.messages.pop(0)

    async def poll_ended(self) -> bool:
        """Look whether the association ended while nobody looked."""
        core = self.core
        for _ in range(2):  # the loop looks at the socket in the first round and runs the reader in the second
            await asyncio.sleep(0)
        while not core.over and not core.release_asked and await self.receive_some(0):
            pass
        return core.over or core.release_asked

    async def abort(self, failure: NetworkError | None = None) -> None:
        """A-ABORT and close; harmless when it is over."""
        self.core.abort(failure=failure)
        out = self.core.ul.take_output()
        if out and not self._writer.is_closing():
            self._writer.write(b"".join(out))
        await self.close()

    async def close(self) -> None:
        self.core.drop()
        self._writer.close()
        try:
            async with asyncio.timeout(1):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._writer.transport.abort()

    async def release(self) -> None:
        """A-RELEASE and close."""
        core = self.core
        try:
            if not core.over:
                core.ul.release()
                await self.flush()
                while not core.over and await self.receive_some(self.limits.artim):
                    if core.answer_release():
                        await self.flush()
        except NetworkError:
            core.abort()
        await self.close()

    async def _send(self, buffers: Sequence[Buffer]) -> None:
        try:
            self._writer.writelines(buffers)
            async with asyncio.timeout(self.limits.response):
                await self._writer.drain()
        except TimeoutError:
            raise TimeoutExpiredError("the peer takes no more bytes", where=self.core.where) from None
        except OSError as error:
            raise ConnectionLostError(
                f"the connection is lost: {error.strerror or error}", where=self.core.where
            ) from error

    # -- effects ------------------------------------------------------------------------------------------------------

    async def perform(self, effect: Effect) -> Any:
        """Do one effect; the result, or an error for the flow."""
        try:
            match effect:
                case Send():
                    session = self.core.sending()
                    await self._guarded(session.frames(effect.context_id, effect.command, effect.data))
                case SendPayload():
                    await self._send_payload(effect)
                case Receive():
                    return await self.next_message(self.limits.response)
                case Poll():
                    await self.poll_ended()
                    return self.core.messages.pop(0) if self.core.messages else None
                case Break():
                    await self.abort(effect.error)
                case _:
                    raise TypeError(f"{type(effect).__name__} is not for a single association")
        except asyncio.CancelledError:
            await self.abort()
            raise
        return None

    async def _guarded(self, buffers: Sequence[Buffer]) -> None:
        """Send; an association on which a send failed is over, and what the peer said last may say why."""
        try:
            await self._send(buffers)
        except NetworkError as error:
            while not self.core.over and await self.receive_some(0):
                pass
            self.core.fail(error)
            raise self.core.failure or error from error

    async def _send_payload(self, effect: SendPayload) -> None:
        session = self.core.sending()
        if self._buffer is None:
            self._buffer = bytearray(BUFFER_SIZE)
        try:
            with closing(pieces(session, effect, self._buffer)) as parts:
                while (part := await asyncio.to_thread(next, parts, None)) is not None:
                    await self._guarded(part)
        except BrokenPayloadError as error:
            await self.abort(error)
            raise


def _step(flow: Flow[Any], result: Any, error: BaseException | None) -> tuple[bool, Any]:
    """Go on with ``flow``: (True, effect), or (False, None) at its end; a broken protocol is handed over."""
    try:
        return True, flow.send(result) if error is None else flow.throw(error)
    except (StopIteration, Stop):
        return False, None
    except RemoteProtocolError as broken:
        return True, broken


async def adrive(
    flow: Flow[Any],
    perform: Callable[[Effect], Awaitable[Any]],
    sort: Callable[[Any], Any] | None = None,
    *,
    in_thread: bool = False,
) -> AsyncGenerator[Any, None]:
    """Run ``flow`` and yield what it emits, as ``link.drive`` does; with ``in_thread`` the flow's own steps may
    block."""
    result: Any = None
    error: BaseException | None = None
    stopping = False
    try:
        while True:
            if in_thread:
                more, effect = await asyncio.to_thread(_step, flow, result, error)
            else:
                more, effect = _step(flow, result, error)
            if isinstance(effect, RemoteProtocolError):
                await perform(Break(effect))
                raise effect
            if not more:
                return
            result = error = None
            if isinstance(effect, Emit):
                value = None if stopping else effect.value if sort is None else sort(effect.value)
                if value is None:
                    continue
                try:
                    yield value
                except GeneratorExit:
                    stopping = True
                    error = Stop()
                continue
            try:
                result = await perform(effect)
            except KermaError as failure:
                error = failure
    finally:
        flow.close()
