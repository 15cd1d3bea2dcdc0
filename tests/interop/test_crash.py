"""SIGKILL at random instants while four associations store: nothing acknowledged is lost, nothing is half there.

Six rounds with the suite; 200 as a soak (``make soak-crash``).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from .crash import soak


@pytest.mark.timeout(300)
def test_crash_loses_nothing_that_was_acknowledged(program: Callable[[str], str], tmp_path: Path) -> None:
    program("storescu")
    crash = soak(tmp_path / "crash", rounds=6, each=40, seed=20260102)
    assert crash.wanted
    assert crash.kills_in_work


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_crash_soak(program: Callable[[str], str], tmp_path: Path) -> None:
    program("storescu")
    rounds = int(os.environ.get("KERMA_SOAK_ROUNDS", "200"))
    seed = int.from_bytes(os.urandom(4), "big")
    crash = soak(tmp_path / "crash", rounds=rounds, each=60, seed=seed)
    assert crash.kills_in_work > rounds // 4
