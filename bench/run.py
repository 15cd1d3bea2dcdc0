"""Runs the benches and writes their tables, plots and JSON to ``bench/out``.

``python -m bench.run`` takes a while; ``--quick`` takes about a minute with fewer images and rounds, and is rough.
``--only NAME`` (several with commas) runs some of: store, four, send, retrieve, query, memory, idle, startup, files.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import network_common as common
from bench import network_retrieve, network_store
from bench.harness import Race, Report, machine_line

OUT = Path(__file__).parent / "out"


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    images: int
    rounds: int
    work: Path
    tell: Callable[[str], None]


def store(plan: Plan) -> list[Race]:
    images = common.make_images(plan.work / "images", plan.images)
    race = network_store.one_sender(plan.work, images)
    race.run(plan.rounds, warm=0, tell=plan.tell)
    return [race]


def four(plan: Plan) -> list[Race]:
    images = common.make_images(plan.work / "images", plan.images // 2, series=4)
    race = network_store.four_senders(plan.work, images)
    race.run(plan.rounds, warm=0, tell=plan.tell)
    return [race]


def send(plan: Plan) -> list[Race]:
    images = common.make_images(plan.work / "images", plan.images)
    races = network_store.senders(plan.work, images)
    for race in races:
        race.run(plan.rounds, warm=0, tell=plan.tell)
    return races


def retrieve(plan: Plan) -> list[Race]:
    images = common.make_images(plan.work / "images", plan.images)
    with network_retrieve.archives(plan.work, images) as (running, _):
        races = network_retrieve.races(running, images)
        for race in races:
            race.run(plan.rounds, warm=0, tell=plan.tell)
    return races


BENCHES: dict[str, Callable[[Plan], list[Race]]] = {
    "store": store,
    "four": four,
    "send": send,
    "retrieve": retrieve,
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a minute, roughly")
    parser.add_argument("--only", default="", help="names with commas: " + ", ".join(BENCHES))
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--images", type=int, default=0)
    parser.add_argument("--work", type=Path, help="where to work (about 4 GB); default bench/out, for the same disk")
    options = parser.parse_args(argv)
    names = [name for name in options.only.split(",") if name] or list(BENCHES)
    if unknown := [name for name in names if name not in BENCHES]:
        parser.error(f"no bench {unknown[0]!r}; there are {', '.join(BENCHES)}")
    OUT.mkdir(exist_ok=True)
    report = Report("network", machine=machine_line(), versions=common.versions())
    for name in names:
        work = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=options.work or OUT))
        try:
            images = options.images or (100 if options.quick else 1000)
            rounds = options.rounds or (1 if options.quick else 3)
            plan = Plan(images, rounds, work, lambda text: print(text, file=sys.stderr))
            for race in BENCHES[name](plan):
                report.add(race)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    report.save(OUT)
    print(report.text())
    for sentence in report.missed():
        print(f"missed: {sentence}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
