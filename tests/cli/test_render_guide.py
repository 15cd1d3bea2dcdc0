"""The guide to pictures works as it is printed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from .conftest import ROOT, Run
from .test_render import write_image

GUIDE = (ROOT / "docs/guide/render.md").read_text(encoding="utf-8")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the guide speaks of, in the working folder."""
    write_image(tmp_path / "image.dcm")
    write_image(tmp_path / "film.dcm", frames=3)
    (tmp_path / "series").mkdir()
    for number in (1, 2):
        write_image(tmp_path / "series" / f"{number}.dcm", number=number)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def test_the_commands(kerma: Run, files: Path) -> None:
    lines = [line[len("$ kerma ") :] for block in blocks("console") for line in block.splitlines()]
    assert len(lines) >= 7
    for line in lines:
        done = kerma(*shlex.split(line))
        assert (done.status, done.err) == (0, ""), line
    assert {path.suffix for path in files.iterdir()} >= {".png", ".jpg", ".gif"}


def test_the_python(files: Path) -> None:
    (code,) = blocks("python")
    exec(compile(code, "render.md", "exec"), {})
    assert (files / "pet.png").exists()
    assert (files / "film.webp").exists()
