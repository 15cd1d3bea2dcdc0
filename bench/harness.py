"""Runs contestants in turn in one run and tells their times as ratios.

A figure alone says more about the machine than about the program, so the harness takes turns: every round runs each
contestant once, starting with another one each time, and a ratio is told both of the medians and as the range over
the rounds. Nothing here knows DICOM. Results go to a text table, a Markdown table, a JSON file and, where matplotlib
is installed, a plot.

Use::

    race = Race("read", unit="µs per file", per=1000)
    race.add("kerma", run_kerma)                    # timed by the harness
    race.add("dcmtk", run_dcmtk)                    # or returns seconds (or an Outcome) of its own
    race.run(rounds=7)
    report = Report("files", machine=machine_line(), versions=versions)
    report.add(race)
    report.save(folder)                             # files.json, files.txt, files.md, files.png
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """What one run measured itself: ``seconds``, and other figures by name (peak memory, CPU seconds, ...)."""

    seconds: float
    extra: Mapping[str, float] = field(default_factory=dict)


Run = Callable[[], float | Outcome | None]
"""One run of a contestant. None: the harness's clock is taken. Otherwise its own seconds. Raises where the work failed.
"""


@dataclass
class Contestant:
    """One contestant: what it is called, what it does in words, and what was measured."""

    name: str
    run: Run
    note: str = ""
    seconds: list[float] = field(default_factory=list)
    extra: dict[str, list[float]] = field(default_factory=dict)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


class Race:
    """Contestants that do the same work. The first one added is the one that the ratios are told for.

    ``per`` operations are done in one run; figures are told as time for one operation times ``scale`` (1e6 for µs).
    With
    ``bigger_is_better`` figures are operations a second instead.
    """

    def __init__(
        self,
        title: str,
        *,
        unit: str,
        per: float = 1,
        scale: float = 1e6,
        bigger_is_better: bool = False,
        note: str = "",
    ) -> None:
        self.title = title
        self.unit = unit
        self.per = per
        self.scale = scale
        self.bigger_is_better = bigger_is_better
        self.note = note
        self.contestants: list[Contestant] = []
        self.targets: dict[str, float] = {}

    def add(self, name: str, run: Run, *, note: str = "", target: float | None = None) -> None:
        """Adds a contestant. ``target``: how many times the first one's time it shall take at least."""
        self.contestants.append(Contestant(name, run, note))
        if target is not None:
            self.targets[name] = target

    def run(self, rounds: int = 7, *, warm: int = 1, tell: Callable[[str], None] | None = None) -> None:
        """Runs all in turn, ``warm`` rounds for nothing first. Every round starts with another contestant."""
        for number in range(-warm, rounds):
            start = number % len(self.contestants)
            for contestant in self.contestants[start:] + self.contestants[:start]:
                before = time.perf_counter()
                outcome = contestant.run()
                elapsed = time.perf_counter() - before
                if number < 0:
                    continue
                if outcome is None:
                    outcome = elapsed
                if not isinstance(outcome, Outcome):
                    outcome = Outcome(outcome)
                contestant.seconds.append(outcome.seconds)
                for name, value in outcome.extra.items():
                    contestant.extra.setdefault(name, []).append(value)
            if tell is not None and number >= 0:
                tell(f"{self.title}: round {number + 1} of {rounds}")

    def figure(self, seconds: float) -> float:
        """Seconds of one run in the unit of this race."""
        return self.per / seconds if self.bigger_is_better else seconds / self.per * self.scale

    def ratio(self, contestant: Contestant) -> tuple[float, float, float]:
        """How many times the first contestant's time this one took: of the medians, and the least and most in one
        round.
        """
        first = self.contestants[0]
        each = [theirs / ours for theirs, ours in zip(contestant.seconds, first.seconds, strict=True)]
        return contestant.median / first.median, min(each), max(each)

    def rows(self) -> list[list[str]]:
        """The table, a row for each contestant, without its head."""
        table = []
        for contestant in self.contestants:
            figures = sorted(self.figure(seconds) for seconds in contestant.seconds)
            ratio, least, most = self.ratio(contestant)
            target = self.targets.get(contestant.name)
            extra = ", ".join(f"{name} {statistics.median(values):.4g}" for name, values in contestant.extra.items())
            table.append(
                [
                    contestant.name,
                    f"{statistics.median(figures):.4g}",
                    f"{figures[0]:.4g}",
                    f"{figures[-1]:.4g}",
                    f"{ratio:.2f}" if contestant is not self.contestants[0] else "1",
                    f"{least:.2f}-{most:.2f}" if contestant is not self.contestants[0] else "",
                    "" if target is None else f"{target:g} {'met' if ratio >= target else 'MISSED'}",
                    "; ".join(part for part in (contestant.note, extra) if part),
                ]
            )
        return table

    def as_json(self) -> dict[str, object]:
        """All that was measured."""
        return {
            "title": self.title,
            "unit": self.unit,
            "per": self.per,
            "note": self.note,
            "contestants": [
                {
                    "name": contestant.name,
                    "note": contestant.note,
                    "seconds": contestant.seconds,
                    "median": self.figure(contestant.median),
                    "ratio": self.ratio(contestant)[0],
                    "target": self.targets.get(contestant.name),
                    "extra": contestant.extra,
                }
                for contestant in self.contestants
            ],
        }


