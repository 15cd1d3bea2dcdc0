"""Files on other machines: ranges of them, over HTTP and from object stores, and servers that misbehave."""

from __future__ import annotations

import base64
import io
import os
import re
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import kerma
from kerma.app.collect import Collector, Found, Unusable
from kerma.errors import (
    ConnectError,
    FormatError,
    KermaError,
    LimitError,
    NetworkError,
    NotDicomError,
    TimeoutExpiredError,
    TruncatedError,
    UsageError,
)
from kerma.limits import Limits, NetworkLimits
from kerma.net.address import place_of, shown
from kerma.net.http_source import HTTPSource
from kerma.net.object_source import ObjectSource
from kerma.pixels import frame_index

FRAMES, ROWS = 40, 128


def dicom() -> bytes:
    ds = kerma.Dataset()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    ds.SOPInstanceUID = "1.2.3"
    ds.PatientName = "A^B"
    ds.NumberOfFrames, ds.Rows, ds.Columns, ds.SamplesPerPixel = FRAMES, ROWS, ROWS, 1
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.add("PixelData", "OB", b"".join(bytes([number]) * ROWS * ROWS for number in range(FRAMES)))
    out = io.BytesIO()
    kerma.write(ds, out)
    return out.getvalue()


DATA = dicom()
PLAIN = DATA[:40_000]


