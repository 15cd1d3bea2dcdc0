"""New objects around files that are no DICOM: pictures and documents (PS3.3 A.8, A.45, A.85, A.104).

``wrap`` and ``unwrap`` are what users call, as ``kerma.wrap`` and ``kerma.unwrap``; ``modules`` gives the modules that
every new composite object begins with.
"""

from kerma.formats.building.encapsulated import KINDS, UNITS, Document, encapsulate, extract
from kerma.formats.building.modules import SHARES, Maker, begin, code_item
from kerma.formats.building.secondary_capture import secondary_capture
from kerma.formats.building.wrapping import unwrap, wrap

__all__ = [
    "KINDS",
    "SHARES",
    "UNITS",
    "Document",
    "Maker",
    "begin",
    "code_item",
    "encapsulate",
    "extract",
    "secondary_capture",
    "unwrap",
    "wrap",
]
