"""Which loops run, ``loops`` and ``rows``: the compiled twin where it was built from this very source, the plain one
otherwise.

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
from kerma.encoding import rows as plain_rows


def _choose(name: str = "loops", plain: Any = plain) -> tuple[Any, str]:
    """The loops of one source, and in words which they are."""
    if os.environ.get("KERMA_PLAIN", "") not in {"", "0"}:
        return plain, "plain Python, as KERMA_PLAIN says"
    try:
        compiled = importlib.import_module(f"kerma.encoding._{name}")
    except ImportError:
        return plain, "plain Python, no compiled twin is built"
    digest = _digest(name)
    if digest and compiled.DIGEST not in {"", digest}:
        return plain, "plain Python, the compiled twin was built from another source"
    return compiled, "compiled"


def _digest(name: str) -> str:
    """What a twin of a source beside this file says of itself; "" where no source lies there."""
    folder = os.path.dirname(__file__)
    text = b""
    try:
        for part in (f"{name}.py", "raw.pxd"):
            with open(os.path.join(folder, part), "rb") as file:
                text += file.read()
    except OSError:
        return ""
    return f"{name}-{zlib.crc32(text):08x}"


if TYPE_CHECKING:
    loops = plain
    rows = plain_rows
    STATE = ""
else:
    loops, STATE = _choose()
    rows, _ = _choose("rows", plain_rows)
COMPILED = loops.COMPILED
"""Whether the compiled ones run."""
