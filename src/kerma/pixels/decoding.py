"""From an image to arrays: one frame, all of them one by one, or all in one array.

Rules: a frame that is not asked for is neither read nor decoded. Native samples are a view of the bytes where numpy has
their layout. What is returned are the stored values, without any LUT; colour comes as RGB unless ``rgb=False``. Before
anything is allocated its size is compared with ``Limits``.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.encoding.source import Buffer
from kerma.errors import KermaError, LimitError, PixelError, UnsupportedSyntaxError
from kerma.limits import Limits
from kerma.pixels.codecs import decoder_of
from kerma.pixels.codecs.base import Decoded
from kerma.pixels.codecs.video import video_of
from kerma.pixels.colour import ybr_full_to_rgb, ybr_partial_to_rgb
from kerma.pixels.frame_index import FrameIndex, NativeFrames, index
from kerma.pixels.layout import Layout
from kerma.pixels.native import as_array, cleaned, dtype_of, shape_of
from kerma.pixels.syntaxes import VIDEO

Array = NDArray[Any]

_LIMITS = Limits()


def array(ds: Dataset, *, rgb: bool = True, limits: Limits = _LIMITS) -> Array:
    """All samples of the image: (rows, columns), samples behind for colour, frames in front for more than one.

    ``rgb`` turns YBR colour spaces into RGB; palette colours stay the indices that they are. ``PixelError`` names what
    is wrong and the frame; ``UnsupportedSyntaxError`` a syntax that cannot be decoded; ``LimitError`` what is too big.
    """
    found = index(ds)
    layout = found.layout
    if found.count == 1:
        return _frame(found, 0, rgb, limits)
    size = prod(shape_of(layout, found.count)) * dtype_of(layout).itemsize
    if size > limits.max_array:
        raise LimitError(f"the frames have {size} bytes together", hint="take them one by one: kerma.pixels.frames")
    if isinstance(found, NativeFrames):
        samples = as_array(found.read_all(), layout, frames=found.count)
        return _coloured(samples, layout, _native_photometric(layout), rgb).samples
    first = _frame(found, 0, rgb, limits)
    if layout.transfer_syntax_uid not in VIDEO:
        found.ranges(found.count - 1)  # before memory is taken for frames that are not there
    out = np.empty((found.count, *first.shape), first.dtype)
    out[0] = first
    for number in range(1, found.count):
        out[number] = _frame(found, number, rgb, limits)
    return out


def frame(ds: Dataset, number: int, *, rgb: bool = True, limits: Limits = _LIMITS) -> Array:
    """One frame, counted from 0, of shape (rows, columns[, samples]); no other is read or decoded."""
    return _frame(index(ds), number, rgb, limits)


def frames(ds: Dataset, *, rgb: bool = True, limits: Limits = _LIMITS) -> Iterator[Array]:
    """The frames in order, each read and decoded when it is its turn."""
    found = index(ds)
    for number in range(found.count):
        yield _frame(found, number, rgb, limits)


def same_samples(one: Dataset, other: Dataset, *, limits: Limits = _LIMITS) -> bool:
    """Whether two images have the same stored values, frame by frame; two frames at a time are in memory."""
    if index(one).count != index(other).count:
        return False
    pairs = zip(frames(one, rgb=False, limits=limits), frames(other, rgb=False, limits=limits), strict=True)
    return all(np.array_equal(mine, theirs) for mine, theirs in pairs)


def decode_frame(found: FrameIndex, number: int, *, rgb: bool = True, limits: Limits = _LIMITS) -> Array:
    """One frame by an index that is at hand."""
    return _frame(found, number, rgb, limits)


def check_size(layout: Layout, limits: Limits) -> None:
    """``LimitError`` for a frame that is too big."""
    size = prod(shape_of(layout)) * dtype_of(layout).itemsize
    if size > limits.max_frame:
        raise LimitError(f"a frame has {size} bytes, more than the {limits.max_frame} of the limits")


def decode_data(found: FrameIndex, number: int, data: Buffer, *, rgb: bool = True, limits: Limits = _LIMITS) -> Decoded:
    """One frame from its bytes, as ``found.read`` gave them, and the photometric interpretation that it has then.
    Safe on several threads at one time.
    """
    layout = found.layout
    check_size(layout, limits)
    if not found.encapsulated:
        return _coloured(as_array(data, layout), layout, _native_photometric(layout), rgb)
    decode = decoder_of(layout.transfer_syntax_uid)
    try:
        decoded = decode(data, layout, rgb)
    except UnsupportedSyntaxError:
        raise
    except KermaError as error:
        raise PixelError(error.message, frame=number, hint=error.hint) from None
    return _coloured(_typed(decoded, layout), layout, decoded.photometric, rgb)


def _frame(found: FrameIndex, number: int, rgb: bool, limits: Limits) -> Array:
    check_size(found.layout, limits)
    if found.layout.transfer_syntax_uid in VIDEO:
        return video_of(found).frame(number, rgb=rgb).samples
    return decode_data(found, number, found.read(number), rgb=rgb, limits=limits).samples


def _typed(decoded: Decoded, layout: Layout) -> Array:
    """A decoder's samples in the type that the data set says: its word's size, and the sign that a stream may lack."""
    samples, dtype = decoded.samples, dtype_of(layout)
    if samples.dtype == dtype:
        return samples
    if samples.dtype.itemsize == dtype.itemsize and samples.dtype.kind in "iu":
        return cleaned(samples.view(dtype), layout)
    return cleaned(samples.astype(dtype), layout)


def _native_photometric(layout: Layout) -> str:
    """What native samples are in once they lie by pixel."""
    return {"YBR_FULL_422": "YBR_FULL", "YBR_PARTIAL_422": "YBR_PARTIAL"}.get(layout.photometric, layout.photometric)


def _coloured(samples: Array, layout: Layout, photometric: str, rgb: bool) -> Decoded:
    if rgb and layout.samples == 3 and not layout.signed and not layout.floating:
        if photometric in {"YBR_FULL", "YBR_FULL_422"}:
            return Decoded(ybr_full_to_rgb(samples, layout.bits_stored), "RGB")
        if photometric == "YBR_PARTIAL":
            return Decoded(ybr_partial_to_rgb(samples, layout.bits_stored), "RGB")
    return Decoded(samples, photometric)
