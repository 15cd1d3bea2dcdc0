"""Encapsulated pixel data to be written: an offset table and fragments (PS3.5 A.4)."""

from __future__ import annotations

from collections.abc import Iterable

from kerma.encoding.source import Buffer


class Fragments(tuple[Buffer, ...]):
    """The value to assign to PixelData in an encapsulated syntax: first the basic offset table (may be empty), then
    the fragments.

    Fragments of odd length are padded with a null byte when they are written.
    """

    __slots__ = ()

    def __new__(cls, fragments: Iterable[Buffer], offset_table: Buffer = b"") -> Fragments:
        return super().__new__(cls, (offset_table, *fragments))
