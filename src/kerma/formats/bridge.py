"""To pydicom and back, for the rest of the ecosystem. pydicom is imported when one of the two is called.

Rules: a data set crosses as its bytes, so nothing is interpreted on the way: character sets, private elements and
encapsulated pixel data arrive as they are. What was read from a file crosses as that file.
"""

from __future__ import annotations

import importlib
import io
from typing import Any

from kerma.dataset import Dataset
from kerma.errors import FormatError, KermaError, UsageError
from kerma.formats import part10
from kerma.standard import transfer_syntaxes

_EXPLICIT_LE = "1.2.840.10008.1.2.1"


def _pydicom(module: str = "pydicom") -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise KermaError("pydicom is not installed", hint="pip install 'kerma[pydicom]'") from None


def to_pydicom(ds: Dataset) -> Any:
    """The data set as a ``pydicom.FileDataset``, with preamble and file meta information.

    One that was built is in explicit VR little endian. ``ValueEncodeError`` where a value cannot be written.
    """
    pydicom = _pydicom()
    file = io.BytesIO()
    part10.write(ds, file)
    file.seek(0)
    return pydicom.dcmread(file, force=True)


def from_pydicom(pds: Any) -> Dataset:
    """A ``pydicom.Dataset`` as ours, in the transfer syntax that it has: that of its meta information, else the one it
    was read in, else explicit VR little endian.

    ``UsageError`` for something else, ``FormatError`` where pydicom cannot write it.
    """
    pydicom = _pydicom()
    if not isinstance(pds, pydicom.Dataset):
        raise UsageError(f"{type(pds).__name__} is no pydicom data set")
    uid = _syntax_of(pds)
    file = io.BytesIO()
    try:
        if _has_meta(pds):
            _pydicom("pydicom.filewriter").dcmwrite(file, pds, enforce_file_format=False)
            return _framed(part10.read(file.getvalue()), pds)
        writer = _pydicom("pydicom.filebase").DicomFileLike(file)
        row = transfer_syntaxes.get(uid)
        assert row is not None
        writer.is_implicit_VR, writer.is_little_endian = not row.explicit, row.little_endian
        _pydicom("pydicom.filewriter").write_dataset(writer, pds)
    except KermaError:
        raise
    except Exception as error:
        raise FormatError(f"pydicom cannot write this data set: {type(error).__name__}: {error}") from error
    return Dataset.from_bytes(file.getvalue(), uid)


def _has_meta(pds: Any) -> bool:
    meta = getattr(pds, "file_meta", None)
    return meta is not None and "TransferSyntaxUID" in meta


def _framed(ds: Dataset, pds: Any) -> Dataset:
    preamble = getattr(pds, "preamble", None)
    if isinstance(preamble, bytes) and len(preamble) == 128 and ds.preamble is None:
        ds.preamble = preamble
    return ds


def _syntax_of(pds: Any) -> str:
    if _has_meta(pds):
        return str(pds.file_meta.TransferSyntaxUID)
    implicit, little = pds.original_encoding
    if implicit is None:
        return _EXPLICIT_LE
    if not little:
        return "1.2.840.10008.1.2.2"
    return "1.2.840.10008.1.2" if implicit else _EXPLICIT_LE
