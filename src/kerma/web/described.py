"""What each route takes and gives, for those who read descriptions: OpenAPI and the capabilities of PS3.18 8.9.

The routes themselves say which resources and methods there are; the table here says what cannot be read off a path.
Rules:

- Nothing is described that is not routed, and what has no row in the table is described by its path and its docstring.
- PS3.18: 8.3 (query parameters), 10.1 to 10.7 (studies), 11 (work items), 13 to 15.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.routing import BaseRoute, Mount, Route

JSON, XML = "application/dicom+json", 'multipart/related; type="application/dicom+xml"'
_DICOM = 'multipart/related; type="application/dicom"'
_OCTETS = 'multipart/related; type="application/octet-stream"'
_PICTURES = ("image/jpeg", "image/png", "image/gif", "video/mp4", "application/pdf", "text/html")

_UID: dict[str, Any] = {"type": "string", "pattern": r"^[0-9.]{1,64}$"}
_WHOLE: dict[str, Any] = {"type": "integer", "minimum": 0}
_TEXT: dict[str, Any] = {"type": "string"}
PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "study": _UID,
    "series": _UID,
    "instance": _UID,
    "workitem": _UID,
    "mpps": _UID,
    "transaction": _UID,
    "frames": {"type": "string", "pattern": r"^[1-9][0-9]*(,[1-9][0-9]*)*$"},
    "aet": {"type": "string", "minLength": 1, "maxLength": 16},
}
"""What a part of a path may be; any text where it is not here."""

_SEARCH: dict[str, dict[str, Any]] = {
    "limit": _WHOLE,
    "offset": _WHOLE,
    "includefield": _TEXT,
    "fuzzymatching": {"type": "string", "enum": ["true", "false"]},
    "PatientName": _TEXT,
    "PatientID": _TEXT,
    "StudyDate": _TEXT,
    "ModalitiesInStudy": _TEXT,
}
_RENDER: dict[str, dict[str, Any]] = {
    "window": _TEXT,
    "viewport": _TEXT,
    "quality": {"type": "integer", "minimum": 1, "maximum": 100},
    "annotation": _TEXT,
    "iccprofile": {"type": "string", "enum": ["no", "yes", "srgb", "adobergb", "rommrgb"]},
}
_WADO: dict[str, dict[str, Any]] = {
    "requestType": {"type": "string", "enum": ["WADO"]},
    "studyUID": _UID,
    "seriesUID": _UID,
    "objectUID": _UID,
    "contentType": _TEXT,
    "transferSyntax": _TEXT,
    "frameNumber": {"type": "integer", "minimum": 1},
}


@dataclass(frozen=True, slots=True)
class Row:
    """What a method of a resource does; media types, query parameters as JSON schemas."""

    summary: str
    gives: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    query: dict[str, dict[str, Any]] = field(default_factory=dict)
    success: tuple[int, ...] = (200,)


_DOCUMENTS = (_DICOM, JSON, XML)
_ANSWER = (JSON, "application/dicom+xml")
TABLE: dict[tuple[str, str], Row] = {
    ("GET", "studies"): Row("Search for studies", (JSON, XML), query=_SEARCH, success=(200, 204)),
    ("GET", "series"): Row("Search for series", (JSON, XML), query=_SEARCH, success=(200, 204)),
    ("GET", "instances"): Row("Search for instances", (JSON, XML), query=_SEARCH, success=(200, 204)),
    ("POST", "studies"): Row("Store instances", _ANSWER, _DOCUMENTS, success=(200, 202)),
    ("POST", "{study}"): Row("Store instances of a study", _ANSWER, _DOCUMENTS, success=(200, 202)),
    ("GET", "{study}"): Row("Retrieve a study", (_DICOM, "application/zip"), success=(200, 206)),
    ("GET", "{series}"): Row("Retrieve a series", (_DICOM, "application/zip"), success=(200, 206)),
    ("GET", "{instance}"): Row("Retrieve an instance", (_DICOM, "application/dicom"), success=(200, 206)),
    ("GET", "metadata"): Row("Retrieve metadata", (JSON, XML), success=(200, 304)),
    ("GET", "{frames}"): Row("Retrieve frames", (_OCTETS, 'multipart/related; type="image/jpeg"'), success=(200, 206)),
    ("GET", "bulkdata"): Row("Retrieve bulk data", (_OCTETS,), success=(200, 206)),
    ("GET", "{bulk}"): Row("Retrieve a bulk datum", (_OCTETS, "application/octet-stream"), success=(200, 206)),
    ("GET", "pixeldata"): Row("Retrieve pixel data", (_OCTETS,), success=(200, 206)),
    ("GET", "rendered"): Row("Retrieve as pictures", _PICTURES, query=_RENDER),
    ("GET", "thumbnail"): Row("Retrieve a small picture", ("image/jpeg", "image/png"), query=_RENDER),
    ("GET", "wado"): Row("Retrieve by the URI service", ("application/dicom", "image/jpeg"), query=_WADO),
    ("DELETE", "{study}"): Row("Delete a study", success=(204,)),
    ("DELETE", "{series}"): Row("Delete a series", success=(204,)),
    ("DELETE", "{instance}"): Row("Delete an instance", success=(204,)),
    ("POST", "workitems"): Row("Create a work item", (), (JSON,), success=(201,)),
    ("GET", "workitems"): Row("Search for work items", (JSON, XML), query=_SEARCH, success=(200, 204)),
    ("GET", "{workitem}"): Row("Retrieve a work item", _ANSWER),
    ("POST", "{workitem}"): Row("Update a work item", (), (JSON,)),
    ("PUT", "state"): Row("Change the state of a work item", (), (JSON,)),
    ("POST", "cancelrequest"): Row("Ask for the cancellation of a work item", (), (JSON,), success=(202,)),
    ("GET", "openapi.json"): Row("This description", ("application/vnd.oai.openapi+json", "application/json")),
    ("GET", "/"): Row("The capabilities", ("application/vnd.sun.wadl+xml", "application/json")),
    ("OPTIONS", "/"): Row("Retrieve capabilities", ("application/vnd.sun.wadl+xml", "application/json")),
    ("GET", "healthz"): Row("Whether the server is alive", ("application/json",)),
    ("GET", "readyz"): Row("Whether the archive can be read and written", ("application/json",)),
    ("GET", "metrics"): Row("Numbers for Prometheus", ("text/plain",)),
}
"""By method and the last part of the path."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one resource. ``path`` is from the root of the server, as ``/a/{b}``."""

    method: str
    path: str
    row: Row

    @property
    def parameters(self) -> list[str]:
        """Names in the path."""
        return re.findall(r"\{(\w+)\}", self.path)


def operations(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[Operation]:
    """Every method of every resource; HEAD goes without saying, and WebSockets have no place in either description."""
    for route in routes:
        if isinstance(route, Mount):
            yield from operations(route.routes, prefix + route.path)
        elif isinstance(route, Route) and route.include_in_schema:
            path = re.sub(r":\w+\}", "}", prefix + route.path)
            for method in sorted(set(route.methods or ()) - {"HEAD"}):
                yield Operation(method, path, _row(method, path, prefix, route))


def _row(method: str, path: str, prefix: str, route: Route) -> Row:
    last = "/" if path in {prefix, prefix + "/"} else path.rstrip("/").rpartition("/")[2]
    found = TABLE.get((method, last))
    if found is not None:
        return found
    document = (route.endpoint.__doc__ or "").strip().partition("\n")[0]
    takes = ("application/json",) if method in {"POST", "PUT"} else ()
    return Row(document.rstrip(".") or f"{method} of {last}", takes=takes)
