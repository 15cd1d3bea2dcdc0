"""From data sets to volumes.

May touch data sets, codecs and two threads. Rules: the array is made once and filled in place, slice by slice; nothing
is allocated before its size was compared with ``Limits``. Compressed slices are decoded by two threads, for the codecs
let other threads run.
"""

from __future__ import annotations

import mmap
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.errors import KermaError, LimitError, PixelError, UsageError
from kerma.findings import Finding
from kerma.limits import Limits
from kerma.pixels.attributes import text
from kerma.pixels.decoding import decode_frame
from kerma.pixels.frame_index import FrameIndex, NativeFrames, index
from kerma.pixels.native import dtype_of
from kerma.pixels.places import Place, place_of
from kerma.pixels.volumes.arranging import Arrangement, arrange, groups_of
from kerma.pixels.volumes.grid import Volume
from kerma.pixels.volumes.slices import Image, Slice, image_of, rescale_of, slices_of
from kerma.standard import transfer_syntaxes

Array = NDArray[Any]

_LIMITS = Limits()
_THREADS = 2
_MAPPED = 16 << 20  # bytes from which an array lies in a map of its own


def volume(
    datasets: Iterable[Dataset] | Dataset,
    *,
    rescale: bool = True,
    strict: bool = False,
    limits: Limits = _LIMITS,
    on_slice: Callable[[int, int], None] | None = None,
) -> Volume:
    """One volume of the images of a series, or of one multi-frame image, in any order.

    ``rescale`` applies slopes and intercepts. ``strict`` refuses what is otherwise a finding: gaps, uneven spacing,
    duplicates, a tilt. ``on_slice(done, total)`` is called as slices are read. ``PixelError`` where the images are not
    one volume; ``volumes`` gives all that there are.
    """
    images, groups, findings = _grouped(datasets)
    if len(groups) > 1:
        sizes = ", ".join(f"{len(group)} slices" for group in groups[:4])
        raise PixelError(
            f"the images make {len(groups)} volumes ({sizes}{', ...' if len(groups) > 4 else ''})",
            hint="they differ in series, part, size, spacing or orientation; volumes() gives each of them",
        )
    return _built(images, groups[0], findings, rescale, strict, limits, on_slice)


def volumes(
    datasets: Iterable[Dataset] | Dataset,
    *,
    rescale: bool = True,
    strict: bool = False,
    limits: Limits = _LIMITS,
    on_slice: Callable[[int, int], None] | None = None,
) -> list[Volume]:
    """All volumes that the images make: one for each series, part, size, spacing and orientation."""
    images, groups, findings = _grouped(datasets)
    return [_built(images, group, findings, rescale, strict, limits, on_slice) for group in groups]


def geometry(datasets: Iterable[Dataset] | Dataset) -> list[Volume]:
    """What ``volumes`` would give, with nothing in the arrays: no pixel is read, and zeros take no memory."""
    images, groups, findings = _grouped(datasets)
    return [_built(images, group, findings, True, False, _LIMITS, None, empty=True) for group in groups]


def _grouped(datasets: Iterable[Dataset] | Dataset) -> tuple[list[Image], list[list[Slice]], list[Finding]]:
    images: list[Image] = []
    findings: list[Finding] = []
    seen: set[str] = set()
    for ds in (datasets,) if isinstance(datasets, Dataset) else datasets:
        image = image_of(ds)
        if image.uid and image.uid in seen:
            findings.append(Finding("duplicates", f"instance {image.uid} was given twice; it is taken once"))
            continue
        seen.add(image.uid)
        images.append(image)
    if not images:
        raise UsageError("no image is given")
    slices: list[Slice] = []
    lost: list[PixelError] = []
    for number, image in enumerate(images):
        try:
            slices.extend(slices_of(image, number))
        except PixelError as error:
            lost.append(error)
            text_of = f"instance {image.uid or number} is left out: {error.message}"
            findings.append(Finding("no-place", text_of, section="PS3.3 C.7.6.2"))
    if not slices:
        raise lost[0]
    return images, groups_of(slices, [image.kind for image in images]), findings


