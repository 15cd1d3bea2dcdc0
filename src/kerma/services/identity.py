"""How Kerma names itself on associations (PS3.7 D.3.3.2): the UID is derived from a UUID (PS3.5 B.2)."""

from __future__ import annotations

from kerma._version import __version__

IMPLEMENTATION_CLASS_UID = "2.25.190147381520774098367042816399214567021"
IMPLEMENTATION_VERSION_NAME = f"KERMA_{__version__}".replace(".", "_")[:16]
