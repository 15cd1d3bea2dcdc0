"""libtiff reads what we make: the directories without a word of complaint, and every strip and tile."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import kerma
from kerma.errors import KermaError

from .processes import find_program

pytestmark = pytest.mark.interop
FOLDERS = ("pydicom+pydicom/src/pydicom/data/test_files", "Efferent-Health+fo-dicom.Codecs/Tests/Acceptance")


def test_libtiff_reads_the_images_of_the_corpus(corpus: Path, tmp_path: Path) -> None:
    info, copy, paint = (find_program(name) for name in ("tiffinfo", "tiffcp", "tiff2rgba"))
    made, source = 0, tmp_path / "made.dcm"
    for path in sorted(path for folder in FOLDERS for path in (corpus / folder).glob("*.dcm")):
        try:
            ds = kerma.read(path)
            kerma.write(ds, source, tiff=True)
        except KermaError:
            continue
        made += 1
        # tiffcp copies all but uncompressed pixels with less chrominance than luminance.
        packed = ds.get("PhotometricInterpretation") == "YBR_FULL_422" and not ds["PixelData"].undefined_length
        decode = [paint] if packed else [copy, "-c", "none"]
        for argv in ([info, "-D", str(source)], [*decode, str(source), str(tmp_path / "copy.tif")]):
            result = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
            assert (result.returncode, result.stderr) == (0, ""), path.name
    assert made > 25
