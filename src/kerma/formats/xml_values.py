"""Values from their texts, as XML has them (PS3.19 A.1.5): the way back from ``xml_writer``."""

from __future__ import annotations

import binascii
from typing import Any

from kerma.encoding.swap import swapped
from kerma.errors import FormatError
from kerma.formats.json_values import text_value, value_of

_NUMBERS = frozenset({"US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "IS", "DS"})
_BYTES = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})


def value_of_texts(vr: str, texts: list[str]) -> Any:
    """The value that texts say, one for each value. ``FormatError`` where they say none."""
    if vr in _BYTES:
        if not any(texts):
            return None
        raise FormatError(f"a value of {vr} is InlineBinary or BulkData (PS3.19 A.1)")
    if vr in _NUMBERS:
        if not any(text.strip() for text in texts):
            return None
        return value_of(vr, [text.strip() or None for text in texts])
    if vr == "AT":
        tags = [text.strip().strip("()").replace(",", "") for text in texts]
        return value_of(vr, list(tags)) if any(tags) else None
    return text_value(vr, "\\".join(texts))


def hex_bytes(text: str, size: int) -> bytes:
    """Hexadecimal bytes, or words of two bytes that become little endian, with backslashes between."""
    try:
        data = binascii.a2b_hex(text.replace("\\", "").strip())
    except (binascii.Error, ValueError):
        raise FormatError("a binary value is no hexadecimal numbers") from None
    return data if size == 1 else swapped(data, size)
