"""Storage as SCU (PS3.4 B): which contexts a set of instances needs, and one C-STORE after the other.

Rules:

- Contexts come from the instances: one for each SOP class in each stored syntax, and one with the uncompressed
  syntaxes where it can be brought into them (PS3.5 10.1). More than 128 are spread over several associations.
- What a peer takes in none of these is proposed once more with the lossless compressed syntaxes.
- One outcome for each instance, whatever happens; nothing is sent twice.
- A lost association fails what was to follow on it. Only where nothing could be begun at all is the error raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kerma.dimse import Command, CommandField, StatusCategory, category_of
from kerma.dimse.status import text_of
from kerma.errors import KermaError, LocalProtocolError, NetworkError, NoContextError, RemoteProtocolError
from kerma.pixels.targets import LOSSLESS
from kerma.services.flow import Associate, Break, Emit, Flow, PayloadError, Receive, SendPayload, Stop
from kerma.services.responses import expect
from kerma.services.sendable import Sendable
from kerma.services.sop_classes import UNCOMPRESSED
from kerma.standard import uids
from kerma.ul.negotiation import MAX_CONTEXTS, Context, Need


@dataclass(frozen=True, slots=True)
class Originator:
    """The C-MOVE that a C-STORE is a sub-operation of (PS3.7 9.1.1.1.5)."""

    aet: str
    message_id: int


@dataclass(frozen=True, slots=True)
class StoreResult:
    """How one instance fared. ``status`` is the peer's answer, None where there was none; ``error`` says why, in
    words."""

    name: str
    sop_class_uid: str
    sop_instance_uid: str
    status: int | None
    error: str = ""
    size: int | None = None

    @property
    def ok(self) -> bool:
        """Stored, maybe with a warning."""
        return self.status is not None and category_of(self.status) in (StatusCategory.SUCCESS, StatusCategory.WARNING)

    @property
    def warning(self) -> bool:
        return self.status is not None and category_of(self.status) is StatusCategory.WARNING


@dataclass(slots=True)
class Batch:
    """What goes over one association."""

    needs: list[Need]
    items: list[Sendable]


def batches(items: Iterable[Sendable]) -> list[Batch]:
    """``items`` with the contexts that they need, at most 128 for each association; items of one kind stay together."""
    kinds: dict[tuple[str, str], list[Sendable]] = {}
    for item in items:
        kinds.setdefault((item.sop_class_uid, item.transfer_syntax_uid), []).append(item)
    out: list[Batch] = []
    for (sop_class, syntax), group in sorted(kinds.items()):
        wanted = [Need(sop_class, (syntax,))]
        if len(group[0].syntaxes) > 1:
            # The stored syntax may be the implicit one: it is then a context of its own already.
            wanted.append(Need(sop_class, tuple(uid for uid in UNCOMPRESSED if uid != syntax)))
        _append(out, wanted, group)
    return out


def compressed_batches(items: Iterable[Sendable]) -> list[Batch]:
    """The same for items that a peer takes neither as they are stored nor uncompressed: with the lossless syntaxes."""
    kinds: dict[str, list[Sendable]] = {}
    for item in items:
        kinds.setdefault(item.sop_class_uid, []).append(item)
    out: list[Batch] = []
    for sop_class, group in sorted(kinds.items()):
        _append(out, [Need(sop_class, LOSSLESS)], group)
    return out


def compressible(item: Sendable) -> bool:
    """Whether it may be that it can be compressed without loss."""
    return any(uid in LOSSLESS for uid in item.syntaxes[1:])


def _append(out: list[Batch], wanted: list[Need], group: list[Sendable]) -> None:
    if not out or len(out[-1].needs) + len(wanted) > MAX_CONTEXTS:
        out.append(Batch([], []))
    batch = out[-1]
    batch.needs += [need for need in wanted if need not in batch.needs]
    batch.items += group


def choose(item: Sendable, contexts: Mapping[int, Context], *, as_scp: bool = False) -> Context:
    """The accepted context to send ``item`` on: in its stored syntax, or in one that it can be re-written to.
    ``NoContextError``."""
    others: dict[str, Context] = {}
    for context in contexts.values():
        if context.abstract_syntax != item.sop_class_uid or not (context.as_scp if as_scp else context.as_scu):
            continue
        if context.transfer_syntax_uid == item.transfer_syntax_uid:
            return context
        others.setdefault(context.transfer_syntax_uid, context)
    for syntax in item.syntaxes if others else ():
        if syntax in others:
            return others[syntax]
    raise _no_context(item)


def _no_context(item: Sendable) -> NoContextError:
    return NoContextError(
        f"the peer takes no {uids.name_of(item.sop_class_uid) or item.sop_class_uid} in "
        f"{uids.name_of(item.transfer_syntax_uid) or item.transfer_syntax_uid}",
        where=item.name,
    )


def store(items: Sequence[Sendable], *, originator: Originator | None = None, priority: int = 0) -> Flow[None]:
    """Send ``items``; emits a ``StoreResult`` for each."""
    sending = _Sending(originator, priority)
    refused: list[tuple[Sendable, KermaError]] = []
    if not (yield from sending.batches(batches(items), refused, {})) or not refused:
        return
    why = {id(item): error for item, error in refused}
    try:
        yield from sending.batches(compressed_batches([item for item, _ in refused]), None, why)
    except NoContextError:
        raise refused[0][1] from None


class _Sending:
    """One C-STORE after the other, over as many associations as it takes."""

    def __init__(self, originator: Originator | None, priority: int) -> None:
        self._originator = originator
        self._priority = priority
        self._message_id = 0
        self._begun = False

    def batches(
        self,
        todo: Sequence[Batch],
        refused: list[tuple[Sendable, KermaError]] | None,
        why: Mapping[int, KermaError],
    ) -> Flow[bool]:
        """Send all of them; False where the consumer wants no more.

        What the peer takes in no syntax that was proposed, and could be compressed for it, goes to ``refused`` where
        that is given. ``why`` has earlier errors by the id of the item: they are worth more than later ones.
        """
        for batch in todo:
            lost: KermaError | None = None
            contexts: Mapping[int, Context] = {}
            try:
                contexts = yield Associate("store", tuple(batch.needs))
            except KermaError as error:
                later = (
                    isinstance(error, NoContextError) and refused is not None and all(map(compressible, batch.items))
                )
                if later and refused is not None:
                    refused += [(item, error) for item in batch.items]
                    continue
                if not self._begun:
                    raise
                lost = error
            self._begun = True
            for item in batch.items:
                result: StoreResult | None
                if lost is None:
                    result, lost = yield from self._item(item, contexts, refused, why)
                else:
                    result = failed(item, why.get(id(item), lost))
                if result is None:
                    continue
                try:
                    yield Emit(result)
                except Stop:
                    return False
        return True

    def _item(
        self,
        item: Sendable,
        contexts: Mapping[int, Context],
        refused: list[tuple[Sendable, KermaError]] | None,
        why: Mapping[int, KermaError],
    ) -> Flow[tuple[StoreResult | None, KermaError | None]]:
        """What became of it, None where it is refused for now; and why the association is lost, where it is."""
        try:
            context = choose(item, contexts)
        except NoContextError as error:
            if refused is not None and compressible(item):
                refused.append((item, error))
                return None, None
            return failed(item, why.get(id(item), error)), None
        self._message_id = self._message_id % 0xFFFF + 1
        try:
            return (yield from store_one(item, context, self._message_id, self._priority, self._originator)), None
        except (PayloadError, LocalProtocolError) as error:
            # Nothing went out: what follows may still go. (A UID that no command can hold is one such.)
            return failed(item, why.get(id(item), error)), None
        except NetworkError as error:
            if isinstance(error, RemoteProtocolError):
                yield Break(error)
            return failed(item, error), error


def store_one(
    item: Sendable, context: Context, message_id: int, priority: int, originator: Originator | None
) -> Flow[StoreResult]:
    """One C-STORE, request and response (PS3.7 9.3.1)."""
    request = store_command(item, message_id, priority, originator)
    yield SendPayload(context.id, request, item.payload(context.transfer_syntax_uid))
    return result_of(item, expect((yield Receive()), request).command)


def store_command(item: Sendable, message_id: int, priority: int, originator: Originator | None = None) -> Command:
    """The C-STORE-RQ for ``item``."""
    if originator is None:
        return Command(
            CommandField.C_STORE_RQ,
            MessageID=message_id,
            Priority=priority,
            AffectedSOPClassUID=item.sop_class_uid,
            AffectedSOPInstanceUID=item.sop_instance_uid,
        )
    return Command(
        CommandField.C_STORE_RQ,
        MessageID=message_id,
        Priority=priority,
        AffectedSOPClassUID=item.sop_class_uid,
        AffectedSOPInstanceUID=item.sop_instance_uid,
        MoveOriginatorApplicationEntityTitle=originator.aet,
        MoveOriginatorMessageID=originator.message_id,
    )


def result_of(item: Sendable, answer: Command) -> StoreResult:
    """The peer's answer in words."""
    status = int(answer.Status)
    error = ""
    if status:
        error = text_of(status, CommandField.C_STORE_RQ)
        comment = answer.get("ErrorComment")
        if comment:
            error += f": {comment}"
    size = None if item.instance is None else item.instance.dataset_length
    return StoreResult(item.name, item.sop_class_uid, item.sop_instance_uid, status, error, size)


def failed(item: Sendable, error: KermaError) -> StoreResult:
    """An instance that the peer never answered for."""
    return StoreResult(item.name, item.sop_class_uid, item.sop_instance_uid, None, error.message)
