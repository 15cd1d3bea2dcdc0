"""The processes that serve HTTP beside the one with the associations: started, watched, started again, ended.

Why processes: docs/decisions/0008. May touch pipes and processes of its own. Rules:

- A child reads its standard input to the end of its life: when that closes, its parent is gone, and so is the child.
  Nothing else is needed, whatever ended the parent.
- Both sides speak lines of JSON: down the start, answers and the stop; up ``ready``, ``failed`` and questions.
- Listening sockets belong to the parent. While a child that died is started again, connections wait in the kernel.
- A child that dies again and again is an error of the whole server.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kerma.errors import KermaError, NetworkError

_MAX_LINE = 1 << 20
_RESTARTS = 5
_RESTART_WINDOW = 60.0
_START_TIME = 60.0

Tell = Callable[[str, Mapping[str, Any]], None]


class WebProcesses:
    """``count`` children of ``python -m module`` that share the sockets in ``descriptors``.

    ``answer`` gives what they ask for; ``on_ended`` is told the number of each process that is over, ``on_lost`` that
    they were given up.
    """

    def __init__(
        self,
        module: str,
        count: int,
        descriptors: Sequence[int],
        *,
        env: Mapping[str, str],
        answer: Callable[[], Mapping[str, Any]],
        tell: Tell,
        on_ended: Callable[[int], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._argv = [sys.executable, "-P", "-m", module]
        self._count = count
        self._descriptors = tuple(descriptors)
        path = os.pathsep.join(filter(None, sys.path))
        self._env = {**os.environ, "PYTHONPATH": path, **env}
        self._answer = answer
        self._tell = tell
        self._on_ended = on_ended
        self._on_lost = on_lost
        self._children: list[_Child] = []
        self._lock = threading.Lock()
        self._start: Mapping[str, Any] | None = None
        self._stopping = False
        self._restarts: deque[float] = deque()

    def spawn(self) -> None:
        """Start the children; they load what they need and wait for ``begin``."""
        with self._lock:
            self._children = [self._child() for _ in range(self._count)]

    def begin(self, start: Mapping[str, Any]) -> None:
        """Have them serve; returns when all do. ``KermaError`` with what a child says that it cannot."""
        self._start = start
        for child in self._children:
            child.send({"start": start})
        deadline = time.monotonic() + _START_TIME
        for child in self._children:
            if not child.settled.wait(max(0.0, deadline - time.monotonic())):
                raise NetworkError("the HTTP server does not start", hint="see the log above")
            if child.failure is not None:
                raise child.failure
            if not child.ready:
                raise NetworkError("the HTTP server ended at its start", hint="see the log above")

    @property
    def pids(self) -> list[int]:
        """The processes that run."""
        with self._lock:
            return [child.process.pid for child in self._children]

    def stop(self, timeout: float) -> bool:
        """Let what runs end; True where all ended by themselves in time, the others are cut."""
        with self._lock:
            self._stopping = True
            children = list(self._children)
        for child in children:
            child.send({"stop": True})
        deadline = time.monotonic() + timeout
        clean = True
        for child in children:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                clean = False
        self.close()
        return clean

    def close(self) -> None:
        """Cut what runs; harmless when it is over."""
        with self._lock:
            self._stopping = True
            children, self._children = self._children, []
        for child in children:
            child.process.kill()
        for child in children:
            child.process.wait()
            child.thread.join(10)

    # -- one child -----------------------------------------------------------------------------------------------------

    def _child(self) -> _Child:
        process = subprocess.Popen(
            self._argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=self._descriptors,
            env=self._env,
            process_group=0,  # Ctrl-C is for the parent, which tells the children what to do
        )
        child = _Child(process)
        child.thread = threading.Thread(target=self._watch, args=(child,), name="kerma-web-watch", daemon=True)
        child.thread.start()
        return child

    def _watch(self, child: _Child) -> None:
        assert child.process.stdout is not None
        with child.process.stdout as lines:
            while line := lines.readline(_MAX_LINE):
                with contextlib.suppress(ValueError):  # not ours: something printed
                    self._hear(child, json.loads(line))
        status = child.process.wait()
        with contextlib.suppress(OSError):
            child.process.stdin.close()  # type: ignore[union-attr]
        self._on_ended(child.process.pid)
        was_ready = child.ready
        child.settled.set()
        if was_ready:
            self._lost(child, status)

    def _hear(self, child: _Child, message: Any) -> None:
        if not isinstance(message, dict):
            return
        if "ready" in message:
            child.ready = True
            child.settled.set()
        elif "failed" in message:
            child.failure = KermaError(str(message["failed"]))
            child.settled.set()
        elif "ask" in message:
            child.send({"answer": message["ask"], "numbers": self._answer()})

    def _lost(self, child: _Child, status: int) -> None:
        with self._lock:
            if self._stopping or child not in self._children:
                return
            now = time.monotonic()
            self._restarts.append(now)
            while self._restarts and now - self._restarts[0] > _RESTART_WINDOW:
                self._restarts.popleft()
            given_up = len(self._restarts) > _RESTARTS
            self._children.remove(child)
            if not given_up:
                new = self._child()
                self._children.append(new)
                new.send({"start": self._start})
        if given_up:
            self._tell("the HTTP server keeps ending; giving up", {"status": status, "times": len(self._restarts)})
            self._on_lost()
        else:
            self._tell("the HTTP server ended and was started again", {"status": status})


class _Child:
    """A process, and what it has said."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.thread: threading.Thread
        self.settled = threading.Event()
        self.ready = False
        self.failure: KermaError | None = None
        self._sending = threading.Lock()

    def send(self, message: Mapping[str, Any]) -> None:
        """Tell it something; one that is dead hears nothing."""
        assert self.process.stdin is not None
        with self._sending, contextlib.suppress(OSError, ValueError):
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
