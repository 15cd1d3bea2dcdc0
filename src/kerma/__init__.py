"""Kerma: the whole of DICOM as one Python package.

The names below are loaded when they are first used, so that ``import kerma`` costs next to nothing: neither numpy
nor asyncio nor a database is imported until something needs it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kerma._version import __version__

if TYPE_CHECKING:
    from kerma import aio, pixels, web
    from kerma.app.opening import open, read  # noqa: A004  (the name that users type)
    from kerma.app.scanning import scan
    from kerma.archive import Archive
    from kerma.dataset import Dataset, Element, Sequence
    from kerma.dataset.differences import differences
    from kerma.errors import KermaError
    from kerma.formats import media, vendors
    from kerma.formats.bridge import from_pydicom, to_pydicom
    from kerma.formats.building import unwrap, wrap
    from kerma.formats.json import from_json, to_json
    from kerma.formats.part10 import write
    from kerma.formats.xml import from_xml, to_xml
    from kerma.net.client import connect
    from kerma.values.new_uid import new_uid

__all__ = [
    "Archive",
    "Dataset",
    "Element",
    "KermaError",
    "Sequence",
    "__version__",
    "aio",
    "connect",
    "differences",
    "from_json",
    "from_pydicom",
    "from_xml",
    "media",
    "new_uid",
    "open",
    "pixels",
    "read",
    "scan",
    "to_json",
    "to_pydicom",
    "to_xml",
    "unwrap",
    "vendors",
    "web",
    "wrap",
    "write",
]

_HOME = {
    "Archive": "kerma.archive",
    "Dataset": "kerma.dataset",
    "Element": "kerma.dataset",
    "KermaError": "kerma.errors",
    "Sequence": "kerma.dataset",
    "connect": "kerma.net.client",
    "differences": "kerma.dataset.differences",
    "from_json": "kerma.formats.json",
    "from_pydicom": "kerma.formats.bridge",
    "from_xml": "kerma.formats.xml",
    "new_uid": "kerma.values.new_uid",
    "open": "kerma.app.opening",
    "read": "kerma.app.opening",
    "scan": "kerma.app.scanning",
    "to_json": "kerma.formats.json",
    "to_pydicom": "kerma.formats.bridge",
    "to_xml": "kerma.formats.xml",
    "unwrap": "kerma.formats.building",
    "wrap": "kerma.formats.building",
    "write": "kerma.formats.part10",
}
_MODULES = {
    "aio": "kerma.aio",
    "media": "kerma.formats.media",
    "pixels": "kerma.pixels",
    "vendors": "kerma.formats.vendors",
    "web": "kerma.web",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(_MODULES[name])
    else:
        raise AttributeError(f"module 'kerma' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
