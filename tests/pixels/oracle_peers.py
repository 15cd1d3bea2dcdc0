"""What other programs decode of an image: the peers of the table of expected samples.

Each peer is a function from a file to ``Seen``, run in a child of its own: one that crashes or hangs is an outcome like
any other. Peers hand over words as they lie, some with the bits around the samples; ``stored_values`` clears those and
carries the sign as PS3.5 8.1.1 says, so that what is compared are samples.
"""

from __future__ import annotations

import multiprocessing
import pickle
import subprocess
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.encaps import generate_frames
from pydicom.pixels import get_decoder

Array = NDArray[Any]
PLUGINS = ("pylibjpeg", "pyjpegls", "pydicom")
PEERS = ("pydicom", *(f"pydicom/{name}" for name in PLUGINS), "gdcm", "dcmtk", "openjph")
SECONDS = 60
_HT = tuple(f"1.2.840.10008.1.2.4.{last}" for last in (201, 202, 203))
_WORDS = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.5")
"""Syntaxes whose words may have other bits around the samples; other code streams hold samples only."""
_DCMTK = {
    "1.2.840.10008.1.2.5": ("dcmdrle",),
    "1.2.840.10008.1.2.4.80": ("dcmdjpls",),
    "1.2.840.10008.1.2.4.81": ("dcmdjpls",),
    **{f"1.2.840.10008.1.2.4.{last}": ("dcmdjpeg",) for last in (50, 51, 53, 55, 57, 70)},
    **{f"1.2.840.10008.1.2{last}": ("dcmconv", "+te") for last in ("", ".1", ".2", ".1.99")},
}


@dataclass(frozen=True)
class Seen:
    """Samples of shape (frames, rows, columns, samples) and the photometric interpretation that the peer gives them."""

    samples: Array
    photometric: str


class Absent(Exception):
    """The peer says itself that it does not decode this syntax."""


def stored_values(samples: Array, ds: Any) -> Array:
    """Samples alone: what lies in other bits of their words is cleared, the sign is carried up."""
    uid = str(ds.file_meta.TransferSyntaxUID)
    if ds.file_meta.TransferSyntaxUID.is_encapsulated and uid not in _WORDS:
        return samples
    size = samples.dtype.itemsize * 8
    stored = int(ds.get("BitsStored", size) or size)
    high = int(ds.get("HighBit", stored - 1) or 0)
    if samples.dtype.kind == "f" or int(ds.BitsAllocated) == 1 or not stored - 1 <= high < size:
        return samples
    wide = samples.astype("i8" if samples.dtype.kind == "i" else "u8")
    cut = (wide >> (high + 1 - stored)) & ((1 << stored) - 1) if stored < 64 else wide
    if samples.dtype.kind == "i":
        cut = np.where(cut >> (stored - 1) & 1, cut - (1 << stored), cut)
    return cut.astype(samples.dtype)


def four(samples: Array, ds: Any) -> Array:
    """(frames, rows, columns, samples), whatever of it numpy left out."""
    return samples.reshape(-1, int(ds.Rows), int(ds.Columns), int(ds.get("SamplesPerPixel", 1) or 1))


def _read(path: Path) -> Any:
    ds = pydicom.dcmread(path, force=True)
    if "TransferSyntaxUID" not in ds.file_meta:
        implicit, little = ds.original_encoding
        ds.file_meta.TransferSyntaxUID = f"1.2.840.10008.1.2{'' if implicit else '.1' if little else '.2'}"
    return ds


def by_pydicom(path: Path, plugin: str = "") -> Seen:
    """pydicom without any plug-in that it chooses, or with one: samples as they are decoded, colours not converted."""
    ds = _read(path)
    try:
        decoder = get_decoder(ds.file_meta.TransferSyntaxUID)
    except NotImplementedError as error:
        raise Absent from error
    if decoder.is_encapsulated != bool(plugin):
        raise Absent
    if plugin and plugin not in decoder.available_plugins:
        raise Absent
    samples, about = decoder.as_array(ds, raw=True, decoding_plugin=plugin)
    return Seen(stored_values(four(samples, ds), ds), str(about["photometric_interpretation"]))


