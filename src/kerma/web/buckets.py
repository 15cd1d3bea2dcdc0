"""How durations are counted, apart from what shows them: the process with the associations counts too, and loads
nothing of the web.

Rule: counts are in buckets of time as Prometheus has them; a bucket holds what is not in a shorter one.
"""

from __future__ import annotations

import bisect
import threading
from typing import Any

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds in seconds, of HTTP and of DIMSE alike."""


class Tally:
    """Operations by name and outcome; safe from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._operations: dict[str, dict[str, list[float]]] = {}
        self._associations: dict[str, int] = {}
        self._received = 0
        self._sent = 0

    def operation(self, name: str, outcome: str, seconds: float) -> None:
        """An operation was answered."""
        place = bisect.bisect_left(BUCKETS, seconds)
        with self._lock:
            row = self._operations.setdefault(name, {}).get(outcome)
            if row is None:
                row = self._operations[name][outcome] = [0.0] * (len(BUCKETS) + 2)
            row[place] += 1
            row[-1] += seconds

    def association(self, end: str, received: int, sent: int) -> None:
        """An association is over."""
        with self._lock:
            self._associations[end] = self._associations.get(end, 0) + 1
            self._received += received
            self._sent += sent

    def numbers(self) -> dict[str, Any]:
        """All of it, as ``kerma.web.metrics.Numbers`` but for ``open``."""
        with self._lock:
            return {
                "operations": {
                    name: {o: list(row) for o, row in rows.items()} for name, rows in self._operations.items()
                },
                "associations": dict(self._associations),
                "received": self._received,
                "sent": self._sent,
            }
