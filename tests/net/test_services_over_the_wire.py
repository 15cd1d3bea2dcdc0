"""Our client against our server: every service, its statuses and counts, cancels, and what is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

import kerma
from kerma.dataset import Dataset
from kerma.errors import (
    ConnectError,
    InvalidInstanceError,
    NoContextError,
    OutOfResourcesError,
    RejectedError,
    StatusError,
    UsageError,
)
from kerma.limits import NetworkLimits
from kerma.net.client import connect
from kerma.net.move import PeerDestinations
from kerma.net.peer import Peer
from kerma.net.server import KnownPeer
from kerma.query.model import Level, Root
from kerma.services.dispatch import Providers
from kerma.services.providers import StoreOutcome, StoreRequest
from kerma.services.retrieve_scu import Progress, Received

from .conftest import Running, Start
from .memory import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, MR, SERIES, STUDY, MemoryStore, Sink, instance, make

PRIVATE = "1.2.3.4.5.6"


def test_echo_is_counted_and_the_association_released(running: Running) -> None:
    with connect(running.peer, aet="ME") as peer:
        assert peer.echo() == 0
        assert peer.echo() == 0
    end = running.end()
    assert (end.calling_aet, end.called_aet, end.operations, end.end) == ("ME", "KERMA", {"C-ECHO": 2}, "released")
    assert end.bytes_received > 200
    assert end.bytes_sent > 200
    assert not running.errors


@pytest.mark.parametrize("syntax", [EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE])
def test_an_instance_arrives_as_it_is_stored(running: Running, syntax: str) -> None:
    item = instance(1, syntax=syntax, size=3_000_001)
    with connect(running.peer) as peer:
        (result,) = peer.store([item])
    assert result.ok
    request, data = running.store.kept[item.sop_instance_uid]
    assert request.transfer_syntax_uid == syntax
    with item.open() as source:
        assert data == source.read(3, item.dataset_length)


def test_files_data_sets_and_instances_in_one_go(running: Running, tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    kerma.write(make(1), path)
    other = tmp_path / "note.txt"
    other.write_text("not DICOM")
    with connect(running.peer) as peer:
        results = {
            result.name: result for result in peer.store([path, make(2), instance(3), other, tmp_path / "absent"])
        }
    assert len(results) == 5
    assert results[str(path)].ok
    assert results[f"{SERIES}.2"].ok
    assert results[f"{SERIES}.3"].ok
    assert results[str(other)].status is None
    assert "DICOM" in results[str(other)].error
    assert "No such file" in results[str(tmp_path / "absent")].error
    assert len(running.store.kept) == 3


def test_store_as_a_statement_sends(running: Running) -> None:
    with connect(running.peer) as peer:
        peer.store(make(1))
        assert peer.echo() == 0
        assert len(running.store.kept) == 1
        peer.store([make(2), make(3)])
    assert len(running.store.kept) == 3


def test_results_that_are_closed_send_nothing_more(running: Running) -> None:
    with connect(running.peer) as peer:
        results = peer.store([make(number) for number in range(1, 6)])
        assert next(results).ok
        results.close()
        assert peer.echo() == 0
    assert len(running.store.kept) == 1


@pytest.mark.parametrize(
    ("error", "status", "comment"),
    [
        (OutOfResourcesError("the disk is full"), 0xA700, "the disk is full"),
        (InvalidInstanceError("no Study Instance UID"), 0xC000, "no Study Instance UID"),
        (InvalidInstanceError("another class", mismatch=True), 0xA900, "another class"),
        (StatusError("not here", status=0x0124), 0x0124, "not here"),
        (ValueError("a bug"), 0x0110, "internal error"),
    ],
)
@pytest.mark.parametrize("when", ["begin", "write", "commit"])
def test_what_a_provider_raises_becomes_a_status(
    running: Running, error: Exception, status: int, comment: str, when: str
) -> None:
    def fail(_: object) -> StoreOutcome:
        raise error

    def fail_begin(_: StoreRequest) -> None:
        raise error

    def fail_write(_: Sink) -> None:
        raise error

    store = running.store
    if when == "begin":
        store.on_begin = fail_begin
    elif when == "write":
        store.on_write = fail_write
    else:
        store.on_commit = fail
    with connect(running.peer) as peer:
        (result,) = peer.store([instance(1, size=400_000)])
        assert result.status == status
        assert comment in result.error
        store.on_begin = store.on_write = store.on_commit = None
        (result,) = peer.store([instance(1, size=400_000)])
        assert result.ok
    assert store.aborted == (0 if when == "begin" else 1)
    end = running.end()
    assert end.operations == {"C-STORE": 2}
    assert end.failures == {f"C-STORE {status:04X}": 1}
    assert bool(running.errors) is not isinstance(error, StatusError)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (StoreOutcome.IDENTICAL, 0),
        (StoreOutcome.REPLACED, 0),
        (StoreOutcome.KEPT_FIRST, 0x0111),
        (StoreOutcome.QUARANTINED, 0x0111),
    ],
)
def test_duplicates_are_told_by_status(running: Running, outcome: StoreOutcome, status: int) -> None:
    running.store.on_commit = lambda sink: outcome
    with connect(running.peer) as peer:
        (result,) = peer.store([make(1)])
    assert result.status == status


def test_a_syntax_that_is_refused_is_rewritten_where_it_can_be(start: Start) -> None:
    running = start(transfer_syntaxes=(IMPLICIT_LE,))
    with connect(running.peer) as peer:
        results = {
            item.name: item
            for item in peer.store([instance(1), make(2), instance(3, syntax="1.2.840.10008.1.2.4.102")])
        }
    assert results[f"{SERIES}.1"].ok
    assert results[f"{SERIES}.2"].ok
    refused = results[f"{SERIES}.3"]
    assert refused.status is None
    assert "MPEG-4" in refused.error
    for number in (1, 2):
        request, data = running.store.kept[f"{SERIES}.{number}"]
        assert request.transfer_syntax_uid == IMPLICIT_LE
        assert Dataset.from_bytes(data, IMPLICIT_LE).InstanceNumber == number


def test_more_than_128_contexts_take_several_associations(running: Running) -> None:
    from kerma.standard import sop_classes

    classes = sorted(sop_classes.STORAGE)[:100]
    items = [instance(number, sop_class=uid) for number, uid in enumerate(classes, 1)]
    with connect(running.peer) as peer:
        assert all(result.ok for result in peer.store(items))
    assert len(running.store.kept) == 100
    assert [running.end().operations["C-STORE"] for _ in range(2)] == [64, 36]


def test_find_gives_data_sets(running: Running) -> None:
    running.store.found = [make(number) for number in range(1, 4)]
    with connect(running.peer) as peer:
        found = list(peer.find(level="study", PatientName="DOE*"))
        assert [match.InstanceNumber for match in found] == [1, 2, 3]
    query = running.store.queries[0]
    assert (query.level, query.root, query.relational) == (Level.STUDY, Root.STUDY, False)


def test_a_question_across_levels_negotiates_relational_queries(running: Running) -> None:
    with connect(running.peer) as peer:
        assert list(peer.find(level="image", PatientID="P1")) == []
    assert running.store.queries[0].relational


def test_a_closed_search_is_cancelled_at_the_peer(running: Running) -> None:
    running.store.found = [make(number) for number in range(1, 2000)]
    with connect(running.peer) as peer:
        matches = peer.find(level="study")
        next(matches)
        matches.close()  # type: ignore[attr-defined]
        assert running.store.searches_closed == 1
        assert len(list(peer.find(level="study"))) == 1999


def test_an_identifier_that_does_not_fit_is_answered_a900(running: Running) -> None:
    with connect(running.peer) as peer:
        with pytest.raises(StatusError) as caught:
            list(peer.find(level="patient", root="study"))
        assert caught.value.status == 0xA900
        assert peer.echo() == 0


def test_get_gives_data_sets_and_final_counts(running: Running) -> None:
    running.store.holds = [instance(1), instance(2, syntax=IMPLICIT_LE), instance(3, size=5_000_000)]
    told: list[Progress] = []
    with connect(running.peer) as peer:
        got = list(peer.get(StudyInstanceUID=STUDY, progress=told.append))
    assert [ds.InstanceNumber for ds in got] == [1, 2, 3]
    assert [(each.remaining, each.completed) for each in told] == [(2, 1), (1, 2), (None, 3)]
    assert told[-1].ok


def test_get_into_a_provider(running: Running) -> None:
    running.store.holds = [instance(1), instance(2)]
    mine = MemoryStore()
    with connect(running.peer) as peer:
        got = list(peer.get(SeriesInstanceUID=SERIES, StudyInstanceUID=STUDY, into=mine))
    assert all(isinstance(each, Received) and each.ok for each in got)
    assert set(mine.kept) == {f"{SERIES}.1", f"{SERIES}.2"}
    assert running.store.queries[0].level is Level.SERIES


def test_get_tells_what_failed(running: Running) -> None:
    running.store.holds = [instance(1), instance(2, sop_class=PRIVATE)]
    told: list[Progress] = []
    with connect(running.peer) as peer:
        matches = peer.get(StudyInstanceUID=STUDY, progress=told.append)
        assert next(matches).InstanceNumber == 1
        with pytest.raises(StatusError) as caught:
            list(matches)
        assert caught.value.status == 0xB000
        assert told[-1].failed_uids == (f"{SERIES}.2",)
        assert (told[-1].completed, told[-1].failed) == (1, 1)
        assert peer.echo() == 0


@pytest.mark.parametrize("compressed", ["5", "4.91", "4.202", "4.108", "4.112", "4.93"])
def test_get_asks_again_for_what_it_had_no_context_for(running: Running, compressed: str) -> None:
    running.store.holds = [instance(1), instance(2, syntax=f"1.2.840.10008.1.2.{compressed}"), instance(3)]
    told: list[Progress] = []
    mine = MemoryStore()
    with connect(running.peer) as peer:
        got = list(peer.get(StudyInstanceUID=STUDY, into=mine, progress=told.append))
    assert [each.sop_instance_uid[-1] for each in got] == ["1", "3", "2"]
    assert [each.final for each in told].count(True) == 1
    assert told[-1] == Progress(0, None, 3, 0, 0)


def test_get_asks_again_for_unusual_classes(running: Running) -> None:
    running.store.holds = [instance(1, sop_class="1.2.840.10008.5.1.4.45.1"), instance(2)]
    with connect(running.peer) as peer:
        assert [ds.InstanceNumber for ds in peer.get(StudyInstanceUID=STUDY)] == [2, 1]


def test_get_does_not_ask_again_for_what_we_refused(running: Running) -> None:
    running.store.holds = [instance(1), instance(2)]
    mine = MemoryStore()

    def full(_: StoreRequest) -> None:
        raise OutOfResourcesError("full")

    mine.on_begin = full
    with connect(running.peer) as peer, pytest.raises(StatusError) as caught:
        list(peer.get(StudyInstanceUID=STUDY, into=mine))
    assert caught.value.status == 0xA702
    assert len(running.store.queries) == 1


def test_get_where_nothing_can_be_delivered(running: Running) -> None:
    running.store.holds = [instance(1, sop_class=PRIVATE)]
    with connect(running.peer) as peer, pytest.raises(StatusError) as caught:
        list(peer.get(StudyInstanceUID=STUDY))
    assert caught.value.status == 0xA702


def test_get_that_is_closed_is_cancelled(running: Running) -> None:
    running.store.holds = [instance(number) for number in range(1, 500)]
    with connect(running.peer) as peer:
        matches = peer.get(StudyInstanceUID=STUDY)
        next(matches)
        matches.close()  # type: ignore[attr-defined]
        assert peer.echo() == 0
    ends = [running.end(), running.end()]
    assert {"C-GET": 1} in [end.operations for end in ends]
    assert {end.end for end in ends} == {"released"}


def test_move_sends_to_a_known_destination(start: Start) -> None:
    target = start()
    running = start(destinations=PeerDestinations({"SINK": target.peer}.get, aet="KERMA"))
    running.store.holds = [instance(1), instance(2), instance(3, sop_class=MR)]
    with connect(running.peer, aet="ME") as peer:
        told = list(peer.move(to="SINK", StudyInstanceUID=STUDY))
    assert told[-1] == Progress(0, None, 3, 0, 0)
    assert len(told) == 3
    assert len(target.store.kept) == 3
    end = target.end()
    assert (end.calling_aet, end.end) == ("KERMA", "released")


def test_move_counts_what_the_destination_refuses(start: Start) -> None:
    target = start()
    running = start(destinations=PeerDestinations({"SINK": target.peer}.get))
    running.store.holds = [instance(1), instance(2)]

    def refuse_second(request: StoreRequest) -> None:
        if request.sop_instance_uid.endswith(".2"):
            raise OutOfResourcesError("full")

    target.store.on_begin = refuse_second
    with connect(running.peer) as peer:
        final = list(peer.move(to="SINK", StudyInstanceUID=STUDY))[-1]
    assert (final.status, final.completed, final.failed) == (0xB000, 1, 1)
    assert final.failed_uids == (f"{SERIES}.2",)


def test_move_to_a_destination_that_is_down(start: Start) -> None:
    down = start()
    peer_down = down.peer
    down.server.close()
    running = start(destinations=PeerDestinations({"SINK": peer_down}.get))
    running.store.holds = [instance(1), instance(2)]
    with connect(running.peer) as peer:
        final = list(peer.move(to="SINK", StudyInstanceUID=STUDY))[-1]
        assert (final.status, final.failed, final.completed) == (0xA702, 2, 0)
        assert set(final.failed_uids) == {f"{SERIES}.1", f"{SERIES}.2"}
        assert peer.echo() == 0


def test_move_to_an_unknown_destination(start: Start) -> None:
    running = start(destinations=PeerDestinations(lambda aet: None))
    with connect(running.peer) as peer, pytest.raises(StatusError) as caught:
        list(peer.move(to="NOBODY", StudyInstanceUID=STUDY))
    assert caught.value.status == 0xA801


def test_move_that_is_closed_is_cancelled(start: Start) -> None:
    target = start()
    running = start(destinations=PeerDestinations({"SINK": target.peer}.get))
    running.store.holds = [instance(number) for number in range(1, 300)]
    with connect(running.peer) as peer:
        told = peer.move(to="SINK", StudyInstanceUID=STUDY)
        next(told)
        told.close()  # type: ignore[attr-defined]
        assert peer.echo() == 0
    assert target.end().end == "released"
    assert len(target.store.kept) < 299


def test_a_retrieve_that_matches_nothing_succeeds(running: Running) -> None:
    with connect(running.peer) as peer:
        assert list(peer.get(StudyInstanceUID=STUDY)) == []


def test_retrieve_wants_unique_keys(running: Running) -> None:
    with connect(running.peer) as peer:
        with pytest.raises(UsageError, match="PatientName"):
            peer.get(PatientName="DOE*")
        with pytest.raises(UsageError, match="nothing says"):
            peer.move(to="X")


def test_a_service_that_is_not_offered_has_no_context(start: Start) -> None:
    running = start(providers=Providers())
    with connect(running.peer) as peer:
        assert peer.echo() == 0
        with pytest.raises(NoContextError, match="abstract-syntax-not-supported"):
            list(peer.find(level="study"))
        with pytest.raises(NoContextError):
            list(peer.store([make(1)]))


def test_an_error_of_the_consumer_aborts(running: Running) -> None:
    running.store.holds = [instance(number) for number in range(1, 50)]

    def consume() -> None:
        with connect(running.peer) as peer:
            for ds in peer.get(StudyInstanceUID=STUDY):
                raise KeyboardInterrupt(ds.InstanceNumber)

    with pytest.raises(KeyboardInterrupt, match="1"):
        consume()
    assert running.end().end == "aborted-by-peer"
    with connect(running.peer) as peer:
        assert peer.echo() == 0


def test_nobody_listens(running: Running) -> None:
    peer = running.peer
    running.server.close()
    with connect(peer) as client, pytest.raises(ConnectError, match="refused"):
        client.echo()


def test_unknown_callers_and_titles_are_rejected_with_the_right_codes(start: Start) -> None:
    running = start(known_peers=(KnownPeer("ME", "127.0.0.1"), KnownPeer("FAR", "192.0.2.1")), any_called_aet=False)
    with connect(running.peer, aet="ME") as peer:
        assert peer.echo() == 0
    for title in ("STRANGER", "FAR"):
        with connect(running.peer, aet=title) as peer, pytest.raises(RejectedError) as caught:
            peer.echo()
        assert (caught.value.result, caught.value.source, caught.value.reason) == (1, 1, 3)
    other = Peer("OTHER", running.peer.host, running.peer.port)
    with connect(other, aet="ME") as peer, pytest.raises(RejectedError) as caught:
        peer.echo()
    assert (caught.value.result, caught.value.source, caught.value.reason) == (1, 1, 7)
    assert "before the @" in str(caught.value)
    assert [running.end().end for _ in range(4)] == ["released", "rejected", "rejected", "rejected"]


def test_a_small_maximum_length_is_kept_on_both_sides(start: Start) -> None:
    running = start(limits={"max_pdu": 4096})
    running.store.holds = [instance(1, size=200_001)]
    with connect(running.peer, limits=NetworkLimits(max_pdu=4096)) as peer:
        assert next(peer.store([instance(2, size=200_001)])).ok
        (ds,) = peer.get(StudyInstanceUID=STUDY)
    assert len(ds["PixelData"].raw) == 200_002
