"""What is around every route: cross-origin headers, limits, methods, HEAD, compression, numbers, health."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from kerma.archive import Archive
from kerma.errors import NotFoundError
from kerma.web import access_log
from kerma.web.application import application
from kerma.web.context import Context, WebConfig
from kerma.web.limits import RequestLimits

PREFLIGHT = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
HERE = "http://localhost:3000"


class Seen:
    """What an application told of."""

    def __init__(self) -> None:
        self.requests: list[access_log.Request] = []
        self.errors: list[tuple[str, BaseException]] = []
        self.pieces = 0


def app_of(archive: Archive, seen: Seen, config: WebConfig | None = None) -> Starlette:
    """The application with some routes of its own."""

    async def text(request: Request) -> Response:
        return JSONResponse({"much": "x" * 5000})

    async def tagged(request: Request) -> Response:
        return JSONResponse({"much": "x" * 5000}, headers={"ETag": '"1"'})

    async def stream(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(100):
                seen.pieces += 1
                yield b"[1, 2, 3]" * 100

        return StreamingResponse(pieces(), media_type="application/dicom+json")

    async def broken(request: Request) -> Response:
        raise ValueError("Doe^Jane")

    async def missing(request: Request) -> Response:
        raise NotFoundError("nothing here")

    async def body(request: Request) -> Response:
        return Response(str(len(await request.body())))

    context = Context(archive, config or WebConfig(), on_request=seen.requests.append)
    context.on_error = lambda what, error: seen.errors.append((what, error))
    app = application(context)
    app.router.routes += [
        Route("/text", text),
        Route("/tagged", tagged),
        Route("/stream", stream),
        Route("/broken", broken),
        Route("/missing/{study}", missing),
        Route("/body", body, methods=["POST"]),
        Route("/body", text, methods=["GET"]),
    ]
    return app


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def client(archive: Archive, seen: Seen) -> Iterator[TestClient]:
    with TestClient(app_of(archive, seen), raise_server_exceptions=False) as client:
        yield client


def client_with(archive: Archive, **config: Any) -> TestClient:
    return TestClient(app_of(archive, Seen(), WebConfig(**config)), raise_server_exceptions=False)


# -- cross-origin ------------------------------------------------------------------------------------------------------


def test_a_preflight_is_answered_with_names(client: TestClient) -> None:
    answer = client.options("/dicomweb/studies", headers={"Origin": HERE, **PREFLIGHT})
    assert answer.status_code == 204
    headers = answer.headers
    assert headers["access-control-allow-origin"] == HERE
    assert "Authorization" in headers["access-control-allow-headers"]
    assert "PUT" in headers["access-control-allow-methods"]
    assert int(headers["access-control-max-age"]) >= 600
    assert "Origin" in headers["vary"]
    assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize(("path", "status"), [("/text", 200), ("/nothing", 404), ("/broken", 500), ("/missing/1", 404)])
def test_every_answer_carries_the_headers(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path, headers={"Origin": HERE})
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == HERE
    exposed = answer.headers["access-control-expose-headers"]
    for name in ("Content-Range", "Content-Length", "Content-Location", "ETag", "Location", "Warning"):
        assert name in exposed
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://localhost.evil.example", "null", "http://127.0.0.1.evil.example", "x" * 10_000],
)
def test_without_configuration_only_pages_of_this_machine_may_read(client: TestClient, origin: str) -> None:
    assert "access-control-allow-origin" not in client.get("/text", headers={"Origin": origin}).headers
    refused = client.options("/text", headers={"Origin": origin, **PREFLIGHT})
    assert refused.status_code == 204
    assert "access-control-allow-origin" not in refused.headers
    assert "Origin" in refused.headers["vary"]


def test_listed_origins_may_bring_cookies_and_all_may_not(archive: Archive) -> None:
    listed = client_with(archive, origins=("https://viewer.example.org",))
    headers = listed.get("/text", headers={"Origin": "https://viewer.example.org"}).headers
    assert headers["access-control-allow-origin"] == "https://viewer.example.org"
    assert headers["access-control-allow-credentials"] == "true"
    assert "access-control-allow-origin" not in listed.get("/text", headers={"Origin": HERE}).headers
    everyone = client_with(archive, origins=("*",)).get("/text", headers={"Origin": "https://any.example"}).headers
    assert everyone["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in everyone


# -- problems, methods, HEAD -------------------------------------------------------------------------------------------


def test_a_foreign_error_says_nothing_and_is_told_of(client: TestClient, seen: Seen) -> None:
    answer = client.get("/broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Doe" not in answer.text
    assert [type(error) for _, error in seen.errors] == [ValueError]


def test_a_method_that_is_not_there_names_those_that_are(client: TestClient) -> None:
    answer = client.delete("/body")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert answer.json()["status"] == 405
    options = client.options("/body")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")


@pytest.mark.parametrize("path", ["/text", "/stream", "/nothing", "/broken", "/healthz", "/metrics"])
def test_head_is_get_without_its_body(client: TestClient, seen: Seen, path: str) -> None:
    get, head = client.get(path, headers={"Accept-Encoding": ""}), client.head(path)
    assert head.status_code == get.status_code
    assert head.content == b""
    assert head.headers["content-type"] == get.headers["content-type"]
    if path == "/text":
        assert head.headers["content-length"] == get.headers["content-length"]


def test_head_does_not_make_the_body(client: TestClient, seen: Seen) -> None:
    client.head("/stream")
    assert seen.pieces <= 2


# -- compression -------------------------------------------------------------------------------------------------------


def test_text_is_compressed_where_it_is_taken(client: TestClient) -> None:
    for path in ("/text", "/stream"):
        plain = client.get(path, headers={"Accept-Encoding": "identity"})
        packed = client.get(path, headers={"Accept-Encoding": "br, gzip;q=0.5"})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.content == plain.content
        assert "Accept-Encoding" in packed.headers["vary"]
        assert "Accept-Encoding" in plain.headers["vary"] or plain.headers["vary"] == "Origin"
        assert "content-encoding" not in plain.headers
    for refusal in ("gzip;q=0", "gzip;q=0.0", "br", "*;q=0"):
        assert "content-encoding" not in client.get("/text", headers={"Accept-Encoding": refusal}).headers


def test_what_has_a_tag_is_left_alone(client: TestClient) -> None:
    assert "content-encoding" not in client.get("/tagged", headers={"Accept-Encoding": "gzip"}).headers


# -- limits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/text?q=" + "x" * 40_000, {}, 414),
        ("/" + "x" * 10_000, {}, 414),
        ("/text", {f"X-{n}": "1" for n in range(300)}, 431),
        ("/text", {"X-Long": "x" * 70_000}, 431),
    ],
)
def test_requests_past_the_bounds_are_refused(
    client: TestClient, path: str, headers: dict[str, str], status: int
) -> None:
    answer = client.get(path, headers={**headers, "Origin": HERE})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == HERE


def test_compressed_bodies_are_refused(client: TestClient) -> None:
    answer = client.post("/body", content=gzip.compress(b"0" * 10_000_000), headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415
    assert client.post("/body", content=b"abc", headers={"Content-Encoding": "identity"}).text == "3"


def call(app: Starlette, scope: dict[str, Any], receive: Any) -> Any:
    """Speak ASGI to the application; the coroutine gives the messages that it sent."""
    base = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "raw_path": scope["path"].encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> list[Any]:
        await app({**base, **scope}, receive, send)
        return sent

    return run()


def test_a_body_that_stops_coming_is_given_up(archive: Archive) -> None:
    app = app_of(archive, Seen(), WebConfig(limits=RequestLimits(body_idle=0.05)))
    first = True

    async def receive() -> Any:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": b"abc", "more_body": True}
        return await asyncio.Event().wait()

    sent = asyncio.run(call(app, {"path": "/body"}, receive))
    assert sent[0]["status"] == 408


def test_only_so_many_requests_at_one_time(archive: Archive) -> None:
    app = app_of(archive, Seen(), WebConfig(limits=RequestLimits(concurrent=2)))

    async def run() -> list[int]:
        gate = asyncio.Event()

        async def waiting() -> Any:
            await gate.wait()
            return {"type": "http.request", "body": b"", "more_body": False}

        held = [asyncio.create_task(call(app, {"path": "/body"}, waiting)) for _ in range(2)]
        for _ in range(20):
            await asyncio.sleep(0)
        refused = await call(app, {"path": "/body"}, waiting)
        alive = await call(app, {"path": "/healthz", "method": "GET"}, waiting)
        gate.set()
        return [sent[0]["status"] for sent in (refused, alive, *[await task for task in held])]

    assert asyncio.run(run()) == [503, 200, 200, 200]


def test_bodies_that_dribble_leave_places_for_questions(archive: Archive) -> None:
    app = app_of(archive, Seen(), WebConfig(limits=RequestLimits(concurrent=4)))

    async def run() -> list[int]:
        gate = asyncio.Event()

        async def waiting() -> Any:
            await gate.wait()
            return {"type": "http.request", "body": b"", "more_body": False}

        async def nothing() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        held = [asyncio.create_task(call(app, {"path": "/body"}, waiting)) for _ in range(3)]
        for _ in range(20):
            await asyncio.sleep(0)
        refused = await call(app, {"path": "/body"}, waiting)
        asked = await call(app, {"path": "/text", "method": "GET"}, nothing)
        gate.set()
        ended = [await task for task in held]
        again = await call(app, {"path": "/body"}, waiting)
        return [sent[0]["status"] for sent in (refused, asked, *ended, again)]

    assert asyncio.run(run()) == [503, 200, 200, 200, 200, 200]


def test_two_hosts_are_none(archive: Archive) -> None:
    app = app_of(archive, Seen())

    async def nothing() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = [(b"host", b"evil.example"), (b"host", b"localhost")]
    sent = asyncio.run(call(app, {"path": "/text", "method": "GET", "headers": headers}, nothing))
    assert sent[0]["status"] == 400


# -- the log and the numbers -------------------------------------------------------------------------------------------


def test_a_request_is_told_by_its_template(client: TestClient, seen: Seen) -> None:
    client.get("/missing/1.2.3?PatientName=Doe")
    client.get("/elsewhere/Doe")
    client.request("MADEUP", "/text")
    client.post("/body", content=b"abc")
    told = [(r.method, r.route, r.status, r.received) for r in seen.requests]
    assert told == [
        ("GET", "/missing/{study}", 404, 0),
        ("GET", "(none)", 404, 0),
        ("OTHER", "/text", 405, 0),
        ("POST", "/body", 200, 3),
    ]
    assert all(request.whole and request.seconds > 0 and request.protocol == "HTTP/1.1" for request in seen.requests)
    assert "Doe" not in str(seen.requests)
    assert "1.2.3" not in str(seen.requests)


def test_the_numbers_are_prometheus(client: TestClient) -> None:
    client.get("/text")
    client.get("/missing/1")
    text = client.get("/metrics").text
    assert 'kerma_http_request_duration_seconds_count{method="GET",route="/text",status="200"} 1.0' in text
    assert 'route="/missing/{study}",status="404"' in text
    assert 'kerma_archive_objects{kind="instances"} 0.0' in text
    assert "kerma_http_requests_running 1.0" in text


def test_alive_and_ready(client: TestClient, archive: Archive) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok", "index": "ok", "storage": "ok"}
    assert not list(Path(archive.root).glob(".ready*"))


def test_not_ready_where_the_index_is_gone(tmp_path: Path) -> None:
    archive = Archive.open(tmp_path / "gone")
    client = TestClient(app_of(archive, Seen()), raise_server_exceptions=False)
    archive.close()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["index"] != "ok"
    assert client.get("/healthz").status_code == 200
