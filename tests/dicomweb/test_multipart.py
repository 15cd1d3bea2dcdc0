"""multipart/related bodies, cut anywhere (RFC 2046 5.1; PS3.18 8.6.1.2)."""

from __future__ import annotations

import tracemalloc

import pytest

from kerma.dicomweb.accept import parse
from kerma.dicomweb.multipart import Data, End, MultipartLimits, Parser, Part, PartEnd, Writer, boundary_of
from kerma.dicomweb.problems import HTTPProblem
from kerma.errors import UsageError

Parts = list[tuple[dict[str, str], bytes]]


def read(body: bytes, size: int = 1 << 20, boundary: str = "abc", limits: MultipartLimits | None = None) -> Parts:
    """All parts of a body that is fed in pieces of a size."""
    parser = Parser(boundary, limits or MultipartLimits())
    parts: list[tuple[dict[str, str], bytearray]] = []
    open_part = ended = False
    for start in range(0, len(body), size):
        for event in parser.feed(body[start : start + size]):
            assert not ended
            match event:
                case Part():
                    assert not open_part
                    open_part = True
                    parts.append((dict(event.headers), bytearray()))
                case Data():
                    assert open_part
                    assert len(event.data)
                    parts[-1][1].extend(event.data)
                case PartEnd():
                    assert open_part
                    open_part = False
                case End():
                    assert not open_part
                    ended = True
    parser.close()
    assert ended
    return [(headers, bytes(data)) for headers, data in parts]


ONE = [({"content-type": "a/b"}, b"data")]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11, 1000])
@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"--abc\r\nContent-Type: a/b\r\n\r\ndata\r\n--abc--\r\n", ONE),
        (b"\r\n--abc\r\nContent-Type: a/b\r\n\r\ndata\r\n--abc--", ONE),
        (b"preamble\r\nof two lines\r\n--abc\r\ncontent-TYPE:a/b\r\n\r\ndata\r\n--abc--epilogue\r\n--abc\r\n", ONE),
        (b"--abc \t \r\nContent-Type: a/b\r\n\r\ndata\r\n--abc-- \r\n", ONE),
        (b"--abc\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\ndata\r\n--abc--", ONE),
        (b"--abc\r\nA: b\r\n c\r\n\r\n\r\n--abc--", [({"a": "b c"}, b"")]),
        (b"--abc\r\n\r\ndata\r\n--abc--", [({}, b"data")]),
        (b"--abc\r\nA: b\r\n\r\n--abc--", [({"a": "b"}, b"")]),
        (b"--abc\r\n\r\n--abc\r\n\r\n\r\n--abc--", [({}, b""), ({}, b"")]),
        (b"--abc--", []),
        (b"--abc\r\n\r\n--abcd\r\n--ab\r\n--abc-\r\n--abc x\r\n--abc\r\r\n--abc\n\r\n--abc--", None),
        (b"--abc\r\n\r\n\r\r\n\r\n-\r\n--\r\n--a\r\n--abc--", [({}, b"\r\r\n\r\n-\r\n--\r\n--a")]),
    ],
)
def test_bodies(body: bytes, parts: Parts | None, size: int) -> None:
    if parts is None:
        parts = [({}, b"--abcd\r\n--ab\r\n--abc-\r\n--abc x\r\n--abc\r\r\n--abc\n")]
    assert read(body, size) == parts


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no boundary at all",
        b"--abc",
        b"--abc\r\nContent-Type: a/b\r\n",
        b"--abc\r\nContent-Type: a/b\r\n\r\n",
        b"--abc\r\n\r\ndata",
        b"--abc\r\n\r\ndata\r\n--abc\r\n",
        b"--abc\r\n\r\ndata\r\n--abc-",
        b"--abc\n\ndata\n--abc--\n",
        b"--abc\r\nno header\r\n\r\ndata\r\n--abc--",
        b"--abc\r\nA b: c\r\n\r\ndata\r\n--abc--",
        b"--abc\r\nA: \0\r\n\r\ndata\r\n--abc--",
        b"--abc\r\n: c\r\n\r\ndata\r\n--abc--",
    ],
)
def test_what_is_not_whole_or_not_right(body: bytes, size: int) -> None:
    with pytest.raises(HTTPProblem) as caught:
        read(body, size)
    assert caught.value.status == 400


