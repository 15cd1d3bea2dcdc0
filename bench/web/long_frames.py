"""Objects of one and of 100,000 frames of 32 x 32, native and in RLE."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import kerma
from kerma.dataset import Dataset
from kerma.formats.building import modules
from kerma.standard.transfer_syntaxes import EXPLICIT_LE

COUNT = 100_000
_SIDE = 32
_RLE = "1.2.840.10008.1.2.5"
_MULTI_FRAME = "1.2.840.10008.5.1.4.1.1.7.2"
_ASKED = 400


def pairs(work: Path) -> Iterator[tuple[str, tuple[Path, Path]]]:
    """The long one and the short one of each kind."""
    for name in ("native", "RLE"):
        paths = (work / f"{name}-long.dcm", work / f"{name}-one.dcm")
        for path, count in zip(paths, (COUNT, 1), strict=True):
            _write(path, name, count)
        yield name, paths


def _write(path: Path, name: str, count: int) -> None:
    ds = modules.begin(_MULTI_FRAME, modality="OT")
    ds.PatientID, ds.PatientName = "LONG", "Long^Object"
    ds.Rows = ds.Columns = _SIDE
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation, ds.NumberOfFrames = 7, 0, count
    frame = bytes(range(256)) * (_SIDE * _SIDE // 256)
    if name == "native":
        ds.add("PixelData", "OB", frame * count)
        kerma.write(ds, path, transfer_syntax_uid=EXPLICIT_LE.uid)
        return
    # One segment of literal runs of 128 bytes (PS3.5 G.3).
    runs = b"".join(b"\x7f" + frame[at : at + 128] for at in range(0, len(frame), 128))
    stream = (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(56) + runs
    kerma.pixels.encapsulate(ds, [stream] * count)
    kerma.write(ds, path, transfer_syntax_uid=_RLE)


def urls(base: str, made: tuple[Path, Path]) -> tuple[list[str], list[str]]:
    """Requests for the last frames of the long object, and as many for the one frame of the other."""
    long, one = (_address(base, kerma.read(path)) for path in made)
    return [f"{long}/frames/{COUNT - number}" for number in range(_ASKED)], [f"{one}/frames/1"] * _ASKED


def _address(base: str, ds: Dataset) -> str:
    return f"{base}/studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}/instances/{ds.SOPInstanceUID}"
