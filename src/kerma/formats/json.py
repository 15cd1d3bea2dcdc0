"""DICOM JSON (PS3.18 F.2): a data set as an object of tags.

Rules: group lengths and file meta information are left out (F.2.2); text is UTF-8, so SpecificCharacterSet says so
where it is there; a value of IS or DS that is no number is given as text; binary values are little endian and inline,
or left to ``bulk``. Depth is bounded, because the readers of JSON recurse.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

from kerma.dataset import Dataset, Element
from kerma.dataset.compare import normal_bytes
from kerma.dataset.fragments import Fragments
from kerma.encoding.syntax import EXPLICIT_LE
from kerma.encoding.writer import item_header
from kerma.errors import LimitError, ValueFormatError
from kerma.values import DS, PersonName

MAX_DEPTH = 200
"""Items within items that are given; Python's and most other JSON readers stop at about a thousand brackets."""

_NUMBERS = frozenset({"DS", "IS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"})
_EXACT = 1 << 53

Bulk = Callable[[tuple[int, ...], Element], str | None]


def to_json(ds: Dataset, *, bulk: Bulk | None = None, inline: bool = True, indent: int | None = None) -> str:
    """``to_json_object`` as text, on one line unless ``indent`` is given."""
    separators = (",", ":") if indent is None else None
    return json.dumps(
        to_json_object(ds, bulk=bulk, inline=inline),
        ensure_ascii=False,
        allow_nan=False,
        separators=separators,
        indent=indent,
    )


def to_json_object(ds: Dataset, *, bulk: Bulk | None = None, inline: bool = True) -> dict[str, Any]:
    """The data set as a dict of "GGGGEEEE" -> {"vr", "Value" | "InlineBinary" | "BulkDataURI"}.

    ``bulk`` gets the path and the element of each binary value and returns its URI, or None to have it inline.
    ``inline`` False leaves binary values out (their "vr" stays). ``LimitError`` below ``MAX_DEPTH`` items,
    ``ValueFormatError`` where a value cannot be decoded.
    """
    root: dict[str, Any] = {}
    # A frame: the object that is filled, the data set, its tags, its path.
    stack: list[tuple[dict[str, Any], Dataset, Iterator[int], tuple[int, ...]]] = [(root, ds, iter(ds), ())]
    while stack:
        target, current, tags, base = stack[-1]
        tag = next(tags, None)
        if tag is None:
            stack.pop()
            continue
        if not tag & 0xFFFF or tag >> 16 == 2:
            continue
        element = current[tag]
        path = (*base, tag)
        entry: dict[str, Any] = {"vr": element.vr}
        target[f"{tag:08X}"] = entry
        if element.vr == "SQ":
            if len(stack) > MAX_DEPTH:
                raise LimitError(f"items nest deeper than {MAX_DEPTH}", path=path)
            items: list[Any] = []
            for number, item in enumerate(element.sequence.transient()):
                inner: dict[str, Any] = {}
                items.append(inner)
                stack.append((inner, item, iter(item), (*path, number)))
            if items:
                entry["Value"] = items
        else:
            _value(entry, element, path, bulk, inline)
    return root


def _value(entry: dict[str, Any], element: Element, path: tuple[int, ...], bulk: Bulk | None, inline: bool) -> None:
    vr = element.vr
    try:
        value = element.value
    except ValueFormatError:
        if vr not in {"IS", "DS"} or element.raw is None:
            raise
        value = str(element.raw, "latin-1").strip(" \0")
    if value is None:
        return
    if isinstance(value, (memoryview, Fragments)):
        uri = bulk(path, element) if bulk is not None else None
        if uri is not None:
            entry["BulkDataURI"] = uri
        elif inline:
            entry["InlineBinary"] = base64.b64encode(_bytes(element, value)).decode("ascii")
        return
    if element.tag == 0x00080005:
        value = "ISO_IR 192"
    parts = value if isinstance(value, tuple) else (value,)
    entry["Value"] = [_part(vr, part) for part in parts]


def _bytes(element: Element, value: memoryview | Fragments) -> bytes:
    if isinstance(value, Fragments):
        return b"".join(
            item_header(EXPLICIT_LE, len(part) + (len(part) & 1)) + bytes(part) + b"\0" * (len(part) & 1)
            for part in value
        )
    return bytes(normal_bytes(element.dataset, element.tag, value))


def _part(vr: str, part: Any) -> Any:
    if part is None or part == "":
        return None
    if isinstance(part, PersonName):
        return _name(part)
    if vr == "AT":
        return f"{part:08X}"
    if vr in _NUMBERS and not isinstance(part, str):
        return _number(part)
    return str(part)


def _number(part: Any) -> Any:
    if isinstance(part, int):
        # Numbers that a reader's doubles would round are given as text (F.2.3).
        return int(part) if -_EXACT <= part <= _EXACT else str(int(part))
    if math.isfinite(part):
        return float(part)
    if isinstance(part, DS):  # larger than a float
        return part.text
    return "NaN" if math.isnan(part) else "inf" if part > 0 else "-inf"


def _name(name: PersonName) -> dict[str, str]:
    groups = (("Alphabetic", name.alphabetic), ("Ideographic", name.ideographic), ("Phonetic", name.phonetic))
    return {key: str(text) for key, text in groups if text}
