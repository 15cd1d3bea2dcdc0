"""Items that patterns pass in one step, beside the walk over them: both must give the same, errors included.

``python -m tests.encoding.patterned --count N`` tries so many sequences.
"""

from __future__ import annotations

import argparse
import random
import sys
from array import array
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from tests.fuzz.fuzz_scan import mutate

from kerma.dataset import Dataset, columns, items
from kerma.dataset.sequence import Sequence
from kerma.encoding import long
from kerma.encoding.marks import Marks
from kerma.encoding.patterns import Patterns
from kerma.encoding.syntax import EXPLICIT_LE, IMPLICIT_LE, UNDEFINED, Encoding
from kerma.encoding.twin import STATE
from kerma.encoding.walk import skip
from kerma.encoding.writer import element_header, item_end, item_header, sequence_end
from kerma.errors import KermaError
from kerma.limits import Limits, Strictness

FRAMES = 0x52009230
SYNTAXES = {EXPLICIT_LE: "1.2.840.10008.1.2.1", IMPLICIT_LE: "1.2.840.10008.1.2"}
VALUES: dict[int, tuple[str, tuple[bytes, ...]]] = {
    0x00080005: ("CS", (b"ISO_IR 100", b"ISO_IR 192", b"")),
    0x00080016: ("UI", (b"1.2\0", b"1.2.3.4\0", b"")),
    0x00081140: ("SQ", ()),
    0x00090010: ("LO", (b"SIEMENS MED NM", b"PHILIPS MR R5.5/PART")),
    0x00091001: ("UN", (b"", b"\xfe\xff\x00\xe0", b"abcd")),
    0x00091002: ("SQ", ()),
    0x00189328: ("FD", (bytes(8), b"\0\0\0\0\0\0\x14\x40", b"")),
    0x00200032: ("DS", (b"1\\2\\3 ", b"-1.5\\2.25\\300", b"0\\0\\0 ", b"")),
    0x00200013: ("IS", (b"1 ", b"27", b"300 ", b"x ")),
    0x00204000: ("LT", (b"short ", b"a text of more than thirty-two bytes ", b"\xe9t\xe9 ")),
    0x00209111: ("SQ", ()),
    0x00209113: ("SQ", ()),
    0x00209157: ("UL", (b"\1\0\0\0", b"\1\0\0\0\2\0\0\0", b"")),
    0x00280106: ("US", (b"\1\0", b"\xff\xff")),
    0x00420011: ("OB", (b"\1\2", bytes(40))),
}
TAGS = tuple(VALUES)
NESTED = tuple(tag for tag, (vr, _) in VALUES.items() if vr == "SQ")


@dataclass(slots=True)
class Shape:
    """What the items like one have in common: tags in order, and how lengths are said."""

    rows: list[tuple[int, list[Shape], bool, str]]
    defined: bool

    @classmethod
    def thrown(cls, dice: random.Random, depth: int = 0) -> Shape:
        tags = sorted(dice.sample(TAGS, dice.randint(0, 5 if depth else 8)))
        if dice.randrange(12) == 0:
            dice.shuffle(tags)
        rows = []
        for tag in tags:
            vr = VALUES[tag][0]
            inner = []
            if vr == "SQ" and depth < 3:
                inner = [cls.thrown(dice, depth + 1) for _ in range(dice.choice((0, 1, 1, 1, 2)))]
            if dice.randrange(16) == 0:
                vr = "UN"
            rows.append((tag, inner, dice.randrange(3) == 0, vr))
        return cls(rows, dice.randrange(4) == 0)

    def item(self, dice: random.Random, encoding: Encoding) -> bytes:
        """One such item, with other values."""
        body = b"".join(self._element(dice, encoding, *row) for row in self.rows)
        if self.defined:
            return item_header(encoding, len(body)) + body
        return item_header(encoding) + body + item_end(encoding)

    @staticmethod
    def _element(
        dice: random.Random, encoding: Encoding, tag: int, inner: list[Shape], defined: bool, vr: str
    ) -> bytes:
        if VALUES[tag][0] != "SQ":
            raw = dice.choice(VALUES[tag][1])
            return element_header(encoding, tag, vr, len(raw)) + raw
        within = IMPLICIT_LE if vr == "UN" and dice.randrange(4) else encoding
        body = b"".join(shape.item(dice, within) for shape in inner)
        if defined:
            return element_header(encoding, tag, vr, len(body)) + body
        return element_header(encoding, tag, vr, UNDEFINED) + body + sequence_end(within)


