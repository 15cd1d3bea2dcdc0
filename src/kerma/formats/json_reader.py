"""DICOM JSON as data sets (PS3.18 F.2).

Rules: nothing recurses, and nothing is guessed: what is no attribute, no VR or no value of its VR is a ``FormatError``
with the tag path. What has to be settled about the whole is settled in ``assembly``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kerma.dataset import Dataset, Sequence
from kerma.dataset.body import Body
from kerma.dataset.walking import BULK
from kerma.errors import FormatError, LimitError
from kerma.formats.assembly import LONGEST_PATH, Assembly, Fetch, chosen_vr, from_base64
from kerma.formats.json_plain import place_of, plain_value, plain_values
from kerma.formats.json_values import value_of
from kerma.limits import Limits

_VALUES = ("Value", "InlineBinary", "BulkDataURI")
_HEX = frozenset("0123456789ABCDEFabcdef")
_Waiting = tuple[Dataset, Mapping[Any, Any], tuple[int, ...], int]
"""A data set that is to be filled: its attributes, where it is, and how deep that is."""


def build(model: Any, *, bulk: Fetch | None, limits: Limits, transfer_syntax_uid: str | None) -> Dataset:
    """The data set of a decoded JSON object; see ``kerma.from_json``."""
    assembly = _JSONReader(bulk, limits, transfer_syntax_uid)
    assembly.run(model)
    return assembly.finish()


class _JSONReader(Assembly):
    """One JSON object."""

    def run(self, model: Any) -> None:
        """Read one JSON object."""
        if not isinstance(model, Mapping):
            raise FormatError("a data set in JSON is an object of attributes (PS3.18 F.2.2)")
        # The items of a data set wait until all that is beside them is read.
        waiting: list[_Waiting] = [(self.root, model, (), 1)]
        while waiting:
            ds, attributes, base, depth = waiting.pop()
            if depth > self.limits.max_depth and attributes:
                path = (*base, _tag(next(iter(attributes)), base)) if len(base) < LONGEST_PATH else base
                raise LimitError(f"items nest deeper than {self.limits.max_depth}", path=path)
            found: list[_Waiting] = []
            entries = iter(attributes.items())
            while (entry := self._plain(ds, entries, base, depth, found)) is not None:
                tag = _tag(entry[0], base)
                path = (*base, tag) if len(base) < LONGEST_PATH else base
                try:
                    items = self._attribute(ds, tag, entry[1], path)
                    if items is not None:
                        self.put(ds, tag, "SQ", self._sequence(items, path, depth, found))
                except FormatError as error:
                    if not error.path:
                        error.path = path
                    raise
            found.reverse()
            waiting += found

    def _plain(
        self, ds: Dataset, entries: Iterator[tuple[Any, Any]], base: tuple[int, ...], depth: int, found: list[_Waiting]
    ) -> Any:
        """Put the attributes into ``ds`` that are plain; the next one that is not, None at the end."""
        body = ds._body
        index, cache = body.index, body.cache
        left = self.limits.max_elements - self.count
        for entry in entries:
            name, model = entry
            place = place_of(name)
            if place is None or type(model) is not dict or left <= 0 or len(model) != 2:
                break
            vr: Any = model.get("vr")
            parts = model.get("Value")
            if type(parts) is not list:
                break
            if vr == "SQ":
                path = (*base, place[0]) if len(base) < LONGEST_PATH else base
                value = self._sequence(parts, path, depth, found)
            else:
                value = plain_value(vr, parts[0]) if len(parts) == 1 else plain_values(vr, parts)
                if value is None:
                    break
            left -= 1
            key = place[1]
            index[key] = vr
            cache[key] = value
        else:
            entry = None
        self.count = self.limits.max_elements - left
        return entry

    def _attribute(self, ds: Dataset, tag: int, model: Any, path: tuple[int, ...]) -> list[Any] | None:
        """Put one attribute into ``ds``; if it is a sequence its items, and nothing is put."""
        if type(model) is not dict and not isinstance(model, Mapping):
            raise FormatError('an attribute in JSON is an object with "vr" (PS3.18 F.2.2)')
        vr = model.get("vr")
        vr = chosen_vr(tag, vr, model.get("Value"))
        uri = model.get("BulkDataURI")
        inline = model.get("InlineBinary")
        parts = model.get("Value")
        if len(model) > 2 and sum(name in model for name in _VALUES) > 1:
            raise FormatError("an attribute has one of Value, InlineBinary and BulkDataURI (PS3.18 F.2.2)")
        if uri is not None:
            self.put(ds, tag, vr, self.fetched(vr, path, uri))
            return None
        if inline is not None:
            self.put(ds, tag, vr, self.binary(vr, from_base64(inline)))
            return None
        if parts is not None and not isinstance(parts, list):
            raise FormatError('"Value" is an array (PS3.18 F.2.4)')
        if vr == "SQ":
            return parts or []
        if parts and vr in BULK and any(part is not None for part in parts):
            raise FormatError(f"a value of {vr} is InlineBinary or BulkDataURI (PS3.18 F.2.2)")
        self.put(ds, tag, vr, value_of(vr, parts) if parts else None)
        return None

    def _sequence(self, parts: list[Any], path: tuple[int, ...], depth: int, found: list[_Waiting]) -> Sequence:
        """The sequence of items that are still empty; what is to be put into them goes to ``found``."""
        marks = self.root._body.marks
        items = []
        short = len(path) < LONGEST_PATH
        for number, part in enumerate(parts):
            if part is not None and type(part) is not dict and not isinstance(part, Mapping):
                raise FormatError("an item is an object of attributes (PS3.18 F.2.2)", path=path)
            item = Dataset.from_body(Body.new(marks))
            items.append(item)
            if part:
                found.append((item, part, (*path, number) if short else path, depth + 1))
        sequence = Sequence.over(items, None, defined=True)
        sequence.changed = True
        return sequence


def _tag(name: Any, base: tuple[int, ...]) -> int:
    if isinstance(name, str) and len(name) == 8 and _HEX.issuperset(name):
        return int(name, 16)
    raise FormatError(f"{str(name)[:32]!r} is no tag of eight hexadecimal digits (PS3.18 F.2.2)", path=base)