def _built(
    images: list[Image],
    group: list[Slice],
    findings: list[Finding],
    rescale: bool,
    strict: bool,
    limits: Limits,
    on_slice: Callable[[int, int], None] | None,
    *,
    empty: bool = False,
) -> Volume:
    arranged = arrange(group)
    findings = [*findings, *arranged.findings]
    if strict and findings:
        raise PixelError(str(findings[0]), hint="without strict it is a finding")
    first = group[0]
    used = [each for row in arranged.rows for each in row]
    scales = {(each.image, each.frame): (1.0, 0.0) for each in used}
    if _single_sample(images, used):
        scales = {key: rescale_of(images[key[0]].ds, key[1]) for key in scales}
    uniform = len(set(scales.values())) == 1
    kept = not rescale
    dtype = _stored(images, used) if kept else _rescaled(images, used, set(scales.values()))
    samples = images[first.image].layout.samples
    sizes = (len(arranged.rows), len(arranged.rows[0]), first.rows, first.columns, samples)
    size = int(np.prod(sizes, dtype=object)) * dtype.itemsize
    if size > limits.max_array:
        raise LimitError(f"the volume has {size} bytes", hint="raise Limits.max_array, or take fewer slices")
    shape = sizes[:4] if samples == 1 else sizes
    if empty:
        array: Array = np.broadcast_to(np.zeros((), dtype), shape)
    else:
        array = _filled(shape, dtype, images, arranged.rows, {} if kept else scales, limits, on_slice)
    slope, intercept = next(iter(scales.values())) if kept and uniform else (1.0, 0.0)
    if kept and not uniform:
        findings.append(Finding("several-slopes", "the slices have different slopes and intercepts; none is applied"))
    ds = images[first.image].ds
    return Volume(
        array=array if len(arranged.rows) > 1 else array[0],
        affine_lps=affine_of(arranged),
        axis=arranged.axis,
        coordinates=tuple(arranged.coordinates),
        slope=slope,
        intercept=intercept,
        unit=_unit(ds),
        positions=tuple(arranged.positions),
        tilted=arranged.tilted,
        even=arranged.even,
        colour=samples > 1,
        findings=findings,
        datasets=tuple(image.ds for image in images),
        slices=tuple(map(tuple, arranged.rows)),
    )


def affine_of(arranged: Arrangement) -> Array:
    """From (column, row, slice, 1) to millimetres LPS."""
    plane = arranged.rows[0][0].plane
    affine = np.eye(4)
    affine[:3, 0] = np.array(plane.row) * plane.spacing[1]
    affine[:3, 1] = np.array(plane.column) * plane.spacing[0]
    affine[:3, 2] = arranged.step
    affine[:3, 3] = plane.position
    return affine


def _single_sample(images: list[Image], used: Sequence[Slice]) -> bool:
    counts = {images[number].layout.samples for number in {each.image for each in used}}
    if len(counts) > 1:
        raise PixelError("colour and grey images are no volume together")
    return counts == {1}


def _unit(ds: Dataset) -> str:
    """The unit that the values are said to have."""
    return text(ds, "Units") or text(ds, "RescaleType") or ("HU" if text(ds, "Modality") == "CT" else "")


def _stored(images: list[Image], used: Sequence[Slice]) -> np.dtype[Any]:
    """A type that holds the stored values of all."""
    return np.dtype(np.result_type(*{dtype_of(images[number].layout) for number in {each.image for each in used}}))


def _rescaled(images: list[Image], used: Sequence[Slice], scales: set[tuple[float, float]]) -> np.dtype[Any]:
    """A type for the values after the rescale: integers where all slopes and intercepts are, floats otherwise."""
    stored = _stored(images, used)
    if scales == {(1.0, 0.0)}:
        return stored
    bits = max(images[number].layout.bits_stored for number in {each.image for each in used})
    if stored.kind == "f":
        return stored
    if all(float(slope).is_integer() and float(intercept).is_integer() for slope, intercept in scales):
        low = -(1 << (bits - 1)) if stored.kind == "i" else 0
        top = (1 << (bits - 1)) - 1 if stored.kind == "i" else (1 << bits) - 1
        ends = [end * slope + intercept for slope, intercept in scales for end in (low, top)]
        for dtype in (np.int16, np.uint16, np.int32):
            if np.iinfo(dtype).min <= min(ends) and max(ends) <= np.iinfo(dtype).max:
                return np.dtype(dtype)
    return np.dtype("f4" if bits <= 24 else "f8")


