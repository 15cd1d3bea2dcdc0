"""The examples of the guide to volumes give what is printed beside them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import kerma

from .series import stack
from .test_slides import tiled

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "volumes.md"
_PRINTED = re.compile(r"^ *print\(.*\) +# (.*)$", re.MULTILINE)


def test_the_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ct").mkdir()
    for number, ds in enumerate(stack(4)):
        kerma.write(ds, tmp_path / "ct" / f"{number}.dcm")
    slide, _ = tiled()
    kerma.write(slide, tmp_path / "slide.dcm")
    monkeypatch.chdir(tmp_path)
    code = "\n".join(re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL))
    exec(compile(code, "volumes.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == _PRINTED.findall(code)
