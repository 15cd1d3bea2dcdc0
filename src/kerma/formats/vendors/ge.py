"""GE MR: the protocol data block (0025,xx1B) of ``GEMS_SERS_01``, a compressed list of what was prescribed.

The value is the length of the rest as 32 bits, little endian, and a gzip file. Unpacked it is lines ``KEY "value"``;
newer releases have XML there, which is given as text.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping

from kerma.dataset import Dataset
from kerma.errors import FormatError, LimitError

_GROUP, _CREATOR, _ELEMENT = 0x0025, "GEMS_SERS_01", 0x1B
_LINE = re.compile(r'^(?:set )?([A-Za-z_][A-Za-z0-9_]*) "(.*)"[ \t\r]*$', re.MULTILINE)
_MOST = 16 << 20


class ProtocolDataBlock(Mapping[str, str]):
    """Values by key, as text; ``text`` is the whole."""

    __slots__ = ("_values", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._values: dict[str, str] = dict(_LINE.findall(text))

    def __getitem__(self, key: str) -> str:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<ProtocolDataBlock of {len(self._values)} values>"


def protocol(ds: Dataset) -> ProtocolDataBlock | None:
    """The protocol data block; None where the data set has none. ``FormatError`` where it is broken."""
    try:
        element = ds.private_block(_GROUP, _CREATOR)[_ELEMENT]
    except KeyError:
        return None
    value = element.value
    if not isinstance(value, (bytes, memoryview)):
        return None
    try:
        return parse(bytes(value))
    except FormatError as error:
        raise type(error)(error.message, path=(element.tag,)) from error


def parse(data: bytes) -> ProtocolDataBlock:
    """The value of the element. ``FormatError`` where it does not unpack, ``LimitError`` beyond 16 MB."""
    start = data.find(b"\x1f\x8b", 0, 8)
    if start < 0:
        raise FormatError("the protocol data block is not compressed as it should be")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        text = unpacker.decompress(data[start:], _MOST)
    except zlib.error as error:
        raise FormatError(f"the protocol data block does not unpack: {error}") from error
    if not unpacker.eof:
        if len(text) >= _MOST:
            raise LimitError("the protocol data block unpacks to more than 16 MB")
        raise FormatError("the protocol data block is cut")
    return ProtocolDataBlock(str(text, "latin-1"))
