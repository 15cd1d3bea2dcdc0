"""Element by element: what Kerma reads against what pydicom reads from the same file.

A ``Difference`` is a place where the two do not say the same after what has no meaning was taken away (padding of
PS3.5 6.2, the container types). Nothing here judges who is right: ``differences.py`` does, with the paragraph of the
standard.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pydicom
from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as PydicomSequence

from kerma.dataset import Dataset
from kerma.errors import KermaError, format_path
from kerma.values import DS, IS, Charsets, decode

BYTES = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
BOTH_ENDS = frozenset({"AE", "CS", "LO", "SH", "IS", "DS", "UI"})


@dataclass(frozen=True)
class Difference:
    """``kind``: missing (only pydicom has it), extra (only Kerma), vr, value, items, error (Kerma raises), theirs
    (pydicom raises).
    """

    file: str
    path: tuple[int, ...]
    kind: str
    ours: str
    theirs: str

    def __str__(self) -> str:
        place = format_path(self.path) or "the file"
        return f"{self.file}: {place}: {self.kind}: ours {self.ours}, theirs {self.theirs}"


@dataclass
class Comparison:
    """What one file came to."""

    elements: int = 0
    differences: tuple[Difference, ...] = ()


def compare(name: str, ours: Dataset, theirs: pydicom.FileDataset) -> Comparison:
    """All elements of the meta information and of the data set, items included."""
    walk = _Walk(name)
    if ours.meta is not None or len(theirs.file_meta):
        walk.dataset(ours.meta if ours.meta is not None else Dataset(), theirs.file_meta, ())
    walk.dataset(ours, theirs, ())
    return Comparison(walk.elements, tuple(walk.found))


class _Walk:
    def __init__(self, name: str) -> None:
        self.name = name
        self.elements = 0
        self.found: list[Difference] = []

    def note(self, path: tuple[int, ...], kind: str, ours: object, theirs: object) -> None:
        self.found.append(Difference(self.name, path, kind, _short(ours), _short(theirs)))

    def dataset(self, ours: Dataset, theirs: pydicom.Dataset, path: tuple[int, ...]) -> None:
        stack: list[tuple[Dataset, pydicom.Dataset, tuple[int, ...]]] = [(ours, theirs, path)]
        while stack:
            one, other, at = stack.pop()
            try:
                mine = set(one)
            except KermaError as error:  # an item is scanned when it is used
                self.note(at, "error", type(error).__name__, "read")
                continue
            yours = set(map(int, other.keys()))
            for tag in sorted(yours - mine):
                self.note((*at, tag), "missing", "-", _their_vr(other, tag))
            for tag in sorted(mine - yours):
                self.note((*at, tag), "extra", one[tag].vr, "-")
            for tag in sorted(mine & yours):
                self.elements += 1
                stack.extend(self.element(one, other, tag, (*at, tag)))

    def element(
        self, ours: Dataset, theirs: pydicom.Dataset, tag: int, path: tuple[int, ...]
    ) -> Iterator[tuple[Dataset, pydicom.Dataset, tuple[int, ...]]]:
        try:
            their_element: DataElement = theirs[tag]
            their_vr, their_value = str(their_element.VR), their_element.value
        except Exception as error:  # noqa: BLE001  whatever the oracle raises, it has no value to compare with
            self.theirs_failed(ours, tag, path, error)
            return
        try:
            element = ours[tag]
            value = element.value
        except KermaError as error:
            self.note(path, "error", type(error).__name__, f"{their_vr} {_short(their_value)}")
            return
        if element.vr == "SQ" or isinstance(their_value, PydicomSequence):
            yield from self.items(value, their_value, path, element.vr, their_vr)
            return
        if element.vr != their_vr:
            again = _read_as(their_vr, element, ours)
            alike = same(again, their_value, their_vr) or (again is None and not _filled(their_value))
            self.note(path, "vr" if alike else "value", element.vr, their_vr)
        elif not same(value, their_value, their_vr):
            self.note(path, "value", value, their_value)

    def theirs_failed(self, ours: Dataset, tag: int, path: tuple[int, ...], error: Exception) -> None:
        try:
            text = f"{ours[tag].vr} {_short(ours[tag].value)}"
        except KermaError as ours_error:
            text = type(ours_error).__name__
        self.note(path, "theirs", text, type(error).__name__)

    def items(
        self, ours: Any, theirs: Any, path: tuple[int, ...], our_vr: str, their_vr: str
    ) -> Iterator[tuple[Dataset, pydicom.Dataset, tuple[int, ...]]]:
        if our_vr != "SQ" or not isinstance(theirs, PydicomSequence):
            self.note(path, "vr" if not ours and not theirs else "value", our_vr, their_vr)
            return
        mine = list(ours or ())
        if len(mine) != len(theirs):
            self.note(path, "items", len(mine), len(theirs))
        for index, (one, other) in enumerate(zip(mine, theirs, strict=False)):
            yield one, other, (*path, index)


def same(ours: Any, theirs: Any, vr: str) -> bool:
    """Whether two values of ``vr`` mean the same."""
    if vr in BYTES or isinstance(theirs, (bytes, bytearray)):
        return bytes(ours or b"") == bytes(theirs or b"")
    mine = list(ours) if isinstance(ours, tuple) else [ours]
    several = isinstance(theirs, (MultiValue, list, tuple))
    yours = list(theirs) if several else [theirs]
    if len(mine) != len(yours):
        return not any(map(_filled, mine)) and not any(map(_filled, yours))
    return all(_same_one(one, other, vr) for one, other in zip(mine, yours, strict=True))


def _filled(value: Any) -> bool:
    return value is not None and value not in ("", b"")  # also for pydicom's names, which only compare as text


def _same_one(ours: Any, theirs: Any, vr: str) -> bool:
    if not _filled(ours) or not _filled(theirs):
        return (not _filled(ours) and not _filled(theirs)) or (
            isinstance(theirs, str) and not theirs.strip(" \0=") and not ours
        )
    if isinstance(ours, (IS, DS)):
        text = getattr(theirs, "original_string", None)
        return bool(ours == theirs) and (text is None or text.strip(" \0") == ours.text)
    if isinstance(ours, float):
        return ours == theirs or (math.isnan(ours) and math.isnan(theirs))
    if isinstance(ours, int):
        return bool(ours == int(theirs))
    text = str(theirs)
    if vr == "PN":  # a "=" that ends a name says nothing (PS3.5 6.2.1.1), nor do spaces at its end
        return bool(ours.rstrip("=") == text.rstrip(" \0").rstrip("="))
    return bool(ours == (text.strip(" \0") if vr in BOTH_ENDS else text.rstrip(" \0")))


def _read_as(vr: str, element: Any, dataset: Dataset) -> Any:
    """Our bytes as pydicom's VR, to see whether the VR is all that differs."""
    explicit_big = str(dataset.transfer_syntax_uid or "") == "1.2.840.10008.1.2.2"
    terms = dataset.get("SpecificCharacterSet")
    charsets = Charsets.of((terms,) if isinstance(terms, str) else terms)
    for little_endian in (not explicit_big, explicit_big):
        try:
            value = decode(
                vr.rsplit(" or ", maxsplit=1)[-1] if " or " in vr else vr,
                element.raw,
                little_endian=little_endian,
                charsets=charsets,
            )
        except KermaError:
            continue
        if value is not None:
            return value
    return None


def _their_vr(dataset: pydicom.Dataset, tag: int) -> str:
    try:
        return str(getattr(dataset.get_item(tag), "VR", "?"))
    except Exception as error:  # noqa: BLE001  the oracle has no value there
        return type(error).__name__


def _short(value: object) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"{len(value)} bytes {bytes(value[:12]).hex()}"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}... ({len(text)})"
