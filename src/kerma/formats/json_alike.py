"""DICOM JSON of many data sets that are alike, as the slices of a series are: what they share is written once.

PS3.18 F.2. Rules:

- The text of an element follows from its bytes, its VR and what other elements say of it: the character set, the pixel
  representation and the private creators (``_CONTEXT``). Equal bytes in an equal context have equal text.
- The texts are those of ``json_writer``, to which every element that was not seen before goes. Only data sets over
  plain bytes take this way; what is odd in any respect is None here, and goes there as a whole.
- Text with the URI of a bulk datum belongs to one instance and is not kept.
- What is kept is bounded in number and in size.
"""

from __future__ import annotations

from itertools import pairwise
from json.encoder import encode_basestring

from kerma.dataset import Dataset, Element
from kerma.dataset.walking import BULK
from kerma.encoding.syntax import tag_of
from kerma.formats.json_writer import SHORT, json_pieces, simple_parts
from kerma.formats.plain_values import Bulk

_MANY = 8192
_LONG = 1 << 14
_CHARSET = 0x00080005
_CONTEXT = frozenset({_CHARSET, 0x00280103})
_NESTED = BULK | {"SQ"}


class AlikeJSON:
    """Texts of elements, for one run over data sets that are alike."""

    def __init__(self) -> None:
        self._texts: dict[bytes, str] = {}
        self._keys: list[int] = []
        self._tags: list[int] = []
        self._placed: list[int] = []
        self._context: list[bytes] = []
        self._syntax = ""

    def elements(self, data: bytes, transfer_syntax_uid: str, bulk: Bulk) -> tuple[list[int], list[str]] | None:
        """Tags and texts (``"00080018":{...}``) of the elements of an encoded data set, group lengths left out, in
        ascending order; None where it is not plain enough. ``FormatError`` where it is no data set.
        """
        ds = Dataset.from_bytes(data, transfer_syntax_uid)
        body = ds._body
        index = body.index
        if body.marks.odd or ds.findings or not index:
            return None
        keys = list(index)
        places: list[int] = list(index.values())  # type: ignore[arg-type]
        if places[0] != 0 or places != sorted(places) or (keys != self._keys and not self._take(keys)):
            return None
        tags = self._tags
        raws = [data[start:end] for start, end in pairwise((*places, len(data)))]
        self._enter(transfer_syntax_uid, [raws[number] for number in self._placed])
        texts = list(map(self._texts.get, raws))
        missing = [number for number, text in enumerate(texts) if text is None]
        if missing and not self._fill(ds, places, raws, texts, missing, bulk):
            return None
        if not all(texts):  # group lengths
            return [tag for tag, text in zip(tags, texts, strict=True) if text], [text for text in texts if text]
        return tags, texts  # type: ignore[return-value]

    def _take(self, keys: list[int]) -> bool:
        """Other elements than those of the data set before; False where they are not in order."""
        tags = [tag_of(key) for key in keys]
        if any(one >= other for one, other in pairwise(tags)):
            return False
        self._keys, self._tags = keys, tags
        self._placed = [number for number, tag in enumerate(tags) if tag in _CONTEXT or _is_creator(tag)]
        return True

    def _around(self, numbers: list[int]) -> list[int]:
        """The places of what some elements are read by, and of their group's creators where they are private."""
        groups = {self._tags[number] >> 16 for number in numbers}
        return [place for place in self._placed if self._tags[place] in _CONTEXT or self._tags[place] >> 16 in groups]

    def _enter(self, syntax: str, context: list[bytes]) -> None:
        """Forget what was said in another context, and what has become too much."""
        if context != self._context or syntax != self._syntax or len(self._texts) > _MANY:
            self._texts.clear()
            self._context, self._syntax = context, syntax

    def _fill(
        self,
        ds: Dataset,
        places: list[int],
        raws: list[bytes],
        texts: list[str | None],
        missing: list[int],
        bulk: Bulk,
    ) -> bool:
        """Write the elements that are missing; False where that cannot be done one by one."""
        body = ds._body
        tags = self._tags
        nested: list[int] = []
        others: list[int] = []
        little = body.encoding.little_endian
        for number in missing:
            if not tags[number] & 0xFFFF:
                texts[number] = ""
                continue
            head = body.header(places[number])
            vr = body.vr_of(head)
            if vr in _NESTED:
                uri = bulk((tags[number],), Element(ds, tags[number])) if vr in BULK and head.length else None
                if uri is None:
                    nested.append(number)
                else:
                    texts[number] = f'"{tags[number]:08X}":{{"vr":"{vr}","BulkDataURI":{encode_basestring(uri)}}}'
                continue
            found = simple_parts(vr, body.slice(head), little) if vr in SHORT and tags[number] != _CHARSET else None
            if found is None:
                others.append(number)
                continue
            value = f',"Value":[{found}]' if found else ""
            texts[number] = self._texts[raws[number]] = f'"{tags[number]:08X}":{{"vr":"{vr}"{value}}}'
        if others and not self._others(raws, texts, others, bulk):
            return False
        return all(self._nested(raws, texts, number, bulk) for number in nested)

    def _others(self, raws: list[bytes], texts: list[str | None], numbers: list[int], bulk: Bulk) -> bool:
        """Elements whose text has no text of others in it: written together and cut apart at their tags."""
        whole = sorted({*numbers, *self._around(numbers)})
        text = self._written([raws[number] for number in whole], bulk)
        starts = []
        at = 0
        for number in whole:
            at = text.find(f'"{self._tags[number]:08X}":{{"vr"', at)
            if at < 0:
                return False
            starts.append(at)
        starts.append(len(text))  # before it lies the last brace where others have a comma
        for place, number in enumerate(whole):
            found = text[starts[place] : starts[place + 1] - 1]
            texts[number] = found
            if len(raws[number]) <= _LONG:
                self._texts[raws[number]] = found
        return True

    def _nested(self, raws: list[bytes], texts: list[str | None], number: int, bulk: Bulk) -> bool:
        """A sequence or binary value: written with its context, whose text is known, around it."""
        tag = self._tags[number]
        named = False

        def noting(path: tuple[int, ...], element: Element) -> str | None:
            nonlocal named
            uri = bulk(path, element)
            named = named or uri is not None
            return uri

        around = self._around([number])
        before = [place for place in around if place < number]
        after = [place for place in around if place > number]
        text = self._written([raws[place] for place in (*before, number, *after)], noting)
        if any(texts[place] is None for place in around):
            return False
        head = "{" + "".join(f"{texts[place]}," for place in before)
        tail = "".join(f",{texts[place]}" for place in after) + "}"
        if not text.startswith(head) or not text.endswith(tail):
            return False
        found = text[len(head) : len(text) - len(tail)]
        if not found.startswith(f'"{tag:08X}"'):
            return False
        texts[number] = found
        if not named and len(raws[number]) <= _LONG:
            self._texts[raws[number]] = found
        return True

    def _written(self, raws: list[bytes], bulk: Bulk) -> str:
        return "".join(json_pieces(Dataset.from_bytes(b"".join(raws), self._syntax), bulk=bulk))


def _is_creator(tag: int) -> bool:
    return bool(tag & 0x10000) and 0x10 <= tag & 0xFFFF <= 0xFF
