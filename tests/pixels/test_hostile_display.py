"""Files with bytes changed at random: a picture or a typed error, in bounded time and memory."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import kerma
from kerma.dataset import Dataset
from kerma.errors import KermaError
from kerma.pixels import real_world_values, render

from .images import image, ramp, read_back, with_native

pytestmark = pytest.mark.corpus
IMAGES = (
    "fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/TestPattern_Palette_16.dcm",
    "Dashtid+dicom-fuzzer/_history/c28d94f8/dicom-seeds/dx/dx_352x370_14bit_evle.dcm",
    "pydicom+pydicom/_history/a52dda1e/pydicom/data/test_files/emri_small.dcm",
)
STATE = "ThalesMMS+DICOM-Swift/Tests/DicomCoreTests/Fixtures/ClinicalInterop/gsps_annotation.dcm"
PALETTE = "pydicom+pydicom/src/pydicom/data/palettes/fall.dcm"
TIMES = 60


def changed(data: bytes, chance: random.Random) -> bytes:
    """``data`` with a few bytes of its head changed."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        found[chance.randrange(132, min(len(found), 8000))] = chance.choice(
            (0, 1, 0x7F, 0x80, 255, chance.randrange(256))
        )
    return bytes(found)


@pytest.mark.parametrize("name", IMAGES)
def test_images(corpus: Path, name: str) -> None:
    data, chance = (corpus / name).read_bytes(), random.Random(name)
    drawn = 0
    for _ in range(TIMES):
        try:
            ds = kerma.read(changed(data, chance))
            drawn += render(ds, size=100).size > 0
            real_world_values(ds)
        except KermaError:
            continue
    assert drawn > TIMES // 4


def test_states_and_palettes(corpus: Path) -> None:
    chance, drawn = random.Random(4), 0
    state, palette = (corpus / STATE).read_bytes(), (corpus / PALETTE).read_bytes()
    for _ in range(TIMES):
        for data, what in ((state, "presentation"), (palette, "colormap")):
            try:
                ds = kerma.read(changed(data, chance))
                options: dict[str, Any] = {what: ds}
                drawn += render(_about(ds), size=100, **options).size > 0
            except KermaError:
                continue
    assert drawn > TIMES // 2


def _about(state: Dataset) -> Any:
    """An image of the UID that the state names."""
    ds: Any = with_native(image(64, 64, allocated=8), ramp((64, 64), 8))
    for series in state.get("ReferencedSeriesSequence") or []:
        for reference in series.get("ReferencedImageSequence") or []:
            ds.SOPInstanceUID = str(reference.get("ReferencedSOPInstanceUID") or "1.2")
    return read_back(ds)
