"""Images made for the tests of room ``pixels``: any layout, native or encapsulated, with the samples that they hold."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

import kerma
from kerma.dataset import Dataset
from kerma.dataset.body import Body
from kerma.dataset.dataset import FileState
from kerma.dataset.fragments import Fragments

Array = NDArray[Any]

NATIVE = "1.2.840.10008.1.2.1"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
RLE = "1.2.840.10008.1.2.5"


def ramp(shape: tuple[int, ...], bits: int = 16, *, signed: bool = False) -> Array:
    """Samples of all sizes that ``bits`` allow, in no order."""
    count = int(np.prod(shape))
    numbers = (np.arange(count, dtype="u8") * 2654435761) % (1 << bits)
    if signed:
        return (numbers.astype("i8") - (1 << (bits - 1))).reshape(shape)
    return numbers.reshape(shape)


def image(
    rows: int,
    columns: int,
    *,
    frames: int = 1,
    samples: int = 1,
    allocated: int = 16,
    stored: int | None = None,
    signed: bool = False,
    photometric: str = "",
    uid: str = NATIVE,
    **more: Any,
) -> Any:
    """A data set that says this of its pixels, without any."""
    state = FileState()
    state.uid = uid
    ds = Dataset.from_body(Body.new(), state)
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7.3"
    ds.SOPInstanceUID = "1.2.3"
    ds.SamplesPerPixel = samples
    ds.PhotometricInterpretation = photometric or ("RGB" if samples == 3 else "MONOCHROME2")
    if samples > 1:
        ds.PlanarConfiguration = 0
    if frames != 1:
        ds.NumberOfFrames = str(frames)
    ds.Rows, ds.Columns = rows, columns
    stored = allocated if stored is None else stored
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = allocated, stored, stored - 1
    ds.PixelRepresentation = int(signed)
    ds.update(more.items())
    return ds


def with_native(ds: Any, samples: Array) -> Any:
    """``ds`` with these samples, in the words that it allocates."""
    allocated = ds.BitsAllocated
    if allocated == 1:
        data = np.packbits(samples.astype("u1").reshape(-1), bitorder="little").tobytes()
    elif allocated in {8, 16, 32, 64}:
        data = samples.astype(f"<i{allocated // 8}").tobytes()
    else:
        bits = (samples.reshape(-1, 1).astype("u8") >> np.arange(allocated, dtype="u8")) & 1
        data = np.packbits(bits.astype("u1").reshape(-1), bitorder="little").tobytes()
    ds.add("PixelData", "OB" if allocated <= 8 else "OW", data)
    return ds


def with_frames(ds: Any, frames: list[bytes], table: bytes = b"") -> Any:
    """``ds`` with these fragments and this offset table."""
    ds.add("PixelData", "OB", Fragments(frames, table))
    return ds


def read_back(ds: Any, uid: str | None = None) -> Any:
    """``ds`` as it is read from its own file, in memory."""
    out = io.BytesIO()
    kerma.write(ds, out, transfer_syntax_uid=uid)
    return kerma.read(out.getvalue())
