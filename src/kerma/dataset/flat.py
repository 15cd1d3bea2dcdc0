"""A data set as rows of text, items included, for those who write all of it: JSON, the dump (PS3.5 7.5).

Rules:

- Rows come in batches. What is plain text is a tuple in a list, and a sequence that lies in the bytes as the standard
  says, up to ``walking.LONG`` bytes with all that is in it, is tuples as well (``encoding.rows``): no item is made for
  it.
- What is not plain comes by itself, as ``walking.plain`` gives it. If it lies inside such a sequence its item, and
  those around it, are made then, and kept as long as the walk stays in them.
- Sequences that were touched, that are longer, or that have anything odd come by themselves: who walks goes through
  their items one by one, each with batches of its own.
- Where the loops are not compiled each row comes by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from kerma.dataset.items import RawItems
from kerma.dataset.walking import KIND_OF, LONG, Row, plain, row_of
from kerma.encoding.raw import record
from kerma.encoding.syntax import EXPLICIT_LE
from kerma.encoding.twin import loops, rows
from kerma.standard.elements import TAG_TO_VR

if TYPE_CHECKING:
    from kerma.dataset.dataset import Dataset

TextRow = tuple[int, str, Any, int]
"""(tag, VR, text, length); with None as the text: (tag, "SQ", None, number of items << 32 | length) of a sequence, and
rows of the tags ``rows.ITEM`` (with its number), ``rows.ITEM_END`` and ``rows.SEQUENCE_END``, of which a sequence
without items has none."""
Step = tuple[int, int, int, int]
"""Tag and offset of a sequence, number and offset of its item."""
DEEPEST = 24
"""Sequences in each other that are given as rows."""
_KINDS: dict[Any, tuple[str, int]] = {
    **{vr: (vr, kind) for vr, kind in KIND_OF.items()},
    **{EXPLICIT_LE.code_of[vr]: (vr, kind) for vr, kind in KIND_OF.items()},
}


class Inner(NamedTuple):
    """Where a row that came by itself lies: its data set, and the way to that from the data set that is walked."""

    ds: Dataset
    steps: tuple[Step, ...]


Batch = tuple[list[TextRow], Row | None, Inner | None]


def batches(ds: Dataset, *, deep: bool = True) -> Iterator[Batch]:
    """(rows of text, the row of what is not plain and follows them, where that is if not in ``ds`` itself).

    The row is None if the end comes next, or a sequence whose rows are the next batch. ``deep`` says
    that sequences may be rows of text.
    """
    body = ds._body
    body.settle()
    places = body.places
    if places is None or body.fields is None or not (loops.COMPILED and rows.COMPILED):
        for row in plain(ds):
            yield [], row, None
        return
    window: Any = body.window
    implied = None if body.encoding.explicit else TAG_TO_VR
    number, count = 0, len(places) >> 3
    while number < count:
        found, number = rows.texts(places, number, window, _KINDS, implied)
        if found:
            yield found, None, None
        if number == count:
            return
        place = record(places, number)
        number += 1
        tag, at = place >> 32, place & 0xFFFFFFFF
        inside = _inside(ds, tag, at) if deep else None
        if inside is None:
            yield [], row_of(ds, tag, (tag & 0xFFFF) << 16 | tag >> 16, at), None
        elif inside[1]:
            yield from _pieces(ds, *inside)
        else:
            yield inside[0], None, None


def _inside(ds: Dataset, tag: int, at: int) -> tuple[list[TextRow], list[Any]] | None:
    """The rows of the sequence at ``at``, and those of them that are not plain; None where it is none, or not plain."""
    body = ds._body
    marks = body.marks
    if marks.odd or marks.strict or marks.salvage is not None or marks.limits.max_elements < LONG >> 3:
        return None
    if body.cache and (tag & 0xFFFF) << 16 | tag >> 16 in body.cache:
        return None  # touched
    implied = None if body.encoding.explicit else TAG_TO_VR
    end, deepest = min(body.end, at + LONG), min(marks.limits.max_depth, DEEPEST)
    window: Any = body.window
    return rows.nested(window, at, end, _KINDS, implied, deepest)


def _pieces(ds: Dataset, found: list[TextRow], odd: list[tuple[int, int, tuple[Step, ...]]]) -> Iterator[Batch]:
    """The batches of a sequence in which there is what is not plain."""
    items = _Items(ds)
    begin = 0
    for number, at, steps in odd:
        item = items.at(steps)
        tag = found[number][0]
        row = row_of(item, tag, (tag & 0xFFFF) << 16 | tag >> 16, at)
        yield found[begin:number], row, Inner(item, steps)
        begin = number + 1
    yield found[begin:], None, None


class _Items:
    """The data sets on the way to a value that is not plain, made when somebody asks."""

    def __init__(self, ds: Dataset) -> None:
        self.found = [ds]
        self.steps: list[Step] = []

    def at(self, steps: tuple[Step, ...]) -> Dataset:
        """The item at the end of the steps."""
        mine, found = self.steps, self.found
        same = 0
        while same < len(mine) and same < len(steps) and mine[same] == steps[same]:
            same += 1
        del mine[same:], found[same + 1 :]
        for step in steps[same:]:
            parent = found[-1]
            raw = RawItems(parent._body, parent._body.header(step[1]), type(parent).from_body)
            found.append(raw(step[3], step[2]))
            mine.append(step)
        return found[-1]
