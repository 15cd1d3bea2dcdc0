"""Studies made for the tests and the benches, written with pydicom so that Kerma is not its own witness.

No real patient: the header is that of a CT image with about 250 elements, private blocks among them, all with made-up
values.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filereader import dcmread
from pydicom.filewriter import dcmwrite

ROOT = "1.2.826.0.1.3680043.8.498.77"
CT = "1.2.840.10008.5.1.4.1.1.2"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
EXPLICIT_BE = "1.2.840.10008.1.2.2"
DEFLATED_LE = "1.2.840.10008.1.2.1.99"
RLE = "1.2.840.10008.1.2.5"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"

UNCOMPRESSED = (IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, DEFLATED_LE)


@dataclass(frozen=True)
class Made:
    """One written instance: ``digest`` is the SHA-256 of its data set, without preamble and meta information."""

    path: Path
    sop_instance_uid: str
    series_uid: str
    study_uid: str
    syntax: str
    digest: str


def dataset_offset(data: bytes) -> int:
    """Where the data set of a Part 10 file begins, by the group length of the meta information (PS3.10 7.1)."""
    if data[128:132] != b"DICM" or data[132:138] != b"\x02\x00\x00\x00UL":
        raise ValueError("no Part 10 file with a group length first")
    return 144 + int(struct.unpack_from("<I", data, 140)[0])


def dataset_bytes(path: Path) -> bytes:
    data = path.read_bytes()
    return data[dataset_offset(data) :]


def digest(path: Path) -> str:
    return hashlib.sha256(dataset_bytes(path)).hexdigest()


def template(rows: int, columns: int) -> Dataset:
    """The CT header that pydicom ships (262 elements, private ones too), identities made up."""
    source = dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    ds = Dataset()
    ds.update(source)
    for keyword in ("PixelData", "DataSetTrailingPadding"):
        if keyword in ds:
            delattr(ds, keyword)
    ds.PatientName = "Interop^Irene"
    ds.PatientID = "IO-1"
    ds.PatientBirthDate = "19700102"
    ds.AccessionNumber = "ACC1"
    ds.StudyDescription = "Interop study"
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20260102"
    ds.StudyTime = "101112"
    ds.StudyID = "S1"
    ds.Modality = "CT"
    ds.Rows, ds.Columns = rows, columns
    return ds


def _meta(sop_class: str, uid: str, syntax: str) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = uid
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = f"{ROOT}.0"
    return meta


def _pixels(ds: Dataset, syntax: str, payload: bytes) -> None:
    if syntax in UNCOMPRESSED:
        ds.PixelData = payload
        ds["PixelData"].VR = "OW"
    else:
        # Two odd fragments: what is in them does not matter to storage and retrieval, that they come back does.
        ds.PixelData = encapsulate([payload[:4097], payload[4097:9000]], has_bot=True)
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True


def write(path: Path, ds: Dataset, syntax: str = EXPLICIT_LE) -> Made:
    """Write one data set as a Part 10 file in the syntax."""
    meta = _meta(str(ds.SOPClassUID), str(ds.SOPInstanceUID), syntax)
    ds.file_meta = meta
    ds.preamble = b"\0" * 128
    dcmwrite(
        path,
        ds,
        implicit_vr=syntax == IMPLICIT_LE,
        little_endian=syntax != EXPLICIT_BE,
        enforce_file_format=True,
    )
    uids = (str(ds.SOPInstanceUID), str(ds.SeriesInstanceUID), str(ds.StudyInstanceUID))
    return Made(path, *uids, syntax, digest(path))


def make_series(
    folder: Path,
    count: int,
    *,
    study: int = 1,
    series: int = 1,
    syntax: str = EXPLICIT_LE,
    rows: int = 64,
    columns: int = 64,
    patient_id: str = "IO-1",
    patient_name: str = "Interop^Irene",
    study_date: str = "20260102",
    seed: int = 0,
) -> list[Made]:
    """A CT-like series of ``count`` images with known UIDs: ``ROOT.study.series.instance``."""
    folder.mkdir(parents=True, exist_ok=True)
    ds = template(rows, columns)
    ds.PatientID, ds.PatientName, ds.StudyDate = patient_id, patient_name, study_date
    ds.StudyInstanceUID = f"{ROOT}.{study}"
    ds.SeriesInstanceUID = f"{ROOT}.{study}.{series}"
    ds.FrameOfReferenceUID = f"{ROOT}.{study}.0.1"
    ds.SeriesNumber = series
    noise = hashlib.sha256(f"{study}.{series}.{seed}".encode()).digest()
    size = rows * columns * 2
    made = []
    for number in range(1, count + 1):
        ds.SOPInstanceUID = f"{ROOT}.{study}.{series}.{number}"
        ds.InstanceNumber = number
        # Every image has other bytes, so that a mix-up of two shows; hashing a seed is quick and repeatable.
        block = hashlib.sha256(noise + number.to_bytes(4, "big")).digest() * 32
        _pixels(ds, syntax, (block * (size // len(block) + 1))[:size])
        made.append(write(folder / f"{study}-{series}-{number:05d}.dcm", ds, syntax))
    return made


def make_mixed_study(folder: Path, study: int = 7) -> list[Made]:
    """One study with a series of two images in each of several transfer syntaxes, compressed ones included."""
    made: list[Made] = []
    for series, syntax in enumerate((*UNCOMPRESSED, RLE, JPEG_BASELINE), start=1):
        made += make_series(folder, 2, study=study, series=series, syntax=syntax)
    return made


def digests(made: Iterable[Made]) -> dict[str, str]:
    return {one.sop_instance_uid: one.digest for one in made}


def received(folder: Path) -> dict[str, str]:
    """SOP Instance UID and digest of every DICOM file below a folder."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and is_part10(path):
            ds = dcmread(path, specific_tags=["SOPInstanceUID"], stop_before_pixels=True)
            found[str(ds.SOPInstanceUID)] = digest(path)
    return found


def is_part10(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def by_uid(folder: Path) -> dict[str, Dataset]:
    found = (dcmread(path) for path in sorted(folder.rglob("*")) if path.is_file() and is_part10(path))
    return {str(ds.SOPInstanceUID): ds for ds in found}


def same_values(left: Dataset, right: Dataset) -> bool:
    """Equal by pydicom, pixels included, whatever the byte order; OW is swapped bytes in big endian (PS3.5 7.3)."""
    return list(left.iterall()) != [] and _plain(left) == _plain(right)


def _plain(ds: Dataset) -> dict[int, object]:
    plain: dict[int, object] = {}
    for one in ds:
        if one.tag.element == 0 or one.tag == 0x00080005:
            continue
        value = one.value
        if one.tag == 0x7FE00010 and ds.file_meta.TransferSyntaxUID == EXPLICIT_BE:
            value = b"".join(value[at : at + 2][::-1] for at in range(0, len(value), 2))
        plain[int(one.tag)] = str(value) if not isinstance(value, bytes) else value
    return plain


def have_the_values_of(folder: Path, made: Iterable[Made]) -> bool:
    """The folder holds exactly these instances, with the same values by pydicom, in whatever syntax."""
    wanted = {one.sop_instance_uid: one for one in made}
    got = by_uid(folder)
    return set(got) == set(wanted) and all(same_values(ds, dcmread(wanted[uid].path)) for uid, ds in got.items())
