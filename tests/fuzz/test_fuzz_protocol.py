"""The protocol fuzz targets, a fixed number of rounds with fixed seeds."""

from __future__ import annotations

import random

import pytest
from tests.fuzz import fuzz_command, fuzz_dicomweb, fuzz_pdu


@pytest.mark.parametrize("seed", range(4))
def test_streams_of_pdus(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(400):
        fuzz_pdu.check(fuzz_pdu.mutated(chance), chance)


@pytest.mark.parametrize("seed", range(4))
def test_command_sets(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(1_000):
        fuzz_command.check(fuzz_command.mutated(chance), chance)


@pytest.mark.parametrize("seed", range(4))
def test_bodies_headers_and_paths(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(2_000):
        fuzz_dicomweb.check(fuzz_dicomweb.mutated(chance), chance)
