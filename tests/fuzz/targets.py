"""What must hold of any bytes, a function for each way into Kerma: it raises only where a promise is broken.

``TARGETS`` is the table that the coverage-guided fuzzer (``atheris_run``) and the tests of the seeds run. Nothing here
needs the fuzzer. What a target may raise is nothing at all: errors of Kerma's own are answers, anything else, an
``AssertionError`` included, is a finding.
"""

from __future__ import annotations

import contextlib
import io
import random
import zlib
from collections.abc import Callable
from typing import Any

from tests.fuzz import fuzz_command, fuzz_dicomweb, fuzz_pdu, fuzz_scan, fuzz_store

from kerma import pixels
from kerma.dataset import Dataset
from kerma.dataset.lint import lint
from kerma.dataset.salvage import kept
from kerma.errors import KermaError
from kerma.formats import json as dicom_json
from kerma.formats import part10, text
from kerma.formats import xml as dicom_xml
from kerma.formats.media.directory import Directory, walk
from kerma.formats.media.ids import faults
from kerma.formats.media.writing import encode
from kerma.formats.meta import file_head
from kerma.limits import Limits, Strictness

LIMITS = Limits(max_inflated=1 << 20, max_elements=100_000, max_frame=4 << 20, max_array=16 << 20)
EXPLICIT_LE = "1.2.840.10008.1.2.1"
MEDIA_STORAGE = "1.2.840.10008.1.3.10"
PATIENT_ID = 0x00100020


def reader(data: bytes) -> None:
    """Read in every syntax and as a file, all values decoded, written back as it came, printed."""
    fuzz_scan.check(data)
    try:
        ds = part10.read(data, limits=LIMITS)
    except KermaError:
        return
    with contextlib.suppress(KermaError):
        for _ in text.dump_lines(ds):
            pass
    with contextlib.suppress(KermaError):
        lint(ds)


def salvage(data: bytes) -> None:
    """Damaged files: nothing is changed where nothing is damaged, all damage is said, what is changed is right."""
    plain = _elements(data, Strictness.LENIENT)
    found = _elements(data, Strictness.SALVAGE)
    if found is None:
        assert plain is None, "salvage refuses what is read without it"
        return
    ds, elements = found
    damage = [one for one in ds.findings if one.severity == "error"]
    for one in damage:
        start, end = one.kept or (0, 0)
        assert len(kept(ds, one)) == end - start, one
    if plain is not None:
        assert elements == plain[1], "salvage reads otherwise what is not damaged"
        assert not damage, damage
    else:
        assert damage, "what is refused is read without a word"
    assert b"".join(part10.file_chunks(ds)) == data, "a file is written back differently"
    ds.PatientID = "CHANGED"
    out = io.BytesIO()
    try:
        part10.write(ds, out)
    except KermaError:
        return
    again = part10.read(out.getvalue(), limits=LIMITS, strictness=Strictness.SALVAGE)
    assert PATIENT_ID in again


def _elements(data: bytes, strictness: Strictness) -> tuple[Dataset, list[Any]] | None:
    """The data set with (path, VR, bytes) of all its elements; None where something of it is refused."""
    try:
        ds = part10.read(data, limits=LIMITS, strictness=strictness)
        found = [(path, element.vr, bytes(element.raw or b"")) for path, element in ds.walk()]
        if ds.meta is not None:
            found += [(path, element.vr, bytes(element.raw or b"")) for path, element in ds.meta.walk()]
    except KermaError:
        return None
    return ds, found


def json(data: bytes) -> None:
    """DICOM JSON: what is read is written as JSON that says the same."""
    _model(data, dicom_json.from_json, dicom_json.to_json)


def xml(data: bytes) -> None:
    """XML in both dialects: what is read is written as XML that says the same."""
    _model(data, dicom_xml.from_xml, dicom_xml.to_xml)


def _model(data: bytes, read: Callable[..., Dataset], write: Callable[..., str]) -> None:
    try:
        ds = read(data, limits=LIMITS)
    except KermaError:
        return
    with contextlib.suppress(KermaError):
        for _, element in ds.walk():
            with contextlib.suppress(KermaError):
                _ = element.value
    try:
        once = write(ds, meta=True)
    except KermaError:
        return
    assert write(read(once, limits=LIMITS), meta=True) == once, "another text"
    with contextlib.suppress(KermaError):
        Dataset.from_bytes(ds.to_bytes(EXPLICIT_LE), EXPLICIT_LE)


def dicomdir(data: bytes) -> None:
    """DICOMDIRs: a tree in which each record is once, and that is the same when it is written and read again."""
    try:
        directory = Directory(part10.read(data, limits=LIMITS))
    except KermaError:
        return
    records = [record for _, record in walk(directory.root)]
    assert len(set(map(id, records))) == len(records), "a record is in two places"
    for record in records:
        with contextlib.suppress(KermaError):
            if record.file_id is not None:
                faults(record.file_id)
        repr(record)
    head = file_head(sop_class_uid=MEDIA_STORAGE, sop_instance_uid="1.2.3", transfer_syntax_uid=EXPLICIT_LE)
    try:
        written = b"".join(bytes(piece) for piece in encode(directory.ds, directory.root, head))
    except KermaError:
        return
    try:
        again = Directory(part10.read(written, limits=LIMITS))
    except KermaError:
        assert directory.ds.findings, "what was read without a finding cannot be read again"
        return
    assert [depth for depth, _ in walk(again.root)] == [depth for depth, _ in walk(directory.root)], "another tree"


def image(data: bytes) -> None:
    """Pixels: each frame is an array of the shape that the data set says, or an error of ours; alone as among all."""
    try:
        ds = part10.read(data, limits=LIMITS)
        index = pixels.index(ds)
        layout = index.layout
        shape = (layout.rows, layout.columns) + ((layout.samples,) if layout.samples > 1 else ())
    except KermaError:
        return
    frames: list[Any] = []
    for number in range(min(index.count, 3)):
        with contextlib.suppress(KermaError):
            frames.append(pixels.frame(ds, number, limits=LIMITS))
            assert frames[-1].shape == shape, "a frame of another shape"
    with contextlib.suppress(KermaError):
        whole = pixels.array(ds, limits=LIMITS)
        assert whole.shape == (shape if index.count == 1 else (index.count, *shape)), "an array of another shape"
        assert len(frames) == min(index.count, 3), "all are read where one is not"
        first = whole if index.count == 1 else whole[0]
        assert first.dtype == frames[0].dtype, "other kinds of samples"
        assert first.tobytes() == frames[0].tobytes(), "a frame is another one among all"
    with contextlib.suppress(KermaError):
        assert str(pixels.render(ds, limits=LIMITS).dtype) == "uint8"


def pdu(data: bytes) -> None:
    """PDUs, cut anywhere: the same events, and nothing is kept beyond the bounds."""
    fuzz_pdu.check(data, random.Random(zlib.crc32(data)))


def command(data: bytes) -> None:
    """Command sets, and messages cut and mixed."""
    fuzz_command.check(data, random.Random(zlib.crc32(data)))


def dicomweb(data: bytes) -> None:
    """Multipart bodies cut anywhere, Accept headers, paths."""
    fuzz_dicomweb.check(data, random.Random(zlib.crc32(data)))


Target = Callable[[bytes], None]
TARGETS: dict[str, Target] = {
    "reader": reader,
    "salvage": salvage,
    "json": json,
    "xml": xml,
    "dicomdir": dicomdir,
    "image": image,
    "pdu": pdu,
    "command": command,
    "dicomweb": dicomweb,
    "store": fuzz_store.check,
}
