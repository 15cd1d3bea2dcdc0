"""No data without its right: every route of the application, tried with no, wrong, expired and narrower credentials.

The routes are walked, so that a new one is in these tests by itself; one whose path has a variable that is not in
``VALUES`` fails until it is put there.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from kerma.archive import Archive
from kerma.archive.access import Access
from kerma.query.identifier import unique_query
from kerma.query.model import Area, Level
from kerma.web.access.gate import Gate
from kerma.web.access.middleware import PUBLIC, SHARE
from kerma.web.application import application
from kerma.web.context import Context
from tests.archive.conftest import make_instance, store_instance
from tests.archive.work.steps import make_mpps, make_scheduled, make_step

SECRET_PIXELS = 0x5A
SECRETS = (b"Secret", b"SECRET", b"1.2.3.1.", b"ACC1", bytes([SECRET_PIXELS]) * 16)
"""What nobody may be told who may not see the first patient. The UIDs that are asked for are no secrets."""
PASSWORD = "correct horse battery"
VALUES = {
    "study": "1.2.3.1",
    "series": "1.2.3.1.1",
    "instance": "1.2.3.1.1.90",
    "frames": "1",
    "bulk": "7FE00010",
    "workitem": "1.2.3.900",
    "aet": "VIEWER",
    "transaction": "1.2.3.901",
    "step": "1.2.3.902",
    "mpps": "1.2.3.903",
    "token": "kermalink_x",
    "id": "0123456789ab",
    "name": "ann",
}
WADO = "?requestType=WADO&studyUID=1.2.3.1&seriesUID=1.2.3.1.1&objectUID=1.2.3.1.1.90&contentType=application%2Fdicom"
SEARCHES = ("studies", "series", "instances", "workitems", "modality-scheduled-procedure-steps")


@dataclass
class House:
    app: Starlette
    archive: Archive
    access: Access
    clock: list[float]

    def client(self, headers: dict[str, str] | None = None) -> TestClient:
        return TestClient(
            self.app,
            base_url="http://localhost",
            client=("127.0.0.1", 50_000),
            headers=headers,
            raise_server_exceptions=False,
            follow_redirects=False,
        )

    def key(self, *grants: str, expires_at: int | None = None) -> dict[str, str]:
        _, token = self.access.keys.make(grants, self.access.now(), expires_at=expires_at)
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    clock = [1_800_000_000.0]
    with (
        Archive.open(tmp_path / "data") as archive,
        Access(tmp_path / "data", clock=lambda: clock[0]) as access,
    ):
        store_instance(
            archive,
            make_instance(SECRET_PIXELS, PatientName="Secret^Name", PatientID="SECRET", StudyDescription="Secret"),
        )
        store_instance(archive, make_instance(1, study=2, PatientName="Other^Name", PatientID="P2"))
        secret = {"PatientName": "Secret^Name", "PatientID": "SECRET"}
        archive.work.items.create(make_step(**secret), VALUES["workitem"])
        archive.work.scheduled.put(make_scheduled(1, **secret))
        archive.work.performed.create(VALUES["mpps"], make_mpps(1, **secret))
        access.users.put("ann", access.now(), password=PASSWORD, grants=["read"])
        gate = Gate(access, clock=lambda: clock[0])
        yield House(application(Context(archive, gate=gate)), archive, access, clock)


def walk(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[tuple[str, BaseRoute]]:
    """Every route with its whole path."""
    for route in routes:
        if isinstance(route, Mount):
            yield from walk(route.routes, prefix + route.path)
        else:
            assert isinstance(route, Route | WebSocketRoute), f"a route of a kind that is not tested: {route!r}"
            yield prefix + route.path, route


def requests(app: Starlette) -> list[tuple[str, str]]:
    """Method and path of all that can be asked for; "WS" for a WebSocket."""
    out = []
    for template, route in walk(app.routes):
        path = template
        for name in route.param_convertors:  # type: ignore[attr-defined]
            assert name in VALUES, f"say in VALUES what {{{name}}} of {template} may be"
            path = path.replace("{" + name + "}", VALUES[name]).replace("{" + name + ":path}", VALUES[name])
        if path.endswith("/wado"):
            path += WADO
        elif path.rpartition("/")[2] in SEARCHES:
            path += "?includefield=all"
        methods = {"WS"} if isinstance(route, WebSocketRoute) else (route.methods or set())  # type: ignore[attr-defined]
        out += [(method, path) for method in sorted(methods)]
    return out


def is_public(path: str) -> bool:
    return path in PUBLIC or path.startswith(SHARE)


def ask(client: TestClient, method: str, path: str) -> tuple[int, bytes]:
    """Status and body; a refused WebSocket is 403."""
    if method == "WS":
        try:
            with client.websocket_connect(path):
                return 101, b""
        except WebSocketDisconnect:
            return 403, b""
    body = {"content": b"{}", "headers": {"Content-Type": "application/json"}} if method in ("POST", "PUT") else {}
    answer = client.request(method, path, **body)  # type: ignore[arg-type]
    return answer.status_code, answer.content


def untouched(house: House) -> None:
    """Nothing was added, changed or taken away."""
    assert house.archive.stats().instances == 2
    assert len(house.archive.instances(unique_query(Level.STUDY, ("1.2.3.1",)))) == 1


def test_routes_are_found(house: House) -> None:
    found = requests(house.app)
    assert ("GET", "/dicomweb/studies/1.2.3.1/series/1.2.3.1.1/instances/1.2.3.1.1.90/frames/1") in found
    assert len(found) > 30


def _wrong(house: House) -> dict[str, dict[str, str]]:
    right = house.key("all")["Authorization"].removeprefix("Bearer ")
    changed = right[:-1] + ("A" if right[-1] != "A" else "B")
    now = house.access.now()
    expired = house.key("all", expires_at=now + 1)
    name, revoked = house.access.keys.make(["all"], now)
    house.access.keys.revoke(name, now)
    _, link = house.access.links.make(Area(study="1.2.3.1"), now + 1, now)
    session = house.access.users.begin("ann", now, 1)
    house.clock[0] += 10
    basic = base64.b64encode(f"ann:{PASSWORD}x".encode()).decode()
    basic_key = base64.b64encode(f"key:{changed}".encode()).decode()
    return {
        "none": {},
        "another key": {"Authorization": f"Bearer {changed}"},
        "another key in its header": {"X-API-Key": changed},
        "no key in its header": {"X-API-Key": ""},
        "a word": {"Authorization": "Bearer letmein"},
        "an unsigned token": {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."},
        "an unknown scheme": {"Authorization": "Digest x"},
        "nothing": {"Authorization": "Bearer "},
        "another key as a password": {"Authorization": f"Basic {basic_key}"},
        "an expired key": expired,
        "a revoked key": {"Authorization": f"Bearer {revoked}"},
        "an expired link": {"Authorization": f"Bearer {link}"},
        "an expired session": {"Cookie": f"kerma_session={session}"},
        "another session": {"Cookie": "kerma_session=abc; kerma_link=abc"},
        "another password": {"Authorization": f"Basic {basic}"},
    }


def test_without_a_credential_that_holds_nothing_is_told(house: House) -> None:
    for name, headers in _wrong(house).items():
        with house.client(headers) as client:
            for method, path in requests(house.app):
                if is_public(path) or (name == "another password" and method != "GET"):
                    continue
                status, body = ask(client, method, path)
                wanted = {403} if method == "WS" else {401, 429} if name == "another password" else {401}
                assert status in wanted, (name, method, path, status)
                assert not any(secret in body for secret in SECRETS), (name, method, path)
    untouched(house)


def test_a_401_says_how_to_come_in(house: House) -> None:
    with house.client() as client:
        answer = client.get("/dicomweb/studies")
        assert answer.headers["www-authenticate"] == 'Bearer realm="kerma"'
        assert answer.headers["content-type"] == "application/problem+json"
        answer = client.get("/dicomweb/studies", headers={"Authorization": "Bearer x"})
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        answer = client.get("/dicomweb/studies", headers={"Origin": "http://localhost:3000"})
        assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"


@pytest.mark.parametrize(
    "grants",
    [
        ("read@patient:P2",),
        ("read@study:1.2.3.2",),
        ("read@label:other",),
        ("read@series:1.2.3.2.1",),
        ("read,write,delete@patient:P2",),
        ("read@patient:P2", "write,delete@label:other"),
        ("write",),
        ("delete@patient:P2",),
    ],
)
def test_a_narrower_credential_sees_and_changes_nothing_else(house: House, grants: tuple[str, ...]) -> None:
    with house.client(house.key(*grants)) as client:
        for method, path in requests(house.app):
            status, body = ask(client, method, path)
            assert status < 500, (method, path, status)
            assert not any(secret in body for secret in SECRETS), (method, path, status)
            if path.startswith("/access/") and not is_public(path):
                assert status == 403, (method, path)
            if method == "GET" and path.startswith("/dicomweb/studies/1.2.3.1") and status < 300:
                assert body in (b"", b"[]"), (method, path, status)
    untouched(house)


def test_who_reads_changes_nothing_and_who_writes_reads_nothing(house: House) -> None:
    with house.client(house.key("read")) as client:
        for method, path in requests(house.app):
            if method in ("POST", "PUT", "DELETE", "PATCH") and not is_public(path):
                status = ask(client, method, path)[0]
                # Subscriptions and storage commitment change only what the asker is told.
                told = "/subscribers/" in path or "/commitment-requests/" in path
                assert status == 403 or (told and status < 500), (method, path, status)
    with house.client(house.key("write")) as client:  # which sees nothing
        for method, path in requests(house.app):
            if method in ("GET", "HEAD", "WS") and not is_public(path) and path not in ("/metrics", "/openapi.json"):
                assert ask(client, method, path)[0] == 403, (method, path)
    untouched(house)


def test_who_may_read_it_sees_it(house: House) -> None:
    """The same walk finds the secrets where they may be seen: what is tested above can fail."""
    for grants in (("read",), ("read@patient:SECRET",), ("read@study:1.2.3.1",)):
        seen = set()
        with house.client(house.key(*grants)) as client:
            for method, path in requests(house.app):
                if method == "GET" and path.startswith(("/dicomweb/", "/wado")):
                    status, body = ask(client, method, path)
                    if status == 200 and any(secret in body for secret in SECRETS):
                        seen.add(path)
        assert len(seen) >= 10, (grants, seen)
        assert f"/wado{WADO}" in seen
        assert "/dicomweb/studies?includefield=all" in seen
        if "study" not in grants[0]:
            assert "/dicomweb/workitems/1.2.3.900" in seen


def test_other_words_of_a_path_do_not_go_round_the_gate(house: House) -> None:
    with house.client() as client:
        for path in ("//dicomweb/studies", "/dicomweb//studies", "/healthz/../dicomweb/studies", "/%64icomweb/studies",
                     "/access/session/../keys", "/share/../dicomweb/studies", "/DICOMWEB/studies", "/access/session/",
                     "/dicomweb/studies;x=/healthz", "/healthz/dicomweb/studies"):  # fmt: skip
            status, body = ask(client, "GET", path)
            assert status in (401, 404), (path, status)
            assert not any(secret in body for secret in SECRETS)
