"""What the pixels of an image become in another transfer syntax, and what it cannot hold (PS3.5 8.2, tables 8.2.1-1 to
8.2.16-1).

May touch layouts and transfer syntaxes; knows no samples. Rules: a row a family of syntaxes says which bits, signs and
colours it takes, and what its colours are called afterwards; what it does not take is a ``PixelError`` that says what
could be used instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.util import find_spec

from kerma.errors import PixelError, UnsupportedSyntaxError
from kerma.pixels.codecs import CODECS
from kerma.pixels.layout import PIXEL_DATA, Layout
from kerma.standard import transfer_syntaxes, uids
from kerma.standard.transfer_syntaxes import EXPLICIT_LE, IMPLICIT_LE

_ROOT = "1.2.840.10008.1.2."
_GREY = {"MONOCHROME1": "MONOCHROME1", "MONOCHROME2": "MONOCHROME2"}
_EXACT = {**_GREY, "PALETTE COLOR": "PALETTE COLOR", "RGB": "RGB", "YBR_FULL": "YBR_FULL"}
_LOSSLESS_HINT = "JPEG-LS, JPEG 2000 and HTJ2K lossless, JPEG lossless and RLE keep it"


@dataclass(frozen=True, slots=True)
class Target:
    """A family of syntaxes. ``stored`` is the least and the most Bits Stored; ``colours`` maps the photometric
    interpretation of samples to what the data set says of the stream, None for any that stays what it is; ``method``
    is the defined term of a lossy one (PS3.3 C.7.6.1.1.5.1), "" for a lossless one.
    """

    stored: tuple[int, int] = (1, 64)
    colours: Mapping[str, str] | None = None
    method: str = ""
    signed: bool = True
    single_bits: bool = False
    """Whether it takes Bits Allocated 1."""
    depths: tuple[int, ...] = field(default=())
    """The only Bits Stored that can be said afterwards, lowest first; empty for all."""


_PLAIN = Target(single_bits=True)
_JPEG_LOSSLESS = Target((1, 16), _EXACT)
_LOSSY_YBR = {**_GREY, "RGB": "YBR_FULL_422"}
_RCT = {**_EXACT, "RGB": "YBR_RCT"}
_ICT = {**_GREY, "RGB": "YBR_ICT"}

TARGETS: Mapping[str, Target] = {
    f"{_ROOT}1.98": _PLAIN,
    f"{_ROOT}8.1": _PLAIN,
    f"{_ROOT}5": Target((1, 64), None, single_bits=True),
    f"{_ROOT}4.50": Target((1, 8), _LOSSY_YBR, "ISO_10918_1", signed=False, depths=(8,)),
    f"{_ROOT}4.51": Target((1, 12), _LOSSY_YBR, "ISO_10918_1", signed=False, depths=(8, 12)),
    f"{_ROOT}4.57": _JPEG_LOSSLESS,
    f"{_ROOT}4.70": _JPEG_LOSSLESS,
    f"{_ROOT}4.80": Target((2, 16), _EXACT),
    f"{_ROOT}4.81": Target((2, 16), {**_GREY, "RGB": "RGB"}, "ISO_14495_1", signed=False),
    f"{_ROOT}4.90": Target((1, 32), _RCT),
    f"{_ROOT}4.91": Target((1, 16), _ICT, "ISO_15444_1"),
    f"{_ROOT}4.110": Target((1, 16), {**_GREY, "RGB": "RGB"}, signed=False),
    f"{_ROOT}4.112": Target((1, 16), {**_GREY, "RGB": "XYB"}, "ISO_18181_1", signed=False),
    f"{_ROOT}4.201": Target((1, 32), _RCT),
    f"{_ROOT}4.202": Target((1, 32), _RCT),
    f"{_ROOT}4.203": Target((1, 16), _ICT, "ISO_15444_15"),
}
"""Transfer syntax -> what it takes, of all that pixels can be compressed to."""

REPACKED: Mapping[tuple[str, str], bool] = {
    (f"{_ROOT}4.50", f"{_ROOT}4.51"): True,
    (f"{_ROOT}4.70", f"{_ROOT}4.57"): True,
    (f"{_ROOT}4.202", f"{_ROOT}4.201"): True,
}
"""Pairs where every stream of the first is one of the second: the streams stay as they are."""

CERTAINLY_LOSSY = frozenset(f"{_ROOT}4.{number}" for number in range(50, 57))
"""Syntaxes whose every stream has lost something; other lossy ones may hold reversible streams."""


DECODED = frozenset(CODECS)
"""Compressed syntaxes that can be decoded."""

LOSSLESS = tuple(f"{_ROOT}{number}" for number in ("4.80", "4.90", "4.70", "5", "4.201"))
"""What to compress to where a peer takes nothing uncompressed, the ones that are most often taken first."""


@lru_cache(maxsize=1)
def has_codecs() -> bool:
    """Whether the packages that decode and encode are installed."""
    return find_spec("numpy") is not None and find_spec("imagecodecs") is not None


def decodable(uid: str) -> bool:
    """Whether pixels in ``uid`` can be read here."""
    return has_codecs() and (uid in DECODED or uid in _NATIVE)


def reachable(uid: str) -> tuple[str, ...]:
    """The syntaxes that pixels in ``uid`` can be brought into without loss, uncompressed ones first, without looking at
    the image; none where nothing here can read them.
    """
    if not decodable(uid):
        return ()
    found = (EXPLICIT_LE.uid, IMPLICIT_LE.uid, *LOSSLESS)
    return tuple(each for each in found if each != uid)


def name_of(uid: str) -> str:
    """The name of a transfer syntax as printed, the UID of one without a name."""
    return uids.name_of(uid) or uid


def target_of(uid: str) -> Target | None:
    """What ``uid`` takes; None for an uncompressed syntax. ``UnsupportedSyntaxError`` for one that is not known or that
    nothing here compresses to.
    """
    row = transfer_syntaxes.get(uid)
    if row is None:
        raise UnsupportedSyntaxError(f"{uid} is no transfer syntax that is known", uid=uid)
    if uid in TARGETS:
        return TARGETS[uid]
    if row.encapsulated or uid not in _NATIVE:
        raise UnsupportedSyntaxError(f"pixels cannot be brought into {name_of(uid)}", uid=uid)
    return None


_NATIVE = frozenset({_ROOT[:-1], f"{_ROOT}1", f"{_ROOT}1.99", f"{_ROOT}2"})


def native_layout(layout: Layout, photometric: str, uid: str) -> Layout:
    """How decoded samples lie when they are not compressed."""
    allocated = layout.bits_allocated
    if allocated != 1 and allocated not in {8, 16, 32, 64}:
        allocated = next(size for size in (8, 16, 32, 64) if allocated <= size)
    found = replace(
        layout,
        bits_allocated=allocated,
        high_bit=layout.bits_stored - 1,
        planar=False,
        photometric=photometric,
        transfer_syntax_uid=uid,
    )
    if (found.native_bits * found.frames + 7) // 8 > 0xFFFFFFFE:
        raise PixelError(
            "the pixels have more than 4 GB when they are not compressed, more than one element can hold (PS3.5 7.1)",
            hint="another compressed syntax can hold them",
        )
    return found


def compressed_layout(layout: Layout, photometric: str, uid: str) -> Layout:
    """How the image lies in the compressed syntax ``uid``; ``PixelError`` where that cannot hold it."""
    target = TARGETS[uid]
    name = name_of(uid)
    if layout.tag != PIXEL_DATA:
        raise PixelError(f"floating point pixels cannot be held by {name} (PS3.5 A.4)", hint="leave them uncompressed")
    if layout.bits_allocated == 1 and not target.single_bits:
        raise PixelError(
            f"{name} holds no pixels of a single bit",
            hint="RLE Lossless, Deflated Image Frame Compression and Encapsulated Uncompressed do",
        )
    if layout.signed and not target.signed:
        raise PixelError(f"{name} holds no signed samples (PS3.5 8.2)", hint=_LOSSLESS_HINT)
    low, high = target.stored
    if not low <= layout.bits_stored <= high:
        raise PixelError(f"{name} holds {low} to {high} bits a sample, not {layout.bits_stored}", hint=_wider(layout))
    said = photometric if target.colours is None else target.colours.get(photometric)
    if said is None:
        hint = _LOSSLESS_HINT if photometric == "PALETTE COLOR" or target.method else "RLE Lossless keeps any colour"
        raise PixelError(f"{name} holds no {photometric[:16]} (PS3.5 8.2)", hint=hint)
    stored = next((depth for depth in target.depths if layout.bits_stored <= depth), layout.bits_stored)
    allocated = layout.bits_allocated
    if allocated != 1:
        allocated = next(size for size in (8, 16, 32, 64) if allocated <= size)
        if target.depths and stored <= 8:
            allocated = 8
    return replace(
        layout,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=stored - 1,
        planar=False,
        photometric=said,
        transfer_syntax_uid=uid,
    )


def _wider(layout: Layout) -> str:
    if layout.bits_stored > 32:
        return "RLE Lossless and the uncompressed syntaxes hold them"
    return "JPEG 2000, HTJ2K and RLE Lossless hold up to 32" if layout.bits_stored > 16 else _LOSSLESS_HINT
