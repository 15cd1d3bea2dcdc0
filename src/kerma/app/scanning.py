"""``kerma.scan``: a table of chosen attributes of every DICOM file below some paths.

May touch the file system and start processes. Rules:

- Reading headers is Python's work, so threads would wait for one another; the work is done in processes. They are
  started when there is enough to do, which the number of files tells, or how long the first of them took; they run this
  package and nothing of the caller's program (so a script needs no guard), and end with the scan.
- Rows come in the order of the walk (folders and files by name), whichever process read them: two scans of the same
  files are the same. Batches that wait for their turn are few, so memory is bounded, however many files there are.
- A file that is no DICOM is counted. One that is broken is a ``Problem``: given to ``on_problem`` when it is found, and
  counted.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter
from typing import Any, Self

from kerma.app.collect import Collector, Found
from kerma.app.scan_columns import DEFAULT_KEYS, PATH, ScanColumn, columns_of
from kerma.app.scan_groups import GROUP_KEYS, LEVELS, Groups
from kerma.app.scan_reading import Outcome, RowReader, receive, send
from kerma.app.scan_tables import Row, Table, row_type
from kerma.errors import KermaError, UsageError

BATCH = 128
WORTH_PROCESSES = 48 * BATCH
"""Fewer files in the system's cache are read sooner than processes start (docs/bench-scan.md)."""
START = 0.3
"""Seconds that it takes until processes read, about; what is slower without them than that is worth them."""
_AHEAD = 3  # batches under way for each process

File = tuple[str, str, bool | str]
"""The path of a file, what to call it, and whether it was named; or why it cannot be taken."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A file, or a value of it, that is not as it should be; ``path`` is as in the row."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


@dataclass(slots=True)
class Counts:
    """What became of the files."""

    rows: int = 0
    foreign: int = 0
    """Files that are no DICOM instances; DICOMDIRs among them."""
    failed: int = 0
    """Files that are broken or cannot be read."""
    odd: int = 0
    """Values that are not of their column."""


class Scan(Table):
    """A scan that is done when it is iterated: an iterable of ``Row``, one for each file.

    ``columns`` are known before. ``counts`` are those of the last iteration.
    """

    def __init__(
        self,
        paths: Sequence[str | os.PathLike[str]],
        columns: tuple[ScanColumn, ...],
        workers: int,
        on_problem: Callable[[Problem], None] | None = None,
    ) -> None:
        self._paths = paths
        self._asked = columns
        self.columns: tuple[ScanColumn, ...] = (PATH, *columns)
        self.workers = workers
        self.on_problem = on_problem
        self.on_file: Callable[[], None] | None = None  # called for each file, for a progress bar
        self.counts = Counts()

    def __iter__(self) -> Iterator[Row]:
        self.counts = counts = Counts()
        kind = row_type(self.columns)
        seen = self.on_file
        for name, outcome in self._outcomes():
            if seen is not None:
                seen()
            if isinstance(outcome, int):  # FOREIGN or DIRECTORY
                counts.foreign += 1
                continue
            if isinstance(outcome, str):
                counts.failed += 1
                self._report(name, outcome)
                continue
            cells: Any = outcome
            if isinstance(outcome, list):
                cells, odd = outcome
                counts.odd += len(odd)
                for text in odd:
                    self._report(name, text)
            counts.rows += 1
            yield kind((name, *cells))

    def _report(self, name: str, text: str) -> None:
        if self.on_problem is not None:
            self.on_problem(Problem(name, text))

    def _outcomes(self) -> Iterator[tuple[str, Outcome]]:
        with ExitStack() as stack:
            files = _files(self._paths, stack.enter_context(Collector()))
            first: list[Any] = list(islice(files, WORTH_PROCESSES if self.workers > 1 else 0))
            if len(first) < WORTH_PROCESSES:
                yield from self._alone(first, files)
            if not first:
                return
            pool = stack.enter_context(_Pool(self._asked, self.workers))
            yield from pool.outcomes(_chain(first, files))

    def _alone(self, first: list[File], rest: Iterator[File]) -> Iterator[tuple[str, Outcome]]:
        """Read in this process, and take from ``first`` what was read: all; or, where files are slow, as those of a
        disk, and there may be other processes, until these are worth starting for what is left.
        """
        reader = RowReader(self._asked)
        spent = 0.0
        for done, (path, name, what) in enumerate(first, 1):
            begun = perf_counter()
            outcome = what if isinstance(what, str) else reader.outcome(path, named=what)
            if done > 1:  # the first one loads tables
                spent += perf_counter() - begun
            yield name, outcome
            if not done % BATCH:
                left = len(first) - done
                if left and spent / BATCH * left * (1 - 1 / self.workers) > START:
                    del first[:done]
                    return
                spent = 0.0
        first.clear()
        for path, name, what in rest:
            yield name, what if isinstance(what, str) else reader.outcome(path, named=what)


def scan(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    keys: str | Iterable[str] | None = None,
    *,
    by: str | None = None,
    workers: int | None = None,
    on_problem: Callable[[Problem], None] | None = None,
) -> Scan | Groups:
    """A table of the attributes ``keys`` of every DICOM file below ``paths``: folders, files, archives (zip, tar).

    Keys are keywords, tags, or dotted paths through sequences; ``size`` is the file's. ``by`` "series", "study" or
    "patient" tells one row for each of those instead of one for each file. ``workers`` is the number of processes, by
    default one for each core. Nothing is read before the table is iterated or written. Raises ``UsageError`` for a key
    that is none.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    if isinstance(keys, str):
        keys = keys.split(",")
    if workers is not None and workers < 1:
        raise UsageError("a scan has one process or more")
    if by is not None and by not in LEVELS:
        raise UsageError(f"a scan cannot be told by {by!r}", hint=f"by is {', '.join(LEVELS)} or left out")
    asked = columns_of(list(keys) if keys is not None else GROUP_KEYS[by] if by is not None else DEFAULT_KEYS)
    if by is None:
        return Scan(list(paths), asked, workers or cores(), on_problem)
    needed = columns_of([*(column.name for column in asked), LEVELS[by], "size"])
    return Groups(Scan(list(paths), needed, workers or cores(), on_problem), by, asked)


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _chain(first: list[Any], rest: Iterator[Any]) -> Iterator[Any]:
    yield from first
    first.clear()
    yield from rest


