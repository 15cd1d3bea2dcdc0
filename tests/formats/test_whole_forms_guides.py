"""The examples of the guides to JSON, XML and comparing give what is printed beside them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guide"
_PRINTED = re.compile(r"^ *print\(.*\) +# (.*)$", re.MULTILINE)


@pytest.mark.parametrize("name", ["json-xml.md", "dump-diff-convert.md"])
def test_the_examples_give_what_is_printed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = get_testdata_file("CT_small.dcm", download=False)
    assert isinstance(source, str)
    shutil.copy(source, tmp_path / "ct.dcm")
    monkeypatch.chdir(tmp_path)
    text = (GUIDES / name).read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    exec(compile(code, name, "exec"), {})
    assert capsys.readouterr().out.splitlines() == _PRINTED.findall(code)
