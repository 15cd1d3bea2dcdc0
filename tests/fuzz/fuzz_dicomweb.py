"""Fuzz target for what a web client sends: ``python -m tests.fuzz.fuzz_dicomweb [SECONDS] [SEED]``.

The first byte chooses what the rest is: a multipart body (its boundary first), an Accept header with the ``accept`` of
the URL, or a path. What must hold is in ``check``: nothing but answers of the 400 class, cuts never change the events,
what is read can be written and read again, and the parser agrees with one that sees the whole body at once.
"""

from __future__ import annotations

import random
import re
import sys
import time

from kerma.dicomweb import uris
from kerma.dicomweb.accept import Range, parse, parse_accept
from kerma.dicomweb.media_types import Category, choose
from kerma.dicomweb.multipart import MAX_PADDING, Data, End, MultipartLimits, Parser, Part, PartEnd, Writer
from kerma.dicomweb.problems import HTTPProblem

LIMITS = MultipartLimits(
    max_parts=20, max_header=200, max_header_lines=8, max_preamble=500, max_epilogue=500, max_total=20_000
)
BODY, ACCEPT, PATH = b"B", b"A", b"P"
STORED = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.102")
TRANSCODABLE = frozenset({"1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.80"})
OHIF = b"multipart/related; type=application/octet-stream; transfer-syntax=*"
SEEDS: tuple[bytes, ...] = (
    b"Babc\n--abc\r\nContent-Type: application/dicom\r\n\r\ndata\r\n--abc\r\nA: b\r\n c\r\n\r\n\r\n--abc--\r\n",
    b"Babc\n\r\n--abc \t\r\n\r\n--abc\r\n\r\n--abcd\r\n--ab\r\n--abc-\r\n--abc--epilogue",
    b"B-\npreamble\r\n---\r\n\r\n\r\n-\r\n--\r\n---\r\nContent-Location: /x\r\n\r\n\r\n-----",
    b"A" + OHIF,
    b"Aapplication/dicom+json, " + OHIF + b"; transfer-syntax=*",
    b'Amultipart/related; type="image/jls; transfer-syntax=1.2.840.10008.1.2.4.80"; q=.5, */*;q=0, image/*\nimage/jpeg',
    b"Atext/html, *; q=.2, image/jxl\n",
    b'A;;,"\\,a/b;c="d\\"',
    b"P/studies/1.2/series/1.3/instances/1.4/frames/1,2%2C3/rendered",
    b"P/studies/1.2/series/1.3/instances/1.4/bulkdata/00081110/0/00081155",
    b"P/workitems/1.2/subscribers/A%20B/suspend",
    b"P/studies/1.2/../{study}//",
)

ADDED = (b"\r\n", b"\r\n--abc", b"--", b"\r\n\r\n", b", ", b"; q=0", b"\r")

Read = tuple[list[tuple[dict[str, str], bytes]], bool]
"""Whole parts, and whether the closing boundary came."""


def mutated(chance: random.Random) -> bytes:
    """A seed with some bytes changed, taken out, put in or doubled."""
    data = bytearray(chance.choice(SEEDS))
    for _ in range(chance.choice((0, 1, 1, 2, 5, 20))):
        position = chance.randrange(1, len(data) + 1)
        length = chance.randint(1, 12)
        match chance.randrange(4):
            case 0:
                data[position : position + 1] = bytes((chance.choice(b'\r\n-;,="\\ /*%.0ab\0\xff'),))
            case 1:
                del data[position : position + length]
            case 2:
                data[position:position] = data[1:][chance.randrange(len(data)) :][:length]
            case _:
                data[position:position] = chance.choice(
                    (b"\r\n", b"\r\n--abc", b"--", b"\r\n\r\n", b", ", b"; q=0", b"\r")
                )
    return bytes(data)


def answered(error: HTTPProblem, *statuses: int) -> None:
    """A refusal has one of these statuses, and a text."""
    assert error.status in statuses, error
    assert error.message


