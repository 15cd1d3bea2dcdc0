"""Items passed by patterns are those that a walk passes, and columns have the values that the items have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.encoding.patterned import check, check_columns, check_walk, paths, thrown

ROOT = Path(__file__).resolve().parents[2]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=200)
def test_patterns_and_walk_are_the_same(seed: int) -> None:
    check(seed)


@pytest.mark.parametrize("seed", [3, 14, 15, 92])
def test_any_end_of_the_bytes(seed: int) -> None:
    data, encoding, _ = thrown(seed)
    for end in range(len(data) + 8):
        check_walk(data, encoding, 0, end)


@pytest.mark.parametrize("packed", [False, True])
def test_columns_have_values(packed: bool) -> None:
    """That the property compares something."""
    compared = 0
    for seed in range(40):
        data, encoding, dice = thrown(seed)
        compared += check_columns(data, encoding, paths(dice), packed=packed)
    assert compared > 200


@pytest.mark.skipif(os.environ.get("KERMA_PLAIN", "0") not in {"", "0"}, reason="the plain loops run already")
def test_with_the_plain_loops() -> None:
    environment = {**os.environ, "KERMA_PLAIN": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "tests.encoding.patterned", "--count", "200"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "plain Python" in done.stdout
