"""``kerma serve`` over HTTP as a process: its addresses, protocols, processes, and how they end."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest
import trustme

from .conftest import Run, Running, Start

HTTP = ("--dicom", "127.0.0.1:0", "--http", "127.0.0.1:0")


def urls(server: Running) -> list[str]:
    return re.findall(r"https?://[^\s,]+", server.ready)


def url(server: Running) -> str:
    return urls(server)[0]


def wait_for(true: Callable[[], object], seconds: float = 30.0) -> None:
    """Until ``true()``: for what another process does and nobody tells of."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        os.sched_yield()


def children(server: Running) -> list[psutil.Process]:
    found: list[psutil.Process] = psutil.Process(server.process.pid).children()
    return found


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and a server's certificate with its key in the forms that there are."""
    folder = tmp_path_factory.mktemp("https")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued = authority.issue_cert("localhost", "127.0.0.1", "::1")
    issued.private_key_and_cert_chain_pem.write_to_path(str(folder / "both.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    for blob in issued.cert_chain_pems:
        blob.write_to_path(str(folder / "cert.pem"), append=True)
    return folder


def test_the_ready_line_says_where_and_requests_are_answered_then(start: Start) -> None:
    server = start("serve", *HTTP, "--http", "[::1]:0", env={"KERMA_LOG_FORMAT": "json"})
    assert re.search(r"KERMA on 127\.0\.0\.1:\d+, http://127\.0\.0\.1:\d+, http://\[::1\]:\d+, data in ", server.ready)
    for place in urls(server):
        assert httpx.get(f"{place}/readyz").json()["status"] == "ok"
    assert httpx.get(f"{url(server)}/dicomweb/Doe?PatientName=Doe").status_code == 404
    result = server.stop()
    assert result.status == 0
    lines = [json.loads(line) for line in result.err.splitlines()]
    told = [(line["route"], line["status"]) for line in lines if line["event"] == "request"]
    assert told[:2] == [("/readyz", 200), ("/readyz", 200)]
    assert "Doe" not in result.err


@pytest.mark.parametrize("word", ["off", ""])
def test_http_can_be_left_out(start: Start, word: str) -> None:
    server = start("serve", "--dicom", "127.0.0.1:0", "--http", word, env={"KERMA_SERVER_HTTP": "127.0.0.1:0"})
    assert urls(server) == []
    assert children(server) == []
    assert server.stop().status == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--http", "0.0.0.0:0"], "over HTTP"),
        (["--http", "nonsense"], "an address HOST:PORT is wanted"),
        (["--http-tls", "127.0.0.1:0"], "wants a certificate"),
    ],
)
def test_what_cannot_be_meant_is_refused(kerma: Run, words: list[str], message: str) -> None:
    result = kerma("serve", "--dicom", "127.0.0.1:0", *words)
    assert result.status == 2
    assert message in result.err
    assert result.err.count("\n") == 1


