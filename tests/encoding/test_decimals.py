"""Decimal strings that the loops decode are those that ``values`` decodes, digit for digit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.encoding.twins import compiled

from kerma import values
from kerma.encoding import loops as plain
from kerma.errors import ValueFormatError

LOOPS = [plain, compiled() or plain]


def told(value: Any) -> Any:
    """A value with all that can be seen of it."""
    if isinstance(value, tuple):
        return tuple(map(told, value))
    return None if value is None else (type(value), repr(value), value.text)


@pytest.mark.parametrize("loops", LOOPS)
@given(raw=st.text("0159+-.eE \0\\x_\xe9", min_size=1, max_size=24).map(lambda text: text.encode("latin-1")))
@example(raw=b"-158.135803\\-179.035797\\-75.7 ")
@example(raw=b"\\")
@example(raw=b" 1 \\ \0")
@example(raw=b"1 2")
@example(raw=b"1e999\\-0.0")
@example(raw=b"infinity")
def test_decimals(loops: Any, raw: bytes) -> None:
    found = loops.decimals(raw, values.DS)
    try:
        expected = values.decode("DS", raw)
    except ValueFormatError:
        assert found is None
        return
    if found is not None or expected is None:
        assert told(found) == told(expected)
    else:
        assert b" " in raw or b"\0" in raw  # padding in odd places is left to ``values``


@pytest.mark.parametrize("loops", LOOPS)
def test_plain_numbers_are_decoded(loops: Any) -> None:
    assert told(loops.decimals(b"1.50\\\\-2 ", values.DS)) == told(values.decode("DS", b"1.50\\\\-2 "))
    assert loops.decimals(b"7", values.DS).text == "7"
