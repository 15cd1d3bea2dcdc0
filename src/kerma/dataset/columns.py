"""One attribute of every item of a sequence, or of every frame, as a column (PS3.5 7.5, PS3.3 C.7.6.16).

Rules:

- No item is built for a column, as long as it is as it came: the values are taken from the bytes by the patterns of
  ``encoding.patterns``. An item that was built, and one that no pattern fits, is asked as a data set.
- Numbers, one in every item, lie in an ``array`` (``data``), which numpy and others take without copying; so
  does what has the same number of values in every item, one after the other. All else is a list.
- What a multi-frame shares by its SharedFunctionalGroupsSequence is one value for all frames, not a copy for each.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

from kerma import values
from kerma.dataset.items import RawItems
from kerma.dataset.sequence import Sequence as Items
from kerma.encoding.long import Pages
from kerma.encoding.patterns import Patterns
from kerma.errors import UsageError, ValueFormatError
from kerma.standard import elements

if TYPE_CHECKING:
    from kerma.dataset.dataset import Dataset

_TEXT = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_NUMBERS = frozenset({"AT", "DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
_PLAIN = _TEXT | _NUMBERS | {"AE", "AS", "CS", "DA", "DT", "TM", "UI"}
_CHARSET = 0x00080005
_PAGES = 16_384  # items between two times that pages are given back
_PER_FRAME, _SHARED, _FRAMES = 0x52009230, 0x52009229, 0x00280008
_REMEMBERED = 4096


class Column(Sequence[Any]):
    """A value for each item: None where the attribute is absent or empty, a tuple where it has several values.

    ``data`` holds them: an ``array`` of numbers, ``width`` of them for each item, or a list. ``shared`` says that one
    value stands for all.
    """

    __slots__ = ("_count", "data", "shared", "width")

    def __init__(self, data: Any, width: int, count: int, *, shared: bool = False) -> None:
        self.data = data
        self.width = width
        self.shared = shared
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(self._count))]
        number = index + self._count if index < 0 else index
        if not 0 <= number < self._count:
            raise IndexError(f"the column has {self._count} values")
        if self.shared:
            number = 0
        if self.width == 1:
            return self.data[number]
        return tuple(self.data[number * self.width : (number + 1) * self.width])

    def __iter__(self) -> Iterator[Any]:
        return (self[number] for number in range(self._count))

    def __repr__(self) -> str:
        return f"<Column of {self._count}{' shared' if self.shared else ''}>"


def parse_path(path: str) -> tuple[int, ...]:
    """The tags of ``Sequence.Attribute``; ``UsageError`` where a name is none."""
    tags = tuple(elements.parse_tag(part) for part in path.split("."))
    if not tags:
        raise UsageError("a column needs the name of an attribute")
    return tags


def column(items: Items, path: str) -> Column:
    """One attribute of every item, through the first item of each sequence on the way: ``FrameContentSequence.Foo``."""
    tags = parse_path(path)
    found = list(_values(items, tags))
    return _packed(found)


def per_frame(ds: Dataset, path: str) -> Column:
    """One attribute of every frame of a multi-frame (PS3.3 C.7.6.16): what is shared counts for all of them.

    ``path`` begins with the macro's sequence: ``PlanePositionSequence.ImagePositionPatient``. ``KeyError`` where the
    data set has no functional groups.
    """
    tags = parse_path(path)
    shared = ds.get(_SHARED)
    if isinstance(shared, Items) and shared:
        value = _of_dataset(shared[0], tags)
        if value is not None:
            frames = ds.get(_FRAMES) or 1
            if not isinstance(frames, int) or not 1 <= frames < 1 << 31:
                raise ValueFormatError("Number of Frames is no number of frames (PS3.3 C.7.6.6)")
            return Column([value], 1, int(frames), shared=True)
    return column(ds.value_of(_PER_FRAME), path)


def _of_dataset(ds: Dataset, tags: tuple[int, ...]) -> Any:
    for tag in tags[:-1]:
        inner = ds.get(tag)
        if not isinstance(inner, Items) or not inner:
            return None
        ds = inner[0]
    return ds.get(tags[-1])


def _values(items: Items, tags: tuple[int, ...]) -> Iterator[Any]:
    """The value of each item."""
    make = items._make
    if not isinstance(make, RawItems) or make.body.marks.salvage is not None:
        yield from (_of_dataset(item, tags) for item in items.transient())
        return
    buf = make.body.near(make.end)
    pair = make.encoding.pair.unpack_from
    # An item that declares character sets of its own, on any level of the path, is asked as a data set.
    declared = [(*tags[:level], _CHARSET) for level in range(len(tags))]
    patterns = Patterns(make.encoding, [tags, *declared])
    charsets = make.inherited.charsets
    plain = _plain_vrs(tags[-1], explicit=make.encoding.explicit)
    offsets = items.offsets()
    pages = Pages(buf, offsets[0] if len(offsets) and type(offsets[0]) is int else make.end)
    remembered: dict[tuple[str, bytes], Any] = {}
    for number, at in enumerate(offsets):
        if type(at) is not int:
            yield _of_dataset(at, tags)
            continue
        if not number % _PAGES:
            pages.passed(at)
        found = patterns.find(buf, at, pair(buf, at)[1])
        if found is None:
            yield _of_dataset(make(at, number), tags)
            after = offsets[number + 1] if number + 1 < len(offsets) else make.end
            if type(after) is int:
                patterns.learn(buf, at, after)
            continue
        pattern, match = found
        group, vr = pattern.groups[0], pattern.vrs[0]
        if not group:
            yield None
        elif vr not in plain or (vr in _TEXT and any(pattern.groups[1:])):
            yield _of_dataset(make(at, number), tags)
        else:
            raw = match[group][pattern.fields[0] :]
            key = (vr, raw)
            if key not in remembered:
                if len(remembered) >= _REMEMBERED:
                    remembered.clear()
                remembered[key] = values.decode(vr, raw, charsets=charsets)
            yield remembered[key]


def _plain_vrs(tag: int, *, explicit: bool) -> frozenset[str]:
    """The VRs whose bytes tell the value: not those that other elements decide, nor bulk."""
    row = elements.lookup(tag)
    return _PLAIN if explicit or (row is not None and len(row.vrs) == 1) else frozenset()


def _packed(found: list[Any]) -> Column:
    """The values in an array where they are plain numbers of one shape, else as they are."""
    if found and all(isinstance(value, int) for value in found):
        return _array("q", found, 1) or Column(found, 1, len(found))
    if found and all(isinstance(value, float) for value in found):
        return _array("d", found, 1) or Column(found, 1, len(found))
    if found and all(type(value) is tuple for value in found):
        width = len(found[0])
        flat = [one for value in found for one in value]
        if len(flat) == width * len(found) and all(len(value) == width for value in found):
            if all(isinstance(one, int) for one in flat):
                return _array("q", flat, width) or Column(found, 1, len(found))
            if all(isinstance(one, float) for one in flat):
                return _array("d", flat, width) or Column(found, 1, len(found))
    return Column(found, 1, len(found))


def _array(code: str, numbers: list[Any], width: int) -> Column | None:
    """None where the numbers are too long for any."""
    for each in (code, "Q"):
        try:
            return Column(array(each, numbers), width, len(numbers) // width)
        except OverflowError:
            continue
    return None
