"""What codecs share: the result of decoding, and the checks around a foreign decoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.encoding.source import Buffer
from kerma.errors import FormatError, PixelError, UsageError
from kerma.findings import Finding
from kerma.formats.building.codestreams import StreamHead, read_head
from kerma.pixels.layout import Layout

Array = NDArray[Any]

END = b"\xff\xd9"
_TAIL = 4096
_UNENDED = "no-end-of-image"


@dataclass(frozen=True, slots=True)
class Decoded:
    """One frame: samples of shape (rows, columns[, samples]) and the photometric interpretation that they have."""

    samples: Array
    photometric: str


def head_of(data: Buffer, layout: Layout, kind: str) -> StreamHead:
    """The header of a code stream that is of the image's size. ``PixelError`` where it is none or of another."""
    try:
        head = read_head(data)
    except FormatError as error:
        raise PixelError(error.message) from None
    if head is None:
        raise PixelError(f"this is no {kind} stream")
    family = _family(data)
    if _FAMILIES.get(kind, kind) != family:
        raise PixelError(f"this is a {family} stream, not one of {kind}", hint="the transfer syntax is not its own")
    if (head.rows or layout.rows, head.columns, head.samples) != (layout.rows, layout.columns, layout.samples):
        raise PixelError(
            f"the stream is {head.columns} x {head.rows} of {head.samples} samples, "
            f"the data set says {layout.columns} x {layout.rows} of {layout.samples}"
        )
    if head.bits > layout.bits_allocated:
        raise PixelError(f"the stream has {head.bits} bits a sample, the data set allocates {layout.bits_allocated}")
    return head


_FAMILIES = {"HTJ2K": "JPEG 2000"}


def _family(data: Buffer) -> str:
    """JPEG, JPEG-LS or JPEG 2000, of a stream whose headers were read."""
    view = memoryview(data)
    if bytes(view[:2]) != b"\xff\xd8":
        return "JPEG 2000"
    pos = 2
    while pos + 4 <= len(view) and view[pos] == 0xFF:
        marker = view[pos + 1]
        if marker == 0xF7:
            return "JPEG-LS"
        if marker == 0xDA:
            break
        alone = marker in {0xFF, 0x01} or 0xD0 <= marker <= 0xD8
        pos += (1 if marker == 0xFF else 2) if alone else 2 + int.from_bytes(view[pos + 2 : pos + 4], "big")
    return "JPEG"


def has_end(data: Buffer) -> bool:
    """Whether a JPEG or JPEG-LS stream has its EOI, behind which padding may stand.

    Entropy-coded bytes never look like it (ISO 10918-1 B.1.1.5).
    """
    view = memoryview(data)
    if END in bytes(view[-_TAIL:]):
        return True
    whole = bytes(view)
    found = whole.rfind(END)
    return found >= 0 and not whole[found + 2 :].strip(b"\0\xff")


def said_unended(layout: Layout) -> None:
    """Note once that streams of the image have no end, and were whole all the same."""
    _said(layout, _UNENDED, "a code stream lacks the marker of its end; all samples were there", "PS3.5 A.4")


def said_shallow(layout: Layout, head: StreamHead) -> None:
    """Note once that streams have fewer bits than the data set says: one of the two is wrong, and the samples with it
    if it is the stream.
    """
    _said(
        layout,
        "fewer-bits-in-stream",
        f"the code streams have {head.bits} bits a sample, Bits Stored says {layout.bits_stored}",
        "PS3.5 8.2.1",
    )


def _said(layout: Layout, code: str, text: str, section: str) -> None:
    if not any(finding.code == code for finding in layout.findings):
        layout.findings.append(Finding(code, text, path=(layout.tag,), section=section))


def cut() -> PixelError:
    """The error for a stream that ends before its last sample: a decoder would give what is missing as grey."""
    return PixelError("the stream is cut: it ends before its last sample")


