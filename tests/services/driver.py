"""Runs a flow against a script, without a network: what it asks for is kept, what it is given is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from kerma.dimse import Command
from kerma.errors import KermaError
from kerma.services.flow import Associate, Effect, Emit, Flow, Message, Poll, Receive, Send, SendPayload, Stop
from kerma.ul.negotiation import Context

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"

Answer = Message | KermaError | None


class Script:
    """``receives`` and ``polls`` are given in turn, ``contexts`` answer each ``Associate``.

    The flow is stopped after ``stop_after`` emissions.
    """

    def __init__(
        self,
        receives: Iterator[Answer] | Callable[[Script], Answer],
        *,
        polls: Iterator[Answer] | None = None,
        contexts: dict[int, Context] | Callable[[Associate], dict[int, Context]] | None = None,
        stop_after: int = -1,
    ) -> None:
        self._receives = receives
        self._polls = polls or iter(())
        self._contexts = contexts or {}
        self._stop_after = stop_after
        self.sent: list[Send | SendPayload] = []
        self.emitted: list[Any] = []
        self.effects: list[Effect] = []

    @property
    def commands(self) -> list[Command]:
        return [effect.command for effect in self.sent]

    def run(self, flow: Flow[Any]) -> Any:
        """The flow's result."""
        result: Any = None
        error: BaseException | None = None
        while True:
            try:
                effect = flow.send(result) if error is None else flow.throw(error)
            except StopIteration as stop:
                return stop.value
            self.effects.append(effect)
            result = error = None
            try:
                result = self._do(effect)
            except (KermaError, Stop) as raised:
                error = raised

    def _do(self, effect: Effect) -> Any:
        match effect:
            case Send() | SendPayload():
                self.sent.append(effect)
            case Receive():
                answer = self._receives(self) if callable(self._receives) else next(self._receives)
                if isinstance(answer, KermaError):
                    raise answer
                return answer
            case Poll():
                return next(self._polls, None)
            case Emit():
                self.emitted.append(effect.value)
                if len(self.emitted) == self._stop_after:
                    raise Stop
            case Associate():
                return self._contexts(effect) if callable(self._contexts) else self._contexts
        return None


def context(number: int = 1, abstract: str = CT, syntax: str = EXPLICIT_LE, *, as_scp: bool = False) -> Context:
    return Context(number, abstract, syntax, as_scu=not as_scp, as_scp=as_scp)
