"""Cut, corrupt and hostile code streams of files by others: the frame that is broken is named, others are readable, and
memory is bounded. Each syntax runs in a child with bounded memory, so that a crash in a codec is seen as one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import kerma
from kerma.dataset.fragments import Fragments
from kerma.errors import LimitError, PixelError
from kerma.limits import Limits

from .oracle_broken import MEMORY, SECONDS

pytestmark = pytest.mark.corpus

ROOT = Path(__file__).resolve().parents[2]
_PYDICOM = "pydicom+pydicom/src/pydicom/data/test_files"
_DATA = "pydicom+pydicom-data/data_store/data"
_SWIFT = "ThalesMMS+DICOM-Swift/Tests/DicomCoreTests/Fixtures/DecoderParity"
_OLD = "pydicom+pydicom/_history"
FILES = {
    "rle": [f"{_PYDICOM}/MR_small_RLE.dcm", f"{_PYDICOM}/SC_rgb_rle_16bit.dcm", f"{_DATA}/liver_rle.dcm"],
    "jpeg": [
        f"{_OLD}/bea886a9/pydicom/data/test_files/SC_rgb_small_odd_jpeg.dcm",
        f"{_OLD}/200a0dcb/pydicom/data/test_files/emri_8bit_jpeg_lossy_with_offset_table.dcm",
    ],
    "jpeg_lossless": [
        f"{_SWIFT}/jpeg_lossless_sv1_parity.dcm",
        "neurolabusc+dcm_qa_frag/In/5001_anat-T1w_acq-tfl/5001001.dcm",
        f"{_PYDICOM}/SC_rgb_jpeg_gdcm.dcm",
    ],
    "jpegls": [
        f"{_PYDICOM}/JPEGLSNearLossless_08.dcm",
        f"{_DATA}/JLSL_16_15_1_1F.dcm",
        "ImagingDataCommons+highdicom/data/test_files/sm_image_jpegls_nobot.dcm",
    ],
    "jpeg2000": [
        f"{_PYDICOM}/MR_small_jp2klossless.dcm",
        f"{_PYDICOM}/SC_rgb_gdcm_KY.dcm",
        "icometrix+dicom2nifti/tests/data/generic/rgb/001/IM-0001-0001-0001.dcm",
    ],
    "htj2k": [f"{_SWIFT}/htj2k_lossless_parity.dcm"],
    "deflated": [f"{_DATA}/liver_nonbyte_aligned_deflate.dcm"],
}
BIG = {
    "jpeg_12": ["robyoung+dicom-test-files/data/WG04/JPLY/XA1_JPLY"],
    "htj2k_big": ["chafey+DICOMHTJ2K/_history/df6b1e1d/test/fixtures/htj2k/MR4_JPH"],
    "jpegxl": ["dcm4che+dcm4che/dcm4che-test-data/src/main/resources/will-jxl.dcm"],
    "jpegls_big": ["robyoung+dicom-test-files/data/WG04/JLSN/XA1_JLSN"],
}


def broken(corpus: Path, names: list[str], rounds: int, seed: int) -> Any:
    """What a child found; a failure with what it said where it died."""
    command = [sys.executable, "-m", "tests.pixels.oracle_broken", str(rounds), str(seed)]
    paths = [str(corpus / name) for name in names]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, *paths], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=3000
    )
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-3000:]}"
    return json.loads(done.stdout)


def hold(found: Any) -> None:
    assert found["outcomes"]["refused"] > 0
    assert found["slowest"] < SECONDS
    assert found["MB"] < MEMORY >> 20


@pytest.mark.parametrize("kind", FILES)
def test_a_broken_stream_is_an_error_of_its_frame(corpus: Path, kind: str) -> None:
    hold(broken(corpus, FILES[kind], 60, 7))


@pytest.mark.parametrize("kind", BIG)
def test_a_broken_stream_of_a_large_image(corpus: Path, kind: str) -> None:
    hold(broken(corpus, BIG[kind], 6, 7))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", [*FILES, *BIG])
def test_many_broken_streams(corpus: Path, kind: str) -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    hold(broken(corpus, (FILES | BIG)[kind], 5000 if kind in FILES else 300, seed))


# -- sizes that are lies -----------------------------------------------------------------------------------------------

HUGE = 60_000
SMALL = Limits(max_frame=64 << 20)
_SIZES = {"jpeg": b"\xff\xc0", "jpeg_lossless": b"\xff\xc3", "jpegls": b"\xff\xf7"}


def blown_up(stream: bytes, kind: str) -> bytes:
    """The stream with a header that says 60,000 x 60,000."""
    if kind in _SIZES:
        at = stream.index(_SIZES[kind]) + 5
        return stream[:at] + HUGE.to_bytes(2, "big") * 2 + stream[at + 4 :]
    at = stream.index(b"\xff\x51")  # SIZ: Lsiz, Rsiz, Xsiz, Ysiz, offsets, then the tiles
    size = HUGE.to_bytes(4, "big") * 2
    return stream[: at + 6] + size + stream[at + 14 : at + 22] + size + stream[at + 30 :]


def hostile(corpus: Path, kind: str) -> tuple[Any, Any]:
    """An image of two frames, the second blown up, and the samples of the first."""
    name = FILES[kind][0]
    ds = kerma.read(corpus / name)
    stream = bytes(kerma.pixels.index(ds).read(0))
    ds.NumberOfFrames = "2"
    ds.add("PixelData", "OB", Fragments.of_frames([stream, blown_up(stream, kind)]))
    return ds, kerma.pixels.frame(ds, 0)


@pytest.mark.parametrize("kind", [*_SIZES, "jpeg2000", "htj2k"])
def test_a_stream_that_says_it_is_huge(corpus: Path, kind: str) -> None:
    ds, first = hostile(corpus, kind)
    with pytest.raises(PixelError, match="60000") as caught:
        kerma.pixels.frame(ds, 1)
    assert caught.value.frame == 1
    assert (kerma.pixels.frame(ds, 0) == first).all()


@pytest.mark.parametrize("kind", [*_SIZES, "jpeg2000", "htj2k", "rle"])
def test_an_image_that_says_so_too(corpus: Path, kind: str) -> None:
    ds = kerma.read(corpus / FILES[kind][0])
    stream = bytes(kerma.pixels.index(ds).read(0))
    ds.Rows = ds.Columns = HUGE
    ds.pop("NumberOfFrames")
    ds.add("PixelData", "OB", Fragments([stream if kind == "rle" else blown_up(stream, kind)]))
    with pytest.raises(LimitError, match="limits"):
        kerma.pixels.array(ds, limits=SMALL)
    with pytest.raises((LimitError, PixelError)):
        kerma.pixels.frame(ds, 0)


@pytest.mark.parametrize("kind", [*_SIZES, "jpeg2000", "htj2k"])
def test_colour_in_grey(corpus: Path, kind: str) -> None:
    """A grey image whose stream has three components, and the other way round."""
    ds = kerma.read(corpus / FILES[kind][0])
    colour = ds.SamplesPerPixel == 3
    ds.SamplesPerPixel = 1 if colour else 3
    ds.PhotometricInterpretation = "MONOCHROME2" if colour else "RGB"
    with pytest.raises(PixelError, match="samples") as caught:
        kerma.pixels.frame(ds, 0)
    assert caught.value.frame == 0


@pytest.mark.parametrize("kind", ["jpeg_lossless", "jpegls", "jpeg2000"])
def test_more_bits_than_there_is_room(corpus: Path, kind: str) -> None:
    ds = kerma.read(corpus / FILES[kind][1 if kind != "jpeg2000" else 0])
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    with pytest.raises(PixelError, match="bits"):
        kerma.pixels.frame(ds, 0)
