"""Copies of data sets. Bytes are shared, because they never change; what was assigned is copied, without recursion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from kerma.dataset.body import Body
from kerma.dataset.sequence import Sequence
from kerma.dataset.writing import touched
from kerma.encoding.syntax import key_of

if TYPE_CHECKING:
    from kerma.dataset.dataset import Dataset


def shallow(body: Body) -> Body:
    """The same elements in a body of its own; sequences are lists of their own with the same items."""
    twin = _twin(body)
    for key, value in body.cache.items():
        twin.cache[key] = value.twin(lambda item: item) if type(value) is Sequence else value
    return twin


def selected(ds: Dataset, tags: Iterable[int]) -> Dataset:
    """A data set of those elements of ``ds`` that ``tags`` names, with their bytes; what is not there is left out.
    Sequences are shared with ``ds``.
    """
    source = ds._body
    twin = _twin(source)
    twin.changed = True
    index = source.index
    twin.index_now = {key: index[key] for key in map(key_of, tags) if key in index}
    twin.cache = {key: source.cache[key] for key in twin.index_now if key in source.cache}
    return type(ds).from_body(twin)


def deep(ds: Dataset) -> Dataset:
    """A copy that shares nothing that can change. An item that occurs twice stays one item."""
    changed = touched(ds._body)
    make = type(ds).from_body
    root = _twin(ds._body)
    done: dict[int, Any] = {id(ds._body): make(root)}
    pending = [(ds._body, root)]

    def copied(item: Dataset) -> Dataset:
        known = done.get(id(item._body))
        if known is None:
            body = _twin(item._body)
            known = done[id(item._body)] = make(body)
            pending.append((item._body, body))
        return known

    while pending:
        source, target = pending.pop()
        for key, value in source.cache.items():
            if type(value) is not Sequence:
                target.cache[key] = value
            elif isinstance(source.index[key], str) or value.changed or _any_changed(value, changed):
                target.cache[key] = value.twin(copied)
            # An untouched sequence of bytes is read again when somebody asks.
    result: Dataset = done[id(ds._body)]
    return result


def _any_changed(sequence: Sequence, changed: set[int]) -> bool:
    return any(id(item._body) in changed for item in sequence.touched_items())


def _twin(body: Body) -> Body:
    twin = Body(body.window, body.start, body.end, body.encoding, body.marks, body.inherited, body.path)
    twin.full = body.full
    twin.late = body.late
    twin.index_now = dict(body.index)
    twin.laid = body.laid
    twin.charsets_now = body.charsets_now
    twin.changed = body.changed
    twin.style = body.style
    return twin
