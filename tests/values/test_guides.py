"""The examples of the guides to values and character sets give what is printed."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide"


@pytest.mark.parametrize(("name", "least"), [("values.md", 25), ("charsets.md", 12)])
def test_examples(name: str, least: int) -> None:
    text = (GUIDE / name).read_text(encoding="utf-8")
    test = doctest.DocTestParser().get_doctest(text, {}, name, str(GUIDE / name), 0)
    assert len(test.examples) >= least
    outcome = doctest.DocTestRunner(verbose=False).run(test)
    assert outcome.failed == 0
