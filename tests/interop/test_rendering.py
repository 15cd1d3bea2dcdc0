"""What we render is what DCMTK renders with the same window, within one grey level; overlays and presentation states.

Where the two differ by more, the standard decides, and the case is not asked here or its bound says why:

- DCMTK rounds modality values to whole numbers. With a slope that is none, half a unit more or less comes to
  ``255 / width / 2`` grey levels on top, rounded up.
- Padding is excluded from the grey scale and shown as background (PS3.3 C.7.5.1.1.2, PS3.4 N.2.1.1); DCMTK windows it.
- Rescale values of functional groups (PS3.3 C.7.6.16.2.9) are used; dcmj2pnm looks at the data set only.
- A JPEG stream that says itself that it is YCbCr is, whatever the data set says; dcmj2pnm believes the data set.
- A grey image with a supplemental palette (PS3.3 C.7.6.19) is rendered in colour; dcmj2pnm ignores it.
- HTJ2K is not read by DCMTK 3.6.7, which takes its bytes for samples.
"""

from __future__ import annotations

import csv
import io
import math
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import kerma
from kerma.errors import KermaError
from kerma.pixels import luts, render
from kerma.pixels.overlays import groups_of

from .processes import find_program

pytestmark = [pytest.mark.interop, pytest.mark.corpus]
Array = NDArray[Any]
READ_BY_DCMTK = {f"1.2.840.10008.1.2{number}" for number in ("", ".1", ".2", ".5", ".4.50", ".4.51", ".4.57", ".4.70")}
OVERFLOWS = {"RG3_JPLY"}
"""A lossy stream of 10 bits with samples of 1024: we clip it to the brightest, dcmj2pnm shows it as the darkest."""


