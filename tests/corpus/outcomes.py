"""What one reader makes of one file, as a short word: the number of elements, or why there are none.

Elements are counted with those of all items and of the meta information, without items and delimiters.
"""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pydicom
from pydicom.sequence import Sequence as PydicomSequence

import kerma
from kerma.errors import KermaError
from kerma.limits import Strictness

from .dcmdump import dump
from .reader import visit

SECONDS = 60
_GDCM = re.compile(rb"^\s*\(([0-9a-f]{4}),[0-9a-f]{4}\)", re.MULTILINE)


def by_kerma(path: Path, strictness: Strictness = Strictness.LENIENT) -> str:
    """ "77" elements; "75+2" where two more are there whose value is refused; else the kind of the error."""
    try:
        count, errors = visit(kerma.read(path, strictness=strictness))
    except KermaError as error:
        return type(error).__name__.removesuffix("Error")
    return str(count) if not errors else f"{count - errors}+{errors}"


def by_pydicom(path: Path, *, force: bool = False) -> str:
    """The same of pydicom, every value asked for."""
    logging.getLogger("pydicom").disabled = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ds = pydicom.dcmread(path, force=force)
            count, errors = _visit(ds)
        except Exception as error:  # noqa: BLE001  whatever it raises is its outcome
            return type(error).__name__.removesuffix("Error")
    return str(count) if not errors else f"{count - errors}+{errors}"


def _visit(ds: pydicom.FileDataset) -> tuple[int, int]:
    count = errors = 0
    stack: list[Any] = [ds, ds.file_meta]
    while stack:
        current = stack.pop()
        for tag in list(current.keys()):
            count += 1
            try:
                value = current[tag].value
            except Exception:  # noqa: BLE001  an element without a value
                errors += 1
                continue
            if isinstance(value, PydicomSequence):
                stack.extend(value)
    return count, errors


def by_dcmdump(path: Path) -> str:
    """The number of elements that ``dcmdump`` prints, "refused", "crash"."""
    found = dump(path)
    return str(len(found.lines)) if found.outcome == "ok" else found.outcome


def by_dcmftest(path: Path) -> str:
    """Whether DCMTK's ``dcmftest`` calls it a DICOM file."""
    return "yes" if _run("dcmftest", path)[0] == 0 else "no"


def by_gdcmdump(path: Path) -> str:
    """The number of elements that ``gdcmdump`` prints, "refused", "crash", "hang"."""
    status, text = _run("gdcmdump", path)
    if status is None:
        return "hang"
    if status < 0 or status > 120:
        return "crash"
    if status:
        return "refused"
    return str(sum(group not in {b"fffe"} for group in _GDCM.findall(text)))


def _run(program: str, path: Path) -> tuple[int | None, bytes]:
    found = shutil.which(program)
    if found is None:
        raise FileNotFoundError(program)
    try:
        done = subprocess.run([found, str(path)], capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None, b""
    return done.returncode, done.stdout