def thrown(seed: int) -> tuple[bytes, Encoding, random.Random]:
    """The items of a sequence, and its delimiter; as a rule something in them is wrong."""
    dice = random.Random(seed)
    encoding = dice.choice((EXPLICIT_LE, EXPLICIT_LE, IMPLICIT_LE))
    shapes = [Shape.thrown(dice) for _ in range(dice.randint(1, 3))]
    made = [dice.choice(shapes).item(dice, encoding) for _ in range(dice.randint(2, 12))]
    if dice.randrange(3):
        number = dice.randrange(len(made))
        made[number] = mutate(made[number], dice)
    if dice.randrange(8) == 0:
        made.append(b"\0\0")
    return b"".join([*made, sequence_end(encoding)]), encoding, dice


class NoPatterns(Patterns):
    """Learns nothing, so everything is walked."""

    def learn(self, buf: Any, at: int, after: int) -> None:
        """Nothing."""


def check_walk(data: bytes, encoding: Encoding, before: int, end: int) -> None:
    """Raises where the items lie elsewhere with patterns than without, or than the walk that keeps all says."""
    buf = bytes(before) + data
    end = min(end, len(buf))
    with_patterns = _walked(buf, before, end, encoding)
    with patch.object(long, "Patterns", NoPatterns):
        without = _walked(buf, before, end, encoding)
    assert with_patterns == without
    found = with_patterns[0]
    if isinstance(found, int):
        assert skip(buf, before, end, encoding, Marks(Limits(), Strictness.STRICT), (), FRAMES) == found + 8


def _walked(buf: bytes, start: int, end: int, encoding: Encoding) -> list[Any]:
    """Where it ends and its items lie. What is odd is None or an error: either sends the caller the careful way."""
    told: list[Any] = []
    for strictness in (Strictness.LENIENT, Strictness.STRICT):
        offsets = array("Q")
        marks = Marks(Limits(), strictness)
        try:
            found = long.long_sequence(buf, start, end, encoding, marks, FRAMES, offsets)
        except KermaError:
            found = None
        told += [found, found and offsets, marks.ends, marks.odd, [str(one) for one in marks.findings]]
        told.append(long.item_offsets(buf, start, end - 8, encoding, marks, FRAMES))
    return told


def paths(dice: random.Random) -> list[str]:
    """Attributes of the items, of what they hold, and some that mean nothing."""
    leaves = [f"{tag:08X}" for tag in TAGS]
    found = [dice.choice(leaves) for _ in range(3)]
    for _ in range(4):
        found.append(
            ".".join(f"{dice.choice(NESTED):08X}" for _ in range(dice.randint(1, 2))) + f".{dice.choice(leaves)}"
        )
    return found


def check_columns(data: bytes, encoding: Encoding, asked: list[str], packed: bool) -> int:
    """Raises where a column has another value than the item has; how many values it compared."""
    vr = element_header(encoding, FRAMES, "SQ", UNDEFINED)
    raw = element_header(encoding, 0x00080005, "CS", 10) + b"ISO_IR 100" + vr + data
    compared = 0
    with patch.object(items, "_LONG", 0 if packed else 1 << 40):
        for path in asked:
            tags = columns.parse_path(path)
            by_items = _told(
                raw,
                encoding,
                lambda sequence, tags=tags: [_plain(columns._of_dataset(item, tags)) for item in sequence],
            )
            by_column = _told(
                raw, encoding, lambda sequence, path=path: [_plain(one) for one in columns.column(sequence, path)]
            )
            assert by_column == by_items, path
            compared += len(by_items) if isinstance(by_items, list) else 0
    return compared


def _told(raw: bytes, encoding: Encoding, ask: Any) -> Any:
    try:
        return ask(Dataset.from_bytes(raw, SYNTAXES[encoding]).value_of(FRAMES))
    except KermaError as error:
        return type(error)


def _plain(value: Any) -> Any:
    """Something that compares."""
    if isinstance(value, Sequence):
        return [bytes(item.to_bytes()) for item in value]
    if isinstance(value, memoryview):
        return bytes(value)
    return repr(value)


def check(seed: int) -> int:
    """One set of items in every way; how many values of columns were compared."""
    data, encoding, dice = thrown(seed)
    before = dice.choice((0, 0, 1, 100))
    check_walk(data, encoding, before, dice.choice((1 << 30, before + dice.randrange(len(data) + 1))))
    return check_columns(data, encoding, paths(dice), packed=dice.randrange(2) == 0)


def main(count: int) -> None:
    """So many sequences, others each time; the seed of one that fails is told."""
    begin = random.SystemRandom().randrange(1 << 32)
    compared = 0
    for seed in range(begin, begin + count):
        try:
            compared += check(seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
    sys.stdout.write(f"{count} sequences, {compared} values, {STATE}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tests.encoding.patterned")
    parser.add_argument("--count", type=int, default=1000)
    main(parser.parse_args().count)
