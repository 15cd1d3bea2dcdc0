"""The items of a raw sequence (PS3.5 7.5): where they lie, and a body for one that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerma.dataset.body import Body, Inherited
from kerma.dataset.salvage import is_damaged, items_go_on
from kerma.dataset.sequence import Sequence
from kerma.encoding.headers import encoding_inside
from kerma.encoding.marks import Header
from kerma.encoding.salvage import note
from kerma.encoding.syntax import UNDEFINED, Encoding, key_of
from kerma.encoding.walk import content_encoding, note_other_encoding, skip
from kerma.errors import FormatError, TruncatedError

_LONGEST_PATH = 64


def read_sequence(body: Body, head: Header, build: Callable[[Body], Any]) -> Sequence:
    """The sequence at ``head``; ``build`` makes a data set of an item's body when that item is asked for."""
    tag = key_of(head.key)
    end = body.value_end(head)
    encoding = content_encoding(body.encoding, head.vr)
    offsets = _item_offsets(body, head.value, end, encoding, (*body.path, tag))
    inherited = body.for_items()
    base = body.path

    def make(at: int, number: int) -> Any:
        # A path of 100,000 steps helps nobody, and costs their square.
        path = (*base, tag, number) if len(base) < _LONGEST_PATH else base
        return build(_item_body(body, at, end, encoding, inherited, path))

    return Sequence.over(offsets, make, defined=head.length != UNDEFINED)


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
    parent: Body, at: int, end: int, encoding: Encoding, inherited: Inherited, path: tuple[int, ...]
) -> Body:
    """The body of the item whose header is at ``at``, not yet scanned."""
    marks = parent.marks
    buf = parent.near(end)
    _, length = encoding.pair.unpack_from(buf, at)
    start = at + 8
    stop = marks.ends[start] if length == UNDEFINED else min(start + length, end)
    inside = encoding_inside(buf, start, stop, encoding)
    if inside is not encoding and length != UNDEFINED:
        note_other_encoding(marks, start, path, encoding, inside)
    body = Body(buf, start, stop, inside, marks, inherited, path)
    body.style = length == UNDEFINED
    return body
