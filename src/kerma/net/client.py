"""The blocking client: ``kerma.connect``. Associations are made when a call needs one, with the contexts that it
needs, and used again.

Rules:

- One association at a time: many SCPs serve one after the other, and would keep a second one waiting.
- Nothing is retried. A failed association is forgotten; the next call makes a new one.
- One call at a time: a call whose results are not yet all taken is ended (cancelled) by the next one.
- What was asked for is done: results of ``store`` that nobody began to take are taken when the client is used again or
  closed, so that ``peer.store(files)`` as a statement sends.

Sources: PS3.8 7.1 (association), PS3.4 for the services.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from kerma.dataset import Dataset
from kerma.errors import NetworkError, TimeoutExpiredError
from kerma.limits import NetworkLimits
from kerma.net import calls
from kerma.net.calls import Storable
from kerma.net.core import Core
from kerma.net.link import Buffers, Link, drive
from kerma.net.peer import Peer, check_aet
from kerma.net.receiver import DatasetProvider
from kerma.net.requestor import association_request, check_answer, refuse_store
from kerma.net.tls import TLSConfig
from kerma.net.transport import connect as connect_transport
from kerma.query.model import Level, Root
from kerma.services.flow import Associate, Break, Effect, Flow, Release
from kerma.services.providers import StorageProvider
from kerma.services.retrieve_scu import Progress
from kerma.services.sendable import Sendable
from kerma.services.storage_scu import Originator, StoreResult, store
from kerma.services.verification import echo
from kerma.ul.negotiation import Context, Need, propose


def connect(
    peer: str | Peer,
    *,
    aet: str = "KERMA",
    tls: TLSConfig | None = None,
    limits: NetworkLimits | None = None,
) -> Client:
    """A client of ``peer``, an ``AET@HOST:PORT`` or a ``Peer``; ``aet`` is our title. Use it as a context manager.

    Nothing is sent before the first call; ``ConnectError``, ``RejectedError`` and other ``NetworkError`` come from the
    calls.
    """
    found = Peer.parse(peer) if isinstance(peer, str) else peer
    return Client(found if tls is None else found.secured(tls), aet=aet, limits=limits)


class Results(Iterator[StoreResult]):
    """The outcomes of a ``store``, one for each instance, as they come."""

    def __init__(self, results: Generator[StoreResult, None, Any]) -> None:
        self._results = results
        self.begun = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> StoreResult:
        self.begun = True
        return next(self._results)

    def close(self) -> None:
        """Send nothing more."""
        self.begun = True
        self._results.close()


class Client:
    """Calls of services at one peer. Not for several threads at once."""

    def __init__(self, peer: Peer, *, aet: str = "KERMA", limits: NetworkLimits | None = None) -> None:
        self.peer = peer
        self.aet = check_aet(aet)
        self.limits = limits or NetworkLimits()
        self._buffers = Buffers()
        self._link: Link | None = None
        self._key: tuple[str, tuple[Need, ...]] | None = None
        self._running: Generator[Any, None, Any] | None = None
        self._unbegun: Results | None = None

    # -- calls --------------------------------------------------------------------------------------------------------

    def echo(self) -> int:
        """C-ECHO: the status, 0 where all is well. ``NetworkError`` where there is no answer."""
        runner = self._begin(echo())
        try:
            next(runner)
        except StopIteration as stop:
            return int(stop.value)
        raise AssertionError("an echo emits nothing")

    def store(self, items: Iterable[Storable] | Storable, *, priority: int = 0) -> Results:
        """C-STORE: paths, data sets or instances; an iterator of one ``StoreResult`` each, in the order in which they
        are sent.

        Files are probed first, and sent as they are stored; see ``kerma.services.storage_scu`` for what is proposed.
        """
        results = Results(self._begin(calls.store_flow(calls.several(items), priority=priority)))
        self._unbegun = results
        return results

    def find(
        self,
        level: str | Level = "study",
        *,
        root: str | Root | None = None,
        return_keys: Iterable[str] = (),
        **keys: Any,
    ) -> Iterator[Dataset]:
        """C-FIND: matches as they come. Keys by keyword, with DICOM wildcards and ranges; closing the iterator
        cancels."""
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
    ) -> Iterator[Any]:
        """C-GET: a ``Dataset`` for each instance; with ``into`` they go to that provider and a ``Received`` comes for
        each.

        Keys are unique keys (``StudyInstanceUID=...``); the lowest one given is the level. ``sop_classes`` and
        ``transfer_syntaxes`` say what to propose, where the usual is not enough. The final counts go to ``progress``;
        ``StatusError`` where the peer refuses, or where sub-operations failed.
        """
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
        return self._begin(flow, calls.Sorter(None if into is not None else keeper, progress))

    def move(
        self, *, to: str, level: str | Level | None = None, root: str | Root | None = None, **keys: Any
    ) -> Iterator[Progress]:
        """C-MOVE to the AE title ``to``: the counts as the peer tells them, the final ones last."""
        return self._begin(calls.move_flow(level, root, keys, to))

    def send(self, items: Sequence[Sendable], originator: Originator) -> Iterator[StoreResult]:
        """C-STORE sub-operations of a C-MOVE that we serve."""
        return self._begin(store(items, originator=originator))

    # -- life ---------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Finish what was asked for and release the association."""
        try:
            self._settle()
        finally:
            self._forget()

    def abort(self) -> None:
        """End the association at once, whatever it is doing."""
        self._unbegun = None
        link, self._link = self._link, None
        if link is not None:
            link.abort()
        self._end_running()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, GeneratorExit):  # whoever took results wants no more: no reason to abort
            self.close()
        else:
            self.abort()

    # -- effects ------------------------------------------------------------------------------------------------------

    def _begin(self, flow: Flow[Any], sort: Callable[[Any], Any] | None = None) -> Generator[Any, None, Any]:
        self._settle()
        runner = drive(flow, self._perform, sort)
        self._running = runner
        return runner

    def _settle(self) -> None:
        """End the call before: take what nobody began to take, stop what somebody stopped taking."""
        unbegun, self._unbegun = self._unbegun, None
        if unbegun is not None and not unbegun.begun:
            for _ in unbegun:
                pass
        self._end_running()

    def _end_running(self) -> None:
        """Stop the call before. An association that does not survive the cancel is nobody's loss: the next call makes
        a new one."""
        running, self._running = self._running, None
        if running is not None:
            with contextlib.suppress(NetworkError):
                running.close()

    def _perform(self, effect: Effect) -> Any:
        match effect:
            case Associate():
                return self._associate(effect)
            case Release():
                self._forget()
                return None
        if self._link is None:
            if isinstance(effect, Break):
                return None
            raise NetworkError("no association is open", where=str(self.peer))
        return self._link.perform(effect)

    def _associate(self, effect: Associate) -> dict[int, Context]:
        """Use the open association again, or make one."""
        key = (effect.kind, effect.needs)
        if self._link is not None and (key != self._key or self._link.poll_ended()):
            self._forget()
        if self._link is None:
            self._link, self._key = self._open(effect), key
        self._link.core.open_incoming = effect.open_sink or refuse_store
        return self._link.core.contexts

    def _open(self, effect: Associate) -> Link:
        transport = connect_transport(self.peer, self.limits.connect)
        core = Core("requestor", self.limits, effect.open_sink or refuse_store, str(self.peer))
        link = Link(transport, core, self.limits, self._buffers)
        try:
            proposal = propose(effect.needs)[0]
            request = association_request(proposal, self.peer, self.aet, self.limits)
            core.associate(request)
            link.flush()
            while core.answer is None:
                core.check()
                if not link.receive_some(self.limits.response):
                    raise TimeoutExpiredError(
                        f"no answer to the association request within {self.limits.response:g} s", where=str(self.peer)
                    )
            check_answer(core, request)
        except BaseException:
            link.abort()
            raise
        return link

    def _forget(self) -> None:
        """Release the association."""
        link, self._link = self._link, None
        if link is not None:
            _release(link)


def _release(link: Link) -> None:
    """A-RELEASE and close; an association that does not end well is aborted, which nobody needs to know any more."""
    core = link.core
    try:
        if not core.over:
            core.ul.release()
            link.flush()
            while not core.over:
                if not link.receive_some(link.limits.artim):
                    break
                if core.answer_release():
                    link.flush()
    except NetworkError:
        link.abort()
    link.close()
