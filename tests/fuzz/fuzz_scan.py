"""Fuzz target: any bytes as a data set, as a file, and in chunks.

``check`` raises only where a promise is broken: what is read is written back as it came, its values decode or say why
not, and the head scanner agrees with the reader. ``python -m tests.fuzz.fuzz_scan SECONDS`` runs it for longer.
"""

from __future__ import annotations

import contextlib
import random
import sys
import time

from kerma.dataset import Dataset
from kerma.errors import KermaError
from kerma.formats import part10
from kerma.formats.head import HeadScanner
from kerma.limits import Limits

SYNTAXES = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99")
LIMITS = Limits(max_inflated=1 << 20)


def check(data: bytes) -> None:
    """Read ``data`` in every way; the first byte chooses how it is cut."""
    for uid in SYNTAXES:
        try:
            ds = Dataset.from_bytes(data, uid, limits=LIMITS)
        except KermaError:
            continue
        use(ds)
        assert ds.to_bytes() == data, f"written back differently as {uid}"
        chunked(data, uid)
    try:
        ds = part10.read(data, limits=LIMITS)
    except KermaError:
        return
    use(ds)
    assert b"".join(part10.file_chunks(ds)) == data, "a file is written back differently"


def use(ds: Dataset) -> None:
    with contextlib.suppress(KermaError):
        for _, element in ds.walk():
            with contextlib.suppress(KermaError):
                _ = element.value
            assert element.raw is not None


def chunked(data: bytes, uid: str) -> None:
    step = 1 + data[0] if data else 1
    scanner = HeadScanner(uid, limits=LIMITS)
    try:
        for at in range(0, len(data), step):
            scanner.feed(data[at : at + step])
        header = scanner.finish()
    except KermaError:
        return
    if uid != SYNTAXES[3]:
        assert data.startswith(header), "the header is not the beginning of the data set"


def mutate(seed: bytes, dice: random.Random) -> bytes:
    """A damaged copy: bytes changed, cut out, doubled, or lengths made extreme."""
    raw = bytearray(seed)
    for _ in range(dice.randint(1, 6)):
        if len(raw) < 12:
            break
        at = dice.randrange(len(raw) - 8)
        kind = dice.randrange(6)
        if kind == 0:
            raw[at] = dice.randrange(256)
        elif kind == 1:
            raw[at : at + 4] = dice.choice((b"\xff\xff\xff\xff", b"\xfe\xff\xff\xff", b"\0\0\0\0", b"\xfe\xff\xdd\xe0"))
        elif kind == 2:
            del raw[at : at + dice.randint(1, 20)]
        elif kind == 3:
            raw[at:at] = raw[at : at + dice.randint(1, 60)]
        elif kind == 4:
            raw[at : at + 2] = dice.choice((b"SQ", b"UN", b"OB", b"  ", b"US", b"\0\0"))
        else:
            del raw[at:]
    return bytes(raw)


def seeds() -> list[bytes]:
    """Small data sets of every kind, bare and as files."""
    inner = Dataset()
    inner.CodeValue = "121"
    outer = Dataset()
    outer.ConceptNameCodeSequence = [inner]
    ds = Dataset()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    ds.SOPInstanceUID = "1.2.3"
    ds.PatientName = "A^B"
    ds.Rows = 2
    ds.ContentSequence = [outer, Dataset()]
    ds.add("PixelData", "OW", bytes(16))
    found = [ds.to_bytes(uid) for uid in SYNTAXES]
    ds.ContentSequence.defined = False
    found.append(ds.to_bytes())
    found.extend(b"".join(part10.file_chunks(ds, uid)) for uid in SYNTAXES)
    return found


def run(count: int, seed: int) -> None:
    dice = random.Random(seed)
    corpus = seeds()
    for _ in range(count):
        check(mutate(dice.choice(corpus), dice))


if __name__ == "__main__":
    until = time.monotonic() + float(sys.argv[1] if len(sys.argv) > 1 else 60)
    number = 0
    while time.monotonic() < until:
        run(200, number)
        number += 1
    sys.stdout.write(f"{number * 200} inputs\n")
