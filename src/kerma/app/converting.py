"""One file in another transfer syntax or form.

May touch the file system. Rules:

- A file that is there is not written over unless that was said; the input is never written over by mistake, whatever
  it is called. What is written takes its name when it is complete (``formats.saving``).
- Memory is bounded by the header: a large file is mapped, a large deflated one is inflated to a temporary file, and
  pixels are compressed and decompressed frame by frame.
- Several files are converted at one time, one on each core; what is said of them comes in their order.
- A name from an archive or a folder never leaves the folder that is written to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kerma import pixels
from kerma.dataset import Dataset
from kerma.errors import KermaError, UsageError
from kerma.formats import acr_nema, acr_upgrade, part10, whole_forms
from kerma.formats.inflating import InflatedSource
from kerma.formats.json import json_pieces
from kerma.formats.meta import split_head
from kerma.formats.saving import save
from kerma.formats.source import FileSource
from kerma.formats.xml import xml_pieces
from kerma.limits import Limits
from kerma.standard import transfer_syntaxes
from kerma.standard.transfer_syntaxes import DEFLATED_LE, EXPLICIT_LE

_LARGE = 16 << 20
_HEAD = 1 << 20
FORMS = ("json", "xml", "dcmtk-xml", "acr-nema")
_SUFFIXES = {"json": ".json", "xml": ".xml", "dcmtk-xml": ".xml"}


@dataclass(frozen=True, slots=True)
class Conversion:
    """``to`` is the UID of a transfer syntax, one of ``FORMS``, or "" to keep the syntax; ``tiff`` as in
    ``kerma.write``; ``force`` lets files that are there be written over. ``options`` are the codec's; ``keep_uid``
    keeps the SOP Instance UID where something is lost; ``threads`` work on the frames of one image, None: all cores.
    ``leave_out`` lets an ACR-NEMA stream do without what it cannot hold.
    """

    to: str = ""
    tiff: bool | None = None
    force: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    keep_uid: bool = False
    threads: int | None = None
    leave_out: bool = False

    def name_of(self, name: str) -> str:
        """The name of the converted file: with the form's suffix where it has one."""
        suffix = _SUFFIXES.get(self.to)
        return name if suffix is None else name.removesuffix(".dcm") + suffix


def convert(source: Path, target: Path, conversion: Conversion, *, within: Path | None = None) -> None:
    """Read ``source`` in any form and write it to ``target``. ``within`` is the folder that ``target`` must lie in;
    folders on the way are made.

    ``UsageError`` where a file is in the way; ``FormatError``, ``UnsupportedSyntaxError``, ``ValueEncodeError`` and
    ``OSError`` where it cannot be read or written; nothing is left of it then.
    """
    if within is not None:
        _check_inside(target, within)
        target.parent.mkdir(parents=True, exist_ok=True)
    if not conversion.force and os.path.lexists(target):
        same = target.exists() and target.samefile(source)
        text = "this would write over the input" if same else "there is a file already"
        raise UsageError(text, where=str(target), hint="give another OUT, or --force")
    with _opened(source, conversion) as ds:
        _write(_upgraded(ds, conversion), target, conversion)


def _opened(source: Path, conversion: Conversion) -> Dataset:
    """The data set of a file; a large deflated one that is to become something else over its inflated bytes."""
    if conversion.to and source.stat().st_size > _LARGE and whole_forms.form_of(source) == "dicom":
        with FileSource(source) as file:
            data = file.read(0, min(_HEAD, file.size))
            head = split_head(data, file.size)
            if head.transfer_syntax_uid == DEFLATED_LE.uid and head.meta is not None:
                at = head.dataset_offset
                inflated = InflatedSource(file, at, file.size - at, Limits())
                ds = Dataset.from_bytes(inflated.buffer, EXPLICIT_LE.uid)
                ds.meta = Dataset.from_bytes(data[slice(*head.meta)], EXPLICIT_LE.uid)
                ds.preamble = head.preamble
                return ds
    return whole_forms.read(source)


def _upgraded(ds: Dataset, conversion: Conversion) -> Dataset:
    """An ACR-NEMA stream as a DICOM instance, unless it is to stay one."""
    if conversion.to == "acr-nema" or ds.meta is not None or acr_nema.version_of(ds) is None:
        return ds
    return acr_upgrade.upgrade(ds)


def _write(ds: Dataset, target: Path, conversion: Conversion) -> None:
    to = conversion.to
    if to == "json":
        save(_encoded(json_pieces(ds, meta=True)), target)
    elif to in {"xml", "dcmtk-xml"}:
        dialect = "dcmtk" if to == "dcmtk-xml" else "native"
        save(_encoded(xml_pieces(ds, meta=True, dialect=dialect)), target)
    elif to == "acr-nema":
        acr_nema.write(ds, target, leave_out=conversion.leave_out)
    else:
        if needs_codec(ds, conversion):
            new_uid = False if conversion.keep_uid else None
            ds = pixels.transcode(ds, to, new_uid=new_uid, threads=conversion.threads, **conversion.options)
        part10.write(ds, target, transfer_syntax_uid=to or None, tiff=conversion.tiff)


def needs_codec(ds: Dataset, conversion: Conversion) -> bool:
    """Whether the pixels have to be compressed or decompressed."""
    if not conversion.to or (conversion.to == ds.transfer_syntax_uid and not conversion.options):
        return False
    rows = map(transfer_syntaxes.get, (ds.transfer_syntax_uid or "", conversion.to))
    return bool(conversion.options) or any(row is not None and row.encapsulated for row in rows)


def _encoded(pieces: Iterator[str]) -> Iterator[bytes]:
    return (piece.encode("utf-8") for piece in pieces)


def _check_inside(target: Path, folder: Path) -> None:
    inside = os.path.normpath(os.path.abspath(target))
    if not inside.startswith(os.path.join(os.path.abspath(folder), "")):
        raise KermaError("the name leads out of the folder that is written to", where=str(target))
