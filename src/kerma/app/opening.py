"""``kerma.read``: files of this machine, and of others by byte range.

May touch the file system and the network, through ``formats.part10`` and ``net.remote``. Rule: only what is written as
an address is fetched; who reads paths that strangers give uses ``formats.part10.read``, which never leaves the machine.
"""

from __future__ import annotations

import importlib
import mmap
import os
import re
from typing import BinaryIO

from kerma.dataset import Dataset
from kerma.encoding.source import Buffer, ByteSource
from kerma.errors import KermaError, NotDicomError
from kerma.formats import part10
from kerma.limits import Limits, NetworkLimits, Strictness
from kerma.net.address import named

_LIMITS = Limits()
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")  # of Windows' drives none is one


def is_address(text: str) -> bool:
    """Whether ``text`` is an address with a scheme, as ``https://host/path``."""
    return _ADDRESS.match(text) is not None


def open_source(address: str, network: NetworkLimits | None = None) -> ByteSource:
    """The file at ``address`` by byte range; the caller closes it. ``NetworkError`` and its kinds."""
    # Loaded when it is used: HTTP and TLS take longer to load than a file takes to read.
    source: ByteSource = importlib.import_module("kerma.net.remote").open_source(address, limits=network)
    return source


def read(
    source: str | os.PathLike[str] | Buffer | mmap.mmap | BinaryIO,
    *,
    limits: Limits = _LIMITS,
    strictness: Strictness = Strictness.LENIENT,
    network: NetworkLimits | None = None,
) -> Dataset:
    """A data set from a PS3.10 file, an ACR-NEMA stream or a bare data set, lazily.

    ``source`` is a path, which may go on into a zip, tar or compressed file; an address (``https://``, ``s3://``,
    ``gs://``, ``az://``), of which only the ranges are fetched that somebody asks for; bytes, a memory map, or a binary
    file (read from its position to its end). Bytes must not change while the data set is used; a large or remote file
    must stay what it is until its pixels were asked for. Raises ``FormatError`` and its kinds with offset and tag path,
    ``NetworkError`` where an address cannot be had, ``OSError`` where the system cannot open the file.
    """
    if not isinstance(source, str) or "://" not in source or _ADDRESS.match(source) is None:
        return part10.read(source, limits=limits, strictness=strictness)
    opened = open_source(source, network)
    try:
        ds = part10.read_source(opened, limits=limits, strictness=strictness)
    except BaseException as error:
        opened.close()
        if isinstance(error, KermaError) and error.where is None:
            error.where = getattr(opened, "name", None)
        if isinstance(error, NotDicomError) and named(source).lower().endswith((".zip", ".tar", ".gz", ".tgz", ".xz")):
            error.hint = "archives are not read where they are: download it first"
        raise
    rest = getattr(opened, "forget", None)
    if rest is not None:
        rest()  # ten thousand data sets hold no ten thousand connections; the next range makes one anew
    return ds


open = read  # noqa: A001  the same, for ``with kerma.open(path) as ds``
