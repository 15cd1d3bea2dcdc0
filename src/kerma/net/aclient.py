"""The asyncio client: ``kerma.aio.connect``. The calls of ``client``, awaited; what they mean is said there.

Rules: those of ``client``. Only the driver differs: flows, negotiation and outcomes are the same objects.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from kerma.dataset import Dataset
from kerma.errors import NetworkError, TimeoutExpiredError
from kerma.limits import NetworkLimits
from kerma.net import calls
from kerma.net.alink import AsyncLink, adrive
from kerma.net.calls import Storable
from kerma.net.core import Core
from kerma.net.peer import Peer, check_aet
from kerma.net.receiver import DatasetProvider
from kerma.net.requestor import association_request, check_answer, refuse_store
from kerma.net.tls import TLSConfig
from kerma.query.model import Level, Root
from kerma.services.flow import Associate, Break, Effect, Emit, Flow, Release
from kerma.services.providers import StorageProvider
from kerma.services.retrieve_scu import Progress
from kerma.services.storage_scu import StoreResult
from kerma.services.verification import echo
from kerma.ul.negotiation import Context, Need, propose


def connect(
    peer: str | Peer,
    *,
    aet: str = "KERMA",
    tls: TLSConfig | None = None,
    limits: NetworkLimits | None = None,
) -> AsyncClient:
    """As ``kerma.connect``; use it with ``async with``."""
    found = Peer.parse(peer) if isinstance(peer, str) else peer
    return AsyncClient(found if tls is None else found.secured(tls), aet=aet, limits=limits)


class AsyncResults(AsyncIterator[StoreResult]):
    """The outcomes of a ``store``, one for each instance, as they come."""

    def __init__(self, results: AsyncGenerator[StoreResult, None]) -> None:
        self._results = results
        self.begun = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StoreResult:
        self.begun = True
        return await anext(self._results)

    async def aclose(self) -> None:
        """Send nothing more."""
        self.begun = True
        await self._results.aclose()


class _Call:
    """A call that is under way. Who stops taking its results and who begins the next call may both end it, at one
    time."""

    def __init__(self, runner: AsyncGenerator[Any, None]) -> None:
        self.runner = runner
        self._lock = asyncio.Lock()

    async def end(self) -> None:
        async with self._lock:
            await self.runner.aclose()


class AsyncClient:
    """Calls of services at one peer. Not for several tasks at once."""

    def __init__(self, peer: Peer, *, aet: str = "KERMA", limits: NetworkLimits | None = None) -> None:
        self.peer = peer
        self.aet = check_aet(aet)
        self.limits = limits or NetworkLimits()
        self._link: AsyncLink | None = None
        self._key: tuple[str, tuple[Need, ...]] | None = None
        self._running: _Call | None = None
        self._unbegun: AsyncResults | None = None

    # -- calls --------------------------------------------------------------------------------------------------------

    async def echo(self) -> int:
        """C-ECHO: the status."""
        async for status in self._begin(_emitting(echo())):
            return int(status)
        raise AssertionError("an echo gives a status")

    def store(self, items: Iterable[Storable] | Storable, *, priority: int = 0) -> AsyncResults:
        """C-STORE: ``async for`` gives one ``StoreResult`` each."""
        results = AsyncResults(self._begin(calls.store_flow(calls.several(items), priority=priority), in_thread=True))
        self._unbegun = results
        return results

    def find(
        self,
        level: str | Level = "study",
        *,
        root: str | Root | None = None,
        return_keys: Iterable[str] = (),
        **keys: Any,
    ) -> AsyncIterator[Dataset]:
        """C-FIND: ``async for`` gives a ``Dataset`` for each match."""
        return self._begin(calls.find_flow(level, root, return_keys, keys))

    def get(
        self,
        *,
        level: str | Level | None = None,
        root: str | Root | None = None,
        into: StorageProvider | None = None,
        progress: Callable[[Progress], None] | None = None,
        sop_classes: Sequence[str] = (),
        transfer_syntaxes: Sequence[str] = (),
        **keys: Any,
    ) -> AsyncIterator[Any]:
        """C-GET: ``async for`` gives a ``Dataset``, or with ``into`` a ``Received``, for each instance."""
        keeper = DatasetProvider()
        flow = calls.get_flow(
            level,
            root,
            keys,
            into or keeper,
            sop_classes=sop_classes,
            transfer_syntaxes=transfer_syntaxes,
            aets=(self.peer.aet, self.aet),
            peer=str(self.peer),
        )
        return self._begin(flow, calls.Sorter(None if into is not None else keeper, progress), in_thread=True)

    def move(
        self, *, to: str, level: str | Level | None = None, root: str | Root | None = None, **keys: Any
    ) -> AsyncIterator[Progress]:
        """C-MOVE to the AE title ``to``: ``async for`` gives the counts as the peer tells them."""
        return self._begin(calls.move_flow(level, root, keys, to))

    # -- life ---------------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Finish what was asked for and release the association."""
        try:
            await self._settle()
        finally:
            await self._forget()

    async def abort(self) -> None:
        """End the association at once, whatever it is doing."""
        self._unbegun = None
        link, self._link = self._link, None
        if link is not None:
            await link.abort()
        await self._end_running()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, GeneratorExit):  # whoever took results wants no more: no reason to abort
            await self.close()
        else:
            await self.abort()

    # -- effects ------------------------------------------------------------------------------------------------------

    async def _begin(
        self, flow: Flow[Any], sort: Callable[[Any], Any] | None = None, *, in_thread: bool = False
    ) -> AsyncGenerator[Any, None]:
        """The call before is ended when this one is first awaited."""
        await self._settle()
        call = self._running = _Call(adrive(flow, self._perform, sort, in_thread=in_thread))
        try:
            async for value in call.runner:
                yield value
        finally:
            await call.end()

    async def _settle(self) -> None:
        """End the call before: take what nobody began to take, stop what somebody stopped taking."""
        unbegun, self._unbegun = self._unbegun, None
        if unbegun is not None and not unbegun.begun:
            async for _ in unbegun:
                pass
        await self._end_running()

    async def _end_running(self) -> None:
        """Stop the call before, as the blocking client does."""
        running, self._running = self._running, None
        if running is not None:
            with contextlib.suppress(NetworkError):
                await running.end()

    async def _perform(self, effect: Effect) -> Any:
        match effect:
            case Associate():
                return await self._associate(effect)
            case Release():
                return await self._forget()
        if self._link is None:
            if isinstance(effect, Break):
                return None
            raise NetworkError("no association is open", where=str(self.peer))
        return await self._link.perform(effect)

    async def _associate(self, effect: Associate) -> dict[int, Context]:
        """Use the open association again, or make one."""
        key = (effect.kind, effect.needs)
        if self._link is not None and (key != self._key or await self._link.poll_ended()):
            await self._forget()
        if self._link is None:
            self._link, self._key = await self._open(effect), key
        self._link.core.stores = effect.open_sink is not None
        self._link.core.open_incoming = effect.open_sink or refuse_store
        return self._link.core.contexts

    async def _open(self, effect: Associate) -> AsyncLink:
        core = Core("requestor", self.limits, effect.open_sink or refuse_store, str(self.peer))
        link = await AsyncLink.connect(self.peer, core, self.limits)
        try:
            request = association_request(propose(effect.needs)[0], self.peer, self.aet, self.limits)
            core.associate(request)
            await link.flush()
            while core.answer is None:
                core.check()
                if not await link.receive_some(self.limits.response):
                    raise TimeoutExpiredError(
                        f"no answer to the association request within {self.limits.response:g} s", where=str(self.peer)
                    )
            check_answer(core, request)
        except BaseException:
            await link.abort()
            raise
        return link

    async def _forget(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.release()


def _emitting(flow: Flow[Any]) -> Flow[None]:
    """The result of ``flow`` as an emission: async generators return nothing."""
    yield Emit((yield from flow))
