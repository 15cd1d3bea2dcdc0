"""The examples of docs/guide/web-client.md do what they say."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

import kerma
from kerma.archive import Archive
from kerma.web.application import application
from kerma.web.context import Context
from tests.archive.conftest import make_instance

GUIDE = (Path(__file__).parents[3] / "docs/guide/web-client.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
BASE = "http://testserver/dicomweb"


def block(word: str) -> str:
    return str(next(text for text in BLOCKS if word in text))


def test_the_first_example_and_the_others(
    web: TestClient,
    archive: Archive,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    client = partial(kerma.web.Client, transport=web._transport)
    for number in (1, 2):
        archive.ingest(
            make_instance(number, PatientName="DOE^J", StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4")
        )
    kerma.write(make_instance(3), tmp_path / "a.dcm")
    with monkeypatch.context() as patched:
        patched.setattr(kerma.web, "Client", client)
        exec(compile(block('kerma.web.Client("http'), "guide", "exec"), {})
    assert capsys.readouterr().out.startswith("1.2.3 DOE^J")
    assert len(list((tmp_path / "folder").glob("*.dcm"))) == 2
    assert archive.stats().instances == 3
    with client(BASE) as one:
        names: dict[str, Any] = {"web": one, "ds": make_instance(9)}
        for line in block('web.search("series"').splitlines():
            assert isinstance(list(eval(line, names)), list)
        exec(block("for result in web.store"), names)
    told = capsys.readouterr().out
    assert told.count("True 0x0") == 4


def test_every_way_to_say_who_we_are(tmp_path: Path) -> None:
    names: dict[str, Any] = {"kerma": kerma, "base": BASE}
    lines = block("X-API-Key").splitlines()[2:-1]
    assert len(lines) > 2
    for line in lines:
        with eval(line, names) as client:
            assert client.settings.base == BASE.rstrip("/")


def test_the_awaited_example(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.ingest(make_instance(PatientName="DOE^J"))
    monkeypatch.chdir(tmp_path)
    text = block("async with").replace("http://127.0.0.1:8080", "http://testserver")
    body = "async def run():\n" + "".join(f"    {line}\n" for line in text.splitlines())
    client = partial(kerma.web.AsyncClient, transport=httpx.ASGITransport(application(Context(archive))))
    monkeypatch.setattr(kerma.web, "AsyncClient", client)
    names: dict[str, Any] = {"kerma": kerma}
    exec(body, names)
    asyncio.run(names["run"]())
    assert len(list((tmp_path / "folder").iterdir())) == 1