def guarded(decode: Callable[..., Any], kind: str, data: Buffer, **options: Any) -> Array:
    """Call a foreign decoder; what it raises is a ``PixelError``."""
    try:
        return np.asarray(decode(data, **options))
    except (KeyboardInterrupt, SystemExit, PixelError):
        raise
    except Exception as error:  # noqa: BLE001 - foreign libraries raise what they like
        raise PixelError(f"the {kind} stream cannot be decoded: {str(error)[:200]}") from None


def in_shape(samples: Array, layout: Layout) -> Array:
    """Decoded samples in the image's shape. ``PixelError`` where they are others than the data set says."""
    wanted = (layout.rows, layout.columns) + ((layout.samples,) if layout.samples > 1 else ())
    if samples.shape != wanted:
        if samples.size != prod(wanted) or samples.shape[:2] != wanted[:2]:
            raise PixelError(f"the stream has samples of shape {samples.shape}, the data set says {wanted}")
        samples = samples.reshape(wanted)
    return samples


# -- encoding ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Option:
    """An option of an encoder: its type, what it is unless given, and from where to where it goes."""

    default: float | None
    low: float
    high: float
    whole: bool = True


def chosen(given: Mapping[str, Any], **known: Option) -> dict[str, Any]:
    """The options of an encoder, each checked; ``UsageError`` for one that it does not take or that cannot be meant."""
    for name in given:
        if name not in known:
            can = ", ".join(known) or "none"
            raise UsageError(f"this syntax has no option {name}", hint=f"options that it has: {can}")
    found: dict[str, Any] = {}
    for name, option in known.items():
        value = given.get(name)
        if value is None:
            found[name] = option.default
            continue
        kinds = int if option.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not option.low <= value <= option.high:
            what = "a whole number" if option.whole else "a number"
            raise UsageError(
                f"{name} {str(value)[:40]} cannot be meant", hint=f"{what} from {option.low:g} to {option.high:g}"
            )
        found[name] = value
    return found


def fitting(samples: Array, layout: Layout) -> Array:
    """Samples to encode, checked against what the layout says of them: shape, and that each fits in its bits."""
    wanted = (layout.rows, layout.columns) + ((layout.samples,) if layout.samples > 1 else ())
    if samples.shape != wanted:
        raise PixelError(f"samples of shape {samples.shape} cannot be encoded as {wanted}")
    if samples.dtype.kind not in "iu":
        raise PixelError("only whole numbers can be encoded")
    low, high = extent(layout)
    if samples.size and (int(samples.min()) < low or int(samples.max()) > high):
        raise PixelError(
            f"there are samples outside of the {layout.bits_stored} {'signed ' if layout.signed else ''}bits stored",
            hint="Bits Stored and Pixel Representation must hold all samples (PS3.3 C.7.6.3.1)",
        )
    return np.ascontiguousarray(samples)


def extent(layout: Layout) -> tuple[int, int]:
    """The least and the most that a sample can be."""
    half = 1 << (layout.bits_stored - 1)
    return (-half, half - 1) if layout.signed and layout.bits_allocated > 1 else (0, 2 * half - 1)


def unsigned(samples: Array, layout: Layout) -> Array:
    """The bits stored of each sample as a number without sign, for codecs that know none: what decoders get is made
    signed again by Pixel Representation.
    """
    word = np.dtype("u1" if layout.bits_stored <= 8 else "u2" if layout.bits_stored <= 16 else "u4")
    if samples.dtype == word:
        return samples
    found: Array = samples.astype(word)
    if samples.dtype.kind == "i":
        found &= word.type((1 << layout.bits_stored) - 1)
    return found


def encoded(encode: Callable[..., Any], kind: str, samples: Array | Buffer, **options: Any) -> bytes:
    """Call a foreign encoder; what it raises is a ``PixelError``."""
    try:
        return bytes(encode(samples, **options))
    except (KeyboardInterrupt, SystemExit):
        raise
    except Exception as error:  # noqa: BLE001 - foreign libraries raise what they like
        raise PixelError(f"the samples cannot be encoded as {kind}: {str(error)[:200]}") from None
