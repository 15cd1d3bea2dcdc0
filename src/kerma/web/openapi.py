"""The description of the service for programs: OpenAPI 3.1 at ``/openapi.json`` and below the DICOMweb root.

Rule: it is made from the routes, so it cannot say what is not there; see ``kerma.web.described``.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kerma._version import __version__
from kerma.dicomweb.problems import MEDIA_TYPE
from kerma.web.described import PATH_PARAMETERS, Operation, operations

_PROBLEM = {"description": "a problem (RFC 9457)", "content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}
_ANY: dict[str, Any] = {"schema": {}}


def document(request: Request) -> dict[str, Any]:
    """The whole description, for the server that was asked."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations(request.app.routes):
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Kerma", "version": __version__, "description": "DICOMweb (PS3.18) over a Kerma archive"},
        "paths": dict(sorted(paths.items())),
    }


def _operation(operation: Operation) -> dict[str, Any]:
    row = operation.row
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": PATH_PARAMETERS.get(name, {"type": "string", "minLength": 1}),
        }
        for name in operation.parameters
    ]
    parameters += [{"name": name, "in": "query", "schema": schema} for name, schema in row.query.items()]
    answer = {"description": row.summary}
    content = dict.fromkeys(row.gives, _ANY)
    responses: dict[str, Any] = {
        str(status): {**answer, "content": content} if content and status in {200, 202, 206} else answer
        for status in row.success
    }
    described: dict[str, Any] = {
        "summary": row.summary,
        "operationId": f"{operation.method.lower()} {operation.path}",
        "responses": {**responses, "4XX": _PROBLEM, "5XX": _PROBLEM},
    }
    if parameters:
        described["parameters"] = parameters
    if row.takes:
        described["requestBody"] = {"content": dict.fromkeys(row.takes, _ANY)}
    return described


async def openapi(request: Request) -> Response:
    """The description of every resource."""
    return JSONResponse(document(request), headers={"Cache-Control": "no-cache"})


ROUTES = [Route("/openapi.json", openapi)]
