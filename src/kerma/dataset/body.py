"""What a data set is made of: the bytes that it came from, the index over them, and what was assigned.

Rules of this module:

- ``index`` maps the key of a tag (``encoding.syntax.key_of``) to an ``int``, the offset of the element's header in
  ``buf``, or to a ``str``, the VR of an element that was assigned; the value of that one is in ``cache``.
- ``cache`` holds decoded values beside the bytes, never instead of them. A sequence in it may have been changed;
  ``writing`` looks.
- ``index_now`` is None until somebody wants the whole index as a dict. Before, ``places`` may have it, as the compiled
  scan gives it, and ``fields`` for the compiled keywords: ``find`` is for whoever wants one element, ``index`` for
  whoever walks or changes.
- ``laid`` is what ``places`` was when ``index`` came from it: elements that lie one behind the other up to ``end``.
- ``charsets`` is how the *bytes* are to be read. It is fixed by what they said when they came, so assigning
  SpecificCharacterSet changes how text is written, never how it was read.
- Of a large data set only the ``front`` may be known: then ``index_now`` is None, ``find`` answers what the front
  tells, and ``index``, which is for the whole, walks over the rest first.
- An item knows what it inherits (character sets, pixel representation) as values, not by a reference to its parent: a
  data set is a tree without cycles, freed as soon as nobody holds it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kerma import values
from kerma.dataset.lint import refuse_oddities
from kerma.dataset.salvage import salvage
from kerma.encoding.front import Front
from kerma.encoding.headers import other_encoding, read_header
from kerma.encoding.marks import Header, Marks
from kerma.encoding.places import Index, Places, unpack
from kerma.encoding.scan import scan_places
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import EXPLICIT_LE, UNDEFINED, Encoding, key_of
from kerma.encoding.twin import loops
from kerma.errors import FormatError, KermaError
from kerma.limits import Limits, Strictness
from kerma.standard import elements, private

find_place = loops.find
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
_LIMITS = Limits()
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
        "fields",
        "front",
        "full",
        "index_now",
        "inherited",
        "laid",
        "late",
        "marks",
        "path",
        "places",
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
        self.front: Front | None = None
        self.places: Places | None = None
        self.laid: Places | None = None
        self.fields: Any = None
        self.cache: dict[int, Any] = {}
        self.changed = False
        self.style = False
        self.charsets_now: Charsets | None = None

    @classmethod
    def new(cls, marks: Marks | None = None) -> Body:
        """An empty one, without bytes; ``marks`` are shared by those that are made together."""
        body = cls(b"", 0, 0, EXPLICIT_LE, Marks(_LIMITS, Strictness.LENIENT) if marks is None else marks)
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
        index: dict[int, Any] | Places | Front,
        late: Callable[[], Buffer],
    ) -> Body:
        """One whose headers are known, as a rule from ``window``, the first bytes of what ``late`` gives when it is
        asked.
        """
        body = cls(window, start, end, encoding, marks)
        if isinstance(index, bytes):
            body.take_places(index)
        elif isinstance(index, Front):
            body.front = index
        else:
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

    def find(self, key: int) -> int | str | None:
        """What the index has for ``key``, None where it is absent."""
        index = self.index_now
        if index is None:
            places = self.places
            if places is not None:
                at = find_place(places, key)
                return None if at < 0 else at
            front = self.front
            if front is not None and front.tells(key):
                return front.index.get(key)
            index = self.load()
        return index.get(key)

    def load(self) -> dict[int, int | str]:
        """Scan, unless done; the index as a dict."""
        index = self.index_now
        if index is None:
            self.settle()
            places = self.places
            if places is not None:
                self.index_now = dict[int, int | str](unpack(places))
                self.laid = places
                self.places = self.fields = None
            index = self.index_now
            assert index is not None
        return index

    def settle(self) -> None:
        """Scan, unless done. What is found may be ``places``, which cost nothing for an element and answer ``find``."""
        if self.index_now is not None or self.places is not None:
            return
        if self.front is not None:
            rest: dict[int, Any] | None = self.front.rest(self.buf, self.end, self.encoding, self.marks)
            if rest is not None:
                self.index_now = rest
                self.front = None
                return
        if self.marks.salvage is not None:
            whole, self.encoding = salvage(self.buf, self.start, self.end, self.encoding, self.marks, self.path)
            self.index_now = dict[int, int | str](whole)
            return
        found: Any = self._scan()
        if not isinstance(found, bytes):
            self.index_now = found
        elif not self.marks.strict:
            self.take_places(found)
        else:
            self.index_now = dict[int, int | str](unpack(found))
        if self.marks.strict:
            refuse_oddities(self)

    def take_places(self, places: Places) -> None:
        """Know the whole index as the compiled scan gives it."""
        self.places = places
        window = self.window
        if type(window) is bytes:
            self.fields = loops.Fields(places, window, self.encoding.explicit, self.cache)

    def _scan(self) -> Index | Places:
        try:
            return scan_places(self.buf, self.start, self.end, self.encoding, self.marks, self.path)
        except FormatError:
            other = None if self.path else other_encoding(self.buf, self.start, self.end, self.encoding)
            if other is None:
                raise
            self.marks.forget(self.start, self.end)
            found = scan_places(self.buf, self.start, self.end, other, self.marks, self.path)
            self.marks.note(
                "wrong-syntax",
                f"the data set is in {other.name}, not in {self.encoding.name} as its transfer syntax says",
                offset=self.start,
                section="PS3.5 10",
            )
            self.encoding = other
            return found

    @property
    def charsets(self) -> Charsets:
        """The character sets that the bytes are in."""
        charsets = self.charsets_now
        if charsets is None:
            charsets = self.inherited.charsets
            at = self.find(CHARSET)
            if type(at) is int:
                fields = self.fields
                raw = (fields and fields.short(CHARSET)) or bytes(self.slice(self.header(at)))
                charsets = _CHARSETS.get(raw) or _charsets_of(raw)
                if charsets.findings and not self.path:  # an item is read anew by every walk; lint tells of items
                    self.marks.findings += [replace(one, offset=at) for one in charsets.findings]
            self.charsets_now = charsets
            if self.fields is not None:
                self.fields.spell(charsets)
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
        if head.length != UNDEFINED:
            return head.value + head.length
        ends = self.marks.ends
        if head.value not in ends and self.front is not None:
            end = self.front.value_end(self.buf, head.value, head.vr, self.end, self.encoding, self.marks)
            if end is not None:
                ends[head.value] = end
        if head.value not in ends:
            self.load()
        return ends[head.value]

    def element_end(self, head: Header) -> int:
        """The offset after the element, its delimiter included."""
        if head.length != UNDEFINED:
            return head.value + head.length
        if head.value not in self.marks.ends:
            self.load()
        return self.marks.after(head.value)

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
        at = self.find(key)
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


_CHARSETS: dict[bytes, Charsets] = {}  # of the values of SpecificCharacterSet that were seen


def _charsets_of(raw: bytes) -> Charsets:
    terms = values.decode("CS", raw)
    charsets = Charsets.of(() if terms is None else terms)
    if len(_CHARSETS) < 256 and len(raw) <= 128:
        _CHARSETS[raw] = charsets
    return charsets


_CHOICES: dict[int, tuple[str, ...]] = {}


def _choices(tag: int) -> tuple[str, ...]:
    known = _CHOICES.get(tag)
    if known is None:
        row = elements.lookup(tag)
        known = () if row is None else row.vrs
        if len(_CHOICES) < 10_000:
            _CHOICES[tag] = known
    return known