def run(boundary: str, body: bytes, sizes: list[int]) -> tuple[Read, bool]:
    """Whole parts of a body in pieces of ``sizes``, and whether it was refused."""
    parts: list[tuple[dict[str, str], bytes]] = []
    current: tuple[dict[str, str], bytearray] | None = None
    ended = refused = False
    try:
        parser = Parser(boundary, LIMITS)
        position = 0
        for size in [*sizes, len(body)]:
            for event in parser.feed(body[position : position + size]):
                assert not ended, "events after the end"
                match event:
                    case Part():
                        assert current is None
                        current = dict(event.headers), bytearray()
                    case Data():
                        assert current is not None
                        assert len(event.data), "an event without data"
                        current[1].extend(event.data)
                    case PartEnd():
                        assert current is not None
                        parts.append((current[0], bytes(current[1])))
                        current = None
                    case End():
                        assert current is None
                        ended = True
            position += size
            assert len(parser._held) <= LIMITS.max_header + len(boundary) + MAX_PADDING + 16, "too much is kept"
        parser.close()
    except HTTPProblem as error:
        answered(error, 400, 413)
        refused = True
    assert ended or refused
    return (parts, ended), refused


def oracle(boundary: str, body: bytes) -> list[bytes]:
    """The data of the parts of a body that is taken, by one look at the whole of it."""
    line = re.compile(rb"\r\n--" + re.escape(boundary.encode()) + rb"(?:(--)|[ \t]{0,%d}(?=\r\n))" % MAX_PADDING)
    whole = b"\r\n" + body
    found: list[bytes] = []
    mark = line.search(whole)
    while mark is not None and mark[1] is None:
        # The CRLF before the empty line may be that of the next boundary: the search begins with it.
        head = whole.index(b"\r\n\r\n", mark.end())
        following = line.search(whole, head + 2)
        assert following is not None
        found.append(whole[head + 4 : following.start()])
        mark = following
    return found


def check_body(data: bytes, chance: random.Random) -> None:
    name, _, body = data.partition(b"\n")
    boundary = name.decode("latin-1")
    whole = run(boundary, body, [len(body)])
    sizes = [chance.choice((1, 1, 2, 3, 5, 7, 12, 50, 300)) for _ in range(len(body))]
    cut = run(boundary, body, sizes)
    assert whole == cut, (boundary, body, sizes)
    (parts, _), refused = whole
    if refused:
        return
    assert [part for _, part in parts] == oracle(boundary, body), (boundary, body)
    if len(boundary) > 70:
        return
    writer = Writer(boundary)
    again = b"".join(writer.part("a/b", headers={"X": "y"}) + part for _, part in parts) + writer.end()
    (read, _), refused = run(boundary, again, sizes)
    assert refused or [part for _, part in read] == [part for _, part in parts], (boundary, again)


def check_accept(data: bytes) -> None:
    header, newline, query = data.decode("latin-1").partition("\n")
    try:
        parse(header)
    except HTTPProblem as error:
        answered(error, 400)
    else:
        assert parse(str(parse(header))) == parse(header), header
    try:
        ranges = parse_accept(header, query if newline else None)
    except HTTPProblem as error:
        answered(error, 400)
        return
    assert all(isinstance(one, Range) and 0 <= one.q <= 1 and "/" in one.type for one in ranges)
    for category in Category:
        for stored in STORED:
            for single in (True, False):
                try:
                    given = choose(ranges, stored, category, TRANSCODABLE, single=single)
                except HTTPProblem as error:
                    answered(error, 406)
                    continue
                assert not given.transcode or given.transfer_syntax_uid in TRANSCODABLE
                assert ranges == () or any(
                    one.q > 0 and (one.covers(given.media_type.lower()) or one.covers("application/octet-stream"))
                    for one in ranges
                ), (ranges, given)


def check_path(data: bytes) -> None:
    try:
        resource = uris.parse(data.decode("latin-1"))
    except HTTPProblem as error:
        answered(error, 400, 404, 414)
        return
    assert uris.parse(resource.path()) == resource
    assert ".." not in resource.path()


def check(data: bytes, chance: random.Random) -> None:
    kind, rest = data[:1], data[1:]
    if kind == BODY:
        check_body(rest, chance)
    elif kind == ACCEPT:
        check_accept(rest)
    elif kind == PATH:
        check_path(rest)


def main(seconds: float, seed: int) -> int:
    chance = random.Random(seed)
    stop = time.monotonic() + seconds
    count = 0
    while time.monotonic() < stop:
        check(mutated(chance), chance)
        count += 1
    return count


if __name__ == "__main__":
    print(main(float((*sys.argv, "10")[1]), int((*sys.argv, "0", "0")[2])), "inputs, nothing found")
