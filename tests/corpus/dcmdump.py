"""DCMTK's ``dcmdump`` as a second oracle: run, and its text taken apart into elements.

Values are compared as bytes where they are text, so no character set can hide a difference, and as numbers where they
are numbers. Values above 4 kB are not printed by it; their lengths are compared.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DCMDUMP = shutil.which("dcmdump")
OPTIONS = ("-q", "+L", "-M", "+R", "4", "-Un", "+Qn", "+uc")
SECONDS = 60
_LINE = re.compile(
    rb"^( *)\(([0-9a-f]{4}),([0-9a-f]{4})\) (\S\S|pixelSQ) (.*?) *#\s+(u/l|\d+), *(\d+) (\S.*)$", re.DOTALL
)
_ENTITY = re.compile(rb"&#(\d+);|&(amp|lt|gt|quot|apos);")
_NAMED = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'"}
_ITEM = 0xFFFEE000


@dataclass(frozen=True)
class Line:
    """One printed element: ``length`` None where it is undefined, ``value`` None where it was not printed."""

    path: tuple[int, ...]
    vr: str
    value: bytes | None
    length: int | None


@dataclass(frozen=True)
class Dump:
    """What came of a file: ``outcome`` "ok", "refused" or "crash"; the elements, items excluded."""

    outcome: str
    lines: tuple[Line, ...] = ()


def dump(path: Path) -> Dump:
    """Run ``dcmdump`` on one file."""
    assert DCMDUMP is not None
    done = subprocess.run([DCMDUMP, *OPTIONS, str(path)], capture_output=True, timeout=SECONDS, check=False)
    if done.returncode < 0 or done.returncode > 120:
        return Dump("crash")
    if done.returncode:
        return Dump("refused")
    return Dump("ok", tuple(parse(done.stdout)))


def parse(text: bytes) -> Iterator[Line]:
    """The elements of a dump, with paths as Kerma has them: tag, item, tag ..."""
    levels: list[list[int]] = []  # of each open sequence: its indentation, its tag, the item that is open
    for raw in text.split(b"\n"):
        match = _LINE.match(raw)
        if match is None:
            continue
        indent, group, element, vr, value, length, _, _ = match.groups()
        depth, tag = len(indent), int(group + element, 16)
        while levels and depth <= levels[-1][0]:
            levels.pop()
        if tag == _ITEM and levels:
            levels[-1][2] += 1
        if tag >> 16 == 0xFFFE:
            continue
        path = tuple(step for level in levels for step in level[1:])
        size = None if length == b"u/l" else int(length)
        yield Line((*path, tag), vr.decode("latin-1"), _value(value), size)
        if vr == b"SQ" or value.startswith((b"(PixelSequence", b"(Sequence")):
            levels.append([depth, tag, -1])


def _value(text: bytes) -> bytes | None:
    if text.startswith((b"(not loaded)", b"(Sequence", b"(PixelSequence", b"(Item")):
        return None
    if text.startswith(b"(no value available)"):
        return b""
    if text.startswith(b"[") and text.endswith(b"]"):
        text = text[1:-1]
    return _ENTITY.sub(lambda found: _NAMED[found[2]] if found[2] else bytes([int(found[1]) & 0xFF]), text)
