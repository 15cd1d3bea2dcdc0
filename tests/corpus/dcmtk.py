"""Element by element: what Kerma reads against what ``dcmdump`` prints of the same file.

The differences have the form of ``compare.Difference``; ``dcmtk_differences`` judges them.
"""

from __future__ import annotations

import math
import struct
from typing import Any

from kerma.dataset import Dataset, Element
from kerma.errors import KermaError

from .compare import Difference
from .dcmdump import Dump, Line

NUMBERS = frozenset({"FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"})
WORDS = frozenset({"OB", "UN", "OW", "ox", "??"})
CASTS = {"OF": ("f", 4), "OD": ("d", 8), "OL": ("I", 4), "OV": ("Q", 8)}
PADDING = b" \0"


def compare_dump(name: str, ours: Dataset, theirs: Dump) -> tuple[int, list[Difference]]:
    """How many elements were compared, and where the two differ."""
    found: list[Difference] = []
    mine = _flat(name, ours, found)
    seen: set[tuple[int, ...]] = set()
    count = 0
    for line in theirs.lines:
        if line.path in seen:
            continue  # a tag that is there twice: the last counts for us, and has a finding
        seen.add(line.path)
        element = mine.get(line.path)
        if element is None:
            found.append(Difference(name, line.path, "missing", "-", line.vr))
            continue
        count += 1
        difference = _element(name, line, element)
        if difference is not None:
            found.append(difference)
    found += [Difference(name, path, "extra", mine[path].vr, "-") for path in mine if path not in seen]
    return count, found


def _flat(name: str, ds: Dataset, found: list[Difference]) -> dict[tuple[int, ...], Element]:
    """All elements by their paths; an item that cannot be read is a difference."""
    elements: dict[tuple[int, ...], Element] = {}
    stack: list[tuple[Dataset, tuple[int, ...]]] = [(ds, ())] if ds.meta is None else [(ds, ()), (ds.meta, ())]
    while stack:
        current, path = stack.pop()
        try:
            for element in current.elements():
                at = (*path, element.tag)
                elements[at] = element
                if element.vr == "SQ":
                    stack.extend((item, (*at, number)) for number, item in enumerate(element.sequence))
        except KermaError as error:
            found.append(Difference(name, path, "error", f"{type(error).__name__}: {error.message}", "read"))
    return elements


def _element(name: str, line: Line, element: Element) -> Difference | None:
    vr = element.vr
    if vr == "SQ" or (element.undefined_length and line.length is None):
        return None
    if line.vr.isupper() and line.vr != vr and line.vr not in {"UN", vr}:
        return Difference(name, line.path, "vr", vr, line.vr)
    length = len(element.raw or b"")
    if line.length is not None and line.length not in {length, length + (length & 1)}:
        return Difference(name, line.path, "length", str(length), str(line.length))
    if line.value is None:
        return None
    try:
        alike = _alike(vr, line, element)
    except KermaError as error:
        return Difference(name, line.path, "error", type(error).__name__, _short(line.value))
    return None if alike else Difference(name, line.path, "value", _short(element.raw), _short(line.value))


def _alike(vr: str, line: Line, element: Element) -> bool:
    text = line.value or b""
    raw = bytes(element.raw or b"")
    if vr in CASTS:
        code, size = CASTS[vr]
        values = struct.unpack(f"<{len(raw) // size}{code}", raw[: len(raw) // size * size])
        return _numbers(values) == _printed(text) or raw in _byte_strings(text)
    if vr in WORDS or line.vr in WORDS:
        return not text or raw + b"\0" * (len(raw) & 1) in _byte_strings(text)
    if vr in NUMBERS:
        return _numbers(element.value) == _printed(text)
    if vr == "AT":
        value = element.value if isinstance(element.value, tuple) else () if element.value is None else (element.value,)
        return b"\\".join(b"(%04x,%04x)" % (tag >> 16, tag & 0xFFFF) for tag in value) == text
    return raw.rstrip(PADDING) == text.rstrip(PADDING)


def _numbers(value: Any) -> list[float]:
    values = value if isinstance(value, tuple) else () if value is None else (value,)
    return [_rounded(float(one)) for one in values]


def _printed(text: bytes) -> list[float] | None:
    try:
        return [_rounded(float(part)) for part in text.split(b"\\") if part.strip()]
    except ValueError:
        return None


def _rounded(value: float) -> float:
    """As far as ``dcmdump`` prints a binary32 number, and nan equal to itself."""
    return float("-999e99") if math.isnan(value) else float(f"{value:.7g}")


def _byte_strings(text: bytes) -> list[bytes]:
    """What "00\\01" or "0100\\0302" may have been: words of either byte order."""
    try:
        parts = [bytes.fromhex(part.decode("ascii")) for part in text.split(b"\\")]
    except ValueError:
        return []
    return [b"".join(parts), b"".join(part[::-1] for part in parts)]


def _short(value: object) -> str:
    data = bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode()
    return repr(data[:40])[1:] + (f"... ({len(data)})" if len(data) > 40 else "")
