"""The compiled loops and the plain ones, side by side: the same bytes must give the same, errors included.

``python -m tests.encoding.twins SECONDS [FOLDER]`` mutates the files of a folder, the corpus for instance, for longer.
"""

from __future__ import annotations

import importlib
import random
import struct
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.fuzz.fuzz_scan import mutate, seeds

from kerma.dataset.flat import _KINDS
from kerma.encoding import loops as plain
from kerma.encoding.marks import Marks
from kerma.encoding.places import unpack
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import EXPLICIT_LE, IMPLICIT_LE, KINDS
from kerma.encoding.walk import skip
from kerma.errors import KermaError
from kerma.limits import Limits, Strictness
from kerma.standard.elements import TAG_TO_VR

LIMITS = Limits(max_depth=20)
KEYS = [0x00000002, 0x00100002, 0x00050008, 0x00100010, 0x00100028, 0x0010FFFE, 0, 0xE000FFFE, 0xFFFFFFFF]


def compiled(name: str = "_loops") -> ModuleType | None:
    """The compiled loops of one source, also where they were built from another source; None where none are built."""
    try:
        return importlib.import_module(f"kerma.encoding.{name}")
    except ImportError:
        return None


def _index(found: dict[int, int] | bytes) -> list[tuple[int, int]]:
    return list((unpack(found) if isinstance(found, bytes) else found).items())


def _told(work: Callable[[], Any], marks: Marks) -> list[Any]:
    """All that a caller can see of a scan."""
    try:
        found, *rest = work()
        told = [_index(found), *rest]
    except KermaError as error:
        told = [type(error), str(error)]
    return [*told, marks.ends, marks.bare, marks.odd, [str(finding) for finding in marks.findings]]


def scanned(loops: ModuleType, buf: Buffer, start: int, end: int) -> list[Any]:
    """What the loops say of ``buf[start:end]``."""
    told: list[Any] = []
    for scan in (loops.scan_explicit, loops.scan_implicit):
        for strictness in (Strictness.LENIENT, Strictness.STRICT):
            marks = Marks(LIMITS, strictness)
            told.append(_told(partial(scan, buf, start, end, marks, ()), marks))
    told.append(_told(lambda: loops.meta(buf, start), Marks(LIMITS, Strictness.LENIENT)))
    return told


def looked_up(loops: ModuleType, data: bytes, start: int) -> list[Any]:
    """What the loops find in their own places."""
    told: list[Any] = []
    for explicit, scan in ((True, loops.scan_explicit), (False, loops.scan_implicit)):
        try:
            found, _ = scan(data, start, len(data), Marks(LIMITS, Strictness.LENIENT), ())
        except KermaError:
            continue
        places = found if isinstance(found, bytes) else packed(found)
        if places is None:
            continue
        for key in [*list(unpack(places))[:200], *KEYS]:
            told.append((loops.find(places, key), loops.short(places, data, key, explicit)))
            told.append(loops.short(places, data[: len(data) // 2], key, explicit))  # a window that ends before
        tags = [key >> 16 | (key & 0xFFFF) << 16 for key in unpack(places)]
        told.append(loops.spans(places, len(data), tags[1::5]))
        told.append(rows_of(loops, data, places, None if explicit else TAG_TO_VR))
    return told


def rows_of(loops: ModuleType, data: bytes, places: bytes, implied: Any) -> list[Any]:
    """Plain values as text, and the rows of what may be a sequence."""
    rows = importlib.import_module(f"kerma.encoding.{'_rows' if loops.COMPILED else 'rows'}")
    told: list[Any] = []
    for number in range(0, len(places) >> 3, 7):
        told.append(rows.texts(places, number, data, _KINDS, implied))
    for at in set(unpack(places).values()):
        told.append(rows.nested(data, at, len(data), _KINDS, implied, 24))
    return told


def walked(loops: ModuleType, data: bytes, start: int, end: int) -> list[Any]:
    """Where values of undefined length end; what is plain to the loop ends where the walk says."""
    told: list[Any] = []
    for explicit, in_item in ((True, False), (True, True), (False, False), (False, True)):
        marks = Marks(LIMITS, Strictness.LENIENT)
        after = loops.walked(data, start, end, explicit, in_item, marks)
        told.append([after, list(marks.ends.items()), marks.bare, marks.odd, marks.findings])
        if after < 0:
            assert not marks.ends
            continue
        slow = Marks(LIMITS, Strictness.STRICT)
        encoding = EXPLICIT_LE if explicit else IMPLICIT_LE
        assert skip(data, start, min(end, len(data)), encoding, slow, (), 0, in_item=in_item) == after
        assert [slow.ends, slow.bare, slow.odd] == [marks.ends, set(), {}]
    return told


def packed(index: dict[int, int]) -> bytes | None:
    """A plain loop's dict as the compiled one would give it; None where that is not in order."""
    numbers = [((key & 0xFFFF) << 16 | key >> 16) << 32 | at for key, at in index.items()]
    tags = [number >> 32 for number in numbers]
    if len(numbers) > 1024 or any(first >= second for first, second in pairwise(tags)):
        return None
    return struct.pack(f"={len(numbers)}Q", *numbers)


def check(twin: ModuleType, data: bytes, start: int, end: int) -> None:
    """Raises where the two differ. ``start`` may be anything, ``end`` also behind the bytes."""
    ours, theirs = scanned(plain, data, start, end), scanned(twin, data, start, end)
    assert ours == theirs
    assert looked_up(plain, data, start) == looked_up(twin, data, start)
    assert walked(plain, data, start, end) == walked(twin, data, start, end)


def main(seconds: float, folder: str = "") -> None:
    """Mutated files, until the time is over."""
    twin = compiled()
    if twin is None:
        sys.exit("no compiled twin is built")
    until = time.monotonic() + seconds
    dice = random.Random(seconds)
    corpus = seeds()
    for path in sorted(Path(folder).rglob("*")) if folder else []:
        if path.is_file() and path.stat().st_size < 1 << 20:
            corpus.append(path.read_bytes()[: 1 << 15])
    count = 0
    while time.monotonic() < until:
        data = dice.choice(corpus)
        if dice.randrange(8):
            data = mutate(data, dice)
        start = dice.choice((0, 132, 132, 336, dice.randrange(-4, len(data) + 16)))
        check(twin, data, start, dice.choice((len(data), len(data), dice.randrange(len(data) + 32))))
        item = data.find(b"\xfe\xff\x00\xe0")
        if item >= 0:
            check(twin, data, item, len(data))
            check(twin, data, item + 8, len(data))
        found = plain.meta(data, 132)[1]
        if found > 0:
            check(twin, data, found, len(data))
        count += 1
    print(f"{count} inputs, table of {len(KINDS)} VR codes")


if __name__ == "__main__":
    main(float(sys.argv[1]), *sys.argv[2:])