HEAD = ["contestant", "median", "least", "most", "ratio", "in one round", "wanted", "note"]


class Report:
    """The races of one run, with the machine and the versions that they were run on."""

    def __init__(self, name: str, *, machine: str, versions: Mapping[str, str]) -> None:
        self.name = name
        self.machine = machine
        self.versions = dict(versions)
        self.races: list[Race] = []

    def add(self, race: Race) -> None:
        """Adds a race that was run."""
        self.races.append(race)

    def text(self) -> str:
        """The tables for a terminal."""
        parts = [self.machine, ", ".join(f"{name} {version}" for name, version in self.versions.items())]
        for race in self.races:
            table = [HEAD, *race.rows()]
            widths = [max(len(row[index]) for row in table) for index in range(len(HEAD))]
            lines = [f"{race.title} ({race.unit}); ratio: times the time of {race.contestants[0].name}"]
            lines += [
                "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
            ]
            parts.append("\n".join(lines + ([race.note] if race.note else [])))
        return "\n\n".join(parts) + "\n"

    def markdown(self) -> str:
        """The tables for a document."""
        parts = [self.machine, ", ".join(f"{name} {version}" for name, version in self.versions.items())]
        for race in self.races:
            table = [HEAD, ["---"] * len(HEAD), *race.rows()]
            lines = [f"**{race.title}** ({race.unit})", "", *("| " + " | ".join(row) + " |" for row in table)]
            parts.append("\n".join(lines + (["", race.note] if race.note else [])))
        return "\n\n".join(parts) + "\n"

    def as_json(self) -> dict[str, object]:
        """Everything, for programs."""
        races = [race.as_json() for race in self.races]
        return {"name": self.name, "machine": self.machine, "versions": self.versions, "races": races}

    def missed(self) -> list[str]:
        """The targets that were not reached, as sentences."""
        return [
            f"{race.title}: {contestant.name} takes {race.ratio(contestant)[0]:.2f} times our time, wanted {wanted:g}"
            for race in self.races
            for contestant in race.contestants
            if (wanted := race.targets.get(contestant.name)) is not None and race.ratio(contestant)[0] < wanted
        ]

    def save(self, folder: Path) -> None:
        """Writes NAME.json, NAME.txt, NAME.md and, with matplotlib, NAME.png."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.name}.json").write_text(json.dumps(self.as_json(), indent=1), encoding="utf-8")
        (folder / f"{self.name}.txt").write_text(self.text(), encoding="utf-8")
        (folder / f"{self.name}.md").write_text(self.markdown(), encoding="utf-8")
        with contextlib.suppress(ImportError):
            self.plot(folder / f"{self.name}.png")

    def plot(self, path: Path) -> None:
        """A bar for each contestant's ratio, a panel for each race. Raises ImportError without matplotlib."""
        import matplotlib  # noqa: PLC0415  optional, and slow to load

        matplotlib.use("Agg")
        from matplotlib import pyplot  # noqa: PLC0415

        figure, panels = pyplot.subplots(
            len(self.races),
            1,
            figsize=(8, 1 + 0.45 * sum(len(race.contestants) + 2 for race in self.races)),
            squeeze=False,
        )
        for race, panel in zip(self.races, panels[:, 0], strict=True):
            names = [contestant.name for contestant in race.contestants]
            ratios = [race.ratio(contestant)[0] for contestant in race.contestants]
            bars = panel.barh(names, ratios, color=["#2a7" if name == names[0] else "#89a" for name in names])
            panel.bar_label(bars, labels=[f"{ratio:.2f}" for ratio in ratios], padding=3)
            panel.invert_yaxis()
            panel.set_title(f"{race.title}: times the time of {names[0]}", fontsize=10)
            panel.margins(x=0.12)
        figure.tight_layout()
        figure.savefig(path, dpi=110)
        pyplot.close(figure)


def machine_line() -> str:
    """One line about the machine: processor, cores, memory, kernel, Python."""
    model = ""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    memory = ""
    with contextlib.suppress(OSError, ValueError, IndexError):
        kilobytes = int(Path("/proc/meminfo").read_text(encoding="utf-8").split()[1])
        memory = f", {kilobytes / 1048576:.0f} GiB"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{model or platform.processor() or platform.machine()}, {cores} cores{memory}, {platform.system()} "
        f"{platform.release()}, {platform.python_implementation()} {platform.python_version()}"
    )


def command(argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Runs a program to its end and returns its stdout; RuntimeError with the end of its stderr where it fails."""
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{argv[0]} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout
