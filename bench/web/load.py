"""One timed load: a download, an upload, or many requests at once by ``h2load`` (nghttp2)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.interop.processes import find_program, run

_FINISHED = re.compile(r"finished in ([0-9.]+)(us|ms|s)\b")
_COUNTS = re.compile(r"requests: (\d+) total, \d+ started, \d+ done, (\d+) succeeded")
_UNIT = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


def fetch(url: str, headers: Mapping[str, str] | None = None, *, into: Path | None = None) -> float:
    """Seconds of one GET by curl, the body thrown away or kept; anything but 200 is an error."""
    more = [part for name, value in (headers or {}).items() for part in ("-H", f"{name}: {value}")]
    argv: list[str | Path] = [
        find_program("curl"),
        "-s",
        "-o",
        into or "/dev/null",
        "-w",
        "%{http_code} %{time_total}",
        *more,
        url,
    ]
    return _answered(argv)


def send(url: str, body: Path, headers: Mapping[str, str], *, method: str = "POST") -> float:
    """Seconds of one upload by curl from a file that is never held in memory."""
    more = [part for name, value in {"Expect": "", **headers}.items() for part in ("-H", f"{name}: {value}")]
    options: list[str | Path] = ["-s", "-o", "/dev/null", "-w", "%{http_code} %{time_total}", "-X", method, "-T", body]
    return _answered([find_program("curl"), *options, *more, url])


def _answered(argv: Sequence[str | Path]) -> float:
    done = run(argv, seconds=900)
    status, _, seconds = done.stdout.strip().rpartition("\n")[2].partition(" ")
    if status not in {"200", "201", "204"}:
        raise RuntimeError(f"{argv[-1]} answered {status or done.stderr}")
    return float(seconds)


def many(urls: Sequence[str], work: Path, accept: str, *, http2: bool, at_once: int = 32) -> float:
    """Seconds until all of ``urls`` were answered, ``at_once`` at any time; each has to succeed."""
    listed = work / "urls.txt"
    listed.write_text("\n".join(urls) + "\n")
    clients, streams = (4, at_once // 4) if http2 else (at_once, 1)
    how = [] if http2 else ["--h1"]
    shape: list[str | Path] = ["-n", str(len(urls)), "-c", str(clients), "-m", str(streams), "-i", listed]
    argv = [find_program("h2load"), *how, *shape, "-H", f"Accept: {accept}"]
    done = run(argv, seconds=900)
    counts, finished = _COUNTS.search(done.stdout), _FINISHED.search(done.stdout)
    if counts is None or finished is None or counts[1] != counts[2]:
        raise RuntimeError(f"h2load: {done.stdout[-600:]}{done.stderr[-300:]}")
    return float(finished[1]) * _UNIT[finished[2]]
