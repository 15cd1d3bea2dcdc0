"""A data set as bytes: what was not changed as it came, what was changed anew (PS3.5 7, A).

Rules:

- Untouched as a whole and in the same syntax: its very bytes, trailing padding and oddities included; deflated ones
  without being deflated again.
- Otherwise in the transfer syntax that is said, also where the bytes turned out to be in another (``wrong-syntax``).
- Elements are written in tag order. One that was not touched is a slice of the bytes that it came as, if the encoding
  is the same; in another encoding a new header before the same value, byte-swapped where the order differs.
- Sequences and items keep their style, defined or undefined length; new ones have defined lengths.
- Group lengths (gggg,0000), retired by PS3.5 7.2, are left out of every data set and item that is written anew,
  because they would be wrong; a command set's and the meta information's are computed where those are made.
- Text is written in the character set that the data set declares when it is written; text that came in another is
  converted.
- Values longer than their VR's 16-bit length are written as UN (PS3.5 6.2.2).
- Of a damaged data set (``Strictness.SALVAGE``) that is written anew, the bytes that belong to no element are left
  out: what was salvaged becomes a right data set.
- Nothing recurses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kerma import values
from kerma.dataset.body import CHARSET, Body
from kerma.dataset.bulk import BulkData
from kerma.dataset.fragments import Fragments
from kerma.dataset.items import read_sequence
from kerma.dataset.salvage import must_rebuild
from kerma.dataset.sequence import Sequence
from kerma.encoding.inflate import deflate
from kerma.encoding.marks import Header
from kerma.encoding.places import unpack
from kerma.encoding.source import Buffer
from kerma.encoding.swap import WORD_SIZES
from kerma.encoding.syntax import EXPLICIT_LE, UNDEFINED, Encoding, encoding_of, key_of, tag_of
from kerma.encoding.twin import loops
from kerma.encoding.writer import (
    Piece,
    Plan,
    Swap,
    element_header,
    header_size,
    item_end,
    item_header,
    render,
    sequence_end,
    slices,
)
from kerma.errors import UnsupportedSyntaxError, ValueEncodeError
from kerma.standard import transfer_syntaxes, uids, vrs

if TYPE_CHECKING:
    from kerma.dataset.dataset import Dataset

spans = loops.spans
_TEXT = frozenset(code for code, row in vrs.ALL.items() if row.charset)
_HOLDING_TEXT = _TEXT | {"SQ"}  # what another character set writes anew, even where it came as UN
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})


def to_bytes(ds: Dataset, uid: str | None = None) -> bytes:
    """See ``Dataset.to_bytes``."""
    return b"".join(chunks(ds, uid))


def chunks(ds: Dataset, uid: str | None = None) -> Iterator[Buffer]:
    """See ``Dataset.chunks``."""
    body = ds._body
    came_as = ds.transfer_syntax_uid
    if uid is None:
        uid = came_as
    changed = touched(body)
    encoding, deflated = _target(ds, uid, changed)
    if uid is not None and uid != came_as:
        _check_pixels(ds, uid)
    file = ds._file
    if deflated and not changed and body.encoding is encoding and file is not None and file.deflated is not None:
        return slices(file.deflated, 0, len(file.deflated))
    pieces = _pieces(body, encoding, changed)
    return deflate(pieces) if deflated else pieces


def plain_chunks(ds: Dataset) -> Iterator[Buffer]:
    """The elements in the encoding that they have, not deflated."""
    return _pieces(ds._body, ds._body.encoding, touched(ds._body))


def encoded_chunks(ds: Dataset, encoding: Encoding) -> Iterator[Buffer]:
    """The elements in ``encoding``, not deflated; for forms that are in no transfer syntax."""
    return _pieces(ds._body, encoding, touched(ds._body))


def _pieces(body: Body, encoding: Encoding, changed: set[int]) -> Iterator[Buffer]:
    if not changed and body.encoding is encoding:
        return slices(body.buf, body.start, body.end)
    return render(_Writer(encoding, changed).plan(body))


def _target(ds: Dataset, uid: str | None, changed: set[int]) -> tuple[Encoding, bool]:
    """The encoding to write ``uid`` in. Where that is the syntax it came in, and nothing was changed: as it came,
    whatever its bytes turned out to be.
    """
    body, file = ds._body, ds._file
    if uid is None:
        return body.encoding, False
    if not changed and file is not None and uid == file.uid and body.end > body.start:
        return body.encoding, file.deflated is not None
    return encoding_of(uid)


def touched(root: Body) -> set[int]:
    """The ids of the bodies that cannot be written as they came: changed themselves, or something in them was."""
    bodies = [root]
    parents = [-1]
    seen = {id(root)}
    flags = [root.changed]
    at = 0
    while at < len(bodies):
        for value in bodies[at].cache.values():
            if type(value) is not Sequence:
                continue
            if value.changed:
                flags[at] = True
            for item in value.touched_items():
                body = item._body
                if id(body) in seen:
                    flags[at] = True
                    continue
                seen.add(id(body))
                bodies.append(body)
                parents.append(at)
                flags.append(body.changed)
        at += 1
    for number in range(len(bodies) - 1, 0, -1):
        if flags[number]:
            flags[parents[number]] = True
    return {id(body) for body, flag in zip(bodies, flags, strict=True) if flag}


def _check_pixels(ds: Dataset, uid: str) -> None:
    """Compressed pixel data and uncompressed syntaxes exclude each other (PS3.5 A.4)."""
    target = transfer_syntaxes.get(uid)
    at = ds._body.index.get(key_of(0x7FE00010))
    if target is None or at is None:
        return
    if isinstance(at, str):
        encapsulated = isinstance(ds._body.cache[key_of(0x7FE00010)], Fragments)
        same = True
    else:
        encapsulated = ds._body.header(at).length == UNDEFINED
        same = ds.transfer_syntax_uid is None
    if encapsulated != target.encapsulated or (encapsulated and not same):
        raise needs_codec(ds.transfer_syntax_uid, uid)


def needs_codec(from_uid: str | None, to_uid: str) -> UnsupportedSyntaxError:
    """The error for pixel data that would have to be compressed or decompressed."""
    held = uids.name_of(from_uid) if from_uid else ""
    wanted = uids.name_of(to_uid) or to_uid
    text = f"the pixel data must be compressed or decompressed for {wanted}"
    return UnsupportedSyntaxError(
        f"{text}; it is in {held}" if held else text, uid=to_uid, hint="kerma.pixels.transcode does that"
    )


def _tag_of_run(entry: Any) -> Any:
    return entry[0] if type(entry) is tuple else entry


class _Item:
    """An item for the writer alone: nothing but its body."""

    __slots__ = ("_body",)

    def __init__(self, body: Body) -> None:
        self._body = body


class _Open:
    """A sequence or an item that is being written."""

    __slots__ = ("after", "body", "charsets", "defined", "entries", "header", "needs_text", "slot")

    def __init__(self, entries: Iterator[Any]) -> None:
        self.entries = entries
        self.body: Body | None = None
        self.charsets = values.DEFAULT
        self.needs_text = False
        self.defined = True
        self.slot = -1
        self.after = 0
        self.header = 0  # tag of a sequence, 0 for an item


class _Writer:
    """Plans one data set. ``changed`` holds the ids of the bodies that were touched."""

    def __init__(self, encoding: Encoding, changed: set[int]) -> None:
        self.encoding = encoding
        self.changed = changed
        self.out = Plan()
        self.stack: list[_Open] = []
        self.open: set[int] = set()

    def plan(self, body: Body) -> list[Piece]:
        self._enter(body, body.inherited.charsets, None)
        stack = self.stack
        while stack:
            top = stack[-1]
            entry = next(top.entries, None)
            if entry is None:
                self._leave(top)
            elif top.body is not None:
                self._element(top, top.body, entry)
            else:
                self._item(top, entry)
        return self.out.finish()

    # -- data sets and items -------------------------------------------------------------------------------------------

    def _enter(self, body: Body, around: values.Charsets, defined: bool | None) -> None:
        """Begin a data set; ``defined`` is the style of its item, None at the top."""
        if id(body) in self.open:
            raise ValueEncodeError("a data set cannot be inside itself")
        self.open.add(id(body))
        index = body.index
        opened = _Open(iter(()))
        opened.body = body
        own = index.get(CHARSET)
        if isinstance(own, str):
            terms = body.cache[CHARSET]
            opened.charsets = values.Charsets.of(() if terms is None else terms)
        elif own is not None:
            opened.charsets = body.charsets
        else:
            opened.charsets = around
        opened.needs_text = body.end > body.start and opened.charsets != body.charsets
        runs = None if opened.needs_text else self._runs(body)
        opened.entries = iter(sorted([tag_of(key) for key in index]) if runs is None else runs)
        if defined is not None:
            opened.defined = defined
            opened.slot = self.out.reserve(8)
            opened.after = self.out.total
        self.stack.append(opened)

    def _runs(self, body: Body) -> list[Any] | None:
        """The tags of what was changed and, as (tag, start, stop), the runs of untouched elements between them, in tag
        order. None where the bytes cannot be written as they lie, or do not lie in the order of the tags.
        """
        places = body.laid
        if places is None or body.encoding is not self.encoding or body.marks.salvage is not None:
            return None
        index = body.index
        stops = [tag_of(key) for key, at in index.items() if type(at) is str]
        for key, value in body.cache.items():
            if type(value) is Sequence and type(index.get(key)) is int and self._has_changed(value):
                stops.append(tag_of(key))
        kept = [*sorted(stops)]
        if len(index) < (len(places) >> 3) + len(stops):  # something may have been deleted
            stops += [tag_of(key) for key in unpack(places).keys() - index.keys()]
        return sorted([*kept, *spans(places, body.end, sorted(stops))], key=_tag_of_run)

    def _leave(self, top: _Open) -> None:
        self.stack.pop()
        if top.body is not None:
            self.open.discard(id(top.body))
        if top.slot < 0:
            return
        length = self.out.total - top.after
        defined = top.defined and length < UNDEFINED
        if top.body is not None:
            header = item_header(self.encoding, length if defined else UNDEFINED)
            end = item_end(self.encoding)
        else:
            header = element_header(self.encoding, top.header, "SQ", length if defined else UNDEFINED)
            end = sequence_end(self.encoding)
        self.out.fill(top.slot, header)
        if not defined:
            self.out.add(end)

    def _item(self, top: _Open, entry: Any) -> None:
        body: Body = entry._body
        charsets = top.charsets
        same = body.encoding is self.encoding and body.marks.salvage is None
        if id(body) not in self.changed and same and body.end > body.start:
            own = CHARSET in body.index
            if own or body.charsets == charsets:
                self._copy_item(body)
                return
        self._enter(body, charsets, not body.style)

    def _copy_item(self, body: Body) -> None:
        out = self.out
        out.add(item_header(self.encoding, UNDEFINED if body.style else body.end - body.start))
        out.copy(body.buf, body.start, body.end)
        if body.style:
            out.add(item_end(self.encoding))

    # -- elements ------------------------------------------------------------------------------------------------------

    def _element(self, top: _Open, body: Body, tag: Any) -> None:
        if type(tag) is tuple:
            self.out.copy(body.buf, tag[1], tag[2])
            return
        if not tag & 0xFFFF:
            return
        key = key_of(tag)
        at = body.index[key]
        if isinstance(at, str):
            self._assigned(top, tag, at, body.cache[key])
            return
        head = body.header(at)
        cached = body.cache.get(key)
        if type(cached) is Sequence and self._has_changed(cached):
            self._sequence(top, tag, cached)
            return
        vr = head.vr
        same = body.encoding is self.encoding
        if same and not top.needs_text and not must_rebuild(body, at, head):
            self.out.copy(body.buf, at, body.element_end(head))
            return
        known = body.vr_of(head)
        if vr == "UN" and head.length != UNDEFINED and not (top.needs_text and known in _HOLDING_TEXT):
            self._value(tag, "UN", memoryview(body.buf)[head.value : head.value + head.length], 1)
            return
        vr = known
        if vr == "SQ":
            sequence = cached if type(cached) is Sequence else read_sequence(body, head, _Item)
            self._sequence(top, tag, sequence)
        elif head.length == UNDEFINED:
            self._encapsulated(body, tag, head, at, same)
        else:
            self._raw(top, body, tag, vr, head)

    def _has_changed(self, sequence: Sequence) -> bool:
        return sequence.changed or any(id(item._body) in self.changed for item in sequence.touched_items())

    def _raw(self, top: _Open, body: Body, tag: int, vr: str, head: Header) -> None:
        """An untouched value in another encoding or character set."""
        view = memoryview(body.buf)[head.value : head.value + head.length]
        if top.needs_text and vr in _TEXT:
            raw = bytes(view)
            plain = body.charsets.is_ascii and top.charsets.is_ascii
            if not raw.isascii() or b"\x1b" in raw or not plain:
                self._text(top, tag, vr, values.decode(vr, raw, charsets=body.charsets))
                return
        size = WORD_SIZES.get(vr, 1) if body.encoding.little_endian != self.encoding.little_endian else 1
        self._value(tag, vr, view, size)

    def _text(self, top: _Open, tag: int, vr: str, value: Any) -> None:
        try:
            raw = values.encode(vr, value, little_endian=self.encoding.little_endian, charsets=top.charsets)
        except ValueEncodeError as error:
            where = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
            raise ValueEncodeError(error.message, where=where, hint=error.hint) from None
        self._value(tag, vr, raw, 1)

    def _value(self, tag: int, vr: str, raw: Buffer, size: int) -> None:
        length = len(raw)
        if length > 0xFFFFFFFE:
            raise ValueEncodeError(f"a value of {length} bytes has no length field (PS3.5 7.1)")
        odd = length & 1
        self.out.add(element_header(self.encoding, tag, vr, length + odd))
        if odd and size > 1:
            raw, odd = bytes(raw) + b"\0", 0  # the padding is part of the last word
        if length:
            self.out.add(raw if size == 1 else Swap(memoryview(raw), size))
        if odd:
            self.out.add(vrs.get(vr).padding or b"\0")

    def _encapsulated(self, body: Body, tag: int, head: Header, at: int, same: bool) -> None:
        if same and must_rebuild(body, at, head):
            self.out.copy(body.buf, at, _whole_fragments(body, head))
            self.out.add(sequence_end(self.encoding))
            return
        if same:
            self.out.copy(body.buf, at, body.element_end(head))
            return
        raise UnsupportedSyntaxError(
            f"({tag >> 16:04X},{tag & 0xFFFF:04X}) is compressed and cannot be written in {self.encoding.name}",
            uid="",
            hint="kerma.pixels.transcode decompresses",
        )

    def _assigned(self, top: _Open, tag: int, vr: str, value: Any) -> None:
        if isinstance(value, BulkData):
            raise ValueEncodeError(
                "the value is not here, only its URI",
                where=f"({tag >> 16:04X},{tag & 0xFFFF:04X})",
                hint="give from_json or from_xml a callback for bulk data, or assign the value",
            )
        if vr == "SQ":
            self._sequence(top, tag, value)
        elif isinstance(value, Fragments):
            self._fragments(tag, value)
        elif isinstance(value, memoryview):
            # What is assigned is little endian, as memory mostly is.
            size = 1 if self.encoding.little_endian else WORD_SIZES.get(vr, 1)
            self._value(tag, vr, value, size)
        else:
            self._text(top, tag, vr, value)

    def _fragments(self, tag: int, value: Fragments) -> None:
        if self.encoding is not EXPLICIT_LE:
            raise UnsupportedSyntaxError("encapsulated pixel data is explicit little endian (PS3.5 A.4)", uid="")
        self.out.add(element_header(self.encoding, tag, "OB", UNDEFINED))
        for fragment in value:
            length = len(fragment)
            self.out.add(item_header(self.encoding, length + (length & 1)))
            self.out.add(fragment)
            if length & 1:
                self.out.add(b"\0")
        self.out.add(sequence_end(self.encoding))

    def _sequence(self, top: _Open, tag: int, sequence: Sequence) -> None:
        opened = _Open(sequence.transient())
        opened.charsets = top.charsets
        opened.header = tag
        opened.defined = sequence.defined
        opened.slot = self.out.reserve(header_size(self.encoding, "SQ", 0))
        opened.after = self.out.total
        self.stack.append(opened)


def _whole_fragments(body: Body, head: Header) -> int:
    """The offset after the last whole fragment of a damaged value."""
    pair, item = body.encoding.pair.unpack_from, body.encoding.item
    pos, end = head.value, body.value_end(head)
    while end - pos >= 8:
        key, length = pair(body.buf, pos)
        if key != item or length > end - pos - 8:
            break
        pos += 8 + length
    return pos
