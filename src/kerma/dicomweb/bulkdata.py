"""Names of bulk data: which values are told by a URI, and what that URI is (PS3.18 10.4.1.1.5, F.2.6).

Rules:

- A name is the path of the value in its data set: tags and item numbers from 0 in turn, "00420011" or
  "00081110/0/00081155". It says all that is needed to find the value again; nothing is kept about it.
- Small values go inline: a URI and a request cost more than they do.
- The pixels are always named, whatever their size; frames have resources of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from kerma.dataset import Element
from kerma.dataset.binary import length_of
from kerma.dicomweb.problems import HTTPProblem
from kerma.encoding.syntax import UNDEFINED

INLINE = 1024
"""Bytes of the largest binary value that goes inline."""
MAX_DEPTH = 32
"""Items within items of the deepest value that has a name; deeper ones go inline."""
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_NAME = re.compile(r"[0-9A-Fa-f]{8}(?:/[0-9]{1,9}/[0-9A-Fa-f]{8})*")
Path = tuple[int, ...]


def name_of(path: Path) -> str:
    """The name of the value at ``path`` (tag, item, tag, ...)."""
    return "/".join(f"{step:d}" if place % 2 else f"{step:08X}" for place, step in enumerate(path))


def path_of(name: str) -> Path:
    """The path that a name tells; HTTPProblem 404 where it tells none."""
    found = _NAME.fullmatch(name) if len(name) <= 20 * (MAX_DEPTH + 1) else None
    if found is None or name.count("/") > 2 * MAX_DEPTH:
        raise HTTPProblem(404, "no such bulk data", hint="bulkdata/GGGGEEEE or bulkdata/GGGGEEEE/ITEM/GGGGEEEE")
    return tuple(int(step, 10 if place % 2 else 16) for place, step in enumerate(name.split("/")))


def namer(prefix: str) -> Callable[[Path, Element], str | None]:
    """What decides for the values of one instance: the URI, ``prefix`` and the name, or None for inline."""

    def uri(path: Path, element: Element) -> str | None:
        if len(path) > 2 * MAX_DEPTH + 1 or len(path) % 2 == 0:
            return None
        if path[0] not in PIXELS and _length(element) <= INLINE:
            return None
        return prefix + name_of(path)

    return uri


def _length(element: Element) -> int:
    head = element.header
    if head is None:
        return length_of(element)
    return INLINE + 1 if head.length == UNDEFINED else head.length