class Shop(ThreadingHTTPServer):
    """Gives resources by byte range; counts what it gave, and misbehaves where it is told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.resources: dict[str, bytes] = {"/a.dcm": DATA}
        self.etag: str | None = '"one"'
        self.mode = ""
        self.given: list[tuple[int, int]] = []
        self.connections = 0
        self.heads: list[dict[str, str]] = []

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are no news."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Shop

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if self.server.etag is not None:
            self.send_header("ETag", self.server.etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.answer(200, b"")

    def do_GET(self) -> None:
        shop = self.server
        shop.heads.append(dict(self.headers))
        mode = shop.mode
        path = self.path.partition("?")[0]
        if mode == "silent":
            self.rfile.read(1)  # until the client has had enough
            self.close_connection = True
            return
        if mode.isdigit():
            self.answer(int(mode), b"no")
            return
        if mode.startswith("to ") and path != "/b.dcm":
            self.answer(302, b"", Location=mode[3:])
            return
        data = shop.resources.get(path)
        if data is None:
            self.answer(404, b"")
            return
        wanted = self.headers.get("If-Match")
        if wanted is not None and wanted != shop.etag:
            self.answer(412, b"")
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if mode == "whole" or asked is None:
            shop.given.append((0, len(data)))
            self.answer(200, data)
            return
        first, last = int(asked[1]), min(int(asked[2]), len(data) - 1)
        if first >= len(data):
            self.answer(416, b"", Content_Range=f"bytes */{len(data)}")
            return
        shop.given.append((first, last + 1 - first))
        if mode == "elsewhere":
            self.answer(206, data[first : last + 1], Content_Range=f"bytes {first + 1}-{last + 1}/{len(data)}")
        elif mode == "unknown size":
            self.answer(206, data[first : last + 1], Content_Range=f"bytes {first}-{last}/*")
        elif mode == "short":
            self.answer(206, data[first:last], Content_Range=f"bytes {first}-{last}/{len(data)}")
        else:
            self.answer(206, data[first : last + 1], Content_Range=f"bytes {first}-{last}/{len(data)}")
        if mode == "one each":
            self.close_connection = True


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Shop]:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NETRC", raising=False)
    server = Shop()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


# -- what is fetched ---------------------------------------------------------------------------------------------------


def test_of_a_header_only_the_head_is_fetched(shop: Shop) -> None:
    with kerma.read(f"{shop.url}/a.dcm") as ds:
        assert str(ds.PatientName) == "A^B"
        assert bytes(ds["PatientName"].raw or b"") == b"A^B "
        assert ds.get("Rows") == ROWS
        assert sum(length for _, length in shop.given) <= 1 << 16
        frames = frame_index.index(ds)
        shop.given.clear()
        assert bytes(frames.read(7)) == bytes([7]) * ROWS * ROWS
        assert sum(length for _, length in shop.given) < 2 * ROWS * ROWS
        frames.read(8)
        assert shop.connections == 2, "one for the head, and one that is kept from then on"


def test_the_whole_is_there_when_it_is_asked_for(shop: Shop, tmp_path: Path) -> None:
    ds = kerma.read(f"{shop.url}/a.dcm")
    kerma.write(ds, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == DATA
    assert bytes(ds.PixelData or b"") == DATA[-len(ds.PixelData or b"") :]


def test_a_large_one_goes_through_a_file(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kerma.formats.late._MAPPED", 1 << 16)
    monkeypatch.setattr("kerma.formats.late._PIECE", 100_000)
    ds = kerma.read(f"{shop.url}/a.dcm")
    kerma.write(ds, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == DATA
    with pytest.raises(LimitError, match="download"):
        kerma.write(kerma.read(f"{shop.url}/a.dcm", limits=Limits(max_inflated=1000)), tmp_path / "no")


def test_small_empty_and_foreign_resources(shop: Shop) -> None:
    small = io.BytesIO()
    kerma.write(kerma.Dataset(), small)
    shop.resources |= {"/small": small.getvalue(), "/empty": b"", "/page": b"<html>no</html>" * 9000}
    assert len(kerma.read(f"{shop.url}/small")) == 0
    for name in ("empty", "page"):
        with pytest.raises(NotDicomError, match=f"127.0.0.1:.*/{name}"):
            kerma.read(f"{shop.url}/{name}")


def test_a_server_that_ends_each_connection_is_asked_anew(shop: Shop) -> None:
    shop.mode = "one each"
    ds = kerma.read(f"{shop.url}/a.dcm")
    assert bytes(frame_index.index(ds).read(3)) == bytes([3]) * ROWS * ROWS
    assert shop.connections > 1


def test_readinto_fills_in_turn(shop: Shop) -> None:
    with HTTPSource(f"{shop.url}/a.dcm") as source:
        first, second = bytearray(5), bytearray(7)
        assert source.readinto(70_000, [first, second]) == 12
        assert first + second == DATA[70_000:70_012]
        with pytest.raises(TruncatedError) as caught:
            source.read(len(DATA) - 2, 5)
        assert caught.value.missing == 3
    with pytest.raises(FormatError, match="closed"):
        source.read(80_000, 1)


def test_commands_fetch_what_they_need_as_a_whole(shop: Shop) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("in/IM1", DATA)
    shop.resources["/study.zip"] = archive.getvalue()
    with Collector() as collector:
        file, member, gone = collector.walk([f"{shop.url}/a.dcm?key=secret", f"{shop.url}/study.zip", f"{shop.url}/no"])
        assert isinstance(file, Found)
        assert isinstance(member, Found)
        assert (file.path.read_bytes(), member.path.read_bytes()) == (DATA, DATA)
        assert (file.name, member.name) == (f"{shop.url}/a.dcm", f"{shop.url}/study.zip/in/IM1")
        assert isinstance(gone, Unusable)
        assert "404" in str(gone.error)
    assert not file.path.exists()
    with Collector(late=True) as collector:
        (late,) = collector.walk([f"{shop.url}/a.dcm"])
        assert late.name == f"{shop.url}/a.dcm"
    with pytest.raises(NotDicomError, match="download it first"):
        kerma.read(f"{shop.url}/study.zip")


# -- changed, whole, refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("etag", ['"one"', 'W/"one"', None])
def test_a_changed_resource_is_an_error(shop: Shop, etag: str | None, tmp_path: Path) -> None:
    shop.etag = etag
    ds = kerma.read(f"{shop.url}/a.dcm")
    shop.resources["/a.dcm"] = DATA + b"more"
    if etag is not None:
        shop.etag = etag.replace("one", "two")
    with pytest.raises(FormatError, match="changed since its head was read"):
        kerma.write(ds, tmp_path / "out")
    assert os.listdir(tmp_path) == []


def test_a_server_without_ranges_gives_the_whole_up_to_a_bound(shop: Shop) -> None:
    shop.mode = "whole"
    ds = kerma.read(f"{shop.url}/a.dcm")
    assert bytes(frame_index.index(ds).read(5)) == bytes([5]) * ROWS * ROWS
    assert len(shop.given) == 1
    with pytest.raises(LimitError, match="no byte ranges"):
        HTTPSource(f"{shop.url}/a.dcm", max_whole=1000)


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("404", "404 .*check the address"),
        ("401", "401 .*credentials"),
        ("403", "403"),
        ("500", "500"),
        ("elsewhere", "another range"),
        ("unknown size", "how long"),
        ("short", "fewer bytes"),
        ("to ftp://somewhere/a", "no place that is safe"),
        ("to /again", "too many redirects"),
    ],
)
def test_what_a_server_should_not_answer(shop: Shop, mode: str, text: str) -> None:
    shop.mode = mode
    with pytest.raises(NetworkError, match=text):
        kerma.read(f"{shop.url}/a.dcm")


def test_nobody_there_and_nobody_answering(shop: Shop) -> None:
    with pytest.raises(ConnectError, match="cannot be reached"):
        kerma.read("http://127.0.0.1:1/a.dcm")
    shop.mode = "silent"
    with pytest.raises(TimeoutExpiredError, match="no answer"):
        kerma.read(f"{shop.url}/a.dcm", network=NetworkLimits(response=0.1))


@pytest.mark.parametrize("url", ["http://", "http://h:x/a", "https:///a"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(NetworkError, match="no address"):
        kerma.read(url)


def test_unknown_schemes_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="http, https, s3"):
        kerma.read("ftp://host/a.dcm")


# -- credentials -------------------------------------------------------------------------------------------------------


def test_credentials_of_the_address_and_of_netrc(shop: Shop, tmp_path: Path) -> None:
    kerma.read(f"{shop.url.replace('//', '//me:p%40ss@')}/a.dcm")
    assert base64.b64decode(shop.heads[-1]["Authorization"].removeprefix("Basic ")) == b"me:p@ss"
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login you password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    kerma.read(f"{shop.url}/a.dcm")
    assert base64.b64decode(shop.heads[-1]["Authorization"].removeprefix("Basic ")) == b"you:secret"


def test_credentials_stay_with_their_host(shop: Shop) -> None:
    shop.resources["/b.dcm"] = DATA
    port = shop.server_address[1]
    shop.mode = f"to http://localhost:{port}/b.dcm"
    kerma.read(f"http://me:pass@127.0.0.1:{port}/a.dcm")
    assert "Authorization" in shop.heads[0]
    assert "Authorization" not in shop.heads[1]
    shop.mode = "to /b.dcm"
    kerma.read(f"http://me:pass@127.0.0.1:{port}/a.dcm")
    assert "Authorization" in shop.heads[-1]


def test_no_secret_is_in_a_message(shop: Shop) -> None:
    assert shown("https://me:pass@host:8443/a b?token=1") == "https://host:8443/a b?..."
    shop.mode = "403"
    with pytest.raises(NetworkError) as caught:
        kerma.read(f"{shop.url.replace('//', '//me:pass@')}/a.dcm?X-Signature=abc")
    assert "pass" not in str(caught.value)
    assert "abc" not in str(caught.value)
    assert "/a.dcm?..." in str(caught.value)


def test_a_proxy_of_the_environment_is_asked(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", shop.url)
    monkeypatch.delenv("no_proxy", raising=False)
    shop.resources["http://images.example/a.dcm"] = DATA
    assert str(kerma.read("http://images.example/a.dcm").PatientName) == "A^B"


# -- object stores -----------------------------------------------------------------------------------------------------


def test_an_object_in_memory() -> None:
    obstore = pytest.importorskip("obstore")
    store = obstore.store.MemoryStore()
    obstore.put(store, "a/b.dcm", DATA)
    with ObjectSource(store, "a/b.dcm", "s3://x/a/b.dcm") as source:
        assert source.size == len(DATA)
        assert source.read(100_000, 50) == DATA[100_000:100_050]
        buffers = [bytearray(3), bytearray(4)]
        assert source.readinto(70_000, buffers) == 7
        assert b"".join(buffers) == DATA[70_000:70_007]
        with pytest.raises(TruncatedError):
            source.read(len(DATA), 1)
        obstore.put(store, "a/b.dcm", DATA + b"x")
        with pytest.raises(FormatError, match="changed"):
            source.read(100_000, 50)
    with pytest.raises(FormatError, match="closed"):
        source.read(100_000, 50)
    obstore.put(store, "empty", b"")
    assert ObjectSource(store, "empty", "e").size == 0
    with pytest.raises(NetworkError, match="no such object"):
        ObjectSource(store, "gone", "s3://x/gone")


@pytest.fixture
def bucket(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    pytest.importorskip("obstore")
    for name, value in {
        "AWS_ENDPOINT_URL": shop.url,
        "AWS_ACCESS_KEY_ID": "the-key-id",
        "AWS_SECRET_ACCESS_KEY": "the-secret-key",
        "AWS_REGION": "eu-central-1",
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
    shop.resources = {"/bucket/study/a.dcm": DATA}
    return shop


def test_s3_by_the_environment_and_by_range(bucket: Shop) -> None:
    ds = kerma.read("s3://bucket/study/a.dcm")
    assert str(ds.PatientName) == "A^B"
    assert sum(length for _, length in bucket.given) <= 1 << 16
    assert "the-key-id" in bucket.heads[0]["authorization"]
    assert bytes(frame_index.index(ds).read(9)) == bytes([9]) * ROWS * ROWS
    assert sum(length for _, length in bucket.given) < 3 << 16
    bucket.etag = '"two"'
    with pytest.raises(FormatError, match="changed"):
        frame_index.index(ds).read(30)


@pytest.mark.parametrize(("mode", "text"), [("404", "no such object"), ("403", "credentials|does not let")])
def test_what_a_store_refuses(bucket: Shop, mode: str, text: str) -> None:
    bucket.mode = mode
    with pytest.raises(NetworkError, match=text) as caught:
        kerma.read("s3://bucket/study/a.dcm")
    assert "the-secret-key" not in str(caught.value)
    assert "s3://bucket/study/a.dcm" in str(caught.value)


def test_an_address_of_a_bucket_alone() -> None:
    pytest.importorskip("obstore")
    with pytest.raises(UsageError, match="s3://bucket/key"):
        kerma.read("s3://bucket")


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "obstore", None)
    with pytest.raises(KermaError, match=r"kerma\[remote\]"):
        kerma.read("gs://bucket/key")


@pytest.mark.parametrize(
    "address",
    [
        "http://[::1/x",
        "http://host:99999999/x",
        "http://host:port/x",
        "http:///x",
        "http://a..b\u00e4/x",
        "http://" + "a" * 70 + "\u00e4.de/x",
        "http://ho st/x",
        "http://ho\nst/x",
        "http://" + "a" * 9000,
        "http://127.0.0.1:1/\ud800",
    ],
)
def test_an_address_that_is_none_is_an_error_of_ours(address: str) -> None:
    with pytest.raises(NetworkError) as caught:
        kerma.read(address)
    assert "Traceback" not in str(caught.value)


def test_a_host_of_other_letters_is_asked_for_as_idna_says() -> None:
    assert place_of("https://b\u00fccher.example/x", "x").host == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    "range_of_answer",
    ["bytes \u0661-9/100", "bytes 0-9/" + "9" * 5000, "bytes */100", "bytes 0-9/*", "bytes +0-9/100", "items 0-9/100"],
)
def test_a_content_range_that_is_none_is_refused(range_of_answer: str) -> None:
    class Told:
        def getheader(self, name: str) -> str:
            return range_of_answer

    source = HTTPSource.__new__(HTTPSource)
    source.name, source._connection = "http://x/y", None
    with pytest.raises(NetworkError, match="how long"):
        source._range(Told())  # type: ignore[arg-type]
