"""What a data set is made of: the bytes that it came from, the index over them, and what was assigned.

Rules of this module:

- ``index`` maps the key of a tag (``encoding.syntax.key_of``) to an ``int``, the offset of the element's header in
  ``buf``, or to a ``str``, the VR of an element that was assigned; the value of that one is in ``cache``.
- ``cache`` holds decoded values beside the bytes, never instead of them. A sequence in it may have been changed;
  ``writing`` looks.
- ``charsets`` is how the *bytes* are to be read. It is fixed by what they said when they came, so assigning
  SpecificCharacterSet changes how text is written, never how it was read.
- An item knows what it inherits (character sets, pixel representation) as values, not by a reference to its parent: a
  data set is a tree without cycles, freed as soon as nobody holds it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerma import values
from kerma.dataset.lint import refuse_oddities
from kerma.dataset.salvage import salvage
from kerma.encoding.headers import other_encoding, read_header
from kerma.encoding.marks import Header, Marks
from kerma.encoding.scan import scan
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import EXPLICIT_LE, UNDEFINED, Encoding, key_of
from kerma.errors import FormatError, KermaError
from kerma.limits import Limits, Strictness
from kerma.standard import elements, private

CHARSET = key_of(0x00080005)
PIXEL_REPRESENTATION = key_of(0x00280103)
Charsets = values.Charsets


class Inherited:
    """What an item takes from the data sets around it (PS3.3 C.12.1.1.2, PS3.5 A.1)."""

    __slots__ = ("charsets", "signed")

    def __init__(self, charsets: Charsets = values.DEFAULT, signed: bool | None = None) -> None:
        self.charsets = charsets
        self.signed = signed


NOTHING = Inherited()
_ITEM_TAGS = frozenset({b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"})


class Body:
    """The state of one data set. ``start`` and ``end`` bound its elements in ``buf``; ``style`` tells how its item
    was delimited.
    """

    __slots__ = (
        "cache",
        "changed",
        "charsets_now",
        "encoding",
        "end",
        "full",
        "index_now",
        "inherited",
        "late",
        "marks",
        "path",
        "start",
        "style",
        "window",
    )

    def __init__(
        self,
        buf: Buffer,
        start: int,
        end: int,
        encoding: Encoding,
        marks: Marks,
        inherited: Inherited = NOTHING,
        path: tuple[int, ...] = (),
    ) -> None:
        self.window = buf
        self.full: Buffer | None = buf
        self.late: Callable[[], Buffer] | None = None
        self.start = start
        self.end = end
        self.encoding = encoding
        self.marks = marks
        self.inherited = inherited
        self.path = path
        self.index_now: dict[int, int | str] | None = None
        self.cache: dict[int, Any] = {}
        self.changed = False
        self.style = False
        self.charsets_now: Charsets | None = None

    @classmethod
    def new(cls) -> Body:
        """An empty one, without bytes."""
        body = cls(b"", 0, 0, EXPLICIT_LE, Marks(Limits(), Strictness.LENIENT))
        body.index_now = {}
        body.changed = True
        return body

    @classmethod
    def of_window(
        cls,
        window: bytes,
        start: int,
        end: int,
        encoding: Encoding,
        marks: Marks,
        index: dict[int, Any],
        late: Callable[[], Buffer],
    ) -> Body:
        """One whose headers are all in ``window``, the first bytes of what ``late`` gives when it is asked."""
        body = cls(window, start, end, encoding, marks)
        body.index_now = index
        body.full = None
        body.late = late
        return body

    @property
    def buf(self) -> Buffer:
        """All bytes. Of a large file they are read now, if they were not."""
        full = self.full
        if full is None:
            assert self.late is not None
            full = self.full = self.window = self.late()
        return full

    def near(self, end: int) -> Buffer:
        """Bytes that hold what lies before ``end``: those that are at hand, if they do."""
        window = self.window
        return window if end <= len(window) else self.buf

    @property
    def index(self) -> dict[int, int | str]:
        index = self.index_now
        if index is None:
            index = self.load()
        return index

    def load(self) -> dict[int, int | str]:
        """Scan, unless done."""
        if self.index_now is None:
            found: dict[int, Any]
            if self.marks.salvage is not None:
                whole, self.encoding = salvage(self.buf, self.start, self.end, self.encoding, self.marks, self.path)
                self.index_now = dict[int, int | str](whole)
                return self.index_now
            try:
                found = scan(self.buf, self.start, self.end, self.encoding, self.marks, self.path)
            except FormatError:
                other = None if self.path else other_encoding(self.buf, self.start, self.end, self.encoding)
                if other is None:
                    raise
                self.marks.forget(self.start)
                found = scan(self.buf, self.start, self.end, other, self.marks, self.path)
                self.marks.note(
                    "wrong-syntax",
                    f"the data set is in {other.name}, not in {self.encoding.name} as its transfer syntax says",
                    offset=self.start,
                    section="PS3.5 10",
                )
                self.encoding = other
            index: dict[int, Any] = found
            self.index_now = index
            if self.marks.strict:
                refuse_oddities(self)
        return self.index_now

    @property
    def charsets(self) -> Charsets:
        """The character sets that the bytes are in."""
        charsets = self.charsets_now
        if charsets is None:
            charsets = self.inherited.charsets
            at = self.index.get(CHARSET)
            if type(at) is int:
                head = self.header(at)
                terms = values.decode("CS", self.slice(head))
                charsets = Charsets.of(() if terms is None else terms)
            self.charsets_now = charsets
        return charsets

    def header(self, at: int) -> Header:
        marks = self.marks
        if marks.odd and at in marks.odd:
            return marks.odd[at]
        return read_header(self.near(at + 12), at, self.encoding)

    def slice(self, head: Header) -> Buffer:
        """The bytes of a value; of undefined length without its delimiter."""
        end = self.value_end(head)
        return self.near(end)[head.value : end]

    def value_end(self, head: Header) -> int:
        return head.value + head.length if head.length != UNDEFINED else self.marks.ends[head.value]

    def element_end(self, head: Header) -> int:
        """The offset after the element, its delimiter included."""
        return head.value + head.length if head.length != UNDEFINED else self.marks.after(head.value)

    def vr_of(self, head: Header) -> str:
        """The VR to read a raw element with: as written, by the dictionary in implicit VR, and for UN where that
        knows better (PS3.5 6.2.2).
        """
        vr = head.vr
        if vr and vr != "UN":
            return vr
        known = self.dictionary_vr(key_of(head.key))
        if head.length != UNDEFINED:
            if known == "SQ" and head.length and not self._begins_with_item(head):
                return "UN"
            return known
        return known if known in {"OB", "OW"} else "SQ"

    def _begins_with_item(self, head: Header) -> bool:
        """Whether a value that should be a sequence by the dictionary looks like one."""
        return bytes(self.near(head.value + 4)[head.value : head.value + 4]) in _ITEM_TAGS

    def dictionary_vr(self, tag: int) -> str:
        """The VR that the standard gives ``tag`` here; PixelRepresentation decides between US and SS."""
        if tag & 0x10000:
            return self._private_vr(tag)
        vr = elements.TAG_TO_VR[tag]
        if vr == "US" and self.signed and "SS" in _choices(tag):
            return "SS"
        return vr

    def _private_vr(self, tag: int) -> str:
        if tag & 0xFFFF < 0x1000:
            return elements.TAG_TO_VR[tag]
        creator = self.creator_of(tag)
        row = private.lookup(creator, tag) if creator else None
        return "UN" if row is None or " " in row.vr or not row.vr else row.vr

    def creator_of(self, tag: int) -> str:
        """The private creator whose block holds ``tag`` (PS3.5 7.8.1), "" where none is declared."""
        key = key_of(tag & 0xFFFF0000 | (tag >> 8 & 0xFF))
        creator = self.plain(key, "LO")
        return creator if isinstance(creator, str) else ""

    @property
    def signed(self) -> bool | None:
        """Whether PixelRepresentation, here or around, says signed; None where nothing says."""
        representation = self.plain(PIXEL_REPRESENTATION, "US")
        return self.inherited.signed if representation is None else representation == 1

    def plain(self, key: int, vr: str) -> Any:
        """The value of ``key`` read as ``vr``, None where absent or not readable; for the elements that others depend
        on.
        """
        at = self.index.get(key)
        if at is None:
            return None
        if key in self.cache:
            return self.cache[key]
        if type(at) is not int:
            return None
        try:
            return values.decode(
                vr, self.slice(self.header(at)), little_endian=self.encoding.little_endian, charsets=self.charsets
            )
        except KermaError:
            return None

    def for_items(self) -> Inherited:
        """What the items of this data set inherit, as far as reading goes."""
        return Inherited(self.charsets, self.signed)


_CHOICES: dict[int, tuple[str, ...]] = {}


def _choices(tag: int) -> tuple[str, ...]:
    known = _CHOICES.get(tag)
    if known is None:
        row = elements.lookup(tag)
        known = () if row is None else row.vrs
        if len(_CHOICES) < 10_000:
            _CHOICES[tag] = known
    return known
