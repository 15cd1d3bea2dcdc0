"""SIGTERM and SIGINT as something to wait for.

May touch the process's signal handlers, from its main thread. A handler only writes a byte to a pipe, since taking a
lock in one could stop the program for good; the main thread reads the pipe.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

_STOP, _DONE = b"s", b"d"
_TOGETHER = 0.05


class StopSignals:
    """Turns SIGTERM and SIGINT into reads. A context manager; the former handlers are put back at its end."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._former: dict[int, Any] = {}
        self._open = True
        self._closing = threading.Lock()

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._former[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        with self._closing:  # No handler of ours is left that could wait for this.
            self._open = False
            os.close(self._reader)
            os.close(self._writer)

    def wait(self) -> None:
        """Return at the next signal. What comes with it is the same wish: `timeout` and some supervisors signal a
        process and then its group."""
        os.read(self._reader, 1)
        end = time.monotonic() + _TOGETHER
        while select.select([self._reader], [], [], max(0.0, end - time.monotonic()))[0]:
            os.read(self._reader, 1)

    def stop(self) -> None:
        """Do as if a signal had come; from any thread."""
        with self._closing:
            if self._open:
                self._write(_STOP)

    def run_unless_stopped(self, work: Callable[[], object]) -> bool:
        """Run ``work`` on another thread until it ends (True) or another signal comes (False; the work goes on)."""

        def run() -> None:
            try:
                work()
            finally:
                with self._closing:
                    if self._open:
                        self._write(_DONE)

        thread = threading.Thread(target=run, name="kerma-drain", daemon=True)
        thread.start()
        if os.read(self._reader, 1) == _STOP:
            return False
        thread.join()
        return True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._write(_STOP)

    def _write(self, byte: bytes) -> None:
        try:
            os.write(self._writer, byte)
        except OSError:
            return  # The pipe is full of stops already.
