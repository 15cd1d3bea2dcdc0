"""Who wrote a file: our implementation's UID and version name (PS3.7 D.3.3.2, PS3.10 7.1)."""

from __future__ import annotations

from typing import Final

from kerma._version import __version__

IMPLEMENTATION_CLASS_UID: Final = "2.25.302971286531246804217583392466138452237"
"""Made once from a UUID (PS3.5 B.2); the same for every version."""

IMPLEMENTATION_VERSION_NAME: Final = f"KERMA_{__version__}"[:16]
