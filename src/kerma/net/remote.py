"""Addresses of files that lie elsewhere: which source reads them.

``http``, ``https``: ``http_source``. ``s3``, ``gs``, ``az`` and their other names: ``object_source``, an extra. A path
of this machine is none of these, nor is ``file://``.
"""

from __future__ import annotations

import re

from kerma.encoding.source import ByteSource
from kerma.errors import UsageError
from kerma.limits import NetworkLimits
from kerma.net.address import shown
from kerma.net.http_source import HTTPSource
from kerma.net.object_source import open_object

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_WEB = frozenset({"http", "https"})
_OBJECTS = frozenset({"s3", "s3a", "gs", "az", "abfs", "abfss", "adl", "azure"})


def open_source(url: str, *, limits: NetworkLimits | None = None) -> ByteSource:
    """The source at ``url``; it has asked for its first kilobytes. The caller closes it.

    ``NetworkError`` and its kinds where it cannot be had, ``UsageError`` for a scheme that is not known.
    """
    match = _SCHEME.match(url)
    scheme = "" if match is None else match[1].lower()
    if scheme in _WEB:
        return HTTPSource(url, limits=limits or NetworkLimits())
    if scheme in _OBJECTS:
        return open_object(url, shown(url))
    raise UsageError(
        f"{scheme or 'without a scheme'}: nothing is read from there",
        where=shown(url),
        hint="http, https, s3, gs and az are known",
    )
