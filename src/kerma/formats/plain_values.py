"""What JSON and XML have in common when they write values (PS3.18 F.2, PS3.19 A.1)."""

from __future__ import annotations

from collections.abc import Callable

from kerma.dataset import Element

CHARSET = 0x00080005
UNICODE = "ISO_IR 192"

Bulk = Callable[[tuple[int, ...], Element], str | None]
"""Given the path and the element of a binary value: the URI to name it by, or None to have it inline."""
