"""A pool of threads for blocking work, each with its own buffers; grows to a maximum and shrinks when quiet.

Rules: no thread is started while one is free; an item is never left waiting while a thread could take it. What an item
does is the caller's; an exception from it ends nothing here.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from kerma.net.link import Buffers

T = TypeVar("T")


class Workers(Generic[T]):
    """``work(item, buffers)`` is called on a pooled thread for each submitted item; ``waiting`` items have no thread
    yet."""

    def __init__(
        self,
        work: Callable[[T, Buffers], None],
        maximum: int,
        name: str,
        on_error: Callable[[str, BaseException], None],
    ) -> None:
        self._work = work
        self._maximum = maximum
        self._name = name
        self._on_error = on_error
        self._queue: queue.SimpleQueue[T | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._free = 0
        self._linger = 10.0
        self._closed = False
        self.waiting = 0

    def submit(self, item: T) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
            elif len(self._threads) < self._maximum:
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._threads.add(thread)
                thread.start()
            else:
                self.waiting += 1
            self._queue.put(item)

    def close(self, timeout: float) -> None:
        """End the threads when their items are done; waits at most ``timeout`` seconds for each."""
        with self._lock:
            self._closed = True
            threads = list(self._threads)
        for _ in threads:
            self._queue.put(None)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(timeout)

    def _run(self) -> None:
        buffers = Buffers()
        while True:
            try:
                item = self._queue.get(timeout=self._linger)
            except queue.Empty:
                with self._lock:
                    if not self._free:
                        continue  # an item is on its way to this thread
                    self._free -= 1
                    self._threads.discard(threading.current_thread())
                return
            if item is None:
                return
            try:
                self._work(item, buffers)
            except Exception as error:  # noqa: BLE001 - the pool outlives whatever an item does
                self._on_error("a worker failed", error)
            with self._lock:
                if self.waiting:
                    self.waiting -= 1
                else:
                    self._free += 1
