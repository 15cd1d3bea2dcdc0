"""The harness tells what was measured, and nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from bench.harness import Outcome, Race, Report, command


def runner(name: str, seconds: float, order: list[str]) -> Callable[[], float]:
    def run() -> float:
        order.append(name)
        return seconds

    return run


def race(order: list[str]) -> Race:
    made = Race("reading", unit="µs per file", per=10, note="a note")
    made.add("ours", runner("ours", 0.001, order))
    made.add("theirs", runner("theirs", 0.004, order), target=3, note="the other one")
    made.add("slow", runner("slow", 0.002, order), target=3)
    return made


def test_every_round_runs_all_and_starts_with_another() -> None:
    order: list[str] = []
    race(order).run(3, warm=0)
    assert order == ["ours", "theirs", "slow", "theirs", "slow", "ours", "slow", "ours", "theirs"]


def test_a_warm_round_is_not_counted() -> None:
    order: list[str] = []
    made = race(order)
    made.run(2, warm=1)
    assert len(order) == 9
    assert [len(contestant.seconds) for contestant in made.contestants] == [2, 2, 2]


def test_ratios_and_targets() -> None:
    made = race([])
    made.run(5)
    assert made.ratio(made.contestants[1]) == (4, 4, 4)
    report = Report("demo", machine="a machine", versions={"kerma": "0"})
    report.add(made)
    assert report.missed() == ["reading: slow takes 2.00 times our time, wanted 3"]
    rows = made.rows()
    assert rows[0] == ["ours", "100", "100", "100", "1", "", "", ""]
    assert rows[1] == ["theirs", "400", "400", "400", "4.00", "4.00-4.00", "3 met", "the other one"]
    assert rows[2][6] == "3 MISSED"


def test_more_a_second_is_told_as_such() -> None:
    made = Race("sending", unit="images a second", per=100, bigger_is_better=True)
    made.add("ours", lambda: 0.5)
    made.run(1)
    assert made.rows()[0][1] == "200"


def test_the_harness_times_a_run_that_does_not() -> None:
    made = Race("waiting", unit="s", scale=1)
    made.add("ours", lambda: None)
    made.add("extra", lambda: Outcome(2.0, {"peak MB": 12.0}))
    made.run(2)
    assert all(0 <= seconds < 1 for seconds in made.contestants[0].seconds)
    assert made.rows()[1][-1] == "peak MB 12"


def test_what_fails_is_raised() -> None:
    made = Race("failing", unit="s")
    made.add("ours", lambda: float(command([sys.executable, "-c", "import sys; sys.exit('no luck')"])))
    with pytest.raises(RuntimeError, match="no luck"):
        made.run(1)
    assert command([sys.executable, "-c", "print(3)"]).strip() == "3"


def test_what_is_saved(tmp_path: Path) -> None:
    made = race([])
    made.run(2)
    report = Report("demo", machine="a machine", versions={"kerma": "0", "other": "1.2"})
    report.add(made)
    report.save(tmp_path)
    found = json.loads((tmp_path / "demo.json").read_text())
    assert found["versions"] == {"kerma": "0", "other": "1.2"}
    assert found["races"][0]["contestants"][1]["ratio"] == 4
    text = (tmp_path / "demo.txt").read_text()
    assert "a machine" in text
    assert "kerma 0, other 1.2" in text
    assert "a note" in text
    assert "| theirs | 400 |" in (tmp_path / "demo.md").read_text()
