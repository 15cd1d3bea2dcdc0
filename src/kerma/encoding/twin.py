"""Which loops run: the compiled twin where it was built from this very source, the plain ones otherwise.

``KERMA_PLAIN=1`` in the environment forces the plain ones. A twin that was built from another source than the one that
lies beside it, as while somebody works on the loops, is not used. Nothing else in Kerma asks which it is, but for
``Places`` that only the compiled ones give.
"""

from __future__ import annotations

import importlib
import os
import zlib
from typing import TYPE_CHECKING, Any

from kerma.encoding import loops as plain


def _choose() -> tuple[Any, str]:
    """The loops, and in words which they are."""
    if os.environ.get("KERMA_PLAIN", "") not in {"", "0"}:
        return plain, "plain Python, as KERMA_PLAIN says"
    try:
        compiled = importlib.import_module("kerma.encoding._loops")
    except ImportError:
        return plain, "plain Python, no compiled twin is built"
    if compiled.DIGEST not in {"", _digest()} and _digest():
        return plain, "plain Python, the compiled twin was built from another source"
    return compiled, "compiled"


def _digest() -> str:
    """What a twin of the source beside this file says of itself; "" where no source lies there."""
    folder = os.path.dirname(__file__)
    text = b""
    try:
        for name in ("loops.py", "raw.pxd"):
            with open(os.path.join(folder, name), "rb") as file:
                text += file.read()
    except OSError:
        return ""
    return f"loops-{zlib.crc32(text):08x}"


if TYPE_CHECKING:
    loops = plain
    STATE = ""
else:
    loops, STATE = _choose()
COMPILED = loops.COMPILED
"""Whether the compiled ones run."""
