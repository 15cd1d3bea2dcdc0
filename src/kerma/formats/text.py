"""A data set as lines for people, in the manner of the usual dump tools.

One element a line: tag, VR, value in brackets, length, keyword or name. Values are shortened, bulk data is named by
its size, nothing recurses, and whatever cannot be decoded is shown as bytes with a mark.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kerma.dataset import Dataset, Element
from kerma.dataset.fragments import Fragments
from kerma.errors import KermaError
from kerma.standard import uids

_DEEPEST = 24  # indentation stops growing here


def dump_lines(ds: Dataset, *, width: int = 64, meta: bool = True, findings: bool = True) -> Iterator[str]:
    """The lines of ``ds``: meta information first, items indented below their sequence, findings at the end.

    ``width`` is how many characters of a value are shown. ``FormatError`` where an item cannot be read; the lines
    before it are given.
    """
    if meta and ds.meta is not None:
        yield "# File meta information"
        yield from _lines(ds.meta, width)
        yield ""
    if ds.transfer_syntax_uid is not None:
        name = uids.name_of(ds.transfer_syntax_uid)
        yield f"# Data set, {name or ds.transfer_syntax_uid}"
    yield from _lines(ds, width)
    if findings:
        for finding in ds.findings:
            yield f"# {finding.code}: {finding}"


def _lines(ds: Dataset, width: int) -> Iterator[str]:
    item: tuple[int, ...] = ()
    for path, element in ds.walk():
        inside = path[:-1]
        depth = min(len(inside) // 2, _DEEPEST)
        if inside != item and inside:
            yield f"{'  ' * (2 * depth - 1)}- item {inside[-1] + 1}"
        item = inside
        yield "    " * depth + line_of(element, width)


def line_of(element: Element, width: int = 64) -> str:
    """One element as a line, without indentation."""
    tag = f"({element.tag >> 16:04X},{element.tag & 0xFFFF:04X})"
    name = element.keyword or element.name or ("Unknown" if not element.is_private else "Private")
    length = element.length
    size = "" if length is None else "u/l, " if element.undefined_length else f"{length}, "
    try:
        vr = element.vr
        shown = value_text(element, width)
    except KermaError as error:
        vr = "??"
        shown = f"<{error.message}: {_bytes_text(element.raw or b'', width)}>"
    return f"{tag} {vr} {shown:<40} # {size}{name}"


def value_text(element: Element, width: int = 64) -> str:
    """The value, shortened: text in brackets, numbers with backslashes, bulk data as its size."""
    if element.vr == "SQ":
        count = len(element.sequence)
        return f"(sequence of {count} item{'' if count == 1 else 's'})"
    if element.undefined_length:
        count = len(element.fragments)
        return f"(encapsulated, {count} item{'' if count == 1 else 's'})"
    value: Any = element.value
    if value is None:
        return "(no value)"
    if isinstance(value, Fragments):
        return f"(encapsulated, {len(value)} items)"
    if isinstance(value, memoryview):
        return _bytes_text(value, width)
    if element.vr == "AT":
        tags = value if isinstance(value, tuple) else (value,)
        return _short("\\".join(f"({tag >> 16:04X},{tag & 0xFFFF:04X})" for tag in tags[:width]), width)
    if isinstance(value, str):
        name = uids.name_of(value) if element.vr == "UI" else ""
        return f"[{_short(_clean(value), width)}]" + (f" {name}" if name else "")
    if isinstance(value, tuple):
        text = "\\".join(_one(part) for part in value[: width + 1])
        return f"[{_short(text, width)}]" if isinstance(value[0], str) else _short(text, width)
    return _short(_one(value), width)


def _one(value: Any) -> str:
    if value is None:
        return ""
    text = getattr(value, "text", None)
    return _clean(text if isinstance(text, str) else str(value))


def _clean(text: str) -> str:
    return "".join(character if character.isprintable() else "." for character in text[:4096])


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 3, 1)] + "..."


def _bytes_text(raw: Any, width: int) -> str:
    shown = bytes(memoryview(raw)[: max(width // 3, 1)])
    text = "\\".join(f"{byte:02x}" for byte in shown)
    return text + f"... ({len(raw)} bytes)" if len(raw) > len(shown) else text
