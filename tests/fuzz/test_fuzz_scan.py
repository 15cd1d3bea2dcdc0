"""The fuzz target of the scan with fixed seeds, so that the suite runs it the same way each time."""

from __future__ import annotations

import pytest
from tests.fuzz.fuzz_scan import check, run, seeds


def test_the_seeds_themselves() -> None:
    for data in seeds():
        check(data)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_seeds(seed: int) -> None:
    run(120, seed)
