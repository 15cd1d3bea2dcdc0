"""What the tests of retrieving share: small images, the parts of an answer, files of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kerma
from kerma.archive import Archive
from kerma.dicomweb.media_types import parse
from kerma.dicomweb.multipart import Data, End, Parser, Part, boundary_of


def parts_of(response: Any) -> list[tuple[dict[str, str], bytes]]:
    """The parts of a multipart answer."""
    assert response.content.startswith(b"--")
    parser = Parser(boundary_of(parse(response.headers["content-type"])))
    parts: list[tuple[dict[str, str], bytearray]] = []
    events = parser.feed(response.content)
    parser.close()
    for event in events:
        if isinstance(event, Part):
            parts.append((dict(event.headers), bytearray()))
        elif isinstance(event, Data):
            parts[-1][1].extend(event.data)
    assert isinstance(events[-1], End)
    return [(headers, bytes(data)) for headers, data in parts]


def url_of(archive: Archive, uid: str, level: str = "instance") -> str:
    ds = archive.open(uid)
    url = f"/dicomweb/studies/{ds.StudyInstanceUID}"
    if level == "study":
        return url
    url += f"/series/{ds.SeriesInstanceUID}"
    return url if level == "series" else f"{url}/instances/{uid}"


def image(number: int = 1, *, series: str = "1.2.3.2", rows: int = 8, **more: Any) -> kerma.Dataset:
    ds = kerma.Dataset()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    ds.SOPInstanceUID = f"{series}.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", series
    ds.PatientID, ds.PatientName, ds.InstanceNumber = "P1", "Doe^Jane", number
    ds.Rows, ds.Columns = rows, 8
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 0
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    if "PixelData" not in ds:
        ds.add("PixelData", "OW", bytes(range(128)) * (rows // 8))
    return ds


def corpus_files(corpus: Path) -> Iterator[Path]:
    """A file or two of each transfer syntax, and of each kind of object."""
    seen: dict[tuple[str, str], int] = {}
    for line in (corpus / "manifest.tsv").read_text().splitlines():
        path = corpus / line.split("\t")[0]
        if path.suffix.lower() != ".dcm" or not path.is_file() or path.stat().st_size > 4 << 20:
            continue
        try:
            with kerma.open(path) as ds:
                key = str(ds.transfer_syntax_uid), str(ds.get("SOPClassUID"))
        except (kerma.KermaError, OSError):
            continue
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= 2:
            yield path