def images(corpus: Path, photometric: str, each: int) -> list[Path]:
    """Images of the corpus, ``each`` of one source, syntax, depth and modality."""
    with (corpus / "manifest.tsv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["photometric"].startswith(photometric)]
    kinds: dict[tuple[str, ...], list[Path]] = defaultdict(list)
    for row in rows:
        uid = row["transfer_syntax"].split(" ")[0]
        if uid in READ_BY_DCMTK and "fuzz" not in row["path"].split("/")[0]:
            kind = (row["path"].split("/")[0], uid, row["photometric"], row["bits_allocated"], row["modality"])
            kinds[kind].append(corpus / row["path"])
    return [path for paths in kinds.values() for path in paths[:each]]


def dcmtk(path: Path, *words: str) -> Array | None:
    """The picture that dcmj2pnm makes; None where it makes none."""
    argv = [find_program("dcmj2pnm"), "-q", *words, str(path)]
    done = subprocess.run(argv, capture_output=True, check=False, timeout=60)
    if done.returncode or not done.stdout:
        return None
    return np.asarray(Image.open(io.BytesIO(done.stdout)))


def ours(path: Path, **options: Any) -> Array | None:
    try:
        return render(kerma.read(path), **options)
    except KermaError:
        return None  # the tests of the decoders say which ones may fail


def bound(ds: Any, width: float) -> int:
    """Grey levels that the two may be apart."""
    modality = luts.modality_of(ds, kerma.pixels.index(ds).layout)
    whole = modality.table is not None or (modality.slope % 1 == 0 and modality.intercept % 1 == 0)
    return 1 if whole else 1 + math.ceil(255 / width / 2)


def comparable(path: Path) -> Any:
    """The data set, where the standard leaves the two nothing to differ about."""
    try:
        ds: Any = kerma.read(path)
        layout = kerma.pixels.index(ds).layout
    except KermaError:
        return None
    groups = "PerFrameFunctionalGroupsSequence" in ds or "SharedFunctionalGroupsSequence" in ds
    padded = luts.padding_of(ds, layout) is not None
    coloured = ds.get("PixelPresentation") in {"COLOR", "MIXED"}
    return None if groups or padded or coloured or path.name in OVERFLOWS else ds


def test_grey_images_with_the_same_window(corpus: Path) -> None:
    compared = 0
    for path in images(corpus, "MONO", 1):
        ds = comparable(path)
        if ds is None:
            continue
        ways: list[tuple[list[str], dict[str, Any], float]] = [
            (["+Ww", "100", "300"], {"window": (100, 300)}, 300),
            (["+Ww", "300.5", "900", "+Wfs"], {"window": (300.5, 900), "function": "SIGMOID"}, 900),
        ]
        told = luts.windows_of(ds)
        if told and told[0].function == "LINEAR":
            ways.append((["+Wi", "1"], {"window": 0}, told[0].width))
        if luts.voi_tables_of(ds, (0, 1)):
            ways.append((["+Wl", "1"], {"window": "lut"}, 65536))
        for words, options, width in ways:
            theirs, found = dcmtk(path, "-O", *words), ours(path, overlays=False, **options)
            if theirs is None or found is None:
                continue
            assert found.shape == theirs.shape, path
            apart = int(np.abs(found.astype(int) - theirs).max())
            assert apart <= bound(ds, width), (path, words, apart)
            compared += 1
    assert compared > 150


def test_colour_images(corpus: Path) -> None:
    compared = 0
    for photometric in ("PALETTE COLOR", "RGB", "YBR"):
        for path in images(corpus, photometric, 2):
            ds = comparable(path)
            if ds is None or (photometric == "RGB" and ".1.2.4." in str(ds.transfer_syntax_uid)):
                continue
            theirs, found = dcmtk(path, "-O"), ours(path, overlays=False, icc=False)
            if theirs is None or found is None:
                continue
            assert found.shape == theirs.shape, path
            # DCMTK's integers for YBR_FULL are off by up to two levels, a foreign JPEG decoder's smoothing by more.
            lossy = ds.transfer_syntax_uid in {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"}
            apart = np.abs(found.astype(int) - theirs)
            assert apart.mean() < 1.5, path
            assert lossy or apart.max() <= (2 if photometric == "YBR" else 1), path
            compared += 1
    assert compared > 25


def test_overlays(corpus: Path) -> None:
    compared = 0
    for path in images(corpus, "MONO", 40):
        try:
            ds: Any = kerma.read(path)
            if not groups_of(ds) or comparable(path) is None:
                continue
        except KermaError:
            continue
        window = ["+Ww", "2000", "9000"]  # nothing of the image is white
        theirs = dcmtk(path, "+O", "0", "+Omr", *window)
        found = ours(path, window=(2000, 9000))
        if theirs is None or found is None:
            continue
        assert np.abs(found.astype(int) - theirs).max() <= bound(ds, 9000), path
        compared += 1
    assert compared >= 2


EDITS: dict[str, dict[str, Any]] = {
    "as made": {},
    "90": {"ImageRotation": 90, "ImageHorizontalFlip": "N"},
    "180 and flip": {"ImageRotation": 180, "ImageHorizontalFlip": "Y"},
    "270 and flip": {"ImageRotation": 270, "ImageHorizontalFlip": "Y"},
    "inverse": {"PresentationLUTShape": "INVERSE"},
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize(
    "name",
    [
        "neurolabusc+dcm_qa_ct/In/Philips/S21610/S4010/I10",
        "ImagingDataCommons+highdicom/data/test_files/dx_image.dcm",
    ],
)
def test_presentation_states_that_dcmtk_makes_and_applies(corpus: Path, tmp_path: Path, name: str, edit: str) -> None:
    made, out = tmp_path / "state.dcm", tmp_path / "out.pgm"
    make = [find_program("dcmpsmk"), "+Vw", "-o", str(corpus / name), str(made)]
    subprocess.run(make, check=True, capture_output=True, timeout=60)
    state: Any = kerma.read(made)
    state.update(EDITS[edit].items())
    edited = tmp_path / "edited.dcm"
    kerma.write(state, edited)
    apply = [find_program("dcmp2pgm"), "-p", str(edited), str(corpus / name), str(out)]
    subprocess.run(apply, check=True, capture_output=True, timeout=60)
    theirs = np.asarray(Image.open(out)).astype(int)
    found = render(kerma.read(corpus / name), presentation=kerma.read(edited))
    assert found.shape == theirs.shape
    assert np.abs(found.astype(int) - theirs).max() <= 1