@pytest.mark.parametrize("size", [1, 10, 100_000])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"--abc\r\n\r\n" * 6 + b"--abc--", 413),
        (b"--abc\r\nA: " + b"x" * 100 + b"\r\n\r\ndata\r\n--abc--", 400),
        (b"--abc\r\nA: " + b"x" * 10_000, 400),
        (b"--abc\r\n" + b"A:\r\n" * 9 + b"\r\ndata\r\n--abc--", 400),
        (b"x" * 101 + b"\r\n--abc--", 400),
        (b"--abc--" + b"x" * 101, 400),
        (b"--abc\r\n\r\n" + b"x" * 30_000 + b"\r\n--abc--", 413),
    ],
)
def test_limits(body: bytes, status: int, size: int) -> None:
    tight = MultipartLimits(5, 100, 8, 10, 100, 100, 20_000)
    with pytest.raises(HTTPProblem) as caught:
        read(body, size, limits=tight)
    assert caught.value.status == status


def test_headers_up_to_the_limit_pass_however_they_are_cut() -> None:
    for length in range(90, 104):
        body = b"--abc\r\nA: " + b"x" * length + b"\r\n\r\ndata\r\n--abc--"
        seen = set()
        for size in (1, 2, 3, 7, 1000):
            try:
                seen.add(len(read(body, size, limits=MultipartLimits(max_header=100))))
            except HTTPProblem:
                seen.add(-1)
        assert len(seen) == 1, length


def test_what_came_before_an_error_is_given_and_the_error_stays() -> None:
    parser = Parser("abc")
    events = parser.feed(b"--abc\r\n\r\ndata\r\n--abc\r\nbad\r\n\r\n")
    assert [type(event) for event in events] == [Part, Data, PartEnd]
    with pytest.raises(HTTPProblem):
        parser.feed(b"more")
    with pytest.raises(HTTPProblem):
        parser.close()


@pytest.mark.parametrize("boundary", ["", "x" * 201, "a b ", "ä", "a\r\nb", 'a"b', "a\0"])
def test_boundaries_that_none_may_be(boundary: str) -> None:
    with pytest.raises(HTTPProblem):
        Parser(boundary)


def test_boundary_of_a_content_type() -> None:
    assert boundary_of(parse('multipart/related; type="application/dicom"; boundary="a b:c"')) == "a b:c"
    assert boundary_of(parse("multipart/related; type=application/dicom; boundary=----x=y")) == "----x=y"
    with pytest.raises(HTTPProblem, match="no boundary"):
        boundary_of(parse("multipart/related"))
    with pytest.raises(HTTPProblem) as caught:
        boundary_of(parse("application/dicom"))
    assert caught.value.status == 415


def test_pieces_are_not_copied() -> None:
    parser = Parser("abc")
    piece = bytes(1 << 20)
    parser.feed(b"--abc\r\n\r\n")
    parser.feed(b"x")
    tracemalloc.start()
    for _ in range(64):
        (event,) = parser.feed(piece)
        assert isinstance(event, Data)
        assert event.data.obj is piece
        assert event.data.nbytes == len(piece)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000
    parser.feed(b"\r\n--abc--")
    parser.close()


def test_a_buffer_that_is_used_again() -> None:
    parser = Parser("abc")
    buffer = bytearray(8)
    seen = b""
    body = b"--abc\r\n\r\n" + bytes(range(64, 91)) + b"\r\n--abc\r\n\r\nx\r\n--abc--\r\n"
    body += bytes(-len(body) % 8)
    for start in range(0, len(body), 8):
        buffer[:] = body[start : start + 8]
        for event in parser.feed(buffer):
            if isinstance(event, Data):
                seen += event.data
                event.data.release()
    parser.close()
    assert seen == bytes(range(64, 91)) + b"x"


def test_the_writer() -> None:
    writer = Writer("abc")
    assert writer.content_type("application/dicom; transfer-syntax=1.2") == (
        'multipart/related; type="application/dicom"; boundary="abc"'
    )
    assert "; transfer-syntax=1.2; " in writer.content_type("image/jls", transfer_syntax="1.2")
    first = writer.part("image/jpeg", transfer_syntax="1.2.3", location="/x", length=4, headers={"X": "y"})
    assert first == (
        b"--abc\r\nContent-Type: image/jpeg; transfer-syntax=1.2.3\r\n"
        b"Content-Length: 4\r\nContent-Location: /x\r\nX: y\r\n\r\n"
    )
    body = first + b"data" + writer.part("a/b") + writer.end()
    assert [data for _, data in read(body, 3)] == [b"data", b""]
    assert Writer("abc").end() == b"--abc--\r\n"
    assert len({Writer().boundary for _ in range(10)}) == 10


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "\0", "☃"])
def test_the_writer_writes_one_line(value: str) -> None:
    with pytest.raises(UsageError):
        Writer().part("a/b", location=value)
    with pytest.raises(UsageError):
        Writer().part(value)
    with pytest.raises(HTTPProblem):
        Writer("a\r\nb")
