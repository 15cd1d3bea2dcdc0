"""Arrays of every image of the corpus, beside those of pydicom with the plug-ins that the tests install.

Where they differ, the difference is here with the reason that settles it; one that goes away is a failure too.
"""

from __future__ import annotations

import csv
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

import kerma
from kerma.errors import KermaError

from .files import MANIFEST

PARTS = 8
LOSSY = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")
WITHIN = 2  # grey levels between two JPEG decoders: rounding of the transform and of the colours

WORDS = "32 bits in OW, big endian: words of 16 bits are turned, as PS3.5 7.3 says and DCMTK and GDCM do"
SIGNED = "the stream is signed, the data set is not: the bits stay, as in GDCM and pylibjpeg"
COUNT = "more samples than Number of Frames says: pydicom makes frames of them, for us they are a finding"

SETTLED = {
    "rtdose_expb.dcm": WORDS,
    "rtdose_expb_1frame.dcm": WORDS,
    "TOSHIBA_J2K_SIZ1_PixRep0.dcm": SIGNED,
    "TC0287_buf_2x.dcm": COUNT,
    "TC0307_bits_ba_one.dcm": COUNT,
    "exclude123/MR000000.dcm": COUNT,
}
ONLY_PYDICOM = {"TC0689_meta_repeat_10_fake_elems.dcm": "the data set itself is refused: an element beyond its end"}


def images(corpus: Path, part: int) -> Iterator[Path]:
    """Every file whose pixels somebody has tried to decode, one of ``PARTS`` parts of them."""
    with MANIFEST.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    for row in rows[part::PARTS]:
        if row["pydicom_pixels"]:
            yield corpus / row["path"]


def theirs(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pydicom.dcmread(path, force=True).pixel_array
    except Exception:  # noqa: BLE001 - whatever it is that pydicom cannot
        return None


def ours(path: Path) -> Any:
    try:
        return kerma.pixels.array(kerma.read(path))
    except (KermaError, OSError):
        return None


def difference(ours: Any, theirs: Any) -> float:
    if ours.shape != theirs.shape:
        return float("inf")
    return float(np.abs(ours.astype("f8") - theirs.astype("f8")).max())


@pytest.mark.parametrize("part", range(PARTS))
def test_arrays_equal_those_of_pydicom(corpus: Path, part: int) -> None:
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    compared = 0
    for path in images(corpus, part):
        wanted = theirs(path)
        if wanted is None:
            continue
        found = ours(path)
        if found is None:
            assert path.name in ONLY_PYDICOM, path
            continue
        lossy = kerma.read(path).transfer_syntax_uid in LOSSY
        apart = difference(found, wanted)
        compared += 1
        if path.as_posix().endswith(tuple(SETTLED)):
            assert apart > 0, path
        else:
            assert apart <= (WITHIN if lossy else 0), path
    assert compared > 100


@pytest.mark.parametrize("part", range(PARTS))
def test_one_frame_is_the_same_as_in_all(corpus: Path, part: int) -> None:
    """The last frame alone, for images of several frames."""
    for path in images(corpus, part):
        whole = ours(path)
        if whole is None:
            continue
        ds = kerma.read(path)
        count = kerma.pixels.index(ds).count
        last = kerma.pixels.frame(ds, count - 1)
        assert np.array_equal(last, whole if count == 1 else whole[-1], equal_nan=whole.dtype.kind == "f"), path
