"""From a request to the instances that it names and that its sender may see, and to what the sender takes.

Rules: everything is asked through the narrowed query; what is not there and what may not be seen are the same 404.
"""

from __future__ import annotations

from starlette.requests import Request

from kerma.dicomweb import uris
from kerma.dicomweb.media_types import Range, parse_accept
from kerma.dicomweb.problems import HTTPProblem
from kerma.formats.instance import Instance
from kerma.query.model import Level, Query, ReturnKey, Root, Single
from kerma.web.context import context_of, principal_of

_NAMES = {
    Level.STUDY: ("study", "Study Instance UID"),
    Level.SERIES: ("series", "Series Instance UID"),
    Level.IMAGE: ("instance", "SOP Instance UID"),
}


def query_of(study: str | None, series: str | None = None, instance: str | None = None) -> Query:
    """The question for everything below the lowest of these UIDs, which lies below the others."""
    found = [
        (level, uid)
        for level, uid in ((Level.STUDY, study), (Level.SERIES, series), (Level.IMAGE, instance))
        if uid is not None
    ]
    lowest = found[-1][0]
    return Query(
        lowest,
        Root.STUDY,
        tuple(Single(level.unique_key, "UI", uid) for level, uid in found),
        (ReturnKey(lowest.unique_key, "UI"),),
        relational=True,
    )


def instances_of(request: Request) -> list[Instance]:
    """The instances that the path names, by series and instance number; HTTPProblem 404 where there are none."""
    values = [
        uris.uid(request.path_params[name], label) if name in request.path_params else None
        for name, label in _NAMES.values()
    ]
    return instances_below(request, *values)


def instances_below(
    request: Request, study: str | None, series: str | None = None, instance: str | None = None
) -> list[Instance]:
    """The instances below the lowest of these UIDs; HTTPProblem 404 where there are none."""
    query = query_of(study, series, instance)
    found = context_of(request).archive.instances(principal_of(request).narrow(query))
    if not found:
        name, _ = _NAMES[query.level]
        raise HTTPProblem(404, f"there is no such {name}", hint="search tells what is there")
    return found


def instance_of(request: Request) -> Instance:
    """The one instance that the path names."""
    return instances_of(request)[0]


def asked(request: Request) -> tuple[Range, ...]:
    """What the sender takes, by the parameters of the URL or by the header; () is anything."""
    header = ", ".join(request.headers.getlist("accept")) or None
    parameters = request.query_params
    return parse_accept(header, parameters.get("accept"), parameters.get("transfer-syntax"))
