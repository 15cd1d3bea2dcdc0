"""Runs the benches and writes their tables, plots and JSON to ``bench/out``.

``python -m bench.run`` takes a while (half an hour on two cores); ``--quick`` about a minute with far fewer images and
rounds, and is rough. ``--only NAME`` runs some of them, several with commas.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench import memory, network_idle, network_retrieve, network_store, query, startup
from bench import network_common as common
from bench.files import races as reading
from bench.harness import Race, Report, machine_line

OUT = Path(__file__).parent / "out"


@dataclass
class Plan:
    """How much of everything, and what came out that is no race."""

    images: int
    rounds: int
    quick: bool
    work: Path
    tell: Callable[[str], None]
    text: list[str] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)

    def run(self, races: list[Race]) -> list[Race]:
        for race in races:
            race.run(self.rounds, warm=0, tell=self.tell)
        return races


def files(plan: Plan) -> list[Race]:
    return plan.run(reading.races(plan.work, 500 if plan.quick else 10_000, 200 if plan.quick else 2_000))


def store(plan: Plan) -> list[Race]:
    images = common.make_images(plan.work / "images", plan.images)
    return plan.run([network_store.one_sender(plan.work, images)])


def four(plan: Plan) -> list[Race]:
    images = common.make_images(plan.work / "images", plan.images // 2, series=4)
    return plan.run([network_store.four_senders(plan.work, images)])


def send(plan: Plan) -> list[Race]:
    images = common.make_images(plan.work / "images", plan.images)
    return plan.run(network_store.senders(plan.work, images))


def retrieve(plan: Plan) -> list[Race]:
    images = common.make_images(plan.work / "images", plan.images)
    with network_retrieve.archives(plan.work, images) as (running, _):
        return plan.run(network_retrieve.races(running, images))


def queries(plan: Plan) -> list[Race]:
    sizes = [3_000, 30_000] if plan.quick else [10_000, 100_000, 1_000_000]
    repeats = 10 if plan.quick else 40
    timings = query.growth(plan.work / "growth", sizes, repeats)
    plan.text.append(query.text(timings))
    plan.figures["queries"] = [asdict(timing) for timing in timings]
    if not common.available("Orthanc"):
        return []
    return query.beside_orthanc(plan.work / "orthanc", 500 if plan.quick else 10_000, repeats)


def big(plan: Plan) -> list[Race]:
    found = memory.measure(plan.work, (256 << 20) if plan.quick else (2 << 30) - (2 << 20))
    plan.text.append(found.text())
    plan.figures["memory"] = asdict(found)
    return []


def idle(plan: Plan) -> list[Race]:
    found = network_idle.measure(plan.work, seconds=3 if plan.quick else 20)
    plan.text += [one.text() for one in found]
    plan.figures["idle"] = [asdict(one) for one in found]
    return []


def start(plan: Plan) -> list[Race]:
    race = startup.race()
    race.run(5 if plan.quick else 20, tell=None)
    race.note = startup.beyond(race)
    return [race]


BENCHES: dict[str, Callable[[Plan], list[Race]]] = {
    "startup": start,
    "files": files,
    "idle": idle,
    "store": store,
    "four": four,
    "send": send,
    "retrieve": retrieve,
    "query": queries,
    "memory": big,
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="about a minute, rough")
    parser.add_argument("--only", default="", help="names with commas: " + ", ".join(BENCHES))
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--images", type=int, default=0)
    parser.add_argument("--work", type=Path, help="where to work (8 GB); default bench/out, the disk of this folder")
    options = parser.parse_args(argv)
    names = [name for name in options.only.split(",") if name] or list(BENCHES)
    if unknown := [name for name in names if name not in BENCHES]:
        parser.error(f"no bench {unknown[0]!r}; there are {', '.join(BENCHES)}")
    OUT.mkdir(exist_ok=True)
    report = Report("network", machine=machine_line(), versions=common.versions())
    notes: list[str] = []
    figures: dict[str, object] = {}
    for name in names:
        work = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=options.work or OUT))
        images = options.images or (50 if options.quick else 1000)
        rounds = options.rounds or (1 if options.quick else 3)
        plan = Plan(images, rounds, options.quick, work, _tell, notes, figures)
        try:
            for race in BENCHES[name](plan):
                report.add(race)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        _save(report, notes, figures)  # an hour's figures are not lost to what fails in the last minute
    _print(report, notes)
    return 0


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def _save(report: Report, notes: list[str], figures: dict[str, object]) -> None:
    """The report of the races so far, with what is no race behind it."""
    if report.races:
        report.save(OUT)
    rest = "\n\n".join(notes)
    with (OUT / "network.txt").open("w") as file:
        file.write(report.text() + "\n" + rest + "\n")
    with (OUT / "network.md").open("w") as file:
        file.write(report.markdown() + (f"\n```\n{rest}\n```\n" if rest else ""))
    (OUT / "network.json").write_text(json.dumps({**report.as_json(), **figures}, indent=1))


def _print(report: Report, notes: list[str]) -> None:
    rest = "\n\n".join(notes)
    print(report.text() + "\n" + rest)
    for sentence in report.missed():
        print(f"missed: {sentence}")


if __name__ == "__main__":
    sys.exit(main())
