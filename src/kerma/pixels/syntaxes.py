"""What room ``pixels`` knows of transfer syntaxes beyond their table: families, and how they hold frames (PS3.5 8.2,
A.4).
"""

from __future__ import annotations

from typing import Final

from kerma.standard import transfer_syntaxes

_ROOT: Final = "1.2.840.10008.1.2."

RLE: Final = f"{_ROOT}5"
DEFLATED_FRAMES: Final = f"{_ROOT}8.1"
ENCAPSULATED_NATIVE: Final = f"{_ROOT}1.98"

VIDEO: Final = frozenset(
    uid for uid in transfer_syntaxes.ALL if uid.startswith(tuple(f"{_ROOT}4.{n}" for n in range(100, 109)))
)
"""MPEG-2, H.264, HEVC: all frames are one stream (PS3.5 8.2.5 to 8.2.8)."""

ONE_FRAGMENT_EACH: Final = frozenset({RLE, DEFLATED_FRAMES, ENCAPSULATED_NATIVE})
"""Each frame is exactly one fragment (PS3.5 A.4.2, A.4.11, A.4.12)."""
