"""The gate over HTTP: who gets in with what, sessions and links, and pages of other origins."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from kerma.archive import Archive
from kerma.archive.access import Access
from kerma.archive.access.keys import parse_networks
from kerma.archive.permissions import parse_grants
from kerma.archive.work import ups
from kerma.query.model import Area
from kerma.web.access import routes
from kerma.web.access.credentials import is_loopback, is_same_origin
from kerma.web.access.gate import Gate, Rules
from kerma.web.application import application
from kerma.web.context import Context, WebConfig
from tests.archive.conftest import make_instance, store_instance

PASSWORD = "correct horse battery"
STUDY = "/dicomweb/studies/1.2.3.1"
LOCAL = "127.0.0.1"


@dataclass
class Place:
    archive: Archive
    access: Access
    clock: list[float]
    gates: list[Gate] = field(default_factory=list)

    def client(
        self,
        address: str = LOCAL,
        rules: Rules | None = None,
        *,
        base: str = "http://localhost",
        origins: tuple[str, ...] = ("loopback",),
        headers: dict[str, str] | None = None,
    ) -> TestClient:
        gate = Gate(self.access, rules, clock=lambda: self.clock[0])
        self.gates.append(gate)
        app = application(Context(self.archive, WebConfig(origins=origins), gate=gate))
        return TestClient(
            app,
            base_url=base,
            client=(address, 50_000),
            headers=headers,
            raise_server_exceptions=False,
            follow_redirects=False,
        )

    def key(self, *grants: str, **more: object) -> str:
        return self.access.keys.make(grants, self.access.now(), **more)[1]  # type: ignore[arg-type]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    clock = [1_800_000_000.0]
    with (
        Archive.open(tmp_path / "data") as archive,
        Access(tmp_path / "data", clock=lambda: clock[0]) as access,
    ):
        store_instance(archive, make_instance(1))
        yield Place(archive, access, clock)


# -- without rules -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "kerma.localhost", ""])
def test_without_rules_this_machine_may_do_everything(place: Place, host: str) -> None:
    for address in (LOCAL, "::1", "::ffff:127.0.0.1"):
        assert place.client(address, headers={"Host": host}).get(STUDY).status_code == 200
    assert place.client().delete(STUDY).status_code == 204


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[", ":80"]
)
def test_a_foreign_name_that_was_bent_to_us_is_refused(place: Place, host: str) -> None:
    answer = place.client(headers={"Host": host}).get(STUDY)
    assert answer.status_code == 403
    assert b"kerma access" in answer.content


@pytest.mark.parametrize("address", ["10.0.0.1", "192.0.2.1", "2001:db8::1", "", "testclient"])
def test_without_rules_no_other_machine_gets_in(place: Place, address: str) -> None:
    assert place.client(address).get(STUDY).status_code == 403
    assert place.client(address).get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "10.0.0.1"},
        {"X-Real-IP": "10.0.0.1"},
        {"Forwarded": "for=10.0.0.1"},
        {"X-Forwarded-Host": "pacs.example.org"},
        {"X-Forwarded-Host": "localhost:3000, pacs.example.org"},
    ],
)
def test_without_rules_a_proxy_on_this_machine_opens_nothing(place: Place, headers: dict[str, str]) -> None:
    assert place.client(headers=headers).get(STUDY).status_code == 403


def test_a_proxy_of_this_machine_is_at_home(place: Place) -> None:
    headers = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "localhost:3000"}
    assert place.client(headers=headers).get(STUDY).status_code == 200


def test_without_rules_a_page_of_another_origin_changes_nothing(place: Place) -> None:
    foreign = (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://["},
    )
    for headers in foreign:
        assert place.client(headers=headers).delete(STUDY).status_code == 403, headers
        assert place.client(origins=("*",), headers=headers).delete(STUDY).status_code == 403, "`*` is for reading"
        with (
            pytest.raises(WebSocketDisconnect),
            place.client(headers=headers).websocket_connect("/dicomweb/subscribers/X"),
        ):
            pass
    assert place.archive.stats().instances == 1
    ours = place.client(headers={"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"})
    assert ours.delete(STUDY).status_code == 204


def test_a_listed_origin_counts_as_ours(place: Place) -> None:
    rules = Rules(origins=frozenset({"https://viewer.example"}))
    assert place.client(rules=rules, headers={"Origin": "https://viewer.example"}).delete(STUDY).status_code == 204


# -- with rules --------------------------------------------------------------------------------------------------------


def test_the_first_key_closes_the_house_at_once(place: Place) -> None:
    client = place.client()
    assert client.get(STUDY).status_code == 200
    token = place.key("read")
    assert client.get(STUDY).status_code == 401
    basic = base64.b64encode(f"anything:{token}".encode()).decode()
    for headers in (
        {"Authorization": f"Bearer {token}"},
        {"Authorization": f"bearer  {token}"},
        {"X-API-Key": token},
        {"Authorization": f"Basic {basic}"},
    ):
        for _ in range(2):
            assert client.get(STUDY, headers=headers).status_code == 200
        assert place.client("192.0.2.1", headers={"Host": "pacs.example", **headers}).get(STUDY).status_code == 200
    assert client.get(STUDY, params={"token": token}).status_code == 401, "a key has no place in an address"


def test_a_key_works_from_its_networks_only(place: Place) -> None:
    token = place.key("read", networks=["10.0.0.0/8"])
    headers = {"X-API-Key": token}
    assert place.client("10.1.2.3", headers=headers).get(STUDY).status_code == 200
    assert place.client("11.1.2.3", headers=headers).get(STUDY).status_code == 403
    proxied = Rules(proxies=parse_networks(["192.0.2.0/24"]))
    for given, status in (
        ("10.1.2.3", 200),
        ("10.1.2.3, 11.1.1.1", 403),
        ("11.1.1.1, 10.1.2.3", 200),
        ("10.1.2.3, 192.0.2.9", 200),
        ("", 403),
        ("nonsense", 403),
    ):
        client = place.client("192.0.2.7", proxied, headers={**headers, "X-Forwarded-For": given})
        assert client.get(STUDY).status_code == status, given
    liar = place.client("11.1.2.3", proxied, headers={**headers, "X-Forwarded-For": "10.1.2.3"})
    assert liar.get(STUDY).status_code == 403, "only our proxies are believed"


def test_what_is_remembered_ends_at_once_when_it_is_revoked_elsewhere(place: Place, tmp_path: Path) -> None:
    name, token = place.access.keys.make(["read"], place.access.now())
    client = place.client(headers={"X-API-Key": token})
    assert client.get(STUDY).status_code == 200
    with Access(tmp_path / "data") as other:
        other.keys.revoke(name, other.now())
    assert client.get(STUDY).status_code == 401
    token = place.key("read", expires_at=place.access.now() + 100)
    client = place.client(headers={"X-API-Key": token})
    assert client.get(STUDY).status_code == 200
    place.clock[0] += 100
    assert client.get(STUDY).status_code == 401


def test_anyone_may_do_what_is_configured(place: Place) -> None:
    rules = Rules(anonymous=parse_grants(["read@patient:P1"]))
    client = place.client("192.0.2.1", rules, headers={"Host": "pacs.example"})
    assert client.get(STUDY).status_code == 200
    assert client.delete(STUDY).status_code == 403
    assert client.get(STUDY, headers={"X-API-Key": "wrong"}).status_code == 401
    store_instance(place.archive, make_instance(1, study=2, PatientID="P2"))
    assert client.get("/dicomweb/studies/1.2.3.2").status_code == 404


def test_login_can_be_required_before_there_is_anybody(place: Place) -> None:
    assert place.client(rules=Rules(required=True)).get(STUDY).status_code == 401


def test_two_credentials_and_long_ones_are_refused(place: Place) -> None:
    client = place.client()
    twice = client.get(STUDY, headers=[("Authorization", "Bearer a"), ("Authorization", "Bearer b")])
    assert twice.status_code == 400
    assert client.get(STUDY, headers={"Authorization": "Bearer " + "x" * 20_000}).status_code == 400
    assert client.get(STUDY, headers={"Authorization": "Basic %%%"}).status_code == 401
    assert client.get(STUDY, headers={"Cookie": "kerma_session=" + "x" * 20_000}).status_code == 200, (
        "no cookie of ours"
    )


# -- sessions ----------------------------------------------------------------------------------------------------------


def _log_in(client: TestClient, password: str = PASSWORD) -> int:
    return int(client.post("/access/session", json={"user": "ann", "password": password}).status_code)


def test_a_session_from_login_to_logout(place: Place) -> None:
    place.access.users.put("ann", place.access.now(), password=PASSWORD, grants=["read"])
    client = place.client("192.0.2.1", base="https://pacs.example")
    assert client.get("/access/session").json() == {"principal": None, "rights": [], "limited": False, "login": True}
    answer = client.post("/access/session", json={"user": "ann", "password": PASSWORD})
    assert answer.json()["principal"] == "ann"
    cookie = answer.headers["set-cookie"].lower()
    for flag in ("httponly", "samesite=lax", "secure", "path=/", "max-age=43200"):
        assert flag in cookie
    assert client.get(STUDY).status_code == 200
    assert client.get("/access/session").json()["rights"] == ["read"]
    assert client.delete(STUDY).status_code == 403
    assert client.delete("/access/session").status_code == 204
    assert client.get(STUDY).status_code == 401
    assert (
        "secure"
        not in place.client()
        .post("/access/session", json={"user": "ann", "password": PASSWORD})
        .headers["set-cookie"]
        .lower()
    )


def test_a_session_ends_by_itself(place: Place) -> None:
    place.access.users.put("ann", place.access.now(), password=PASSWORD, grants=["read"])
    client = place.client()
    assert _log_in(client) == 200
    place.clock[0] += 43_199
    assert client.get(STUDY).status_code == 200
    place.clock[0] += 1
    assert client.get(STUDY).status_code == 401


def test_a_session_is_of_use_to_our_own_pages_only(place: Place) -> None:
    place.access.users.put("ann", place.access.now(), password=PASSWORD, grants=["all"])
    client = place.client(base="http://pacs.example")
    assert _log_in(client) == 200
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        assert client.delete(STUDY, headers=headers).status_code == 403, headers
        assert client.post("/access/session", json={}, headers=headers).status_code == 403
    form = client.post("/access/keys", content=b"{}", headers={"Content-Type": "text/plain"})
    assert form.status_code == 415
    own = {"Origin": "http://pacs.example", "Sec-Fetch-Site": "same-origin"}
    assert client.delete(STUDY, headers=own).status_code == 204


def test_a_wrong_password_is_slowed_down(place: Place) -> None:
    place.access.users.put("ann", place.access.now(), password=PASSWORD, grants=["read"])
    client = place.client("192.0.2.1")
    assert [_log_in(client, "wrong password") for _ in range(6)] == [403] * 5 + [429]
    answer = client.post("/access/session", json={"user": "ann", "password": PASSWORD})
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    assert _log_in(place.client("192.0.2.2")) == 200
    basic = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
    assert client.get(STUDY, headers={"Authorization": f"Basic {basic}"}).status_code == 429
    place.clock[0] += 1
    assert client.get(STUDY, headers={"Authorization": f"Basic {basic}"}).status_code == 200


def test_a_network_of_ipv6_is_one_address_to_who_guesses(place: Place) -> None:
    place.access.users.put("ann", place.access.now(), password=PASSWORD, grants=["read"])
    tried = [_log_in(place.client(f"2001:db8::{number}"), "wrong password") for number in range(6)]
    assert tried == [403] * 5 + [429]
    assert _log_in(place.client("2001:db8:0:1::1")) == 200


_NONE = (
    b"",
    b"[]",
    b"{",
    b'{"user": 1, "password": "x"}',
    b'{"user": "ann"}',
    b"[" * 60_000,
    b'{"user": "\\ud800", "password": "x"}',
    b'{"link": "\\udfff"}',
)


@pytest.mark.parametrize("body", _NONE)
def test_a_login_that_is_none_is_told(place: Place, body: bytes) -> None:
    place.access.users.put("ann", place.access.now(), password=PASSWORD, grants=["read"])
    headers = {"Content-Type": "application/json"}
    assert place.client().post("/access/session", content=body, headers=headers).status_code == 400
    assert place.client().post("/access/session", content=b"x" * 70_000, headers=headers).status_code == 413


def test_a_login_that_comes_byte_by_byte_is_given_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "_BODY_TIME", 0.05)
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.sleep(0)  # something comes all the time, and never the last
        return {"type": "http.request", "body": b"", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/access/session",
        "raw_path": b"/access/session",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        "client": (LOCAL, 1),
        "server": (LOCAL, 2),
    }
    app = place.client().app

    async def run() -> None:
        await app(scope, receive, send)

    asyncio.run(run())
    assert sent[0]["status"] == 408


def test_many_logins_at_once_take_two_at_a_time(place: Place) -> None:
    place.access.users.put("ann", place.access.now(), password=PASSWORD, grants=["read"])
    client = place.client()
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(_log_in(client))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert statuses == [200] * 6


# -- links -------------------------------------------------------------------------------------------------------------


def test_a_shared_link_opens_one_study_until_its_end(place: Place) -> None:
    store_instance(place.archive, make_instance(1, study=2))
    place.key("all")
    _, token = place.access.links.make(Area(study="1.2.3.1"), place.access.now() + 100, place.access.now())
    client = place.client("192.0.2.1", base="https://pacs.example")
    way = client.get(f"/share/{token}")
    assert (way.status_code, way.headers["location"]) == (303, "/")
    assert way.headers["referrer-policy"] == "no-referrer"
    assert client.get("/access/session").json()["limited"] is True
    plain = place.client("192.0.2.1")
    for asked in (client, place.client("192.0.2.1", headers={"Authorization": f"Bearer {token}"})):
        assert asked.get(STUDY).status_code == 200
        assert asked.get("/dicomweb/studies/1.2.3.2").status_code == 404
        assert asked.delete(STUDY).status_code == 403
    assert plain.get(f"{STUDY}?token={token}").status_code == 200
    assert plain.get(f"{STUDY}?token={token}x").status_code == 401
    assert plain.get("/share/kermalink_no").status_code == 404
    place.clock[0] += 100
    assert client.get(STUDY).status_code == 401
    assert client.get(f"/share/{token}").status_code == 404


# -- administration ----------------------------------------------------------------------------------------------------


def test_a_shared_link_subscribes_to_nothing_and_ends_no_subscription(place: Place) -> None:
    _, token = place.access.links.make(Area(study="1.2.3.1"), place.access.now() + 100, place.access.now())
    place.archive.work.items.subscribers.subscribe(ups.WORKLIST, "RIS")
    client = place.client(rules=Rules(required=True), headers={"Authorization": f"Bearer {token}"})
    subscription = f"/dicomweb/workitems/{ups.WORKLIST}/subscribers/RIS"
    assert client.get(STUDY).status_code == 200
    assert client.delete(subscription).status_code == 403
    assert client.post(f"{subscription}/suspend").status_code == 403
    assert client.post(subscription).status_code == 403
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/dicomweb/subscribers/RIS"):
        pass
    place.archive.work.items.subscribers.unsubscribe(ups.WORKLIST, "RIS")  # it is there


def test_an_administrator_makes_and_ends_everything(place: Place) -> None:
    root = place.client(headers={"X-API-Key": place.key("all")})
    made = root.post("/access/keys", json={"rights": ["read@label:x"], "note": "n", "networks": [LOCAL]})
    assert made.status_code == 201
    token = made.json()["key"]
    assert token not in root.get("/access/keys").text
    limited = place.client(headers={"X-API-Key": token})
    assert limited.get(STUDY).status_code == 404
    labels = "/access/studies/1.2.3.1/labels"
    assert root.put(labels, json={"labels": ["x", "y"]}).json() == {"labels": ["x", "y"]}
    assert root.get(labels).json() == {"labels": ["x", "y"]}
    assert limited.get(STUDY).status_code == 200
    assert root.delete(f"/access/keys/{made.json()['id']}").status_code == 204
    assert limited.get(STUDY).status_code == 401
    assert root.put("/access/users/bob", json={"password": PASSWORD, "rights": ["read"]}).status_code == 204
    assert [user["name"] for user in root.get("/access/users").json()] == ["bob"]
    assert root.delete("/access/users/bob").status_code == 204
    end = place.access.now() + 50
    link = root.post("/access/links", json={"to": "study:1.2.3.1", "expires_at": end}).json()
    assert place.client().get(f"{STUDY}?token={link['token']}").status_code == 200
    assert [item["id"] for item in root.get("/access/links").json()] == [link["id"]]
    assert root.delete(f"/access/links/{link['id']}").status_code == 204
    assert place.client().get(f"{STUDY}?token={link['token']}").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/access/keys", {"rights": []}, 400),
        ("POST", "/access/keys", {"rights": "read"}, 400),
        ("POST", "/access/keys", {"rights": ["read"], "expires_at": True}, 400),
        ("POST", "/access/keys", {"rights": ["read"], "expires_at": 5}, 400),
        ("POST", "/access/keys", {"rights": ["read"], "networks": ["x"]}, 400),
        ("POST", "/access/links", {"to": "label:x", "expires_at": 1_800_000_050}, 400),
        ("POST", "/access/links", {"to": "study:1.2"}, 400),
        ("PUT", "/access/users/a b", {"password": PASSWORD, "rights": ["read"]}, 400),
        ("PUT", "/access/users/bob", {}, 400),
        ("PUT", "/access/studies/1.2.3.1/labels", {"labels": [""]}, 400),
        ("PUT", "/access/studies/9.9/labels", {"labels": ["a"]}, 404),
        ("PUT", "/access/studies/abc/labels", {"labels": ["a"]}, 400),
        ("DELETE", "/access/users/nobody", None, 404),
        ("DELETE", "/access/keys/x", None, 404),
        ("DELETE", "/access/links/x", None, 404),
    ],
)
def test_what_is_wrong_is_told(place: Place, method: str, path: str, body: object, status: int) -> None:
    root = place.client(headers={"X-API-Key": place.key("all")})
    answer = root.request(method, path, **({"json": body} if body is not None else {}))  # type: ignore[arg-type]
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_names() -> None:
    assert is_loopback("LOCALHOST.")
    assert not is_loopback("")
    assert not is_loopback("0.0.0.0")
    assert is_same_origin("http://a:80", "a")
    assert is_same_origin("https://a", "a:443")
    assert not is_same_origin("http://a:81", "a")
    assert not is_same_origin("null", "a")
