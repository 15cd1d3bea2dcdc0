"""Which presentation contexts a C-GET proposes for what may come back (PS3.4 C.4.3.2): at most 127 beside the query's
own.

An SCU of C-GET cannot know what it will be sent. Who knows says so (``sop_classes``, ``transfer_syntaxes``); for the
others the usual classes come first, the usual image classes in the usual compressed syntaxes too, then the rest of the
standard's classes as long as there is room.
"""

from __future__ import annotations

from collections.abc import Sequence

from kerma.services.sop_classes import UNCOMPRESSED
from kerma.standard import sop_classes as standard
from kerma.ul.negotiation import MAX_CONTEXTS, Need

_BRANCH = "1.2.840.10008.5.1.4.1.1."

_IMAGES = ("2", "4", "1", "1.1", "1.2", "6.1", "3.1", "7", "12.1", "128", "2.1", "4.1", "77.1.4")
"""Image classes that are often stored compressed: CT, MR, CR, DX, MG, US, US multi-frame, SC, XA, PET, Enhanced CT and
MR, VL photo."""

_USUAL = (
    *_IMAGES,
    *("1.1.1", "1.2.1", "1.3", "1.3.1", "12.1.1", "12.2", "12.2.1", "13.1.1", "13.1.2", "13.1.3", "13.1.4", "20", "30"),
    *("130", "2.2", "4.2", "4.3", "4.4", "128.1", "6.2", "7.1", "7.2", "7.3", "7.4", "77.1.1", "77.1.2", "77.1.3"),
    *("77.1.5.1", "77.1.5.2", "77.1.5.4", "77.1.6", "77.1.1.1", "11.1", "11.2", "11.3", "11.4", "66", "66.1", "66.2"),
    *("66.3", "66.4", "66.5", "67", "88.11", "88.22", "88.33", "88.34", "88.50", "88.59", "88.65", "88.67", "104.1"),
    *("104.2", "481.1", "481.2", "481.3", "481.5", "481.8", "9.1.1", "9.1.2"),
)
_COMPRESSED = (
    "1.2.840.10008.1.2.4.50",  # JPEG baseline
    "1.2.840.10008.1.2.4.70",  # JPEG lossless, first order
    "1.2.840.10008.1.2.4.90",  # JPEG 2000 lossless
)


def storage_needs(sop_classes: Sequence[str] = (), transfer_syntaxes: Sequence[str] = ()) -> tuple[Need, ...]:
    """Contexts with us as SCP. With ``sop_classes`` exactly these; with ``transfer_syntaxes`` one context for each
    besides the uncompressed."""
    others = [uid for uid in transfer_syntaxes if uid not in UNCOMPRESSED]
    if sop_classes or transfer_syntaxes:
        classes = list(sop_classes) or [_BRANCH + end for end in _USUAL]
        needs = [Need(uid, UNCOMPRESSED, as_scu=False, as_scp=True) for uid in classes]
        needs += [Need(uid, (syntax,), as_scu=False, as_scp=True) for syntax in others for uid in classes]
    else:
        usual = [_BRANCH + end for end in _USUAL]
        needs = [Need(uid, UNCOMPRESSED, as_scu=False, as_scp=True) for uid in usual]
        needs += [
            Need(_BRANCH + end, (syntax,), as_scu=False, as_scp=True) for syntax in _COMPRESSED for end in _IMAGES
        ]
        rest = sorted(standard.STORAGE - set(usual))
        needs += [Need(uid, UNCOMPRESSED, as_scu=False, as_scp=True) for uid in rest]
    return tuple(needs[: MAX_CONTEXTS - 1])
