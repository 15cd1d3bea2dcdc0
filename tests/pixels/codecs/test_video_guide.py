"""The example of the guide to codecs runs as it is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.pixels.images import read_back

import kerma

from .expected import ROOT
from .test_video import of, stream_of

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "codecs.md"


def test_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    ds = read_back(of(stream_of("libx264", "mpegts"), f"{ROOT}4.102"))
    exec(example, {"kerma": kerma, "ds": ds})
    assert (tmp_path / "out.mp4").read_bytes()[4:8] == b"ftyp"
