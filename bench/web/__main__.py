"""Runs the benches of DICOMweb and writes ``bench/out/web.*``; ``--quick`` is rough."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

from tests.interop.processes import running

from bench.harness import Race, Report, machine_line
from bench.memory import peak_of_server, reset_peak
from bench.network_common import make_images, versions
from bench.web import races, search, servers

OUT = Path(__file__).parent.parent / "out"


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.web", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, rough")
    parser.add_argument("--rounds", type=int, default=0)
    options = parser.parse_args()
    count, rounds = (100, 1) if options.quick else (1000, 3)
    rounds = options.rounds or rounds
    OUT.mkdir(exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="web-", dir=OUT))
    report = Report("web", machine=machine_line(), versions=versions())
    notes: list[str] = []
    try:
        _run(report, notes, work, count, rounds)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(report.text() + "\n" + "\n".join(notes))
    for sentence in report.missed():
        print(f"missed: {sentence}")
    return 0


def _run(report: Report, notes: list[str], work: Path, count: int, rounds: int) -> None:
    images = make_images(work / "images", count, series=3)
    places = [work / name for name in ("kerma", "orthanc", "nginx")]
    for place in places:
        place.mkdir()
    three = (servers.kerma(places[0]), servers.orthanc(places[1]), servers.nginx(places[2]))
    with contextlib.ExitStack() as stack:
        for server in three:
            stack.enter_context(running(server.peer))

        def add(*found: Race) -> None:
            for race in found:
                report.add(race)
                print(report.text().rpartition("\n\n")[2], file=sys.stderr)
            _save(report, notes)

        add(races.storing(three, work, images, rounds))
        add(*races.metadata(three, images.study, count, rounds))
        add(*races.frames(three, images.study, work, rounds))
        reset_peak(three[0].peer)
        before = peak_of_server(three[0].peer)
        add(*races.large(three, work, (1 << 30) if count == 1000 else (128 << 20), rounds))
        grown = peak_of_server(three[0].peer) - before
        notes.append(f"memory of the server over it: {grown:.1f} MB more, wanted under 64")
        add(*races.long_objects(three[0], work, rounds))
    notes.append(search.growth(work / "search", (10_000, 100_000) if count == 1000 else (2000, 20_000), 100))
    _save(report, notes)


def _save(report: Report, notes: list[str]) -> None:
    report.save(OUT)
    rest = "\n".join(notes)
    for name, text in (("web.txt", f"\n{rest}\n"), ("web.md", f"\n```\n{rest}\n```\n")):
        with (OUT / name).open("a") as file:
            file.write(text)


if __name__ == "__main__":
    sys.exit(main())
