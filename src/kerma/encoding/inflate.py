"""Deflated data sets (PS3.5 A.5): a raw deflate stream, inflated within bounds, deflated in pieces."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from kerma.encoding.source import Buffer
from kerma.errors import FormatError, LimitError, TruncatedError
from kerma.limits import Limits

_STEP = 1 << 20


def inflate(data: Buffer, limits: Limits, damage: list[FormatError] | None = None) -> bytes:
    """The inflated bytes. ``LimitError`` beyond ``limits.max_inflated``, ``TruncatedError`` where the stream ends
    early, ``FormatError`` where it is none. A zlib header, which some writers put in front, is understood.

    With ``damage`` the last two go there, and the bytes before are given.
    """
    parts: list[bytes] = []
    source = inflate_pieces((data,), limits)
    try:
        while (part := next(source, None)) is not None:
            parts.append(part)
    except LimitError:
        raise
    except FormatError as error:
        if damage is None:
            raise
        damage.append(error)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def inflate_pieces(pieces: Iterable[Buffer], limits: Limits) -> Iterator[bytes]:
    """A deflated data set that comes in pieces, the first of them of 256 bytes at least where there are so many, as
    pieces of at most a megabyte. Raises as ``inflate`` does, when it gets there.
    """
    stream: Any = None
    fed = total = 0
    for piece in pieces:
        if not len(piece):
            continue
        if stream is None:
            stream = zlib.decompressobj(_window(piece))
        fed += len(piece)
        pending: Buffer = piece
        while not stream.eof:
            try:
                part = stream.decompress(pending, _STEP)
            except zlib.error:
                raise FormatError("the deflated data set is no deflate stream (PS3.5 A.5)", offset=0) from None
            pending = stream.unconsumed_tail
            total += len(part)
            if total > limits.max_inflated:
                raise LimitError(f"the data set inflates to more than {limits.max_inflated} bytes", offset=0)
            if part:
                yield part
            elif not pending:
                break
    if stream is not None and not stream.eof:
        raise TruncatedError("the deflate stream of the data set does not end", missing=1, offset=fed)


def _window(data: Buffer) -> int:
    """Raw deflate, unless the first bytes are the header of RFC 1950."""
    if len(data) >= 2 and data[0] & 0x0F == 8 and data[0] >> 4 <= 7 and (data[0] << 8 | data[1]) % 31 == 0:
        try:
            zlib.decompressobj(-zlib.MAX_WBITS).decompress(bytes(data[:256]), 1024)
        except zlib.error:
            return zlib.MAX_WBITS
    return -zlib.MAX_WBITS


def deflate(pieces: Iterable[Buffer]) -> Iterator[bytes]:
    """The pieces as one raw deflate stream, padded to even length with a null byte (PS3.5 A.5)."""
    stream = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
    total = 0
    for piece in pieces:
        part = stream.compress(piece)
        if part:
            total += len(part)
            yield part
    part = stream.flush()
    yield part + b"\0" if (total + len(part)) & 1 else part
