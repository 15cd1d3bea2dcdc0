"""What codecs share: the result of decoding, and the checks around a foreign decoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.encoding.source import Buffer
from kerma.errors import FormatError, PixelError
from kerma.formats.building.codestreams import StreamHead, read_head
from kerma.pixels.layout import Layout

Array = NDArray[Any]

_TAIL = 4096


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
    if (head.rows or layout.rows, head.columns, head.samples) != (layout.rows, layout.columns, layout.samples):
        raise PixelError(
            f"the stream is {head.columns} x {head.rows} of {head.samples} samples, "
            f"the data set says {layout.columns} x {layout.rows} of {layout.samples}"
        )
    if head.bits > layout.bits_allocated:
        raise PixelError(f"the stream has {head.bits} bits a sample, the data set allocates {layout.bits_allocated}")
    return head


def ended(data: Buffer) -> None:
    """``PixelError`` where a JPEG or JPEG-LS stream has no EOI: a decoder would give what is missing as grey.

    What stands behind the marker is padding. Entropy-coded bytes never look like it (ISO 10918-1 B.1.1.5).
    """
    if b"\xff\xd9" not in bytes(memoryview(data)[-_TAIL:]):
        raise PixelError("the stream is cut: its last bytes hold no end of image")


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
