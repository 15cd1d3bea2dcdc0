"""Frames, or files, through a function on several threads, in order, a few at a time.

Codecs let go of the interpreter while they work, so threads use all cores. Rules: never more than two items a thread
are under way; what was begun is done or cancelled when the consumer stops; the first failure, in order, is raised and
what follows is not begun.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

Progress = Callable[[int, int], None]
"""Called with (frames done, frames in all); what it raises ends the work."""


def cores() -> int:
    """How many threads can work at one time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered(items: Iterable[T], work: Callable[[T], R], threads: int | None = None) -> Iterator[R]:
    """``work`` of each item, in order. The items are taken here; ``work`` runs on the threads."""
    threads = threads or cores()
    if threads < 2:
        yield from map(work, items)
        return
    under_way: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads, "kerma-pixels") as pool:
        try:
            for item in items:
                under_way.append(pool.submit(work, item))
                if len(under_way) >= 2 * threads:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()


def in_order(
    count: int,
    read: Callable[[int], T],
    work: Callable[[int, T], R],
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Iterator[R]:
    """``work(number, read(number))`` for each number below ``count``. ``read`` is called here, in order; ``work`` on
    the threads.
    """
    pairs = ((number, read(number)) for number in range(count))
    results = ordered(pairs, lambda pair: work(*pair), min(threads or cores(), count))
    try:
        for done, result in enumerate(results, start=1):
            yield result
            if progress is not None:
                progress(done, count)
    finally:
        results.close()  # type: ignore[attr-defined]  # a generator: its threads end now, not when it is collected