class _TooNarrowError(Exception):
    """A rescaled value does not fit the type that was hoped to do."""


def _filled(
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    images: list[Image],
    rows: list[list[Slice]],
    scales: dict[tuple[int, int], tuple[float, float]],
    limits: Limits,
    on_slice: Callable[[int, int], None] | None,
) -> Array:
    """The array. 32 bits that only the farthest stored values would need are tried with 16: half the memory."""
    if dtype == np.int32:
        array = _memory(shape, np.dtype(np.int16))
        try:
            _fill(array, images, rows, scales, limits, on_slice)
        except _TooNarrowError:
            del array
        else:
            return array
    array = _memory(shape, dtype)
    _fill(array, images, rows, scales, limits, on_slice)
    return array


def _memory(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An array of zeros. numpy asks for huge pages, which cost three times as much to get as what is put into them."""
    size = int(np.prod(shape)) * dtype.itemsize
    if size < _MAPPED:
        return np.zeros(shape, dtype)
    return np.frombuffer(mmap.mmap(-1, size), dtype).reshape(shape)


def _fill(
    array: Array,
    images: list[Image],
    rows: list[list[Slice]],
    scales: dict[tuple[int, int], tuple[float, float]],
    limits: Limits,
    on_slice: Callable[[int, int], None] | None,
) -> None:
    """Read and decode each frame once, and put it, or each of its tiles, where it belongs."""
    jobs: dict[int, dict[int, list[tuple[Slice, Array]]]] = defaultdict(lambda: defaultdict(list))
    for time, row in enumerate(rows):
        for place, each in enumerate(row):
            jobs[each.image][each.frame].append((each, array[time, place]))
    total = sum(map(len, rows))
    done = 0

    def one(number: int) -> int:
        frames = jobs[number]
        try:
            found = _index_of(images[number])
            for frame, targets in frames.items():
                samples = decode_frame(found, frame, limits=limits)
                scale = scales.get((number, frame), (1.0, 0.0))
                for each, target in targets:
                    _put(samples, each, target, scale)
        except KermaError as error:
            if error.where is None and len(images) > 1:
                error.where = f"instance {images[number].uid or number}"
            raise
        return sum(map(len, frames.values()))

    def told(count: int) -> None:
        nonlocal done
        done += count
        if on_slice is not None:
            on_slice(done, total)

    if len(jobs) > 1 and any(_compressed(images[number]) for number in jobs):
        with ThreadPoolExecutor(_THREADS) as pool:
            for count in pool.map(one, jobs):
                told(count)
    else:
        for number in jobs:
            told(one(number))


def _compressed(image: Image) -> bool:
    row = transfer_syntaxes.get(image.layout.transfer_syntax_uid)
    return row is not None and row.encapsulated


def _index_of(image: Image) -> FrameIndex:
    """The frames of an image, with the layout that is known."""
    if not _compressed(image):
        place = place_of(image.ds, image.layout.tag)
        if isinstance(place, Place) and place.length is not None:
            return NativeFrames(image.layout, place)
    return index(image.ds)


def _put(samples: Array, each: Slice, target: Array, scale: tuple[float, float]) -> None:
    if each.tile is not None:
        row, column = each.tile
        samples = samples[row : row + each.rows, column : column + each.columns]
    if scale == (1.0, 0.0):
        if target.dtype == np.int16 and samples.dtype.itemsize >= 2 and samples.dtype != target.dtype:
            _check_narrow(samples, scale)
        target[...] = samples
        return
    if target.dtype.kind == "f":
        np.multiply(samples, target.dtype.type(scale[0]), out=target, casting="unsafe")
        target += target.dtype.type(scale[1])
        return
    if target.dtype == np.int16:
        _check_narrow(samples, scale)
    if scale[0] == 1 and -0x8000 <= scale[1] <= 0x7FFF:
        np.add(samples, target.dtype.type(scale[1]), out=target, dtype=target.dtype, casting="unsafe")
    else:
        target[...] = samples.astype("i8") * int(scale[0]) + int(scale[1])


def _check_narrow(samples: Array, scale: tuple[float, float]) -> None:
    ends = [int(end) * scale[0] + scale[1] for end in (samples.min(), samples.max())]
    if min(ends) < -0x8000 or max(ends) > 0x7FFF:
        raise _TooNarrowError
