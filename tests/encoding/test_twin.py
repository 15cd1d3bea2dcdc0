"""The compiled loops give what the plain ones give; which of them runs is chosen and told."""

from __future__ import annotations

import mmap
import os
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.encoding.twins import check, compiled, scanned
from tests.fuzz.fuzz_scan import mutate, seeds

from kerma.dataset import Dataset
from kerma.encoding import loops as plain
from kerma.encoding import twin
from kerma.encoding.scan import _joined

ROOT = Path(__file__).resolve().parents[2]
TWIN = compiled()
SEEDS = seeds()
needs_twin = pytest.mark.skipif(
    TWIN is None, reason="no compiled twin is built: no C compiler, or no headers of Python"
)


def can_compile() -> bool:
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    return os.name == "posix" and header.is_file() and shutil.which("cc") is not None


@pytest.mark.skipif(not can_compile(), reason="no C compiler, or no headers of Python")
@pytest.mark.skipif(os.environ.get("KERMA_PLAIN", "0") not in {"", "0"}, reason="KERMA_PLAIN is set")
def test_the_twin_runs_where_it_can_be_built() -> None:
    assert twin.STATE == "compiled", "run `make compiled`"
    assert twin.COMPILED
    assert twin.rows.COMPILED


@needs_twin
def test_what_is_built_is_known_as_fresh() -> None:
    """By the digest that is in it, so that it is not built again."""
    room = ROOT / "src" / "kerma" / "encoding"
    for name in ("loops", "rows"):
        (built,) = room.glob(f"_{name}{sysconfig.get_config_var('EXT_SUFFIX')}")
        assert twin._digest(name).encode() in built.read_bytes(), "run `make compiled`"


@needs_twin
@pytest.mark.parametrize("number", range(len(SEEDS)))
def test_every_cut_and_every_start(number: int) -> None:
    assert TWIN is not None
    data = SEEDS[number]
    for at in range(len(data) + 1):
        check(TWIN, data[:at], 0, at)
        check(TWIN, data, at, len(data))
        check(TWIN, data, 0, at)


@needs_twin
@pytest.mark.parametrize("start", [-(2**62), -13, -1, 0, 1, 10**6, 2**62])
@pytest.mark.parametrize("end", [-5, 0, 7, 8, 10**6, 2**62])
def test_bounds_that_are_none(start: int, end: int) -> None:
    assert TWIN is not None
    for data in (b"", b"\x08\0\x05\0CS", SEEDS[1]):
        assert scanned(plain, data, start, end) == scanned(TWIN, data, start, end)


@needs_twin
@given(st.binary(max_size=200), st.integers(-4, 210), st.integers(-4, 300))
def test_any_bytes(data: bytes, start: int, end: int) -> None:
    assert TWIN is not None
    check(TWIN, data, start, end)


@needs_twin
@given(st.sampled_from(SEEDS), st.integers(0, 2**32))
def test_damaged_data_sets(data: bytes, seed: int) -> None:
    assert TWIN is not None
    raw = mutate(data, random.Random(seed))
    check(TWIN, raw, 0, len(raw))
    check(TWIN, raw, 132, len(raw))


@needs_twin
def test_the_corpus(corpus: Path) -> None:
    assert TWIN is not None
    seen = 0
    for path in sorted(corpus.rglob("*")):
        if not path.is_file() or path.stat().st_size > 1 << 18 or path.stat().st_size <= 132:
            continue
        data = path.read_bytes()
        start = plain.meta(data, 132)[1]
        check(TWIN, data, max(start, 0), len(data))
        seen += 1
    assert seen > 1000


@needs_twin
def test_every_kind_of_buffer(tmp_path: Path) -> None:
    assert TWIN is not None
    data = SEEDS[1]
    expected = scanned(plain, data, 0, len(data))
    path = tmp_path / "data"
    path.write_bytes(data)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        view = memoryview(mapped)
        for buf in (bytearray(data), memoryview(data), view):
            assert scanned(TWIN, buf, 0, len(data)) == expected
        view.release()
    with pytest.raises((TypeError, BufferError)):
        TWIN.scan_explicit(memoryview(data)[::2], 0, 10, None, ())


def many(count: int, backwards: bool = False) -> bytes:
    ds = Dataset()
    for element in range(0x1000, 0x1000 + count):
        ds.add(0x00090000 | element, "UL", element)
    data = ds.to_bytes()
    if backwards:
        data = b"".join(data[at : at + 12] for at in range(len(data) - 12, -1, -12))
    return data


@needs_twin
@pytest.mark.parametrize("count", [1, 1023, 1024, 1025, 3000])
@pytest.mark.parametrize("backwards", [False, True])
def test_more_elements_than_there_is_room_for_and_no_order(count: int, backwards: bool) -> None:
    assert TWIN is not None
    data = many(count, backwards)
    check(TWIN, data, 0, len(data))
    check(TWIN, data + data, 0, 2 * len(data))


def test_places_of_two_pieces_are_joined() -> None:
    data = many(40)
    table = [((0x0009 << 16 | 0x1000 + number) << 32 | number * 12).to_bytes(8, sys.byteorder) for number in range(40)]
    whole = b"".join(table)
    rest = b"".join(
        ((0x0009 << 16 | 0x1000 + number) << 32 | (number - 30) * 12).to_bytes(8, sys.byteorder)
        for number in range(30, 40)
    )
    assert _joined(whole[:240], rest, 360) == whole
    assert _joined(whole[:240], b"", 360) == whole[:240]
    assert _joined(whole, rest, 360) is None
    assert _joined(whole[:240], rest, 2**32 - 10) is None
    for number in range(40):
        assert plain.find(whole, (0x1000 + number) << 16 | 0x0009) == number * 12
    assert plain.short(whole, data, 0x1005 << 16 | 0x0009, True) == (0x4C55, (0x1005).to_bytes(4, "little"))
    assert plain.short(whole, data[:71], 0x1005 << 16 | 0x0009, True) is None


CHOICE = "from kerma.encoding import twin; print(twin.STATE)"


def state(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", CHOICE], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_environment_forces_the_plain_one() -> None:
    assert state(KERMA_PLAIN="1") == "plain Python, as KERMA_PLAIN says"
    assert state(KERMA_PLAIN="0") == state(KERMA_PLAIN="")


@needs_twin
def test_a_twin_of_another_source_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERMA_PLAIN", raising=False)
    monkeypatch.setattr(twin, "_digest", "{}-0".format)
    assert twin._choose() == (plain, "plain Python, the compiled twin was built from another source")
    monkeypatch.setattr(twin, "_digest", lambda name: "")  # only the twin is installed, without any source beside it
    assert twin._choose()[1] == "compiled"


def test_without_a_twin_the_plain_one_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> ModuleType:
        raise ImportError(name)

    monkeypatch.delenv("KERMA_PLAIN", raising=False)
    monkeypatch.setattr("importlib.import_module", refuse)
    assert twin._choose() == (plain, "plain Python, no compiled twin is built")


def test_the_tool_says_why_nothing_can_be_built() -> None:
    with tempfile.TemporaryDirectory() as made:
        shutil.copytree(ROOT / "src" / "kerma" / "encoding", Path(made) / "src" / "kerma" / "encoding")
        shutil.copytree(ROOT / "tools", Path(made) / "tools")
        done = subprocess.run(
            [sys.executable, str(Path(made) / "tools" / "twin.py"), "--force"],
            env={**os.environ, "CC": "false"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "the plain loops are used" in done.stderr
    assert "Traceback" not in done.stderr
