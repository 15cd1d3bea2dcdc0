"""Which presentation contexts a C-GET proposes for what may come back (PS3.4 C.4.3.2): at most 127 beside the query's
own.

An SCU of C-GET cannot know what it will be sent. Who knows says so (``sop_classes``, ``transfer_syntaxes``). For the
others there are rounds: the usual classes first, the usual image classes in the usual compressed syntaxes too; where
something was missing, the rest of the standard's classes, and then the image classes in other syntaxes.
"""

from __future__ import annotations

from collections.abc import Sequence

from kerma.services.sop_classes import UNCOMPRESSED
from kerma.standard import sop_classes as standard
from kerma.ul.negotiation import MAX_CONTEXTS, Need

_BRANCH = "1.2.840.10008.5.1.4.1.1."
_SYNTAX = "1.2.840.10008.1.2."

_IMAGES = ("2", "4", "1", "1.1", "1.2", "6.1", "3.1", "7", "12.1", "128", "2.1", "4.1", "77.1.4")
"""Image classes that are often stored compressed: CT, MR, CR, DX, MG, US, US multi-frame, SC, XA, PET, Enhanced CT and
MR, VL photo."""

_USUAL = (
    *_IMAGES,
    *("20", "12.2", "1.1.1", "1.2.1", "1.3", "13.1.3", "88.11", "88.22", "88.33", "88.34", "88.59", "88.67"),
    *("88.50", "88.65", "11.1", "11.2", "66.4", "66.1", "104.1", "481.1", "481.2", "481.3", "481.5", "77.1.1"),
    *("77.1.2", "77.1.6", "77.1.5.1", "77.1.5.4", "7.2", "7.3", "7.4", "130", "9.1.1", "66", "30", "1.3.1"),
    *("12.1.1", "12.2.1", "13.1.1", "13.1.2", "13.1.4", "2.2", "4.2", "4.3", "4.4", "128.1", "6.2", "7.1"),
    *("77.1.3", "77.1.5.2", "77.1.1.1", "11.3", "11.4", "66.2", "66.3", "66.5", "67", "104.2", "481.8", "9.1.2"),
)
"""Most usual first: after the images SR, key objects, presentation states, segmentations, RT, PDF; then the rest."""

_FIRST = ("4.50", "4.70", "4.90")
"""JPEG baseline, JPEG lossless, JPEG 2000 lossless."""

_SELDOM = ("2", "1.99")
"""Big endian, deflated: retrieved as they are stored where there is room to ask for it, re-written by the peer
elsewhere."""

_OWN, _OFTEN, _FEW = 48, 7, 5
"""Of the usual classes, how many are asked for in the first round: in each uncompressed syntax by a context of its
own, so that bytes come as they are stored; in the usual compressed ones; in the seldom ones. 2 x 48 + 3 x 7 + 2 x 5 is
127."""

_ROUNDS = (
    ("5", "4.80", "4.91"),  # RLE, JPEG-LS, JPEG 2000
    ("4.51", "4.57", "4.81"),  # JPEG extended, JPEG lossless (any predictor), JPEG-LS near-lossless
    ("4.201", "4.202", "4.203"),  # HTJ2K
    ("4.102", "4.103", "4.107"),  # MPEG-4, HEVC
    ("4.100", "4.101", "4.108"),  # MPEG-2, HEVC 10
    ("4.104", "4.105", "4.106"),
    ("4.110", "4.111", "4.112"),  # JPEG XL
    ("1.98", "8.1", "4.92"),  # encapsulated uncompressed, deflated image frame, JPEG 2000 part 2
    ("1.99", "2", "4.93"),  # deflated, big endian
    ("4.100.1", "4.101.1", "4.102.1"),  # fragmentable
    ("4.103.1", "4.104.1", "4.105.1"),
    ("4.106.1", "4.94", "4.95"),
    ("4.204", "4.205", "4.58"),  # JPIP of HTJ2K; from here on JPEG processes that are retired
    ("4.52", "4.53", "4.54"),
    ("4.55", "4.56", "4.59"),
    ("4.60", "4.61", "4.62"),
    ("4.63", "4.64", "4.65"),
    ("4.66",),
)
"""What is asked for when something was missing, in the order of how usual it is; three syntaxes leave room for 42
classes."""

_IMAGES_TOO = (
    *_IMAGES,
    *(
        "1.1.1",
        "1.2.1",
        "1.3",
        "1.3.1",
        "12.1.1",
        "12.2",
        "13.1.1",
        "13.1.3",
        "13.1.4",
        "20",
        "30",
        "130",
        "4.3",
        "6.2",
    ),
    *("7.1", "7.2", "7.3", "7.4", "77.1.1", "77.1.2", "77.1.3", "77.1.5.1", "77.1.5.2", "77.1.5.4", "77.1.6"),
    *("77.1.1.1", "77.1.2.1", "77.1.4.1", "66.4"),
)


def storage_rounds(
    sop_classes: Sequence[str] = (), transfer_syntaxes: Sequence[str] = ()
) -> tuple[tuple[Need, ...], ...]:
    """Contexts with us as SCP, round by round. Who names ``sop_classes`` or ``transfer_syntaxes`` gets exactly these.

    With ``transfer_syntaxes`` there is a context for each of them, besides the uncompressed ones.
    """
    room = MAX_CONTEXTS - 1
    if sop_classes or transfer_syntaxes:
        others = [uid for uid in transfer_syntaxes if uid not in UNCOMPRESSED]
        classes = list(sop_classes) or [_BRANCH + end for end in _USUAL]
        exact = [*_needs(classes, UNCOMPRESSED)]
        for syntax in others:
            exact += _needs(classes, (syntax,))
        return tuple(tuple(exact[start : start + room]) for start in range(0, len(exact), room))
    usual = [_BRANCH + end for end in _USUAL]
    first = [need for syntax in UNCOMPRESSED for need in _needs(usual[:_OWN], (syntax,))]
    for end in _FIRST:
        first += _needs([_BRANCH + image for image in _IMAGES[:_OFTEN]], (_SYNTAX + end,))
    for end in _SELDOM:
        first += _needs([_BRANCH + image for image in _IMAGES[:_FEW]], (_SYNTAX + end,))
    rest = _needs([*usual[_OWN:], *sorted(standard.STORAGE - set(usual))], UNCOMPRESSED)
    rounds = [first[:room], rest[:room], rest[room:]]
    images = [_BRANCH + end for end in _IMAGES_TOO]
    for ends in (_FIRST, *_ROUNDS):
        rounds.append([need for end in ends for need in _needs(images, (_SYNTAX + end,))])
    return tuple(tuple(each[:room]) for each in rounds if each)


def _needs(classes: Sequence[str], syntaxes: tuple[str, ...]) -> list[Need]:
    return [Need(uid, syntaxes, as_scu=False, as_scp=True) for uid in classes]
