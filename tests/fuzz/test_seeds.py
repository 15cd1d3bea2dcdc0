"""The seeds of the coverage-guided targets, without the fuzzer: what once reached something new still holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fuzz.targets import TARGETS

SEEDS = Path(__file__).with_name("seeds")


@pytest.mark.parametrize("name", TARGETS)
def test_seeds(name: str) -> None:
    files = sorted((SEEDS / name).iterdir())
    assert files
    for file in files:
        try:
            TARGETS[name](file.read_bytes())
        except Exception as error:
            raise AssertionError(f"{name}/{file.name}") from error
