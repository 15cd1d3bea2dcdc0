"""DICOM JSON as data sets (PS3.18 F.2).

Rules: nothing recurses, and nothing is guessed: what is no attribute, no VR or no value of its VR is a ``FormatError``
with the tag path. What has to be settled about the whole is settled in ``assembly``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerma.dataset import Dataset, Sequence
from kerma.dataset.walking import BULK
from kerma.errors import FormatError, LimitError
from kerma.formats.assembly import LONGEST_PATH, Assembly, Fetch, chosen_vr, from_base64
from kerma.formats.json_plain import place_of, plain_value
from kerma.formats.json_values import value_of
from kerma.limits import Limits

_VALUES = ("Value", "InlineBinary", "BulkDataURI")
_HEX = frozenset("0123456789ABCDEFabcdef")


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
        # All items of a sequence are put on the stack at once, so each row says how deep it is.
        stack: list[tuple[Dataset, Any, tuple[int, ...], int]] = [(self.root, iter(model.items()), (), 1)]
        while stack:
            ds, entries, base, depth = stack[-1]
            entry = self._plain(ds, entries) if depth <= self.limits.max_depth else next(entries, None)
            if entry is None:
                stack.pop()
                continue
            tag = _tag(entry[0], base)
            path = (*base, tag) if len(base) < LONGEST_PATH else base
            if depth > self.limits.max_depth:
                raise LimitError(f"items nest deeper than {self.limits.max_depth}", path=path)
            try:
                items = self._attribute(ds, tag, entry[1], path)
            except FormatError as error:
                if not error.path:
                    error.path = path
                raise
            for number in range(len(items) - 1, -1, -1):
                inner = (*path, number) if len(base) < LONGEST_PATH else base
                stack.append((*items[number], inner, depth + 1))

    def _plain(self, ds: Dataset, entries: Any) -> Any:
        """Put the attributes into ``ds`` that are plain; the next one that is not, None at the end."""
        body = ds._body
        index, cache = body.index, body.cache
        left = self.limits.max_elements - self.count
        for entry in entries:
            name, model = entry
            place = place_of(name)
            if place is None or type(model) is not dict or left <= 0:
                break
            vr: Any = model.get("vr")
            parts = model.get("Value")
            if len(model) != 2 or type(parts) is not list or len(parts) != 1:
                break
            value = plain_value(vr, parts[0])
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

    def _attribute(self, ds: Dataset, tag: int, model: Any, path: tuple[int, ...]) -> list[tuple[Dataset, Any]]:
        """Put one attribute into ``ds``; the items that are to be read, if it is a sequence."""
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
            return []
        if inline is not None:
            self.put(ds, tag, vr, self.binary(vr, from_base64(inline)))
            return []
        if parts is not None and not isinstance(parts, list):
            raise FormatError('"Value" is an array (PS3.18 F.2.4)')
        if vr == "SQ":
            return self._items(ds, tag, parts or [])
        if parts and vr in BULK and any(part is not None for part in parts):
            raise FormatError(f"a value of {vr} is InlineBinary or BulkDataURI (PS3.18 F.2.2)")
        self.put(ds, tag, vr, value_of(vr, parts) if parts else None)
        return []

    def _items(self, ds: Dataset, tag: int, parts: list[Any]) -> list[tuple[Dataset, Any]]:
        found: list[tuple[Dataset, Any]] = []
        for part in parts:
            if part is not None and type(part) is not dict and not isinstance(part, Mapping):
                raise FormatError("an item is an object of attributes (PS3.18 F.2.2)")
            found.append((Dataset(), iter((part or {}).items())))
        self.put(ds, tag, "SQ", Sequence([item for item, _ in found]))
        return found


def _tag(name: Any, base: tuple[int, ...]) -> int:
    if isinstance(name, str) and len(name) == 8 and _HEX.issuperset(name):
        return int(name, 16)
    raise FormatError(f"{str(name)[:32]!r} is no tag of eight hexadecimal digits (PS3.18 F.2.2)", path=base)
