"""The storage SCU flow: contexts from the instances, one outcome each, and what a broken association leaves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kerma.dimse import Command, CommandField
from kerma.encoding.source import BytesSource
from kerma.errors import ConnectError, ConnectionLostError, NoContextError, RemoteProtocolError
from kerma.formats.instance import Instance
from kerma.services.acceptance import STORED_SYNTAXES
from kerma.services.flow import Associate, Break, Message, SendPayload
from kerma.services.sendable import Sendable
from kerma.services.storage_needs import storage_rounds
from kerma.services.storage_scu import Originator, StoreResult, batches, choose, store
from kerma.standard import sop_classes
from kerma.ul.negotiation import Context

from .driver import CT, EXPLICIT_LE, Script, context

IMPLICIT_LE = "1.2.840.10008.1.2"
JPEG = "1.2.840.10008.1.2.4.50"
JPEG_LS = "1.2.840.10008.1.2.4.80"
VIDEO = "1.2.840.10008.1.2.4.102"


def item(number: int, *, sop_class: str = CT, syntax: str = EXPLICIT_LE) -> Sendable:
    uid = f"1.2.{number}"
    return Sendable.of_instance(Instance(sop_class, uid, syntax, 0, 4, lambda: BytesSource(b"abcd"), f"file{number}"))


def success(script: Script, status: int = 0, **fields: str) -> Message:
    return Message(context(), script.sent[-1].command.response(status, **fields))


def test_a_context_for_each_class_and_syntax_and_one_to_fall_back_to() -> None:
    items = [item(1), item(2), item(3, syntax=IMPLICIT_LE), item(4, syntax=JPEG), item(5, sop_class="1.2.3")]
    (batch,) = batches(items)
    assert {(need.abstract_syntax, need.transfer_syntaxes) for need in batch.needs} == {
        (CT, (EXPLICIT_LE,)),
        (CT, (IMPLICIT_LE,)),
        (CT, (JPEG,)),
        (CT, (EXPLICIT_LE, IMPLICIT_LE)),
        ("1.2.3", (EXPLICIT_LE,)),
        ("1.2.3", (IMPLICIT_LE,)),
    }
    assert sorted(each.name for each in batch.items) == [f"file{number}" for number in range(1, 6)]


def test_no_batch_has_more_than_128_contexts_and_none_is_lost() -> None:
    items = [item(number, sop_class=f"1.2.{number}") for number in range(150)]
    out = batches(items)
    assert [len(batch.needs) for batch in out] == [128, 128, 44]
    assert sum(len(batch.items) for batch in out) == 150


def test_choose_prefers_the_stored_syntax() -> None:
    contexts = {1: context(1, syntax=IMPLICIT_LE), 3: context(3), 5: context(5, syntax=JPEG)}
    assert choose(item(1), contexts).id == 3
    assert choose(item(1, syntax=IMPLICIT_LE), contexts).id == 1
    assert choose(item(1, syntax=JPEG), contexts).id == 5
    assert choose(item(1), {1: contexts[1]}).id == 1
    assert choose(item(1, syntax=JPEG), {1: contexts[1], 3: contexts[3]}).id == 3
    for wrong in (item(1, syntax=VIDEO), item(1, sop_class="1.2.3")):
        with pytest.raises(NoContextError):
            choose(wrong, {1: contexts[1], 3: contexts[3]})


def test_choose_minds_the_role() -> None:
    with pytest.raises(NoContextError):
        choose(item(1), {1: context(1, as_scp=True)})
    assert choose(item(1), {1: context(1, as_scp=True)}, as_scp=True).id == 1


def test_one_outcome_each_in_words() -> None:
    statuses = iter([0, 0xB000, 0xA700])
    script = Script(lambda s: success(s, next(statuses), ErrorComment="disk full"), contexts={1: context()})
    script.run(store([item(number) for number in range(3)]))
    results: list[StoreResult] = script.emitted
    assert [(result.ok, result.warning, result.status) for result in results] == [
        (True, False, 0),
        (True, True, 0xB000),
        (False, False, 0xA700),
    ]
    assert results[2].error.endswith("disk full")
    assert [command.MessageID for command in script.commands] == [1, 2, 3]


def test_message_ids_stay_in_two_bytes() -> None:
    script = Script(success, contexts={1: context()})
    script.run(store([item(number) for number in range(65_540)]))
    ids = [command.MessageID for command in script.commands]
    assert ids[65_533:65_537] == [65_534, 65_535, 1, 2]


def test_the_originator_is_named_in_sub_operations() -> None:
    script = Script(success, contexts={1: context()})
    script.run(store([item(1)], originator=Originator("ASKER", 7)))
    command = script.commands[0]
    assert (command.MoveOriginatorApplicationEntityTitle, command.MoveOriginatorMessageID) == ("ASKER", 7)


def test_a_lost_association_fails_what_was_to_follow() -> None:
    answers = iter([0, 1])

    def answer(script: Script) -> Message | ConnectionLostError:
        return success(script) if next(answers) == 0 else ConnectionLostError("gone")

    script = Script(answer, contexts={1: context()})
    script.run(store([item(number) for number in range(4)]))
    assert [result.ok for result in script.emitted] == [True, False, False, False]
    assert {result.error for result in script.emitted[1:]} == {"gone"}
    assert len(script.sent) == 2


def test_where_nothing_could_begin_the_error_is_raised() -> None:
    def refuse(effect: Associate) -> dict[int, Context]:
        raise ConnectError("refused")

    with pytest.raises(ConnectError):
        Script(success, contexts=refuse).run(store([item(1)]))


def test_an_answer_to_another_message_aborts() -> None:
    wrong = Command(CommandField.C_STORE_RSP, MessageIDBeingRespondedTo=99, Status=0)
    script = Script(lambda s: Message(context(), wrong), contexts={1: context()})
    script.run(store([item(1), item(2)]))
    assert [result.ok for result in script.emitted] == [False, False]
    assert [effect.error.source for effect in script.effects if isinstance(effect, Break)] == [0]
    assert isinstance(next(effect for effect in script.effects if isinstance(effect, Break)).error, RemoteProtocolError)


def test_a_consumer_who_stops_sends_no_more() -> None:
    script = Script(success, contexts={1: context()}, stop_after=2)
    script.run(store([item(number) for number in range(5)]))
    assert len(script.sent) == 2


def test_bytes_go_as_a_range_where_the_syntax_is_the_stored_one() -> None:
    script = Script(success, contexts={1: context()})
    script.run(store([item(1)]))
    effect = script.sent[0]
    assert isinstance(effect, SendPayload)
    assert (effect.payload.offset, effect.payload.length) == (0, 4)  # type: ignore[union-attr]


def test_rounds_of_a_retrieve_hold_every_class_and_syntax() -> None:
    rounds = storage_rounds()
    assert all(1 <= len(set(each)) == len(each) <= 127 for each in rounds)
    needs = [need for each in rounds for need in each]
    for image in (CT, "1.2.840.10008.5.1.4.1.1.77.1.6"):
        mine = {uid for need in needs if need.abstract_syntax == image for uid in need.transfer_syntaxes}
        assert mine == set(STORED_SYNTAXES)
    assert {need.abstract_syntax for need in needs} == sop_classes.STORAGE
    assert {uid for need in needs for uid in need.transfer_syntaxes} == set(STORED_SYNTAXES)
    assert all(need.as_scp and not need.as_scu for need in needs)


def test_who_says_what_is_to_come_is_asked_for_just_that() -> None:
    ((one, other),) = storage_rounds([CT], [JPEG, EXPLICIT_LE])
    assert (one.abstract_syntax, one.transfer_syntaxes) == (CT, (EXPLICIT_LE, IMPLICIT_LE))
    assert (other.abstract_syntax, other.transfer_syntaxes) == (CT, (JPEG,))


def test_what_is_refused_uncompressed_is_proposed_compressed_without_loss() -> None:
    """A peer that takes only JPEG-LS: the second association proposes lossless syntaxes, and no third is made."""
    asked: list[tuple[str, ...]] = []

    def answer(effect: Associate) -> dict[int, Context]:
        asked.append(tuple(uid for need in effect.needs for uid in need.transfer_syntaxes))
        if JPEG_LS not in asked[-1]:
            raise NoContextError("no context was accepted")
        return {1: context(1, syntax=JPEG_LS)}

    script = Script(success, contexts=answer)
    script.run(store([item(1), item(2, syntax=JPEG), item(3, syntax=JPEG_LS)]))
    assert [each.ok for each in script.emitted] == [True, True, True]
    assert len(asked) == 1  # one was stored in it, so it was among the first
    asked.clear()
    script = Script(success, contexts=answer)
    script.run(store([item(1), item(2, syntax=JPEG)]))
    assert [each.ok for each in script.emitted] == [True, True]
    assert [JPEG_LS in uids for uids in asked] == [False, True]
    assert not any("1.2.840.10008.1.2.4.81" in uids for uids in asked)


def test_what_is_refused_in_every_syntax_is_told_with_the_first_reason() -> None:
    calls = iter([{1: context(1, abstract="1.2.3")}, {1: context(1, abstract="1.2.3")}])
    script = Script(success, contexts=lambda effect: next(calls))
    script.run(store([item(1), item(2, syntax=VIDEO)]))
    assert [result.ok for result in script.emitted] == [False, False]
    assert all("the peer takes no" in result.error for result in script.emitted)
    with pytest.raises(NoContextError, match="first"):
        Script(success, contexts=_refusals("first", "second")).run(store([item(1)]))


def _refusals(*texts: str) -> Callable[[Associate], dict[int, Context]]:
    left = iter(texts)

    def refuse(effect: Associate) -> dict[int, Context]:
        raise NoContextError(next(left))

    return refuse
