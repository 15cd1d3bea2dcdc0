"""The inside of a process that serves HTTP: what its parent says and is asked, on a pair of pipes.

``kerma.web.process`` is the other end. Rules:

- The end of the input is the end of the process, at once: the parent is gone.
- A question that gets no answer in time is answered with nothing; whoever asked goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kerma.web.allocation import keep_freed_memory
from kerma.web.application import application
from kerma.web.context import Context
from kerma.web.metrics import AskNumbers
from kerma.web.server import Listener, ServerSettings, serve

_ANSWER_TIME = 3.0
_MAX_LINE = 16 << 20


def first_line() -> Mapping[str, Any] | None:
    """What to serve, waited for without a loop; None where the parent has gone before."""
    line = bytearray()
    while not line.endswith(b"\n"):  # byte for byte: what follows is for whoever listens later
        piece = os.read(0, 1)
        if not piece or len(line) > _MAX_LINE:
            return None
        line += piece
    start = json.loads(line)["start"]
    assert isinstance(start, dict)
    return start


def clear() -> None:
    """Remove what the parent would have removed at its end: the folder of the numbers."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    for _ in range(10):  # others may be making a file in it at this moment
        if not folder or not os.path.isdir(folder):
            return
        shutil.rmtree(folder, ignore_errors=True)


def say(message: Mapping[str, Any]) -> None:
    """A line for the parent."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def run(
    make: Callable[[AskNumbers], Context], listeners: Sequence[Mapping[str, Any]], settings: ServerSettings
) -> None:
    """Serve until the parent says that it is enough. ``make`` gives the context, told how to ask the parent."""
    keep_freed_memory()
    asyncio.run(_run(make, [Listener(row["descriptor"], row["tls"]) for row in listeners], settings))


async def _run(make: Callable[[AskNumbers], Context], listeners: Sequence[Listener], settings: ServerSettings) -> None:
    stop = asyncio.Event()
    parent = Parent(stop)
    app = application(make(parent.ask))
    parent.listen()
    await serve(app, listeners, settings, stop, ready=lambda: say({"ready": True}))


class Parent:
    """The parent, seen from the loop that is running."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._loop = asyncio.get_running_loop()
        self._asked: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._next = itertools.count()

    def listen(self) -> None:
        """Begin to hear, on a thread: a loop that is busy could not notice the parent's end."""
        threading.Thread(target=self._hear, name="kerma-parent", daemon=True).start()

    async def ask(self) -> Mapping[str, Any] | None:
        """The numbers of the parent; None where they do not come."""
        number = next(self._next)
        future = self._asked[number] = self._loop.create_future()
        say({"ask": number})
        try:
            return await asyncio.wait_for(future, _ANSWER_TIME)
        except TimeoutError:
            return None
        finally:
            self._asked.pop(number, None)

    def _hear(self) -> None:
        # Without a buffer, whose lock this thread would hold when the interpreter ends.
        with open(0, "rb", buffering=0, closefd=False) as lines:
            while line := lines.readline(_MAX_LINE):
                with contextlib.suppress(RuntimeError):  # the loop is over; what is left is to hear the end
                    self._loop.call_soon_threadsafe(self._heard, json.loads(line))
        # The parent is gone. What was acknowledged is durable, and nobody waits for the rest.
        clear()
        os._exit(0)

    def _heard(self, message: Mapping[str, Any]) -> None:
        if "stop" in message:
            self._stop.set()
        elif "answer" in message:
            future = self._asked.get(message["answer"])
            if future is not None and not future.done():
                future.set_result(message["numbers"])
