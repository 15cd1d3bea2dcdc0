"""Whatever the configuration holds, it is taken or refused with ``ConfigError`` on one line; nothing else comes out."""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kerma.app import config as configuration
from kerma.app.kinds import Address
from kerma.app.settings import SECTIONS, Config, as_toml, rows
from kerma.app.toml_lines import key_lines
from kerma.errors import ConfigError

NAMES = [*SECTIONS, "peer", "servr", "x"]
KEYS = [*{row.key for row in rows()}, "aett", "y"]
SCALARS = st.one_of(
    st.integers(-(1 << 40), 1 << 40),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(string.printable.replace("\\", ""), max_size=20).map(lambda text: "".join(text.split())),
    st.sampled_from(["KERMA", "127.0.0.1:11112", "1.2.3", "replace", "json"]),
)


def toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return '"' + value.replace('"', "") + '"'
    return repr(value) if isinstance(value, float) else as_toml(value)


def refusal(load: Callable[[], Config]) -> ConfigError | None:
    try:
        load()
    except ConfigError as error:
        return error
    return None


def check_file(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    error = refusal(lambda: configuration.load(path))
    if error is not None:
        assert "\n" not in str(error)
        assert (error.where or "").startswith(str(path))


@settings(max_examples=50)
@given(text=st.text(max_size=200).filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text)))
def test_any_text(tmp_path_factory: Any, text: str) -> None:
    check_file(tmp_path_factory.getbasetemp() / "any.toml", text)


@settings(max_examples=50)
@given(
    table=st.dictionaries(
        st.sampled_from(NAMES),
        st.dictionaries(st.sampled_from(KEYS), st.one_of(SCALARS, st.lists(SCALARS, max_size=3)), max_size=4),
        max_size=4,
    ),
    arrays=st.booleans(),
)
def test_any_table(tmp_path_factory: Any, table: dict[str, dict[str, Any]], arrays: bool) -> None:
    lines = []
    for name, keys in table.items():
        lines.append(f"[[{name}]]" if arrays else f"[{name}]")
        lines += [f"{key} = {toml(value)}" for key, value in keys.items()]
    text = "\n".join(lines)
    check_file(tmp_path_factory.getbasetemp() / "table.toml", text)
    places = key_lines(text)
    for name, keys in table.items():
        for key in keys:
            assert lines[places[name, 0, key] - 1].startswith(f"{key} =")


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from([*(row.variable for row in rows() if row.variable), "KERMA_PEERS"]), st.text()))
def test_any_environment(environ: dict[str, str]) -> None:
    error = refusal(lambda: configuration.load(environ=environ))
    assert error is None or "environment" in str(error)


@settings(max_examples=50)
@given(st.text(max_size=40) | st.from_regex(r"\[?[0-9a-f:.]{0,12}\]?:[0-9]{0,6}", fullmatch=True))
def test_an_address_reads_back_as_it_is_written(text: str) -> None:
    try:
        address = Address.parse(text)
    except ValueError:
        return
    assert Address.parse(str(address)) == address
    assert 0 <= address.port <= 65535
