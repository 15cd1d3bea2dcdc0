"""The files of the bench: one picture like a CT's, in each transfer syntax, as a few large frames or as many small."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

import kerma
from kerma.dataset import Dataset
from kerma.dataset.body import Body
from kerma.dataset.dataset import FileState
from kerma.pixels import encapsulate

Array = NDArray[Any]
_ROOT = "1.2.840.10008.1.2"
SYNTAXES = {
    "native": f"{_ROOT}.1",
    "RLE": f"{_ROOT}.5",
    "JPEG baseline": f"{_ROOT}.4.50",
    "JPEG lossless": f"{_ROOT}.4.70",
    "JPEG-LS": f"{_ROOT}.4.80",
    "JPEG 2000": f"{_ROOT}.4.90",
    "HTJ2K": f"{_ROOT}.4.201",
}


def picture(size: int, bits: int) -> Array:
    """Round shapes, a slope and noise: compresses about as images do."""
    random = np.random.default_rng(7)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    image = 0.3 + 0.1 * x
    for radius, cx, cy, level in ((0.8, 0, 0, 0.3), (0.3, -0.3, 0.1, -0.2), (0.25, 0.35, 0, 0.25), (0.1, 0, 0.5, 0.4)):
        image = image + level * ((x - cx) ** 2 + (y - cy) ** 2 < radius**2)
    top = (1 << bits) - 1
    out = np.clip(image * top * 0.7 + random.normal(0, top / 300, image.shape), 0, top)
    made: Array = out.astype("u1" if bits <= 8 else "u2")
    return made


def _rle(samples: Array) -> bytes:
    width = samples.dtype.itemsize
    planes = np.ascontiguousarray(samples).view("u1").reshape(-1, width)
    segments = [imagecodecs.packbits_encode(planes[:, byte].tobytes()) for byte in range(width - 1, -1, -1)]
    segments = [one + b"\0" * (len(one) & 1) for one in segments]
    offsets = [64 + sum(map(len, segments[:number])) for number in range(width)]
    return struct.pack("<16I", width, *offsets, *[0] * (15 - width)) + b"".join(segments)


def stream(samples: Array, kind: str) -> bytes:
    """One frame in a syntax."""
    if kind == "native":
        return samples.tobytes()
    if kind == "RLE":
        return _rle(samples)
    if kind == "JPEG baseline":
        return bytes(imagecodecs.jpeg8_encode(samples, level=90))
    if kind == "JPEG lossless":
        return bytes(imagecodecs.jpeg8_encode(samples, lossless=True, predictor=1))
    if kind == "JPEG-LS":
        return bytes(imagecodecs.jpegls_encode(samples))
    if kind == "JPEG 2000":
        return bytes(imagecodecs.jpeg2k_encode(samples, level=0, codecformat="j2k", reversible=True))
    return bytes(imagecodecs.htj2k_encode(samples, reversible=True))


def make(path: Path, kind: str, size: int, frames: int) -> Path:
    """A multi-frame object of ``frames`` times the same picture, with its basic offset table."""
    bits = 8 if kind == "JPEG baseline" else 16 if kind == "JPEG lossless" else 12
    samples = picture(size, min(bits, 12))
    state = FileState()
    state.uid = SYNTAXES[kind]
    ds: Any = Dataset.from_body(Body.new(), state)
    ds.SOPClassUID = f"1.2.840.10008.5.1.4.1.1.7.{2 if bits == 8 else 3}"
    ds.SOPInstanceUID = "1.2.3"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.NumberOfFrames = str(frames)
    ds.Rows = ds.Columns = size
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8 if bits == 8 else 16, bits, bits - 1
    ds.PixelRepresentation = 0
    one = stream(samples, kind)
    if kind == "native":
        ds.add("PixelData", "OW", one * frames)
    else:
        encapsulate(ds, [one] * frames, extended=False)
    kerma.write(ds, path)
    return path
