"""A child that breaks code streams of corpus files and looks at what comes of it: ``python -m
tests.pixels.oracle_broken ROUNDS SEED FILE...``; a line of JSON.

Of each file's first frame an image of three is made, the middle one damaged. What must hold: the frames around it are
what they were; the damaged one is an array of the image's shape or a ``PixelError`` that names it; the process has no
more memory than ``MEMORY`` at any time, and no stream takes longer than ``SECONDS``.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import kerma
from kerma.dataset.fragments import Fragments
from kerma.errors import PixelError

MEMORY = 3 << 29
SECONDS = 5.0
PIECES = (
    b"\xff\xd9",
    b"\xff\xda",
    b"\xff\xc4",
    b"\xff\x90",
    b"\xff\x51",
    b"\xff\xff",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
)


def damaged(stream: bytes, rng: random.Random) -> bytes:
    """The stream with one to four wounds, in its headers as often as behind them."""
    out = bytearray(stream)
    for _ in range(rng.choice((1, 1, 2, 4))):
        if len(out) < 2:
            break
        at = rng.randrange(min(len(out), rng.choice((64, 256, len(out)))))
        kind = rng.randrange(6)
        if kind == 0:
            out[at] = rng.randrange(256)
        elif kind == 1:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            piece = rng.choice(PIECES)
            out[at : at + len(piece)] = piece
        elif kind == 3:
            del out[at : at + rng.choice((1, 2, 16, 500))]
        elif kind == 4:
            out[at:at] = rng.randbytes(rng.choice((1, 2, 16)))
        else:
            del out[rng.randrange(1, len(out)) :]
    return bytes(out)


def three(path: Path) -> tuple[Any, bytes, Any]:
    """The image with its first frame three times, the stream of that frame, and its samples."""
    ds = kerma.read(path)
    found = kerma.pixels.index(ds)
    stream = bytes(found.read(0))
    ds.NumberOfFrames = "3"
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        ds.pop(keyword)
    _put(ds, stream, stream)
    return ds, stream, kerma.pixels.frame(ds, 0)


def _put(ds: Any, stream: bytes, middle: bytes) -> None:
    ds.add("PixelData", "OB", Fragments.of_frames([stream, middle, stream]))


def look(ds: Any, whole: Any) -> str:
    """One damaged image; AssertionError where a promise is broken."""
    outcome = "decoded"
    try:
        middle = kerma.pixels.frame(ds, 1)
    except PixelError as error:
        _names(error)
        outcome = "refused"
    else:
        assert (middle.shape, middle.dtype) == (whole.shape, whole.dtype)
    for number in (0, 2):
        assert np.array_equal(kerma.pixels.frame(ds, number), whole), f"frame {number} is another"
    if outcome == "refused":
        _refused(lambda: kerma.pixels.array(ds))
    return outcome


def _refused(work: Callable[[], object]) -> None:
    try:
        work()
    except PixelError as error:
        _names(error)
    else:
        raise AssertionError("one frame is refused, all are not")


def _names(error: PixelError) -> None:
    assert error.frame == 1, f"{error} names frame {error.frame}"


def main() -> None:
    """Break them."""
    rounds, seed, *paths = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    rng = random.Random(int(seed))
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    images = [(path, *three(Path(path))) for path in paths]
    for _ in range(int(rounds)):
        for path, ds, stream, whole in images:
            wound = damaged(stream, rng)
            _put(ds, stream, wound)
            began = time.process_time()
            try:
                outcomes[look(ds, whole)] += 1
            except Exception as error:
                raise AssertionError(
                    f"{path}: {wound[:64].hex()}... {len(wound)} of {len(stream)}: {error!r}"
                ) from error
            slowest = max(slowest, time.process_time() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    sys.stdout.write(json.dumps({"outcomes": outcomes, "slowest": slowest, "MB": peak}) + "\n")


if __name__ == "__main__":
    main()
