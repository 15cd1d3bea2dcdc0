"""Unified Procedure Steps as the archive keeps them (PS3.4 CC)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kerma.archive import Archive
from kerma.archive.work import Work, ups
from kerma.archive.work.events import KEPT
from kerma.archive.work.items import GoneError
from kerma.dataset import Dataset
from kerma.errors import NotFoundError, StatusError, UsageError
from kerma.query.identifier import predicates_of
from tests.archive.work.steps import code, discontinued, make, make_step, performed

OURS = "1.2.3.99"


def claim(work: Work, **values: object) -> str:
    uid = work.items.create(make_step(**values)).uid
    assert work.items.change_state(uid, "IN PROGRESS", OURS) == 0
    return uid


def kinds(work: Work, aet: str) -> list[int]:
    return [report.kind for report in work.events.after(aet, 0)]


def status_of(error: pytest.ExceptionInfo[StatusError]) -> int:
    return error.value.status


def test_a_step_is_claimed_updated_and_completed(work: Work) -> None:
    created = work.items.create(make_step(), "1.2.3")
    assert created.status == ups.CREATED_WITH_MODIFICATIONS  # what it left out is there, empty
    step = work.items.get("1.2.3")
    assert step.ProcedureStepState == "SCHEDULED"
    assert step.SOPInstanceUID == "1.2.3"
    assert step.PatientName == "Müller^Jürgen"
    assert "PatientSex" in step
    assert step.PatientSex is None
    assert work.items.change_state("1.2.3", "IN PROGRESS", OURS) == 0
    assert work.items.update("1.2.3", performed(), OURS) == 0
    assert work.items.change_state("1.2.3", "COMPLETED", OURS) == 0
    step = work.items.get("1.2.3")
    assert step.ProcedureStepState == "COMPLETED"
    assert "TransactionUID" not in step
    assert work.items.change_state("1.2.3", "COMPLETED", OURS) == ups.ALREADY_COMPLETED


def test_a_step_outlives_the_process_and_a_new_index(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "data") as archive:
        archive.work.items.create(make_step(), "1.2.3")
    with Archive.open(tmp_path / "data") as archive:
        archive.reindex()
        assert archive.work.items.get("1.2.3").ProcedureStepLabel == "Lungenbefundung Übersicht"


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"ProcedureStepState": "IN PROGRESS"}, ups.NOT_SCHEDULED),
        ({"ProcedureStepState": None}, 0x0120),
        ({"ScheduledProcedureStepPriority": ""}, 0x0121),
        ({"ScheduledProcedureStepPriority": "URGENT"}, 0x0106),
        ({"InputReadinessState": "PERHAPS"}, 0x0106),
        ({"ScheduledProcedureStepStartDateTime": None}, 0x0120),
        ({"TransactionUID": "1.2.3"}, 0x0106),
        ({"ReferencedRequestSequence": [make(AccessionNumber="A1")]}, 0x0120),
        ({"ScheduledHumanPerformersSequence": [make(HumanPerformerName="A")]}, 0x0120),
        ({"UnifiedProcedureStepPerformedProcedureSequence": [Dataset()]}, 0x0106),
    ],
)
def test_what_cannot_be_created(work: Work, values: dict[str, object], status: int) -> None:
    with pytest.raises(StatusError) as error:
        work.items.create(make_step(**values))
    assert status_of(error) == status
    assert not list(work.items.search(()))


def test_what_belongs_to_the_message_is_not_in_the_step(work: Work) -> None:
    ds = make_step(TransactionUID="")
    ds.add(0x00000002, "UI", ups.SOP_CLASS)
    ds.add(0x00001000, "UI", "1.2.3")
    step = work.items.get(work.items.create(ds).uid)
    assert min(step) >= 0x00080000
    assert "TransactionUID" not in step


def test_a_uid_is_used_once(work: Work) -> None:
    work.items.create(make_step(), "1.2.3")
    for uid, status in (("1.2.3", 0x0111), (ups.WORKLIST, 0x0111), ("1.2.03", 0x0117)):
        with pytest.raises(StatusError) as error:
            work.items.create(make_step(), uid)
        assert status_of(error) == status


def test_the_transaction_uid_is_the_lock(work: Work) -> None:
    uid = claim(work)
    for transaction in (None, "", "1.2.3.98"):
        with pytest.raises(StatusError) as error:
            work.items.update(uid, make(ProcedureStepLabel="Other"), transaction)
        assert status_of(error) == ups.WRONG_TRANSACTION
        for state in ("IN PROGRESS", "COMPLETED", "CANCELED"):
            with pytest.raises(StatusError) as error:
                work.items.change_state(uid, state, transaction)
            assert status_of(error) == ups.WRONG_TRANSACTION
    with pytest.raises(StatusError) as error:
        work.items.change_state(uid, "IN PROGRESS", OURS)
    assert status_of(error) == ups.ALREADY_IN_PROGRESS
    assert "TransactionUID" not in work.items.get(uid)
    assert all("TransactionUID" not in ds for ds in work.items.search(()))


def test_a_step_that_nobody_claimed_is_updated_without_a_transaction(work: Work) -> None:
    uid = work.items.create(make_step()).uid
    assert work.items.update(uid, make(ProcedureStepLabel="Other"), None) == 0
    assert work.items.get(uid).ProcedureStepLabel == "Other"
    with pytest.raises(StatusError) as error:
        work.items.update(uid, make(ProcedureStepLabel="Another"), OURS)
    assert status_of(error) == ups.NOT_IN_PROGRESS


@pytest.mark.parametrize(
    "changes",
    [
        make(PatientID="P2"),
        make(ProcedureStepState="COMPLETED"),
        make(InputReadinessState=""),
        make(TransactionUID="1.2"),
    ],
)
def test_what_may_not_be_changed(work: Work, changes: Dataset) -> None:
    uid = claim(work)
    before = work.items.get(uid).to_bytes()
    with pytest.raises(StatusError):
        work.items.update(uid, changes, OURS)
    assert work.items.get(uid).to_bytes() == before


def test_a_final_state_has_its_requirements(work: Work) -> None:
    uid = claim(work)
    with pytest.raises(StatusError, match="PerformedStationNameCodeSequence") as error:
        work.items.change_state(uid, "COMPLETED", OURS)
    assert status_of(error) == ups.FINAL_STATE_UNMET
    with pytest.raises(StatusError, match="ProcedureStepDiscontinuationReasonCodeSequence"):
        work.items.change_state(uid, "CANCELED", OURS)
    why = discontinued()
    del why.ProcedureStepProgressInformationSequence[0].ProcedureStepCancellationDateTime
    work.items.update(uid, why, OURS)
    assert work.items.change_state(uid, "CANCELED", OURS) == 0
    assert work.items.get(uid).ProcedureStepProgressInformationSequence[0].ProcedureStepCancellationDateTime
    with pytest.raises(StatusError) as error:
        work.items.update(uid, make(ProcedureStepLabel="Late"), OURS)
    assert status_of(error) == ups.NO_LONGER_UPDATED
    assert work.items.change_state(uid, "CANCELED", OURS) == ups.ALREADY_CANCELED


def test_a_request_to_cancel(work: Work) -> None:
    waiting = work.items.create(make_step()).uid
    why = make(ReasonForCancellation="no longer needed", ContactURI="tel:1", ContactDisplayName="Ward")
    work.items.subscribers.subscribe(waiting, "WATCHER")
    assert work.items.request_cancel(waiting, why, "ASKER") == 0
    step = work.items.get(waiting)
    assert step.ProcedureStepState == "CANCELED"
    assert step.ProcedureStepProgressInformationSequence[0].ReasonForCancellation == "no longer needed"
    assert kinds(work, "WATCHER") == [1, 1, 1]
    states = [report.information.ProcedureStepState for report in work.events.after("WATCHER", 0)]
    assert states == ["SCHEDULED", "IN PROGRESS", "CANCELED"]
    assert work.items.request_cancel(waiting, Dataset(), "ASKER") == ups.ALREADY_CANCELED

    claimed = claim(work)
    with pytest.raises(StatusError) as error:
        work.items.request_cancel(claimed, why, "ASKER")
    assert status_of(error) == ups.NOBODY_TO_CANCEL
    work.items.subscribers.subscribe(claimed, "OWNER")
    assert work.items.request_cancel(claimed, why, "ASKER") == 0
    assert work.items.get(claimed).ProcedureStepState == "IN PROGRESS"
    asked = work.events.after("OWNER", 0)[-1]
    assert (asked.kind, asked.information.RequestingAE) == (ups.CANCEL_REQUESTED, "ASKER")
    assert asked.information.ContactDisplayName == "Ward"
    work.items.update(claimed, performed(), OURS)
    work.items.change_state(claimed, "COMPLETED", OURS)
    with pytest.raises(StatusError) as error:
        work.items.request_cancel(claimed, why, "ASKER")
    assert status_of(error) == ups.CANCEL_OF_COMPLETED


def test_what_is_not_there(work: Work) -> None:
    for ask in (
        lambda: work.items.get("1.2.3"),
        lambda: work.items.update("1.2.3", Dataset(), None),
        lambda: work.items.change_state("1.2.3", "IN PROGRESS", OURS),
        lambda: work.items.request_cancel("1.2.3", Dataset()),
        lambda: work.items.subscribers.subscribe("1.2.3", "A"),
        lambda: work.items.subscribers.unsubscribe("1.2.3", "A"),
    ):
        with pytest.raises(StatusError) as error:
            ask()
        assert status_of(error) == ups.NO_SUCH_STEP


def test_events_of_a_step(work: Work) -> None:
    uid = work.items.create(make_step()).uid
    subscribe = work.items.subscribers.subscribe
    subscribe(uid, "WATCHER")
    assert kinds(work, "WATCHER") == [ups.STATE_REPORT]
    work.items.update(uid, make(InputReadinessState="INCOMPLETE"), None)
    work.items.update(uid, make(ProcedureStepLabel="Other"), None)
    work.items.update(uid, make(ScheduledStationNameCodeSequence=[code("S1")]), None)
    work.items.change_state(uid, "IN PROGRESS", OURS)
    progress = make(ProcedureStepProgress=50.0, ProcedureStepProgressDescription="half")
    work.items.update(uid, make(ProcedureStepProgressInformationSequence=[progress]), OURS)
    assert kinds(work, "WATCHER") == [1, 1, ups.ASSIGNED, 1, ups.PROGRESS_REPORT]
    reports = work.events.after("WATCHER", 0)
    assert reports[1].information.InputReadinessState == "INCOMPLETE"
    assert reports[2].information.ScheduledStationNameCodeSequence[0].CodeValue == "S1"
    assert reports[4].information.ProcedureStepProgressInformationSequence[0].ProcedureStepProgress == 50
    work.items.subscribers.unsubscribe(uid, "WATCHER")
    work.items.update(uid, performed(), OURS)
    work.items.change_state(uid, "COMPLETED", OURS)
    assert len(kinds(work, "WATCHER")) == 5
    with pytest.raises(NotFoundError):
        work.items.subscribers.unsubscribe(uid, "WATCHER")


def test_a_subscription_to_the_worklist(work: Work) -> None:
    subscribers = work.items.subscribers
    old = work.items.create(make_step()).uid
    subscribers.subscribe(ups.WORKLIST, "ALL")
    assert not work.events.after("ALL", 0)
    subscribers.subscribe(ups.WORKLIST, "ALL", lock=True)
    assert [report.uid for report in work.events.after("ALL", 0)] == [old]
    new = work.items.create(make_step()).uid
    assert [report.uid for report in work.events.after("ALL", 0)] == [old, new]
    subscribers.suspend(ups.WORKLIST, "ALL")
    work.items.create(make_step())
    work.items.update(new, make(InputReadinessState="INCOMPLETE"), None)
    assert [report.uid for report in work.events.after("ALL", 0)] == [old, new, new]
    with pytest.raises(NotFoundError):
        subscribers.suspend(ups.WORKLIST, "ALL")
    subscribers.subscribe(ups.WORKLIST, "ALL")
    subscribers.unsubscribe(ups.WORKLIST, "ALL")
    count = len(work.events.after("ALL", 0))
    work.items.update(new, make(InputReadinessState="READY"), None)
    assert len(work.events.after("ALL", 0)) == count


def test_a_subscription_to_a_part_of_the_worklist(work: Work) -> None:
    subscribers = work.items.subscribers
    keys = make(WorklistLabel="Reading", ScheduledProcedureStepPriority="HIGH")
    subscribers.subscribe(ups.FILTERED_WORKLIST, "SOME", keys=keys)
    work.items.create(make_step())
    urgent = work.items.create(make_step(ScheduledProcedureStepPriority="HIGH")).uid
    assert [report.uid for report in work.events.after("SOME", 0)] == [urgent]
    with pytest.raises(UsageError):
        subscribers.subscribe(ups.FILTERED_WORKLIST, "NONE")
    with pytest.raises(UsageError):
        subscribers.subscribe(ups.WORKLIST, "WITH\\BACKSLASH")


def test_a_deletion_lock_holds_a_final_step(work: Work) -> None:
    subscribers = work.items.subscribers
    uid = work.items.create(make_step()).uid
    subscribers.subscribe(uid, "KEEPER", lock=True)
    work.items.request_cancel(uid, Dataset())
    assert work.items.purge(1 << 62) == 0
    subscribers.unsubscribe(uid, "KEEPER")
    assert work.items.purge(1 << 62) == 1
    with pytest.raises(GoneError):
        work.items.get(uid)
    with pytest.raises(StatusError):
        work.items.create(make_step(), uid)
    running = claim(work)
    assert work.items.purge(1 << 62) == 0
    assert work.items.get(running)


def test_searching(work: Work) -> None:
    for number in range(30):
        work.items.create(make_step(PatientID=f"P{number % 3}", ProcedureStepLabel=f"Step {number}"), f"1.2.3.{number}")
    work.items.change_state("1.2.3.4", "IN PROGRESS", OURS)

    def found(**keys: object) -> list[str]:
        return [str(ds.SOPInstanceUID) for ds in work.items.search(predicates_of(make(**keys)))]

    assert len(found()) == 30
    assert found(ProcedureStepState="IN PROGRESS") == ["1.2.3.4"]
    assert found(PatientID="P1", ProcedureStepLabel="Step 1*") == [f"1.2.3.{n}" for n in (1, 10, 13, 16, 19)]
    assert found(PatientName="m?LLER*")[:1] == ["1.2.3.0"]
    assert len(found(ScheduledProcedureStepStartDateTime="20260101-20260103")) == 30
    assert not found(ScheduledProcedureStepStartDateTime="20270101-")
    assert not list(work.items.search((), lambda ds: False))


def test_events_that_nobody_fetches_are_bounded(work: Work) -> None:
    uid = work.items.create(make_step()).uid
    work.items.subscribers.subscribe(uid, "SLEEPER")
    event = ups.scp_status("GOING DOWN", "WARM START", "WARM START")
    work.events._database.submit(
        lambda connection: work.events.tell(connection, uid, [event] * (KEPT + 50), ["SLEEPER"])
    )
    with work.events._database.reader() as connection:
        assert connection.execute("SELECT count(*) FROM work_event").fetchone()[0] == KEPT


def test_the_provider_tells_of_itself(work: Work) -> None:
    work.items.subscribers.subscribe(ups.WORKLIST, "ALL")
    work.items.subscribers.announce("GOING DOWN", "WARM START", "WARM START")
    report = work.events.after("ALL", 0)[-1]
    assert (report.kind, report.uid, report.information.SCPStatus) == (4, ups.WORKLIST, "GOING DOWN")


def test_two_processes_see_one_worklist(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "data") as one, Archive.open(tmp_path / "data") as other:
        uid = one.work.items.create(make_step()).uid
        other.work.items.subscribers.subscribe(uid, "WATCHER")
        one.work.items.change_state(uid, "IN PROGRESS", OURS)
        with pytest.raises(StatusError):
            other.work.items.change_state(uid, "IN PROGRESS", "1.2.3.98")
        assert len(other.work.events.after("WATCHER", 0)) == 2
        number = other.work.events.latest()
        other.work.events.delivered("WATCHER", number)
        assert one.work.events.position("WATCHER") == number


def test_one_of_many_who_claim_at_once_gets_it(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "data") as one, Archive.open(tmp_path / "data") as other:
        uid = one.work.items.create(make_step()).uid
        start = threading.Barrier(8)

        def claims(number: int) -> bool:
            items = (one, other)[number % 2].work.items
            start.wait(10)
            try:
                return items.change_state(uid, "IN PROGRESS", f"1.2.3.{number}") == 0
            except StatusError as error:
                assert error.status == ups.WRONG_TRANSACTION  # noqa: PT017
                return False

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(claims, range(8))) == 1