def _files(paths: Sequence[str | os.PathLike[str]], collector: Collector) -> Iterator[File]:
    """Path, name and whether it was named of each file; of what cannot be taken, why."""
    for path in paths:
        if os.path.isdir(path):
            yield from _walk(os.fspath(path))
            continue
        for item in collector.walk([path if isinstance(path, str) else Path(path)]):
            if isinstance(item, Found):
                yield str(item.path), item.name, item.named
            else:
                item.error.where = None
                yield item.name, item.name, str(item.error)


def _walk(folder: str) -> Iterator[File]:
    """The files below a folder by name, links to folders not followed; a folder's own files before those of its
    folders.
    """
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            with os.scandir(current) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            yield current, current, f"cannot be read: {error.strerror} (check its rights)"
            continue
        waiting.extend(entry.path for entry in reversed(entries) if entry.is_dir(follow_symlinks=False))
        for entry in entries:
            if entry.is_file():
                yield entry.path, entry.path, False


class _Pool:
    """Processes that read batches of files."""

    def __init__(self, columns: Sequence[ScanColumn], workers: int) -> None:
        self._names = [column.name for column in columns]
        self._processes: list[subprocess.Popen[bytes]] = []
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="kerma-scan")
        self._workers = workers

    def __enter__(self) -> Self:
        try:
            for _ in range(self._workers):
                self._start()
        except BaseException:
            self.close()
            raise
        return self

    def _start(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "kerma.app.scan_reading"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._processes.append(process)
        assert process.stdin is not None
        with suppress(OSError):  # one that is dead already is found out when it is to read
            send(process.stdin, self._names)
        self._idle.put(process)

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes; what they were reading is dropped."""
        for process in self._processes:
            process.kill()
        self._threads.shutdown(cancel_futures=True)
        for process in self._processes:
            for stream in (process.stdin, process.stdout):
                assert stream is not None
                with suppress(OSError):  # what was not sent to a process that is gone
                    stream.close()
            process.wait()

    def outcomes(self, files: Iterator[File]) -> Iterator[tuple[str, Outcome]]:
        """What each file comes to, in the order of ``files``."""
        waiting: deque[tuple[list[File], Future[list[Outcome]]]] = deque()
        more = True
        while more or waiting:
            while more and len(waiting) < _AHEAD * self._workers:
                batch = list(islice(files, BATCH))
                if not batch:
                    more = False
                    break
                waiting.append((batch, self._threads.submit(self._read, batch)))
            if waiting:
                batch, future = waiting.popleft()
                for (_, name, _), outcome in zip(batch, future.result(), strict=True):
                    yield name, outcome

    def _read(self, batch: list[File]) -> list[Outcome]:
        """One batch, in a process that is idle; in a thread of its own, which waits."""
        asked = [(os.fsencode(path), what) for path, _, what in batch if not isinstance(what, str)]
        process = self._idle.get()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            send(process.stdin, asked)
            answers = iter(receive(process.stdout))
        except (EOFError, OSError) as error:
            raise KermaError(
                f"a process of the scan ended (status {process.poll()})",
                hint="scan with one process to see which file it was: --workers 1",
            ) from error
        finally:
            self._idle.put(process)
        return [what if isinstance(what, str) else next(answers) for _, _, what in batch]
