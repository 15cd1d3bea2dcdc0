"""A film lies in a file that is gone when it has been sent: the server is never left to open it by its path."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from starlette.types import Message, Scope

from kerma.web.rendered_bodies import _Film


def test_a_film_is_sent_as_bytes_where_the_server_offers_to_open_its_path() -> None:
    folder = tempfile.TemporaryDirectory(prefix="kerma-film-")
    path = Path(folder.name, "film.mp4")
    path.write_bytes(b"film" * 50_000)
    film = _Film(path, media_type="video/mp4", stat_result=os.stat(path))
    film.folder = folder
    scope: Scope = {"type": "http", "asgi": {"spec_version": "2.4"}, "method": "GET", "headers": []}
    scope["extensions"] = {"http.response.pathsend": {}}
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(film(scope, receive, send))
    assert {message["type"] for message in sent} == {"http.response.start", "http.response.body"}
    assert b"".join(message.get("body", b"") for message in sent) == b"film" * 50_000
    assert not path.exists()
