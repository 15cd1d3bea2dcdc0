"""A value that is not here: the place that an external form (JSON, XML) gives for it.

Such forms may name bulk data by a URI (PS3.18 F.2.6, PS3.19 A.1.5). Where nobody fetched it, the element's value is a
``BulkData``: it keeps the URI, so that the form can be written again, and refuses to become bytes.
"""

from __future__ import annotations

from typing import Self


class BulkData(str):
    """The URI of a value that lies elsewhere; a ``str``."""

    __slots__ = ()

    def __new__(cls, uri: str) -> Self:
        return super().__new__(cls, uri)

    @property
    def uri(self) -> str:
        """The URI as it was given."""
        return str(self)

    def __repr__(self) -> str:
        return f"BulkData({str(self)!r})"

    def __str__(self) -> str:
        return str.__str__(self)
