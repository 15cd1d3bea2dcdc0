"""Frames through a function on several threads, in order, a few at a time.

Codecs let go of the interpreter while they work, so threads use all cores. Rules: never more than two frames a thread
are under way; what was begun is done or cancelled when the consumer stops; the first failure, in frame order, is raised
and what follows is not begun.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

Progress = Callable[[int, int], None]
"""Called with (frames done, frames in all); what it raises ends the work."""


def cores() -> int:
    """How many threads can work at one time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    threads = min(threads or cores(), count)
    if threads < 2:
        for number in range(count):
            yield work(number, read(number))
            if progress is not None:
                progress(number + 1, count)
        return
    under_way: deque[Future[R]] = deque()
    done = 0
    with ThreadPoolExecutor(threads, "kerma-frames") as pool:
        try:
            for number in range(count):
                under_way.append(pool.submit(work, number, read(number)))
                if len(under_way) < 2 * threads:
                    continue
                yield under_way.popleft().result()
                done += 1
                if progress is not None:
                    progress(done, count)
            while under_way:
                yield under_way.popleft().result()
                done += 1
                if progress is not None:
                    progress(done, count)
        finally:
            for future in under_way:
                future.cancel()
