"""Notification connections (PS3.18 8.10.4, 8.10.5, 11.13): what a subscriber hears, and when."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from kerma.archive import Archive
from kerma.archive.access import Access
from kerma.archive.permissions import Grant, Principal, Right
from kerma.web import events
from kerma.web.access.gate import Gate
from kerma.web.application import application
from kerma.web.context import Context
from tests.archive.work.steps import code, make, make_step
from tests.web.work_bodies import ITEMS, OURS, ROOT, body, change, create

pytestmark = pytest.mark.timeout(60)
CHANNEL = f"{ROOT}/subscribers/WATCHER"
GLOBAL = f"{ITEMS}/1.2.840.10008.5.1.4.34.5/subscribers/WATCHER"


def test_a_subscriber_hears_what_happens(web: TestClient) -> None:
    uid = create(web)
    web.post(f"{ITEMS}/{uid}/subscribers/WATCHER")
    with web.websocket_connect(CHANNEL) as socket:
        first = socket.receive_json()
        assert first["00000002"]["Value"] == ["1.2.840.10008.5.1.4.34.6.1"]
        assert first["00001000"]["Value"] == [uid]
        assert first["00001002"]["Value"] == [1]
        assert first["00741000"] == {"vr": "CS", "Value": ["SCHEDULED"]}
        assert first["00404041"] == {"vr": "CS", "Value": ["READY"]}
        change(web, uid, "IN PROGRESS")
        second = socket.receive_json()
        assert second["00741000"]["Value"] == ["IN PROGRESS"]
        assert second["00000110"]["Value"] != first["00000110"]["Value"]
        web.post(f"{ITEMS}/{uid}/cancelrequest", **body(make(ReasonForCancellation="Gerät defekt")))
        third = socket.receive_json()
        assert third["00001002"]["Value"] == [2]
        assert third["00741238"]["Value"] == ["Gerät defekt"]
        web.post(f"{ITEMS}/{uid}?{OURS}", **body(make(ScheduledStationNameCodeSequence=[code("S1")])))
        assert socket.receive_json()["00001002"]["Value"] == [5]


def test_a_channel_goes_on_where_the_last_one_ended(web: TestClient, archive: Archive) -> None:
    web.post(GLOBAL)
    create(web, "1.2.1")
    with web.websocket_connect(CHANNEL) as socket:
        assert socket.receive_json()["00001000"]["Value"] == ["1.2.1"]
        create(web, "1.2.2")
        assert socket.receive_json()["00001000"]["Value"] == ["1.2.2"]
        create(web, "1.2.3")
        assert socket.receive_json()["00001000"]["Value"] == ["1.2.3"]
    create(web, "1.2.4")
    archive.work.events.delivered("WATCHER", archive.work.events.after("WATCHER", 0)[2].number)
    with web.websocket_connect(CHANNEL) as socket:
        assert socket.receive_json()["00001000"]["Value"] == ["1.2.4"]


def test_every_channel_of_a_subscriber_hears_it(web: TestClient) -> None:
    web.post(GLOBAL)
    with web.websocket_connect(CHANNEL) as one, web.websocket_connect(CHANNEL) as other:
        create(web, "1.2.1")
        assert one.receive_json() == other.receive_json()


def test_what_another_process_does_is_heard(web: TestClient, archive: Archive) -> None:
    web.post(GLOBAL)
    with web.websocket_connect(CHANNEL) as socket, Archive.open(archive.root) as other:
        other.work.items.create(make_step(), "1.2.7")
        assert socket.receive_json()["00001000"]["Value"] == ["1.2.7"]
        other.work.items.create(make_step(), "1.2.8")
        assert socket.receive_json()["00001000"]["Value"] == ["1.2.8"]


def test_many_events_come_in_order(web: TestClient, archive: Archive) -> None:
    archive.work.items.subscribers.subscribe("1.2.840.10008.5.1.4.34.5", "WATCHER")
    uids = [f"1.2.{number}" for number in range(1, 251)]
    with web.websocket_connect(CHANNEL) as socket:
        for uid in uids:
            archive.work.items.create(make_step(), uid)
        assert [socket.receive_json()["00001000"]["Value"][0] for _ in uids] == uids


def with_principal(archive: Archive, principal: Principal) -> TestClient:
    app = application(Context(archive))

    async def asked(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        scope["kerma.principal"] = principal
        await app(scope, receive, send)

    return TestClient(asked)


def test_who_may_not_read_opens_no_channel(archive: Archive) -> None:
    with with_principal(archive, Principal("writer", Right.WRITE)) as client:  # noqa: SIM117
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(CHANNEL):
            pass


def test_a_hearer_is_told_only_of_what_it_may_see(archive: Archive) -> None:
    archive.work.items.subscribers.subscribe("1.2.840.10008.5.1.4.34.5", "WATCHER")
    for number, patient in enumerate(("P2", "P1", "P2", "P1"), 1):
        archive.work.items.create(make_step(PatientID=patient), f"1.2.{number}")
    principal = Principal.of("narrow", [Grant.parse("read@patient:P1")])
    with with_principal(archive, principal) as client, client.websocket_connect(CHANNEL) as socket:
        assert socket.receive_json()["00001000"]["Value"] == ["1.2.2"]
        assert socket.receive_json()["00001000"]["Value"] == ["1.2.4"]


def test_a_channel_does_not_outlive_its_key(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.work.items.subscribers.subscribe("1.2.840.10008.5.1.4.34.5", "WATCHER")
    with Access(archive.root) as access:
        names, keys = zip(*(access.keys.make(["read"], access.now()) for _ in range(2)), strict=True)
        app = application(Context(archive, gate=Gate(access)))
        headers = [{"Authorization": f"Bearer {key}"} for key in keys]
        with TestClient(app) as client:
            with client.websocket_connect(CHANNEL, headers=headers[0]) as socket:
                archive.work.items.create(make_step(), "1.2.1")
                assert socket.receive_json()["00001000"]["Value"] == ["1.2.1"]
                access.keys.revoke(names[0], access.now())
                archive.work.items.create(make_step(), "1.2.2")
                with pytest.raises(WebSocketDisconnect) as caught:
                    socket.receive_json()
                assert caught.value.code == 1008
            monkeypatch.setattr(events, "AGAIN", 0.01)
            with client.websocket_connect(CHANNEL, headers=headers[1]) as socket:
                assert socket.receive_json()["00001000"]["Value"] == ["1.2.2"]
                access.keys.revoke(names[1], access.now())  # nothing is told, and it ends all the same
                with pytest.raises(WebSocketDisconnect):
                    socket.receive_json()


def test_titles_that_are_none(web: TestClient) -> None:
    for title in ("A" * 17, "%5C"):
        with pytest.raises(WebSocketDisconnect), web.websocket_connect(f"{ROOT}/subscribers/{title}"):
            pass


def test_nobody_polls_when_nobody_listens(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "data") as archive:
        app = application(Context(archive))
        with TestClient(app) as client:
            with client.websocket_connect(CHANNEL):
                pass
            (hub,) = app.state.work_hubs.values()
            assert len(hub) == 0
            assert hub._task is None
