"""The address that URLs in answers begin with."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from kerma.archive import Archive
from kerma.web.application import application
from kerma.web.bases import base_of
from kerma.web.context import Context


@pytest.mark.parametrize(
    ("scheme", "headers", "server", "base"),
    [
        ("http", {"host": "127.0.0.1:8080"}, ("127.0.0.1", 8080), "http://127.0.0.1:8080"),
        ("http", {"host": "127.0.0.1"}, ("127.0.0.1", 8080), "http://127.0.0.1:8080"),
        ("http", {"host": "[::1]"}, ("::1", 8080), "http://[::1]:8080"),
        ("http", {"host": "127.0.0.1"}, ("127.0.0.1", 80), "http://127.0.0.1"),
        ("https", {"host": "127.0.0.1"}, ("127.0.0.1", 443), "https://127.0.0.1"),
        ("https", {"host": "127.0.0.1"}, ("127.0.0.1", 80), "https://127.0.0.1:80"),
        ("http", {"host": "pacs.example.org"}, ("127.0.0.1", 8080), "http://pacs.example.org"),
        ("http", {"host": "127.0.0.1", "x-forwarded-proto": "https"}, ("127.0.0.1", 8080), "https://127.0.0.1"),
        ("http", {"host": "x", "x-forwarded-host": "127.0.0.1"}, ("127.0.0.1", 8080), "http://127.0.0.1"),
        ("http", {"host": "127.0.0.1"}, None, "http://127.0.0.1"),
        ("http", {"host": "a b"}, ("127.0.0.1", 8080), ""),
    ],
)
def test_bases(
    archive: Archive, scheme: str, headers: dict[str, str], server: tuple[str, int] | None, base: str
) -> None:
    with TestClient(application(Context(archive))) as client:
        scope = {
            "type": "http",
            "app": client.app,
            "scheme": scheme,
            "path": "/",
            "query_string": b"",
            "server": server,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        assert base_of(Request(scope)) == f"{base}/dicomweb"
