"""Sessions, keys, links, users and labels over HTTP, as JSON below ``/access``; and the way in by a shared link.

Rules:

- Everybody may ask who they are, log in and log out. All else needs the right to administer.
- Bodies are ``application/json``, which no form of another page can send, and small.
- Cookies: HttpOnly, SameSite=Lax, Secure where the browser speaks TLS. A secret of ours is in one answer only.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from kerma.archive.access import Access, ApiKey, Link, User
from kerma.archive.permissions import Grant, Principal, Right
from kerma.dicomweb import uris
from kerma.dicomweb.problems import HTTPProblem
from kerma.query.model import Area
from kerma.web.access.credentials import LINK_COOKIE, SESSION_COOKIE
from kerma.web.access.gate import Gate
from kerma.web.access.middleware import SHARE
from kerma.web.context import Context, context_of, principal_of

_MAX_BODY = 64 << 10
_BODY_TIME = 10.0
"""Seconds for a whole body: anybody may send one here, and byte by byte they would take the place of all requests."""
_MAX_ITEMS = 256
_FRESH = {"Cache-Control": "no-store"}


def _gate(request: Request) -> Gate:
    gate = context_of(request).gate
    if gate is None:
        raise HTTPProblem(404, "this application has no access rules")
    return gate


def _administered(request: Request) -> Access:
    principal_of(request).require(Right.ADMINISTER)
    return _gate(request).access


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object of a request; HTTPProblem 400, 413, 415."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPProblem(415, "the body is to be application/json")
    data = bytearray()
    try:
        async with asyncio.timeout(_BODY_TIME):
            async for piece in request.stream():
                data += piece
                if len(data) > _MAX_BODY:
                    raise HTTPProblem(413, f"the body is larger than {_MAX_BODY} bytes")
    except TimeoutError:
        raise HTTPProblem(408, "the body did not come in time", headers={"Connection": "close"}) from None
    try:
        found = json.loads(bytes(data))
        json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair is no text, and nothing could keep it
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise HTTPProblem(400, "the body is no JSON object")
    return found


def _text(body: dict[str, Any], name: str, default: str | None = None) -> str:
    value = body.get(name, default)
    if not isinstance(value, str):
        raise HTTPProblem(400, f"`{name}` is to be a text")
    return value


def _list(body: dict[str, Any], name: str, default: list[str] | None = None) -> list[str]:
    value = body.get(name, default)
    if not isinstance(value, list) or len(value) > _MAX_ITEMS or not all(isinstance(item, str) for item in value):
        raise HTTPProblem(400, f"`{name}` is to be a list of texts")
    return value


def _time(body: dict[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 40):
        raise HTTPProblem(400, f"`{name}` is to be a time in whole seconds since 1970")
    return value


async def _run(call: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(call)


# -- sessions ----------------------------------------------------------------------------------------------------------


def _about(principal: Principal, gate: Gate) -> dict[str, Any]:
    known = bool(principal.anywhere)
    return {
        "principal": principal.name if known else None,
        "rights": [right.words for right in principal.anywhere],
        "limited": bool(principal.grants),
        "login": not gate.open_house,
    }


async def session(request: Request) -> Response:
    """Who asks, and what they may do."""
    gate = _gate(request)
    return JSONResponse(_about(principal_of(request), gate), headers=_FRESH)


async def log_in(request: Request) -> Response:
    """A session for ``{"user", "password"}``, or the use of a link for ``{"link"}``: a cookie."""
    gate, body = _gate(request), await _body(request)
    if "link" in body:
        found = await _link(gate, _text(body, "link"))
        answer = JSONResponse(_about(found.principal, gate), headers=_FRESH)
        _set_cookie(answer, request, gate, LINK_COOKIE, _text(body, "link"), found.expires_at - gate.access.now())
        return answer
    user, password = _text(body, "user"), _text(body, "password")
    address = gate.address_of(request.scope, Headers(scope=request.scope))
    principal = await _run(partial(gate.check_password, user, password, address))
    if principal is None:
        # 403 and no challenge: it is the body that is wrong, and a browser has nothing to ask for.
        raise HTTPProblem(403, "the user or the password is wrong")
    lasts = context_of(request).config.session
    secret = await _run(partial(gate.access.users.begin, user, gate.access.now(), lasts))
    answer = JSONResponse(_about(principal, gate), headers=_FRESH)
    _set_cookie(answer, request, gate, SESSION_COOKIE, secret, lasts)
    return answer


async def log_out(request: Request) -> Response:
    """The end of the session, here and at the browser."""
    gate = _gate(request)
    secret = request.cookies.get(SESSION_COOKIE)
    if secret:
        await _run(partial(gate.access.users.end, secret))
    answer = Response(status_code=204, headers=_FRESH)
    for name in (SESSION_COOKIE, LINK_COOKIE):
        answer.delete_cookie(name, path="/", httponly=True, samesite="lax")
    return answer


async def share(request: Request) -> Response:
    """The way in by a link: a cookie, and on to the page."""
    gate, token = _gate(request), request.path_params["token"]
    found = await _link(gate, token)
    answer = RedirectResponse("/", 303, headers={**_FRESH, "Referrer-Policy": "no-referrer"})
    _set_cookie(answer, request, gate, LINK_COOKIE, token, found.expires_at - gate.access.now())
    return answer


async def _link(gate: Gate, token: str) -> Link:
    found: Link | None = await _run(partial(gate.access.links.find, token[:256]))
    if found is None or not found.works(gate.access.now()):
        raise HTTPProblem(404, "this link does not work, or not any more", hint="ask for a new one")
    return found


def _set_cookie(answer: Response, request: Request, gate: Gate, name: str, value: str, lasts: int) -> None:
    secure = gate.is_secure(request.scope, request.headers)
    answer.set_cookie(name, value, max_age=lasts, path="/", secure=secure, httponly=True, samesite="lax")


# -- administration ----------------------------------------------------------------------------------------------------


def _grants(item: User | ApiKey | Link) -> list[str]:
    return [str(grant) for grant in item.grants]


def _told_key(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "note": key.note,
        "rights": _grants(key),
        "networks": [str(network) for network in key.networks],
        "made_at": key.made_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }


def _told_link(link: Link) -> dict[str, Any]:
    return {
        "id": link.id,
        "note": link.note,
        "rights": _grants(link),
        "made_by": link.made_by,
        "made_at": link.made_at,
        "expires_at": link.expires_at,
        "revoked_at": link.revoked_at,
    }


async def keys(request: Request) -> Response:
    """The keys of machines, without their secrets."""
    access = _administered(request)
    return JSONResponse([_told_key(key) for key in await _run(access.keys.all)], headers=_FRESH)


async def make_key(request: Request) -> Response:
    """A new key: ``{"rights": [...], "note", "networks": [...], "expires_at"}``; its secret is in this answer only."""
    access, body = _administered(request), await _body(request)
    made = partial(
        access.keys.make,
        _list(body, "rights"),
        access.now(),
        note=_text(body, "note", ""),
        networks=_list(body, "networks", []),
        expires_at=_time(body, "expires_at"),
    )
    name, token = await _run(made)
    return JSONResponse({"id": name, "key": token}, 201, headers=_FRESH)


async def revoke_key(request: Request) -> Response:
    access = _administered(request)
    await _run(partial(access.keys.revoke, request.path_params["id"], access.now()))
    return Response(status_code=204)


async def links(request: Request) -> Response:
    """The links that were given away, without their secrets."""
    access = _administered(request)
    return JSONResponse([_told_link(link) for link in await _run(access.links.all)], headers=_FRESH)


async def make_link(request: Request) -> Response:
    """A new link: ``{"to": "study:UID", "expires_at", "note"}``; its token is in this answer only."""
    access, body = _administered(request), await _body(request)
    area = Grant.parse(f"read@{_text(body, 'to')}").area or Area()
    end = _time(body, "expires_at")
    if end is None:
        raise HTTPProblem(400, "`expires_at` is to be a time in whole seconds since 1970")
    note, made_by = _text(body, "note", ""), principal_of(request).name
    name, token = await _run(partial(access.links.make, area, end, access.now(), note=note, made_by=made_by))
    return JSONResponse({"id": name, "token": token, "path": SHARE + token, "expires_at": end}, 201, headers=_FRESH)


async def revoke_link(request: Request) -> Response:
    access = _administered(request)
    await _run(partial(access.links.revoke, request.path_params["id"], access.now()))
    return Response(status_code=204)


async def users(request: Request) -> Response:
    """The local users."""
    access = _administered(request)
    told = [
        {"name": user.name, "rights": _grants(user), "made_at": user.made_at} for user in await _run(access.users.all)
    ]
    return JSONResponse(told, headers=_FRESH)


async def put_user(request: Request) -> Response:
    """Make or change a user: ``{"password", "rights": [...]}``, of which a change needs one."""
    access, body = _administered(request), await _body(request)
    password = _text(body, "password") if "password" in body else None
    grants = _list(body, "rights") if "rights" in body else None
    if password is None and grants is None:
        raise HTTPProblem(400, "`password` or `rights` is to be given")
    await _run(partial(access.users.put, request.path_params["name"], access.now(), password=password, grants=grants))
    return Response(status_code=204)


async def remove_user(request: Request) -> Response:
    access = _administered(request)
    await _run(partial(access.users.remove, request.path_params["name"]))
    return Response(status_code=204)


async def labels(request: Request) -> Response:
    """The labels of a study."""
    context, study = _labelled(request)
    return JSONResponse({"labels": await _run(partial(context.archive.labels, study))}, headers=_FRESH)


async def set_labels(request: Request) -> Response:
    """Give a study exactly ``{"labels": [...]}``."""
    context, study = _labelled(request)
    wanted = _list(await _body(request), "labels")
    return JSONResponse({"labels": await _run(partial(context.archive.set_labels, study, wanted))}, headers=_FRESH)


def _labelled(request: Request) -> tuple[Context, str]:
    _administered(request)
    return context_of(request), uris.uid(request.path_params["study"], "Study Instance UID")


ROUTES: Sequence[BaseRoute] = [
    Route("/access/session", session),
    Route("/access/session", log_in, methods=["POST"]),
    Route("/access/session", log_out, methods=["DELETE"]),
    Route(SHARE + "{token}", share),
    Route("/access/keys", keys),
    Route("/access/keys", make_key, methods=["POST"]),
    Route("/access/keys/{id}", revoke_key, methods=["DELETE"]),
    Route("/access/links", links),
    Route("/access/links", make_link, methods=["POST"]),
    Route("/access/links/{id}", revoke_link, methods=["DELETE"]),
    Route("/access/users", users),
    Route("/access/users/{name}", put_user, methods=["PUT"]),
    Route("/access/users/{name}", remove_user, methods=["DELETE"]),
    Route("/access/studies/{study}/labels", labels),
    Route("/access/studies/{study}/labels", set_labels, methods=["PUT"]),
]
"""At the root of the server, not below DICOMweb."""
