"""The items of a raw sequence (PS3.5 7.5): where they lie, and a body for one that is asked for.

Of a long sequence only the offsets of the items are kept (``encoding.long``), and what is found out inside an item goes
with that item.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

from kerma.dataset.body import Body, Inherited
from kerma.dataset.salvage import is_damaged, items_go_on
from kerma.dataset.sequence import Sequence
from kerma.encoding.headers import encoding_inside
from kerma.encoding.long import item_offsets
from kerma.encoding.marks import Header, Marks
from kerma.encoding.nested import skip
from kerma.encoding.salvage import note
from kerma.encoding.syntax import UNDEFINED, Encoding, key_of
from kerma.encoding.walk import content_encoding, note_other_encoding
from kerma.errors import FormatError, TruncatedError

_LONGEST_PATH = 64
_LONG = 1 << 16  # bytes of a sequence


class RawItems:
    """The raw items of one sequence, as ``Sequence`` and ``columns`` see them: call it with an item's offset and number
    for its data set.
    """

    __slots__ = ("base", "body", "build", "encoding", "end", "inherited", "long", "tag")

    def __init__(self, body: Body, head: Header, build: Callable[[Body], Any]) -> None:
        self.body = body
        self.build = build
        self.tag = key_of(head.key)
        self.end = body.value_end(head)
        self.encoding = content_encoding(body.encoding, head.vr)
        self.inherited = body.for_items()
        self.base = body.path
        self.long = False

    def __call__(self, at: int, number: int) -> Any:
        # A path of 100,000 steps helps nobody, and costs their square.
        base = self.base
        path = (*base, self.tag, number) if len(base) < _LONGEST_PATH else base
        marks = self.body.marks.of_item() if self.long else self.body.marks
        return self.build(_item_body(self.body, at, self.end, self.encoding, self.inherited, path, marks))


def read_sequence(body: Body, head: Header, build: Callable[[Body], Any]) -> Sequence:
    """The sequence at ``head``; ``build`` makes a data set of an item's body when that item is asked for."""
    raw = RawItems(body, head, build)
    offsets: list[int] | array[int] | None = None
    if raw.end - head.value >= _LONG and body.marks.salvage is None and not body.marks.strict:
        offsets = item_offsets(body.near(raw.end), head.value, raw.end, raw.encoding, body.marks, raw.tag)
        raw.long = offsets is not None
    if offsets is None:
        offsets = _item_offsets(body, head.value, raw.end, raw.encoding, (*body.path, raw.tag))
    return Sequence.over(offsets, raw, defined=head.length != UNDEFINED)


def _item_offsets(body: Body, pos: int, end: int, encoding: Encoding, path: tuple[int, ...]) -> list[int]:
    buf, marks = body.near(end), body.marks
    pair = encoding.pair.unpack_from
    offsets: list[int] = []
    while pos < end:
        if end - pos < 8:
            missing = 8 - (end - pos)
            cut = TruncatedError("an item header is cut", missing=missing, offset=pos, path=(*path, len(offsets)))
            if marks.salvage is None:
                raise cut
            note(marks, cut, (pos, end))
            break
        key, length = pair(buf, pos)
        if key != encoding.item:
            if key in {encoding.sequence_end, encoding.item_end}:
                text = "a delimiter in a sequence of defined length"
                marks.note("stray-delimiter", text, offset=pos, path=path, section="PS3.5 7.5")
                pos += 8
                continue
            wrong = FormatError("not an item where one must be", offset=pos, path=path)
            if marks.salvage is None:
                raise wrong
            pos = items_go_on(buf, pos, end, encoding, marks, wrong)
            continue
        offsets.append(pos)
        if length == UNDEFINED:
            if pos + 8 not in marks.ends:
                inside = encoding_inside(buf, pos + 8, end, encoding)
                skip(buf, pos + 8, end, inside, marks, (*path, len(offsets) - 1), path[-1], in_item=True)
            pos = marks.after(pos + 8)
        else:
            pos += 8 + length
            if pos > end and not is_damaged(marks, pos - 8 - length, pos - length):
                # The sequence is all there and says where it ends; an element that is cut by that has its own error.
                marks.note(
                    "item-length",
                    f"an item is said to be {pos - end} bytes longer than its sequence; it ends with the sequence",
                    offset=pos - 8 - length,
                    path=(*path, len(offsets) - 1),
                    section="PS3.5 7.5.2",
                )
    return offsets


def _item_body(
    parent: Body, at: int, end: int, encoding: Encoding, inherited: Inherited, path: tuple[int, ...], marks: Marks
) -> Body:
    """The body of the item whose header is at ``at``, not yet scanned."""
    buf = parent.near(end)
    _, length = encoding.pair.unpack_from(buf, at)
    start = at + 8
    if length == UNDEFINED and start not in marks.ends:
        skip(buf, start, end, encoding_inside(buf, start, end, encoding), marks, path, path[-2], in_item=True)
    stop = marks.ends[start] if length == UNDEFINED else min(start + length, end)
    inside = encoding_inside(buf, start, stop, encoding)
    if inside is not encoding and length != UNDEFINED:
        note_other_encoding(marks, start, path, encoding, inside)
    body = Body(buf, start, stop, inside, marks, inherited, path)
    body.style = length == UNDEFINED
    return body
