"""Fuzz target for instances made of metadata and bulk data, and for what servers answer to the web client.

``python -m tests.fuzz.fuzz_store [SECONDS] [SEED]``. The first byte chooses what the rest is: the parts of a store
(a header line before each), or the body of an answer to a search, a store or a retrieve. What must hold: nothing but
errors of ours; an instance that was put together is written and read again; an answer is never taken for more than it
says.
"""

from __future__ import annotations

import random
import sys
import time
from typing import Any

from kerma.dataset import Dataset
from kerma.dicomweb.accept import parse
from kerma.dicomweb.composing import Composer
from kerma.errors import KermaError
from kerma.limits import Limits
from kerma.web.client import studies
from kerma.web.client.asking import Manner
from kerma.web.client.effects import Ask, Do, Emit, Flow, Pause, Read, Reply
from kerma.web.client.keeping import DatasetKeeper

LIMITS = Limits(max_inflated=1 << 20, max_elements=100_000)
SEPARATOR = b"\n--next--\n"
IMAGE = (
    b'[{"00080016":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.7"]},"00080018":{"vr":"UI","Value":["1.2.3"]},'
    b'"00083002":{"vr":"UI","Value":["1.2"]},"00280010":{"vr":"US","Value":[1]},"00081111":{"vr":"SQ","Value":[{'
    b'"00420011":{"vr":"OB","BulkDataURI":"doc"}}]},"7FE00010":{"vr":"OB","BulkDataURI":"pixels"}}]'
)
XML = (
    b'<NativeDicomModel><DicomAttribute tag="00080018" vr="UI"><Value number="1">1.2.3</Value></DicomAttribute>'
    b'<DicomAttribute tag="7FE00010" vr="OB"><BulkData uri="pixels"/></DicomAttribute></NativeDicomModel>'
)
JPEG = bytes.fromhex("ffd8ffc0000b080001000201011100ffda0008010100003f0000ffd9")
SEEDS: tuple[bytes, ...] = (
    b"Capplication/dicom+json\n" + IMAGE + SEPARATOR + b"image/jpeg pixels\n" + JPEG + SEPARATOR + b"a/b doc\nabc",
    b"Capplication/dicom+json\n" + IMAGE + SEPARATOR + b"application/octet-stream pixels\nabcd"
    + SEPARATOR + b"a/b doc\n",
    b"Capplication/dicom+xml\n" + XML + SEPARATOR + b"image/jls pixels/frames/1\nab" + SEPARATOR
    + b"image/jls pixels/frames/2\ncd",
    b"Cimage/jp2;transfer-syntax=1.2.840.10008.1.2.4.90 pixels\n\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0\2\0\0\0ab"
    + SEPARATOR + b"application/dicom+json\n" + IMAGE.replace(b'"BulkDataURI":"doc"', b'"InlineBinary":"YWI="'),
    b"Q" + IMAGE,
    b'Q[{"0020000D":{"vr":"UI","Value":["1.2"]}},{"0020000D":{"vr":"UI"}}]',
    b'S{"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2.3"]}}]},'
    b'"00081198":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2.4"]},'
    b'"00081197":{"vr":"US","Value":[42752]}}]},'
    b'"0008119A":{"vr":"SQ","Value":[{"00081197":{"vr":"US","Value":[272]}}]}}',
    b"R--b\r\nContent-Type: application/dicom\r\n\r\n" + bytes(128)
    + b"DICM\2\0\x10\0UI\x12\x001.2.840.10008.1.2\0\r\n--b--\r\n",
)  # fmt: skip


def mutated(chance: random.Random) -> bytes:
    """A seed with some bytes changed, taken out, put in or doubled."""
    data = bytearray(chance.choice(SEEDS))
    for _ in range(chance.choice((0, 1, 1, 2, 5, 20))):
        position = chance.randrange(1, len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[position : position + 1] = bytes((chance.choice(b'{}[]",:0129AFUS\\/<>&;\r\n\0\xff'),))
            case 1:
                del data[position : position + chance.randint(1, 12)]
            case 2:
                data[position:position] = data[1:][chance.randrange(len(data)) :][: chance.randint(1, 40)]
            case _:
                data[position:position] = chance.choice((SEPARATOR, b"null", b"[]", b"{}", b'"Value":', b"pixels"))
    return bytes(data)


def check_composition(data: bytes) -> None:
    composer = Composer("http://server/studies", limits=LIMITS, max_metadata=1 << 16)
    try:
        for part in data.split(SEPARATOR):
            line, _, body = part.partition(b"\n")
            kind, _, place = line.decode("latin-1").partition(" ")
            composer.begin(parse(kind), {"content-location": place} if place else {})
            for at in range(0, len(body), 7):
                composer.write(body[at : at + 7])
            composer.end()
        for made in composer.instances():
            if isinstance(made, KermaError):
                continue
            ds, syntax = made
            try:
                written = b"".join(bytes(chunk) for chunk in ds.chunks(syntax))
            except KermaError:
                continue
            again = Dataset.from_bytes(written, syntax)
            assert {tag for tag in ds if tag & 0xFFFF} == set(again), "written otherwise than it was put together"
    except KermaError:
        return
    finally:
        composer.close()


def answer(flow: Flow[None], body: bytes, content_type: str) -> list[Any]:
    """What a flow emits whose every request is answered by ``body``; it asks ten times at most."""
    given: list[Any] = []
    result: Any = None
    asked = 0
    at = 0
    while True:
        try:
            effect = flow.send(result)
        except (StopIteration, KermaError):
            return given
        result = None
        match effect:
            case Emit():
                given.append(effect.value)
            case Ask():
                asked, at = asked + 1, 0
                if asked > 10:
                    flow.close()
                    return given
                result = Reply(200, {"content-type": content_type}, "")
            case Read():
                result, at = body[at : at + 50], at + 50
            case Do():
                try:
                    result = effect.work()
                except KermaError as error:
                    try:
                        flow.throw(error)
                    except (StopIteration, KermaError):
                        return given
            case Pause():
                pass


def check(data: bytes) -> None:
    """What must hold of any bytes."""
    manner = Manner(retries=0, max_body=1 << 16)
    kind, body = data[:1], data[1:]
    if kind == b"C":
        check_composition(body)
    elif kind == b"Q":
        for ds in answer(studies.search(manner, "study", {}, page=2), body, "application/dicom+json"):
            assert isinstance(ds, Dataset)
    elif kind == b"S":
        things = [Dataset() for _ in range(2)]
        for number, ds in enumerate(things, 3):
            ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", f"1.2.{number}"
        results = answer(studies.store(manner, things, None), body, "application/dicom+json")
        assert len(results) in (0, 2)
        for result in results:
            assert isinstance(result.failure, int)
            assert isinstance(result.url, str)
    elif kind == b"R":
        flow = studies.retrieve(manner, studies.Target("1.2"), DatasetKeeper())
        for ds in answer(flow, body, "multipart/related; boundary=b"):
            assert isinstance(ds, Dataset)


def main() -> None:
    """Mutations of the seeds for a while."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns()
    chance, end, count = random.Random(seed), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = mutated(chance)
        try:
            check(data)
        except Exception as error:
            raise AssertionError(f"seed {seed}, input {data!r}") from error
        count += 1
    print(f"{count} inputs, seed {seed}: nothing found")


if __name__ == "__main__":
    main()
