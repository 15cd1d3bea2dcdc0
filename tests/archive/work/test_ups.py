"""The rules of Unified Procedure Steps by themselves: tables CC.1.1-2, CC.2.3-2, CC.2.5-3, and a machine that walks."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kerma.archive.work import mpps, ups
from kerma.archive.work.requirements import Requirement
from kerma.archive.work.subscriptions import TRANSITIONS, Action, Subscription
from kerma.archive.work.ups import Change, Step
from kerma.dataset import Dataset
from kerma.errors import StatusError, ValueEncodeError
from kerma.standard import elements
from tests.archive.work.steps import discontinued, make, make_step, performed

NOW = "20260102101112.000000+0000"
STATES = ("SCHEDULED", "IN PROGRESS", "COMPLETED", "CANCELED")
UIDS = ("1.2.1", "1.2.2")


def step_in(state: str) -> Step:
    """A step on its legal way to a state, claimed with the first UID."""
    step = ups.created(make_step(), "1.2.3", NOW).step
    if state == "SCHEDULED":
        return step
    step = ups.changed_state(step, "IN PROGRESS", UIDS[0], NOW).step
    for changes in (performed(), discontinued()):
        step = ups.updated(step, changes, UIDS[0], NOW).step
    return step if state == "IN PROGRESS" else ups.changed_state(step, state, UIDS[0], NOW).step


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("requested", STATES)
def test_every_cell_of_the_state_table(requested: str, state: str) -> None:
    step = step_in(state)
    follows = ups.TRANSITIONS[requested, state]
    if isinstance(follows, str):
        change = ups.changed_state(step, requested, UIDS[0], NOW)
        assert (change.step.state, change.status) == (follows, 0)
        assert [event.kind for event in change.events] == [ups.STATE_REPORT]
    elif follows in (ups.ALREADY_CANCELED, ups.ALREADY_COMPLETED):
        assert ups.changed_state(step, requested, UIDS[0], NOW) == Change(step, follows)
    else:
        with pytest.raises(StatusError) as error:
            ups.changed_state(step, requested, UIDS[0], NOW)
        assert error.value.status == follows
    for wrong in (None, UIDS[1]) if state != "SCHEDULED" else (None,):
        with pytest.raises(StatusError) as error:
            ups.changed_state(step, requested, wrong, NOW)
        assert error.value.status == ups.WRONG_TRANSACTION


def test_the_tables_are_whole() -> None:
    assert set(ups.TRANSITIONS) == {(one, other) for one in STATES for other in STATES}
    assert set(TRANSITIONS) == {(action, state) for action in Action for state in Subscription}
    for table in (ups.ATTRIBUTES, mpps.ATTRIBUTES):
        names = [row.name for row in table]
        assert len(set(names)) == len(names)
        for row in table:
            assert row.create in ("1", "1C", "2", "2C", "3", "E", "-")
            assert row.update in ("1", "2", "3", "-")
            assert row.final in ("R", "P", "X", "O", "P2")


@pytest.mark.parametrize("row", [row for row in ups.ATTRIBUTES if row.final in ("R", "P")], ids=lambda row: row.name)
def test_each_attribute_of_a_final_state_is_demanded(row: Requirement) -> None:
    model = step_in("IN PROGRESS").ds
    holder = model if len(row.path) == 1 else model[row.path[0]].value[0]
    if row.name == "ProcedureStepState":
        return  # without it the step is in no state at all
    del holder[row.path[-1]]
    with pytest.raises(StatusError, match=row.name) as error:
        ups.changed_state(Step(model, UIDS[0]), "COMPLETED", UIDS[0], NOW)
    assert error.value.status == ups.FINAL_STATE_UNMET


def test_a_step_is_not_changed_by_what_fails() -> None:
    step = step_in("IN PROGRESS")
    before = step.ds.to_bytes()
    for changes in (make(PatientName="Other"), make(InputReadinessState="WRONG")):
        with pytest.raises(StatusError):
            ups.updated(step, changes, UIDS[0], NOW)
    assert step.ds.to_bytes() == before


def test_character_sets_meet() -> None:
    latin = make(SpecificCharacterSet="ISO_IR 100", CommentsOnTheScheduledProcedureStep="Größe")
    latin = Dataset.from_bytes(latin.to_bytes("1.2.840.10008.1.2.1"), "1.2.840.10008.1.2.1")
    plain = make(ProcedureStepLabel="plain")
    step = ups.created(make_step(PatientName="山田^太郎"), "1.2.3", NOW).step
    step = ups.updated(ups.updated(step, latin, None, NOW).step, plain, None, NOW).step
    again = Dataset.from_bytes(step.ds.to_bytes(), "1.2.840.10008.1.2.1")
    assert (again.PatientName, again.CommentsOnTheScheduledProcedureStep) == ("山田^太郎", "Größe")


class Walk(RuleBasedStateMachine):
    """Any requests in any order: the step keeps to its states, its lock, and what it promised."""

    def __init__(self) -> None:
        super().__init__()
        self.step = ups.created(make_step(), "1.2.3", NOW).step
        self.owner: str | None = None

    def ask(self, request: Any) -> None:
        before, state = self.step, self.step.state
        try:
            change = request()
        except StatusError as error:
            assert error.status >= 0xC300 or 0x0106 <= error.status <= 0x0121  # noqa: PT017
            assert self.step is before
            return
        if state in ups.FINAL:
            assert change.step is before
        assert not change.step.ds.get("TransactionUID")
        self.step = change.step

    @rule(state=st.sampled_from((*STATES, "", "SOMETHING")), uid=st.sampled_from((*UIDS, None)))
    def change_state(self, state: str, uid: str | None) -> None:
        was = self.step.state
        self.ask(lambda: ups.changed_state(self.step, state, uid, NOW))
        if was == "SCHEDULED" and self.step.state == "IN PROGRESS":
            self.owner = uid
        elif self.step.state != was:
            assert uid == self.owner

    @rule(
        changes=st.sampled_from((performed, discontinued, lambda: make(ProcedureStepLabel="Other"))),
        uid=st.sampled_from((*UIDS, None)),
    )
    def update(self, changes: Any, uid: str | None) -> None:
        before = self.step
        self.ask(lambda: ups.updated(self.step, changes(), uid, NOW))
        if self.step is not before:
            assert uid == self.owner

    @precondition(lambda self: self.step.state not in ups.FINAL)
    @rule(subscribed=st.booleans())
    def request_cancel(self, subscribed: bool) -> None:
        was = self.step.state
        self.ask(lambda: ups.cancel_requested(self.step, Dataset(), "ASKER", subscribed, NOW))
        assert self.step.state == ("CANCELED" if was == "SCHEDULED" else was)

    @invariant()
    def final_states_are_complete(self) -> None:
        if self.step.state == "COMPLETED":
            done = self.step.ds.UnifiedProcedureStepPerformedProcedureSequence[0]
            assert done.PerformedStationNameCodeSequence
        if self.step.state == "CANCELED":
            assert self.step.ds.ProcedureStepProgressInformationSequence[0].ProcedureStepCancellationDateTime


Walk.TestCase.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)
test_any_walk = Walk.TestCase

_VALUES = {
    "SQ": st.lists(st.just(Dataset()), max_size=2),
    "UI": st.sampled_from(("1.2.3", "x", "")),
    "DT": st.sampled_from(("2026", "yesterday", "")),
}


@st.composite
def any_step(draw: st.DrawFn) -> Dataset:
    """A step with anything wrong."""
    ds = make_step()
    rows = draw(st.lists(st.sampled_from([row for row in ups.ATTRIBUTES if len(row.path) == 1]), max_size=6))
    for row in rows:
        if draw(st.booleans()):
            ds.pop(row.path[0])
        else:
            vr = elements.vr_of(row.path[0])
            with contextlib.suppress(ValueEncodeError):
                ds.add(row.path[0], vr, draw(_VALUES.get(vr, st.text("AB12 \\^=*", max_size=5))))
    return ds


@settings(max_examples=80, deadline=None)
@given(any_step())
def test_whatever_is_sent_is_a_step_or_a_status(ds: Dataset) -> None:
    try:
        change = ups.created(ds, "1.2.3", NOW)
    except StatusError:
        return
    assert change.step.state == "SCHEDULED"
    supplied = [row.path[0] for row in ups.ATTRIBUTES if row.create == "2" and len(row.path) == 1]
    assert all(tag in change.step.ds for tag in supplied)
    Dataset.from_bytes(change.step.ds.to_bytes("1.2.840.10008.1.2.1"), "1.2.840.10008.1.2.1")
