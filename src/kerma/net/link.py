"""The blocking driver of one association: does the effects of a flow over a ``Transport``.

Rules:

- The buffers are lent: a worker of the server lends its own for as long as it works on an association, so that an idle
  one has none.
- Everything that arrived is fed before anything else is decided; a failure of the association is raised from the call
  that needs it.
- Nothing here knows a service.

Sources: PS3.8 9.
"""

from __future__ import annotations

import math
import mmap
import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any, TypeVar

from kerma.errors import ConnectionLostError, KermaError, NetworkError, RemoteProtocolError, TimeoutExpiredError
from kerma.limits import NetworkLimits
from kerma.net.core import Core, Patience
from kerma.net.outgoing import BrokenPayloadError, pieces
from kerma.net.transport import Buffer, Transport
from kerma.services.flow import Break, Effect, Emit, Flow, Message, Poll, Receive, Send, SendPayload, Stop

R = TypeVar("R")

BUFFER_SIZE = 1 << 20
"""Bytes of a receive or send buffer: about the work of one system call."""


class Buffers:
    """One buffer to receive into and one to send from, made on first use."""

    __slots__ = ("_receive", "_send")

    def __init__(self) -> None:
        self._receive: memoryview | None = None
        self._send: bytearray | None = None

    @property
    def receive(self) -> memoryview:
        if self._receive is None:
            # Mapped, not allocated: what is never received into is never touched, and costs no memory.
            self._receive = memoryview(mmap.mmap(-1, BUFFER_SIZE))
        return self._receive

    @property
    def send(self) -> bytearray:
        if self._send is None:
            self._send = bytearray(BUFFER_SIZE)
        return self._send


class Link:
    """A transport, the protocol on it, and lent buffers."""

    __slots__ = ("_held", "buffers", "core", "limits", "transport")

    def __init__(self, transport: Transport, core: Core, limits: NetworkLimits, buffers: Buffers) -> None:
        self.transport = transport
        self.core = core
        self.limits = limits
        self.buffers = buffers
        self._held: list[Buffer] = []

    # -- bytes --------------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Send what the protocol has to say."""
        out = self.core.ul.take_output()
        if out:
            self.transport.set_send_timeout(self.limits.response)
            self.transport.send(out)

    def receive_some(self, timeout: float) -> bool:
        """Read once and feed it; False where nothing came in time. Answers of the protocol are sent."""
        view = self.buffers.receive
        try:
            count = self.transport.recv_into(view, timeout)
        except TimeoutExpiredError:
            return False
        except ConnectionLostError as error:
            self.core.feed(b"")
            self.core.fail(error)
            return True
        self.core.feed(view[:count])
        self._flush_quietly()
        return True

    def next_message(self, timeout: float) -> Message:
        """Wait for a whole message; raises why none will come."""
        core = self.core
        patience = Patience(core, timeout, time.monotonic())
        while not core.messages:
            core.check()
            left = patience.left(time.monotonic())
            # In eighths: the kernel is told of a time-out only when it changes.
            step = timeout / 8
            if left <= 0 or not self.receive_some(math.ceil(left / step) * step):
                error = TimeoutExpiredError(f"no response within {timeout:g} s", where=core.where)
                self.abort(error)
                raise error
        return core.messages.pop(0)

    def poll(self) -> Message | None:
        """A whole message that is here already."""
        core = self.core
        while not core.messages and core.failure is None and not core.release_asked and self.transport.readable():
            self.receive_some(0.001)
        if core.messages:
            return core.messages.pop(0)
        if core.failure is not None:
            raise core.failure
        return None

    def poll_ended(self) -> bool:
        """Look whether the association ended while nobody looked."""
        while not self.core.over and not self.core.release_asked and self.transport.readable():
            self.receive_some(0.001)
        return self.core.over or self.core.release_asked

    def abort(self, failure: NetworkError | None = None) -> None:
        """A-ABORT and close; harmless when it is over."""
        self.core.abort(failure=failure)
        self._flush_quietly()
        self.close()

    def close(self) -> None:
        self.core.drop()
        self.transport.close()

    def _flush_quietly(self) -> None:
        """Send what is left to say to a peer that may be gone."""
        try:
            self.flush()
        except NetworkError as error:
            self.core.fail(error)

    # -- effects ------------------------------------------------------------------------------------------------------

    def perform(self, effect: Effect) -> Any:
        """Do one effect; the result, or an error for the flow."""
        match effect:
            case Send():
                session = self.core.sending()
                self.transport.set_send_timeout(self.limits.response)
                frames = self._held + session.frames(effect.context_id, effect.command, effect.data)
                if effect.more:
                    self._held = frames
                else:
                    self._held = []
                    self._guarded(frames)
            case SendPayload():
                self._send_payload(effect)
            case Receive():
                self._send_held()
                return self.next_message(self.limits.response)
            case Poll():
                self._send_held()
                return self.poll()
            case Break():
                self.abort(effect.error)
            case _:
                raise TypeError(f"{type(effect).__name__} is not for a single association")
        return None

    def _send_held(self) -> None:
        """What was to go out with something that has not come."""
        if self._held:
            held, self._held = self._held, []
            self._guarded(held)

    def _guarded(self, buffers: list[Any]) -> None:
        """Send; an association on which a send failed has lost its framing and is over."""
        try:
            self.transport.send(buffers)
        except NetworkError as error:
            self._learn_why(error)
            raise self.core.failure or error from error

    def _learn_why(self, error: NetworkError) -> None:
        """A peer that aborts while we send closes its side: what it said last is still there to be read."""
        try:
            while not self.core.over and self.transport.readable() and self.receive_some(0.05):
                pass
        finally:
            self.core.fail(error)

    def _send_payload(self, effect: SendPayload) -> None:
        session = self.core.sending()
        self.transport.set_send_timeout(self.limits.response)
        try:
            with closing(pieces(session, effect, self.buffers.send)) as parts:
                for part in parts:
                    held, self._held = self._held, []
                    self._guarded(held + part)
        except BrokenPayloadError as error:
            self.abort(error)
            raise


def drive(
    flow: Flow[R], perform: Callable[[Effect], Any], sort: Callable[[Any], Any] | None = None
) -> Generator[Any, None, R]:
    """Run ``flow``, yield what it emits, return what it returns. ``perform`` does all other effects; ``sort`` turns
    what is emitted into what the consumer is given, None for nothing.

    Closing this generator stops the flow in good order: it may cancel and takes what is still to come.
    """
    result: Any = None
    error: BaseException | None = None
    stopping = False
    try:
        while True:
            try:
                effect = flow.send(result) if error is None else flow.throw(error)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            except Stop:
                return None  # type: ignore[return-value]
            except RemoteProtocolError as broken:
                perform(Break(broken))
                raise
            result = error = None
            if type(effect) is Emit:
                if stopping:
                    continue
                value = effect.value if sort is None else sort(effect.value)
                if value is None:
                    continue
                try:
                    yield value
                except GeneratorExit:
                    stopping = True
                    error = Stop()
                continue
            try:
                result = perform(effect)
            except KermaError as failure:
                error = failure
    finally:
        flow.close()