def test_a_port_that_is_taken(kerma: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = kerma("serve", "--dicom", "127.0.0.1:0", "--http", address)
    assert (result.status, result.err.count("\n")) == (1, 1)
    assert address in result.err
    assert "another program has the port" in result.err


# -- protocols ---------------------------------------------------------------------------------------------------------

curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def curled(*words: str) -> str:
    done = subprocess.run(
        ["curl", "-sS", "-o", os.devnull, "-w", "%{http_version} %{http_code}", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout if done.returncode == 0 else done.stderr


@curl
def test_every_version_of_http_on_one_port(start: Start) -> None:
    place = f"{url(start('serve', *HTTP))}/healthz"
    for option, version in (("--http1.0", "1"), ("--http1.1", "1.1"), ("--http2-prior-knowledge", "2")):
        assert curled(option, place) == f"{version} 200"
    assert curled("--http2", place).endswith(" 200"), "an upgrade may be declined, but is answered"


@curl
@pytest.mark.parametrize("names", [("both.pem", None), ("cert.pem", "key.pem")])
def test_https_with_the_certificates_of_tls(start: Start, files: Path, names: tuple[str, str | None]) -> None:
    cert, key = names
    keys = ("--tls-key", files / key) if key else ()
    server = start("serve", "--dicom", "127.0.0.1:0", "--http-tls", "127.0.0.1:0", "--tls-cert", files / cert, *keys)
    (place,) = urls(server)
    assert place.startswith("https://")
    trust = ("--cacert", str(files / "ca.pem"), f"{place}/healthz")
    assert curled("--http1.1", *trust) == "1.1 200"
    assert curled("--http2", *trust) == "2 200"
    assert curled("--tls-max", "1.2", *trust) == "2 200"
    assert curled("--tlsv1.3", *trust) == "2 200"
    assert "certificate" in curled(f"{place}/healthz"), "nobody else's authority signed it"
    assert server.stop().status == 0


def test_callers_may_have_to_show_a_certificate(start: Start, files: Path, tmp_path: Path) -> None:
    (tmp_path / "k.toml").write_text(
        "[server]\ndicom = ['127.0.0.1:0']\nhttp = []\nhttp_tls = ['127.0.0.1:0']\n[web]\nclient_certificates = true\n"
        f"[tls]\ncert = '{files}/both.pem'\nca = '{files}/ca.pem'\n"
    )
    (place,) = urls(start("serve", "--config", "k.toml", env={"KERMA_SERVER_HTTP": ""}))
    context = ssl.create_default_context(cafile=str(files / "ca.pem"))
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{place}/healthz", verify=context)
    context.load_cert_chain(str(files / "both.pem"))
    assert httpx.get(f"{place}/healthz", verify=context).status_code == 200


# -- processes ---------------------------------------------------------------------------------------------------------


def test_killing_the_server_leaves_no_process(start: Start) -> None:
    server = start("serve", *HTTP, env={"KERMA_WEB_PROCESSES": "2"})
    found = children(server)
    assert len(found) == 2
    folder = Path(found[0].environ()["PROMETHEUS_MULTIPROC_DIR"])
    assert folder.is_dir()
    server.process.kill()
    server.process.wait(30)
    assert not psutil.wait_procs(found, timeout=30)[1]
    assert not folder.exists()
    again = start("serve", "--dicom", "127.0.0.1:0", "--http", url(server).removeprefix("http://"))
    assert httpx.get(f"{url(again)}/healthz").status_code == 200


def test_a_process_that_dies_is_started_again(start: Start) -> None:
    server = start("serve", *HTTP)
    (first,) = children(server)
    for _ in range(2):
        assert "kerma_http_requests_running 1.0" in httpx.get(f"{url(server)}/metrics").text
    first.kill()
    # The socket is the parent's: what comes meanwhile waits.
    assert httpx.get(f"{url(server)}/healthz", timeout=60).status_code == 200
    assert [child.pid for child in children(server)] != [first.pid]
    text = httpx.get(f"{url(server)}/metrics").text
    assert "kerma_http_requests_running 1.0" in text
    assert 'kerma_http_request_duration_seconds_count{method="GET",route="/metrics",status="200"} 2.0' in text
    result = server.stop()
    assert result.status == 0
    assert "was started again" in result.err


def test_one_that_keeps_dying_ends_the_server(start: Start) -> None:
    server = start("serve", *HTTP)
    seen: set[int] = set()
    while server.process.poll() is None:
        for child in children_or_none(server):
            with httpx.Client(timeout=60) as client:
                if child.pid not in seen and answers(client, url(server)):
                    seen.add(child.pid)
                    child.kill()
    result = server.stop()
    assert result.status == 1
    assert "giving up" in result.err
    assert "Traceback" not in result.err


def children_or_none(server: Running) -> list[psutil.Process]:
    try:
        return children(server)
    except psutil.NoSuchProcess:
        return []


def answers(client: httpx.Client, place: str) -> bool:
    try:
        return client.get(f"{place}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_ctrl_c_and_sigterm_to_all_of_them_drain(start: Start) -> None:
    server = start("serve", *HTTP)
    for child in children(server):
        child.send_signal(signal.SIGTERM)
        child.send_signal(signal.SIGINT)
    assert httpx.get(f"{url(server)}/healthz").status_code == 200
    result = server.stop(signal.SIGINT)
    assert result.status == 0
    assert "started again" not in result.err
    assert "panic" not in result.err  # of a thread of granian, while the interpreter is taken apart
    assert "Fatal" not in result.err  # of the interpreter, where a thread holds the lock of a standard stream


def test_a_request_that_runs_may_end(start: Start) -> None:
    server = start("serve", *HTTP)
    host, _, port = url(server).removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as held:
        held.sendall(b"POST /dicomweb/studies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n")
        held.sendall(b"Content-Type: multipart/related; type=application/dicom; boundary=b\r\n\r\nab")
        wait_for(lambda: "kerma_http_requests_running 2.0" in httpx.get(f"{url(server)}/metrics").text)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.stderr is not None
        while "stopping" not in server.process.stderr.readline():
            pass
        held.sendall(b"cde")
        assert held.recv(12) in {b"HTTP/1.1 400", b"HTTP/1.1 409", b"HTTP/1.1 415"}
    assert server.process.wait(60) == 0


def test_numbers_of_all_processes_and_of_dimse_are_in_one_place(start: Start, kerma: Run) -> None:
    server = start("serve", *HTTP, env={"KERMA_WEB_PROCESSES": "2"})
    for _ in range(12):
        assert httpx.get(f"{url(server)}/healthz").status_code == 200
    assert kerma("echo", server.peer).status == 0
    text = httpx.get(f"{url(server)}/metrics").text
    assert 'kerma_http_request_duration_seconds_count{method="GET",route="/healthz",status="200"} 12.0' in text
    assert 'kerma_dimse_operation_duration_seconds_count{operation="C-ECHO",outcome="success"} 1.0' in text
    assert 'kerma_associations_total{end="released"} 1.0' in text


# -- many --------------------------------------------------------------------------------------------------------------


def test_a_thousand_open_connections_cost_little(start: Start) -> None:
    server = start("serve", *HTTP)
    (child,) = children(server)
    host, _, port = url(server).removeprefix("http://").partition(":")
    before, threads = child.memory_info().rss, child.num_threads()
    held: list[socket.socket] = []
    try:
        for number in range(1000):
            held.append(socket.create_connection((host, int(port)), timeout=60))
            # Some are silent, some have begun a request, some have had an answer and are kept.
            if number % 3 == 1:
                held[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: local")
            elif number % 3 == 2:
                held[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert held[-1].recv(15) == b"HTTP/1.1 200 OK"
        assert httpx.get(f"{url(server)}/healthz").status_code == 200
        assert child.memory_info().rss - before < 64 << 20
        assert child.num_threads() < threads + 10
    finally:
        for one in held:
            one.close()
    assert server.stop().status == 0


# -- what nobody sends in good faith -----------------------------------------------------------------------------------

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
HOSTILE = {
    "no HTTP at all": b"\x01\x00\x00\x00\x00\xcd" + bytes(200),
    "a bad line": b"GET\r\n\r\n",
    "a bad version": b"GET / HTTP/9.9\r\n\r\n",
    "an endless line": b"GET /" + b"a" * 2_000_000,
    "endless headers": GET + b"X: y\r\n" * 300_000,
    "an endless header": GET + b"X: " + b"y" * 2_000_000,
    "two lengths": b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length that is none": b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "chunks that are none": b"POST /dicomweb/studies HTTP/1.1\r\nHost: localhost\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a path that climbs": b"GET /dicomweb/../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a path in percent": b"GET /dicomweb/studies/%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a zero in the path": b"GET /dicomweb/studies/1%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "half an HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 4000,
}


def spoken(host: str, port: int, wire: bytes) -> bytes:
    """What a server says to bytes, until it or we have enough; nothing where it hangs up."""
    with socket.create_connection((host, port), timeout=60) as held:
        try:
            held.sendall(wire)
            held.shutdown(socket.SHUT_WR)
            return held.recv(4096)
        except OSError:
            return b""


def test_hostile_bytes_get_400s_or_nothing(start: Start) -> None:
    server = start("serve", *HTTP)
    (child,) = children(server)
    host, _, port = url(server).removeprefix("http://").partition(":")
    before = child.memory_info().rss
    for name, wire in HOSTILE.items():
        said = spoken(host, int(port), wire)
        first = said.partition(b"\r\n")[0]
        assert not first.startswith(b"HTTP/1.1 2"), name
        assert not first.startswith(b"HTTP/1.1 5"), name
    assert httpx.get(f"{url(server)}/healthz").status_code == 200
    assert [one.pid for one in children(server)] == [child.pid]
    assert child.memory_info().rss - before < 64 << 20
    result = server.stop()
    assert result.status == 0
    assert "Traceback" not in result.err


def test_a_head_that_does_not_end_is_given_up(start: Start) -> None:
    server = start("serve", *HTTP, env={"KERMA_WEB_HEADER_TIME": "1"})
    host, _, port = url(server).removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as held:
        held.sendall(b"GET /healthz HTTP/1.1\r\nHost:")
        assert not held.recv(100).startswith(b"HTTP/1.1 2")


def test_a_body_that_stops_coming_is_given_up(start: Start) -> None:
    server = start("serve", *HTTP, env={"KERMA_WEB_BODY_IDLE": "0.5"})
    host, _, port = url(server).removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as held:
        held.sendall(
            b"POST /dicomweb/studies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
            b"Content-Type: multipart/related; type=application/dicom; boundary=b\r\n\r\n--b\r\n"
        )
        assert held.recv(100).startswith(b"HTTP/1.1 408")
