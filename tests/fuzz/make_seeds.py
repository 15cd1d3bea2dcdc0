"""The first seeds of the coverage-guided targets, made with Kerma itself: ``python -m tests.fuzz.make_seeds``.

They are written below ``seeds/<target>``, named by their content, beside what long runs have added (``merge`` of
libFuzzer keeps those that reach something new). No file of others is among them.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.fuzz import fuzz_command, fuzz_dicomweb, fuzz_pdu, fuzz_scan, fuzz_store

from kerma import pixels
from kerma.dataset import Dataset
from kerma.dataset.fragments import Fragments
from kerma.encoding.syntax import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE
from kerma.encoding.writer import element_header, item_end, item_header, sequence_end
from kerma.errors import KermaError
from kerma.formats import json as dicom_json
from kerma.formats import part10
from kerma.formats import xml as dicom_xml
from kerma.formats.media.fileset import FileSet
from kerma.pixels.targets import TARGETS

SEEDS = Path(__file__).with_name("seeds")
JPEG = "1.2.840.10008.1.2.4.50"


def every_vr() -> Dataset:
    """A data set with a value or two of each VR."""
    ds = Dataset()
    ds.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    ds.SOPInstanceUID = "1.2.3"
    ds.PatientName = "Yamada^Tarou=山田^太郎"
    ds.PatientAge = "042Y"
    ds.StudyDate = "20260101"
    ds.StudyTime = "101112.5"
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.PixelSpacing = [0.5, 0.25]
    ds.InstanceNumber = 7
    ds.FrameIncrementPointer = 0x00181063
    ds.Rows, ds.Columns, ds.BitsAllocated, ds.PixelRepresentation = 2, 2, 16, 1
    ds.SmallestImagePixelValue = -5
    texts = {"LT": "two\r\nlines", "ST": "text", "UT": "long text", "UC": "a\\b", "UR": "urn:x", "DT": "20260101+0100"}
    numbers = {"FL": 0.5, "FD": -2.0, "SL": -1, "UL": 2, "SV": -3, "UV": 4}
    bulk = {"OB": b"\1\2", "OD": bytes(8), "OF": bytes(4), "OL": bytes(4), "OV": bytes(8), "UN": b"\0\1"}
    ds.add(0x00090010, "LO", "KERMA TEST")
    rows: list[tuple[str, object]] = [*texts.items(), *numbers.items(), *bulk.items()]
    for number, (vr, value) in enumerate(rows):
        ds.add(0x00091000 + number, vr, value)
    ds.add("PixelData", "OW", bytes(range(8)))
    return ds


def compressed() -> Dataset:
    """Encapsulated pixel data of two fragments."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.4"
    ds.add("PixelData", "OB", Fragments([b"\xff\xd8\xff\xd9", b"\xff\xd8\0\0\xff\xd9"], bytes(8)))
    return ds


def odd_pieces() -> Iterator[bytes]:
    """Data sets that are read with a finding: what lenient reading is for."""
    name = element_header(EXPLICIT_LE, 0x00100010, "PN", 4) + b"A^B "
    yield b"\x10\0\x10\0PN\0\0\4\0\0\0A^B " + name  # a length of 32 bits
    yield b"\x28\0\x20\1  \2\0\1\0" + element_header(EXPLICIT_LE, 0x00281050, "DS", 2) + b"1 "
    yield name + name + bytes(20)
    for encoding in (EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE):
        inner = element_header(encoding, 0x00080100, "SH", 2) + b"1 "
        nested = element_header(encoding, 0x0040A043, "SQ", 0xFFFFFFFF) + item_header(encoding) + inner
        yield element_header(encoding, 0x0040A730, "SQ", 0xFFFFFFFF) + item_header(encoding) + nested
        closed = nested + item_end(encoding) + sequence_end(encoding)
        yield element_header(encoding, 0x0040A730, "SQ", len(closed) + 16) + item_header(encoding) + closed
    implicit = item_header(IMPLICIT_LE, 12) + element_header(IMPLICIT_LE, 0x00080100, "SH", 4) + b"TEXT"
    yield element_header(EXPLICIT_LE, 0x00091001, "UN", 0xFFFFFFFF) + implicit + sequence_end(IMPLICIT_LE)