def by_gdcm(path: Path) -> Seen:
    """GDCM's library: the image as it lies behind its reader."""
    import gdcm

    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    if not reader.Read():
        raise ValueError("not read")
    image = reader.GetImage()
    told = image.GetPixelFormat()
    data = image.GetBuffer().encode("utf-8", errors="surrogateescape")
    columns, rows = image.GetDimension(0), image.GetDimension(1)
    frames = image.GetDimension(2) if image.GetNumberOfDimensions() > 2 else 1
    samples, bits = told.GetSamplesPerPixel(), told.GetBitsAllocated()
    ds = _read(path)
    shape = (frames, rows, columns, samples)
    if bits == 1:
        flat = np.unpackbits(np.frombuffer(data, "u1"), bitorder="little")[: int(np.prod(shape))]
    else:
        kind = "i" if told.GetPixelRepresentation() else "u"
        if told.GetScalarType() in {gdcm.PixelFormat.FLOAT32, gdcm.PixelFormat.FLOAT64}:
            kind = "f"
        flat = np.frombuffer(data, f"<{kind}{bits // 8}", int(np.prod(shape)))
    if samples > 1 and image.GetPlanarConfiguration():
        out = flat.reshape(frames, samples, rows, columns).transpose(0, 2, 3, 1)
    else:
        out = flat.reshape(shape)
    return Seen(
        stored_values(np.ascontiguousarray(out), ds), str(image.GetPhotometricInterpretation().GetString()).strip()
    )


def by_dcmtk(path: Path) -> Seen:
    """DCMTK's program for the syntax makes a native file of it, which is read."""
    before = _read(path)
    tool = _DCMTK.get(before.file_meta.TransferSyntaxUID)
    if tool is None:
        raise Absent
    uid = before.file_meta.TransferSyntaxUID
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "native.dcm"
        done = subprocess.run([*tool, str(path), str(made)], capture_output=True, check=False, timeout=SECONDS)
        if done.returncode:
            raise ValueError(done.stderr.decode(errors="replace").strip()[-200:])
        ds = pydicom.dcmread(made)
        samples, about = get_decoder(ds.file_meta.TransferSyntaxUID).as_array(ds, raw=True)
        ds.file_meta.TransferSyntaxUID = uid
        return Seen(stored_values(four(samples, ds), ds), str(about["photometric_interpretation"]))


def by_openjph(path: Path) -> Seen:
    """OpenJPH, beside OpenJPEG with which all others decode high-throughput JPEG 2000."""
    import imagecodecs

    ds = _read(path)
    if ds.file_meta.TransferSyntaxUID not in _HT:
        raise Absent
    count = int(ds.get("NumberOfFrames", 1) or 1)
    frames = [imagecodecs.htj2k_decode(one) for one in generate_frames(ds.PixelData, number_of_frames=count)]
    photometric = {"YBR_RCT": "RGB", "YBR_ICT": "RGB"}.get(ds.PhotometricInterpretation, ds.PhotometricInterpretation)
    return Seen(four(np.stack(frames), ds), photometric)


def _decode(peer: str, path: Path) -> Seen:
    if peer == "gdcm":
        return by_gdcm(path)
    if peer == "dcmtk":
        return by_dcmtk(path)
    if peer == "openjph":
        return by_openjph(path)
    return by_pydicom(path, peer.partition("/")[2])


def _child(send: Connection, work: Callable[[], Any]) -> None:
    import logging

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    try:
        result: Any = work()
    except Absent:
        result = "absent"
    except Exception as error:  # noqa: BLE001 - peers raise what they like
        result = f"refused {type(error).__name__}: {error}"[:160]
    send.send_bytes(pickle.dumps(result, protocol=5))
    send.close()


def seen(peer: str, path: Path) -> Seen | str:
    """What the peer makes of a file; a word where that is nothing: absent, refused, crashed, hung."""
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(send, lambda: _decode(peer, path)))
    child.start()
    send.close()
    try:
        if not receive.poll(SECONDS):
            return "hung"
        result: Seen | str = pickle.loads(receive.recv_bytes())
    except EOFError:
        return "crashed"
    else:
        return result
    finally:
        if child.is_alive() and not receive.closed:
            child.join(1)
        if child.is_alive():
            child.kill()
        child.join()
        receive.close()
