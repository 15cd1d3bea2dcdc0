"""Capabilities of the service (PS3.18 8.9): ``OPTIONS`` of its base, in WADL or as OpenAPI.

Rules:

- WADL is what a client gets that asks for nothing else; ``application/json`` gets the OpenAPI document.
- ``OPTIONS`` of any other resource tells its methods (``kerma.web.problem_answers``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kerma.dicomweb.media_types import parse_accept
from kerma.web.bases import base_of
from kerma.web.context import context_of
from kerma.web.described import Operation, operations
from kerma.web.openapi import document

WADL = "application/vnd.sun.wadl+xml"
_NAMESPACE = "http://wadl.dev.java.net/2009/02"
_JSON = ("application/json", "application/vnd.oai.openapi+json", "application/dicom+json")


async def capabilities(request: Request) -> Response:
    """What the service offers."""
    headers = {"Allow": "GET, HEAD, OPTIONS", "Vary": "Accept", "Cache-Control": "no-cache"}
    ranges = parse_accept(request.headers.get("accept"), request.query_params.get("accept"))
    wanted = {one.type for one in ranges}
    if wanted & set(_JSON) and WADL not in wanted:
        return JSONResponse(document(request), headers=headers)
    root = context_of(request).config.root
    base = f"{base_of(request)}/"
    below = [one for one in operations(request.app.routes) if one.path.startswith(root)]
    return Response(wadl(below, base, root), headers=headers, media_type=WADL)


def wadl(found: Iterable[Operation], base: str, root: str) -> bytes:
    """Operations as WADL; paths are told from ``base``."""
    by_path: dict[str, list[Operation]] = {}
    for operation in found:
        by_path.setdefault(operation.path.removeprefix(root).lstrip("/"), []).append(operation)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<application xmlns="{_NAMESPACE}" xmlns:xs="http://www.w3.org/2001/XMLSchema">',
        f'<resources base="{escape(base)}">',
    ]
    for path, methods in sorted(by_path.items()):
        lines.append(f'<resource path="{escape(path)}">')
        lines += [
            f'<param name="{escape(name)}" style="template" required="true" type="xs:string"/>'
            for name in methods[0].parameters
        ]
        for operation in methods:
            lines += _method(operation)
        lines.append("</resource>")
    lines += ["</resources>", "</application>"]
    return "\n".join(lines).encode()


def _method(operation: Operation) -> Iterator[str]:
    row = operation.row
    yield f'<method name="{operation.method}"><doc title="{escape(row.summary)}"/>'
    if row.query or row.takes:
        yield "<request>"
        yield from (f'<param name="{escape(name)}" style="query" type="xs:string"/>' for name in row.query)
        yield from (f'<representation mediaType="{escape(kind)}"/>' for kind in row.takes)
        yield "</request>"
    yield f'<response status="{" ".join(map(str, row.success))}">'
    yield from (f'<representation mediaType="{escape(kind)}"/>' for kind in row.gives)
    yield "</response></method>"


ROUTES = [Route("/", capabilities, methods=["GET", "OPTIONS"])]
"""The base of the service itself."""
