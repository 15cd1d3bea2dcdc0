"""DICOM JSON of many data sets that are alike, as the slices of a series are: what they share is written once.

PS3.18 F.2. Rules:

- The text of an element follows from its bytes, its VR and what other elements say of it: the character set, the pixel
  representation and the private creators (``_CONTEXT``). Equal bytes in an equal context have equal text.
- Elements that have not varied so far are looked up as runs: a slice is a few dozen look-ups, not some hundreds.
- The texts are those of ``json_writer``, to which every element that was not seen before goes. Only data sets over
  plain bytes take this way; what is odd in any respect is None here, and goes there as a whole.
- Text with the URI of a bulk datum belongs to one instance and is not kept.
- What is kept is bounded in number and in size.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from itertools import pairwise
from json.encoder import encode_basestring

from kerma.dataset import Dataset, Element
from kerma.dataset.walking import BULK
from kerma.encoding.syntax import tag_of
from kerma.formats.json_writer import SHORT, json_pieces, simple_parts
from kerma.formats.plain_values import Bulk

_MANY = 8192
_LONG = 1 << 16
_CHARSET = 0x00080005
_CONTEXT = frozenset({_CHARSET, 0x00280103})
_PLACES = sys.byteorder == "little" and array("I").itemsize == 4
"""Whether the places of a compiled scan are pairs of 32-bit numbers, offset and tag."""


class AlikeJSON:
    """Texts of elements, for one run over data sets that are alike; no run of elements goes over the tag ``cut``."""

    def __init__(self, cut: int = 0) -> None:
        self.cut = cut
        self.texts: dict[bytes, str] = {}
        self.tags: list[int] = []
        self.placed: list[int] = []
        self.syntax = ""
        self._context: list[bytes] = []
        self._segments: list[tuple[int, int]] = []
        self._varying: set[int] = set()
        self._met = False

    def elements(self, data: bytes, transfer_syntax_uid: str, bulk: Bulk) -> tuple[list[int], list[str]] | None:
        """Texts of the elements of an encoded data set (``"00080018":{...}``), one or several with commas between, and
        the first tag of each, in ascending order and without group lengths; None where it is not plain enough.
        ``FormatError`` where it is no data set.
        """
        ds = Dataset.from_bytes(data, transfer_syntax_uid)
        tags, offsets = _laid(ds)
        if not offsets or ds._body.marks.odd or ds.findings or offsets[0] != 0 or offsets != sorted(offsets):
            return None
        if tags != self.tags and not self._take(tags):
            return None
        offsets.append(len(data))
        self._enter(transfer_syntax_uid, [data[offsets[number] : offsets[number + 1]] for number in self.placed])
        known = self.texts
        firsts: list[int] = []
        texts: list[str] = []
        one: _One | None = None
        for start, end in self._segments:
            raw = data[offsets[start] : offsets[end]]
            text = known.get(raw)
            if text is None:
                one = one or _One(self, ds, data, offsets, bulk)
                text = one.run(start, end, raw)
                if text is None:
                    return None
            if text:
                firsts.append(tags[start])
                texts.append(text)
        if one is not None:
            self._learn(one)
        self._met = True
        return firsts, texts

    def _take(self, tags: list[int]) -> bool:
        """Other elements than those of the data set before; False where they are not in order."""
        if any(one >= other for one, other in pairwise(tags)):
            return False
        self.tags = tags
        self.placed = [number for number, tag in enumerate(tags) if tag in _CONTEXT or _is_creator(tag)]
        self._varying, self._met = set(), False
        self._divide()
        return True

    def _divide(self) -> None:
        """Runs of elements between those that vary, and none over the tag where nothing may run over."""
        alone = self._varying | {number for number, tag in enumerate(self.tags) if tag == self.cut}
        starts = {0, bisect_left(self.tags, self.cut), len(self.tags), *alone, *(number + 1 for number in alone)}
        self._segments = list(pairwise(sorted(starts)))

    def _learn(self, one: _One) -> None:
        varying = one.named | one.missed if self._met else one.named
        if not varying <= self._varying:
            self._varying |= varying
            self._divide()

    def _enter(self, syntax: str, context: list[bytes]) -> None:
        """Forget what was said in another context, and what has become too much."""
        if context != self._context or syntax != self.syntax or len(self.texts) > _MANY:
            self.texts.clear()
            self._context, self.syntax = context, syntax


class _One:
    """One data set in which something was not met before. ``missed`` are the numbers of elements without a text,
    ``named`` of those with a URI.
    """

    def __init__(self, owner: AlikeJSON, ds: Dataset, data: bytes, offsets: list[int], bulk: Bulk) -> None:
        self.owner = owner
        self.ds = ds
        self.data = data
        self.offsets = offsets
        self.bulk = bulk
        self.missed: set[int] = set()
        self.named: set[int] = set()

    def raw(self, number: int) -> bytes:
        return self.data[self.offsets[number] : self.offsets[number + 1]]

    def run(self, start: int, end: int, raw: bytes) -> str | None:
        """The text of elements that follow each other; None where they cannot be written one by one."""
        out: list[str] = []
        kept = True
        for number in range(start, end):
            text = self.text(number)
            if text is None:
                return None
            kept = kept and number not in self.named
            if text:
                out.append(text)
        found = ",".join(out)
        if kept and end - start > 1 and len(raw) <= _LONG:
            self.owner.texts[raw] = found
        return found

    def text(self, number: int) -> str | None:
        """The text of one element, "" for a group length; None where it cannot be told by itself."""
        owner = self.owner
        raw = self.raw(number)
        found = owner.texts.get(raw)
        if found is not None:
            return found
        self.missed.add(number)
        tag = owner.tags[number]
        if not tag & 0xFFFF:
            return ""
        body = self.ds._body
        head = body.header(self.offsets[number])
        vr = body.vr_of(head)
        if vr in BULK and head.length:
            uri = self.bulk((tag,), Element(self.ds, tag))
            if uri is not None:
                self.named.add(number)
                return f'"{tag:08X}":{{"vr":"{vr}","BulkDataURI":{encode_basestring(uri)}}}'
        if vr in SHORT and tag != _CHARSET:
            parts = simple_parts(vr, body.slice(head), body.encoding.little_endian)
            if parts is not None:
                value = f',"Value":[{parts}]' if parts else ""
                found = owner.texts[raw] = f'"{tag:08X}":{{"vr":"{vr}"{value}}}'
                return found
        return self._written(number, raw)

    def _written(self, number: int, raw: bytes) -> str | None:
        """As the writer of JSON has it, among the elements that it is read by; their texts are taken off again."""
        owner = self.owner
        named = False

        def noting(path: tuple[int, ...], element: Element) -> str | None:
            nonlocal named
            uri = self.bulk(path, element)
            named = named or uri is not None
            return uri

        around = self._around(number)
        beside = [self.text(place) for place in around]
        if None in beside:
            return None
        data = b"".join(self.raw(place) for place in sorted((number, *around)))
        text = "".join(json_pieces(Dataset.from_bytes(data, owner.syntax), bulk=noting))
        head = "{" + "".join(f"{known}," for place, known in zip(around, beside, strict=True) if place < number)
        tail = "".join(f",{known}" for place, known in zip(around, beside, strict=True) if place > number) + "}"
        found = text[len(head) : len(text) - len(tail)]
        whole = text.startswith(head) and text.endswith(tail)
        if not whole or not found.startswith(f'"{owner.tags[number]:08X}"'):
            return None
        if named:
            self.named.add(number)
        elif len(raw) <= _LONG:
            owner.texts[raw] = found
        return found

    def _around(self, number: int) -> list[int]:
        """What an element is read by: the context, of creators those of its group. They themselves are read by the
        character set.
        """
        owner = self.owner
        tag = owner.tags[number]
        if tag in _CONTEXT or _is_creator(tag):
            return [place for place in owner.placed if owner.tags[place] == _CHARSET != tag]
        group = tag >> 16
        return [place for place in owner.placed if owner.tags[place] in _CONTEXT or owner.tags[place] >> 16 == group]


def _laid(ds: Dataset) -> tuple[list[int], list[int]]:
    """Tags and offsets of the elements of a data set over bytes."""
    body = ds._body
    body.settle()
    places = body.places
    if _PLACES and places is not None:
        words = array("I", places)
        return words[1::2].tolist(), words[::2].tolist()
    index = body.index
    return [tag_of(key) for key in index], list(index.values())  # type: ignore[arg-type]


def _is_creator(tag: int) -> bool:
    return bool(tag & 0x10000) and 0x10 <= tag & 0xFFFF <= 0xFF