def files() -> list[bytes]:
    """Files and bare data sets of every syntax, whole and cut."""
    whole = fuzz_scan.seeds() + [b"".join(part10.file_chunks(every_vr(), uid)) for uid in fuzz_scan.SYNTAXES]
    whole.append(b"".join(part10.file_chunks(compressed(), JPEG)))
    head = whole[-1][: whole[-1].index(b"\x08\0\x16\0")]
    whole += odd_pieces()
    whole += [head + piece for piece in odd_pieces()]
    return whole + [data[: len(data) * 2 // 3] for data in whole[::3]]


def directories() -> Iterator[bytes]:
    """DICOMDIRs of a small file-set."""
    with tempfile.TemporaryDirectory() as folder, FileSet.create(folder, file_set_id="SEED", uid="1.2.5") as files:
        for number in range(3):
            ds = every_vr()
            ds.SpecificCharacterSet = None
            ds.PatientName, ds.PatientID, ds.StudyID = "A^B", f"P{number // 2}", "1"
            ds.StudyInstanceUID, ds.SeriesInstanceUID = f"1.2.6.{number // 2}", f"1.2.7.{number}"
            ds.SOPInstanceUID, ds.SeriesNumber, ds.Modality = f"1.2.8.{number}", number, "OT"
            files.add(ds)
        files.save()
        yield files.dicomdir.read_bytes()


def images() -> Iterator[bytes]:
    """A small image in every syntax that pixels are written in: grey, deep, in colour, of single bits; an overlay."""
    for allocated, stored, samples, signed in (
        (8, 8, 1, 0),
        (16, 12, 1, 0),
        (16, 16, 1, 1),
        (8, 8, 3, 0),
        (1, 1, 1, 0),
    ):
        ds = every_vr()
        ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.NumberOfFrames = 16, 16, samples, 2
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = allocated, stored, stored - 1, signed
        ds.PhotometricInterpretation = "RGB" if samples == 3 else "MONOCHROME2"
        if samples == 3:
            ds.PlanarConfiguration = 0
        ds.WindowCenter, ds.WindowWidth, ds.RescaleSlope, ds.RescaleIntercept = 100, 50, 2, -3
        ds.add(0x60000010, "US", 16)
        ds.add(0x60000011, "US", 16)
        ds.add(0x60000040, "CS", "G")
        ds.add(0x60000050, "SS", [1, 1])
        ds.add(0x60000100, "US", 1)
        ds.add(0x60000102, "US", 0)
        ds.add(0x60003000, "OW", bytes(range(32)))
        size = 16 * 16 * samples * 2 * allocated // 8
        mask = (1 << min(stored, 8)) - 1
        ds.add(
            "PixelData",
            "OW",
            bytes((at * 7 + at // 64) & mask if at % 2 == 0 or stored != 12 else at & 7 for at in range(size)),
        )
        yield b"".join(part10.file_chunks(ds, fuzz_scan.SYNTAXES[1]))
        for uid in TARGETS:
            with contextlib.suppress(KermaError):
                yield b"".join(part10.file_chunks(pixels.transcode(ds, uid, new_uid=False), uid))


def write(name: str, seeds: Iterable[bytes]) -> None:
    """Add seeds to the folder of a target."""
    folder = SEEDS / name
    folder.mkdir(parents=True, exist_ok=True)
    for data in seeds:
        (folder / hashlib.sha1(data, usedforsecurity=False).hexdigest()[:16]).write_bytes(data)


def main() -> None:
    """Write them all."""
    write("reader", files())
    write("salvage", files())
    texts = [dicom_json.to_json(ds, meta=True).encode() for ds in (every_vr(), part10.read(fuzz_scan.seeds()[-1]))]
    write("json", [*texts, b"[%s]" % texts[0], b'{"00080005":{"vr":"CS","Value":["ISO_IR 192",null]}}', b"{}"])
    trees = [
        dicom_xml.to_xml(ds, dialect=dialect, meta=True).encode()
        for ds in (every_vr(), part10.read(fuzz_scan.seeds()[-1]))
        for dialect in ("native", "dcmtk")
    ]
    write("xml", [*trees, b"<NativeDicomModel/>"])
    write("dicomdir", directories())
    write("image", images())
    write("pdu", [*fuzz_pdu.SEEDS, b"".join(fuzz_pdu.SEEDS[2:4])])
    write("command", fuzz_command.SEEDS)
    write("dicomweb", fuzz_dicomweb.SEEDS)
    write("store", fuzz_store.SEEDS)


if __name__ == "__main__":
    main()
