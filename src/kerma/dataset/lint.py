"""Departures that change nothing in the reading, looked for when somebody asks: odd lengths and tags out of order
(PS3.5 7.1), bytes of text that the declared character sets do not have (PS3.3 C.12.1.1.2).

The scan does not look for them, because that would cost every reader what few want to know.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kerma.encoding.headers import header_at, tag_text
from kerma.encoding.syntax import UNDEFINED, key_of
from kerma.errors import FormatError
from kerma.findings import Finding
from kerma.standard import vrs

if TYPE_CHECKING:
    from kerma.dataset.body import Body
    from kerma.dataset.dataset import Dataset

_SECTION = "PS3.5 7.1"
CHARSET = key_of(0x00080005)
_TEXT = frozenset(row.code for row in vrs.ALL.values() if row.charset)


def lint(ds: Dataset) -> list[Finding]:
    """Findings of the data set and all its items, those of reading included. Looks at everything, so it takes as long
    as that.
    """
    found: list[Finding] = []
    _elements(ds._body, (), found)
    _texts(ds._body, (), found)
    for path, element in ds.walk():
        if element.vr == "SQ":
            for number, item in enumerate(element.sequence.transient()):
                _elements(item._body, (*path, number), found)
                _texts(item._body, (*path, number), found)
    return ds.findings + found


def refuse_oddities(body: Body) -> None:
    """``FormatError`` for the first departure of one body, for strict reading."""
    found: list[Finding] = []
    _elements(body, body.path, found)
    if CHARSET in body.index:
        found.extend(replace(one, path=(*body.path, *one.path)) for one in body.charsets.findings)
    if found:
        raise FormatError(f"{found[0].text} [{found[0].section}]", offset=found[0].offset, path=found[0].path)


def _elements(body: Body, path: tuple[int, ...], found: list[Finding]) -> None:
    """The elements of one body as they lie in its bytes."""
    last = -1
    raw = sorted(at for at in body.index.values() if isinstance(at, int))
    for pos in raw:
        header = header_at(body.buf, pos, body.end, body.encoding, body.marks, path)
        tag = key_of(header.key)
        name = tag_text(header.key)
        if header.length & 1 and header.length != UNDEFINED:
            text = f"the length of {name} is odd ({header.length})"
            found.append(Finding("odd-length", text, pos, (*path, tag), "PS3.5 7.1.1"))
        if tag < last:
            found.append(Finding("tag-order", f"{name} is out of order", pos, (*path, tag), _SECTION))
        last = max(last, tag)


def _texts(body: Body, path: tuple[int, ...], found: list[Finding]) -> None:
    """The character sets that one body declares, and what of its text they do not explain."""
    if CHARSET in body.index and body.path:  # those of the data set itself are among its findings once it is read
        found.extend(replace(one, path=(*path, *one.path)) for one in body.charsets.findings)
    for key, pos in body.index.items():
        if not isinstance(pos, int):
            continue
        header = body.header(pos)
        vr = body.vr_of(header)
        if vr in _TEXT:
            seen = body.charsets.check(body.slice(header), vr)
            found.extend(replace(one, offset=pos, path=(*path, key_of(key))) for one in seen)
