"""Storage as SCU (PS3.4 B): which contexts a set of instances needs, and one C-STORE after the other.

Rules:

- Contexts come from the instances: one for each SOP class in each stored syntax, and one with the uncompressed
  syntaxes where the stored one is uncompressed too (PS3.5 10.1). More than 128 are spread over several associations.
- One outcome for each instance, whatever happens; nothing is sent twice.
- A lost association fails what was to follow on it. Only where nothing could be begun at all is the error raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kerma.dimse import Command, CommandField, StatusCategory, category_of
from kerma.dimse.status import text_of
from kerma.errors import KermaError, LocalProtocolError, NetworkError, NoContextError, RemoteProtocolError
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
        if not out or len(out[-1].needs) + len(wanted) > MAX_CONTEXTS:
            out.append(Batch([], []))
        batch = out[-1]
        batch.needs += [need for need in wanted if need not in batch.needs]
        batch.items += group
    return out


def choose(item: Sendable, contexts: Mapping[int, Context], *, as_scp: bool = False) -> Context:
    """The accepted context to send ``item`` on: in its stored syntax, or in one that it can be re-written to.
    ``NoContextError``."""
    found: Context | None = None
    for context in contexts.values():
        if context.abstract_syntax != item.sop_class_uid or not (context.as_scp if as_scp else context.as_scu):
            continue
        if context.transfer_syntax_uid == item.transfer_syntax_uid:
            return context
        if found is None and context.transfer_syntax_uid in item.syntaxes:
            found = context
    if found is not None:
        return found
    raise NoContextError(
        f"the peer takes no {uids.name_of(item.sop_class_uid) or item.sop_class_uid} in "
        f"{uids.name_of(item.transfer_syntax_uid) or item.transfer_syntax_uid}",
        where=item.name,
    )


def store(items: Sequence[Sendable], *, originator: Originator | None = None, priority: int = 0) -> Flow[None]:
    """Send ``items``; emits a ``StoreResult`` for each."""
    begun = False
    message_id = 0
    for batch in batches(items):
        lost: KermaError | None = None
        try:
            contexts = yield Associate("store", tuple(batch.needs))
        except KermaError as error:
            if not begun:
                raise
            lost = error
        begun = True
        for item in batch.items:
            if lost is None:
                message_id = message_id % 0xFFFF + 1
                try:
                    result = yield from store_one(item, choose(item, contexts), message_id, priority, originator)
                except (NoContextError, PayloadError, LocalProtocolError) as error:
                    # Nothing went out: what follows may still go. (A UID that no command can hold is one such.)
                    result = failed(item, error)
                except NetworkError as error:
                    lost, result = error, failed(item, error)
                    if isinstance(error, RemoteProtocolError):
                        yield Break(error)
            else:
                result = failed(item, lost)
            try:
                yield Emit(result)
            except Stop:
                return


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
