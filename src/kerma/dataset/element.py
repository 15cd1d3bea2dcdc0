"""One data element as a view on its data set: tag, VR, value and the bytes it came as (PS3.5 7.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kerma.dataset.body import Body
from kerma.dataset.sequence import Sequence
from kerma.encoding.marks import Header
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import UNDEFINED, key_of
from kerma.standard import elements, private

if TYPE_CHECKING:
    from kerma.dataset.dataset import Dataset


class Element:
    """``ds["PatientName"]``. A view: ``value`` reads and assigns through the data set; nothing is decoded before it
    is asked for.
    """

    __slots__ = ("_ds", "tag")

    def __init__(self, ds: Dataset, tag: int) -> None:
        self._ds = ds
        self.tag = tag

    @property
    def _body(self) -> Body:
        return self._ds._body

    @property
    def dataset(self) -> Dataset:
        """The data set that holds it."""
        return self._ds

    @property
    def sequence(self) -> Sequence:
        """The items of an SQ element, not kept by the data set unless it had them; for reading only."""
        return self._ds.sequence_of(self.tag)

    @property
    def header(self) -> Header | None:
        """The header as it lies in the bytes; None for an element that was assigned."""
        at = self._body.find(key_of(self.tag))
        return self._body.header(at) if isinstance(at, int) else None

    @property
    def vr(self) -> str:
        """The VR that the value is read with."""
        return self._ds.vr_of(self.tag)

    @property
    def value(self) -> Any:
        """The decoded value; None where present and empty. ``ValueFormatError`` where the bytes are none of this VR."""
        return self._ds.value_of(self.tag)

    @value.setter
    def value(self, value: Any) -> None:
        self._ds.add(self.tag, self.vr, value)

    @property
    def raw(self) -> memoryview | None:
        """The bytes of the value field, read-only, as they came; None for an element that was assigned."""
        head = self.header
        if head is None:
            return None
        body = self._body
        end = body.value_end(head)
        return memoryview(body.near(end))[head.value : end].toreadonly()

    @property
    def offset(self) -> int | None:
        """Where the header lies in the source (of a deflated data set: in the inflated bytes); None for an element
        that was assigned.
        """
        at = self._body.find(key_of(self.tag))
        return at if isinstance(at, int) else None

    @property
    def length(self) -> int | None:
        """The length field as it came, 0xFFFFFFFF for undefined; None for an element that was assigned."""
        head = self.header
        return None if head is None else head.length

    @property
    def undefined_length(self) -> bool:
        return self.length == UNDEFINED

    @property
    def keyword(self) -> str:
        """The keyword of PS3.6, "" for private and unknown elements."""
        return elements.keyword_of(self.tag)

    @property
    def name(self) -> str:
        """The name of PS3.6 or of the private block's maker, "" where unknown."""
        row = elements.lookup(self.tag)
        if row is not None:
            return row.name
        if self.is_private and self.tag & 0xFFFF >= 0x1000:
            known = private.lookup(self._body.creator_of(self.tag), self.tag)
            return "" if known is None else known.name
        return "Private Creator" if self.is_private and 0x10 <= self.tag & 0xFFFF <= 0xFF else ""

    @property
    def is_private(self) -> bool:
        return bool(self.tag & 0x10000)

    @property
    def fragments(self) -> list[tuple[int, int]]:
        """(offset, length) of each fragment of encapsulated pixel data in the source, the basic offset table first
        (PS3.5 A.4).
        """
        return self._ds.fragments_of(self.tag)

    def fragment(self, index: int) -> Buffer:
        offset, length = self.fragments[index]
        return memoryview(self._body.buf)[offset : offset + length].toreadonly()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Element):
            return NotImplemented
        return self.tag == other.tag and self.vr == other.vr and bool(self.value == other.value)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Element ({self.tag >> 16:04X},{self.tag & 0xFFFF:04X}) {self.vr} {self.keyword or self.name}>"
