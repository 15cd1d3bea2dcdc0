"""The examples of the guide to forms give what is printed beside them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "forms.md"
_PRINTED = re.compile(r"^print\(.*\) +# (.*)$", re.MULTILINE)


def test_the_examples_give_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = get_testdata_file("CT_small.dcm", download=False)
    assert isinstance(source, str)
    shutil.copy(source, tmp_path / "ct.dcm")
    monkeypatch.chdir(tmp_path)
    code = "\n".join(re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL))
    exec(compile(code, str(GUIDE), "exec"), {})
    assert capsys.readouterr().out.splitlines() == _PRINTED.findall(code)
