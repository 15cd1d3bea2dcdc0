"""Numbers of every transaction for Prometheus, at ``/metrics``.

Rules:

- Labels are a few known words: a method, a route's template, a status, an operation. Nothing from outside becomes one.
- Several processes count as one. HTTP numbers lie in files that all web processes write (the ``prometheus_client``
  multiprocess mode, where ``PROMETHEUS_MULTIPROC_DIR`` is set before this module is loaded); those of DIMSE are asked
  of the process that has the associations.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from kerma.web.access_log import Request
from kerma.web.buckets import BUCKETS

Numbers = Mapping[str, Any]
"""What another process tells: ``operations`` {name: {outcome: [counts for each bucket..., seconds]}}, ``associations``
{end: count}, ``open``, ``received``, ``sent``."""

AskNumbers = Callable[[], Awaitable[Numbers | None]]


class Metrics:
    """The numbers of one application."""

    def __init__(self, ask: AskNumbers | None = None) -> None:
        self.registry = CollectorRegistry()
        self._ask = ask
        self._seconds = Histogram(
            "kerma_http_request_duration_seconds",
            "HTTP requests, from the first byte to the last of the answer",
            ("method", "route", "status"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._received = Counter(
            "kerma_http_received_bytes", "Bytes of request bodies", ("method", "route"), registry=self.registry
        )
        self._sent = Counter(
            "kerma_http_sent_bytes", "Bytes of answers' bodies", ("method", "route"), registry=self.registry
        )
        self._running = Gauge(
            "kerma_http_requests_running",
            "HTTP requests under way",
            registry=self.registry,
            multiprocess_mode="livesum",
        )

    def begun(self) -> None:
        """A request came."""
        self._running.inc()

    def ended(self, request: Request) -> None:
        """A request is over."""
        self._running.dec()
        self._seconds.labels(request.method, request.route, str(request.status)).observe(request.seconds)
        if request.received:
            self._received.labels(request.method, request.route).inc(request.received)
        if request.sent:
            self._sent.labels(request.method, request.route).inc(request.sent)

    async def text(self, archive: Numbers) -> tuple[bytes, str]:
        """All numbers as Prometheus reads them, with its content type; ``archive`` are sizes of the archive."""
        registry = self.registry
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        extra = CollectorRegistry()
        extra.register(_Told(list(_archive_metrics(archive))))
        numbers = await self._ask() if self._ask is not None else None
        if numbers is not None:
            extra.register(_Told(list(dimse_metrics(numbers))))
        return generate_latest(registry) + generate_latest(extra), CONTENT_TYPE_PLAIN_0_0_4


class _Told(Collector):
    """Metrics that are known already."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        return iter(self._metrics)


def dimse_metrics(numbers: Numbers) -> Iterator[Metric]:
    """What the process with the associations told."""
    seconds = HistogramMetricFamily(
        "kerma_dimse_operation_duration_seconds", "DIMSE operations that were served", labels=("operation", "outcome")
    )
    for operation, outcomes in numbers["operations"].items():
        for outcome, row in outcomes.items():
            seconds.add_metric((operation, outcome), list(_cumulative(row[:-1])), row[-1])
    yield seconds
    ended = CounterMetricFamily("kerma_associations", "Associations that are over, by their end", labels=("end",))
    for end, count in numbers["associations"].items():
        ended.add_metric((end,), count)
    yield ended
    yield GaugeMetricFamily("kerma_associations_open", "Associations at this time", value=numbers["open"])
    yield CounterMetricFamily(
        "kerma_dimse_received_bytes", "Bytes of ended associations, in", value=numbers["received"]
    )
    yield CounterMetricFamily("kerma_dimse_sent_bytes", "Bytes of ended associations, out", value=numbers["sent"])


def _cumulative(counts: list[int]) -> Iterator[tuple[str, float]]:
    total = 0
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
        total += count
        yield bound, total


def _archive_metrics(archive: Numbers) -> Iterator[Metric]:
    kinds = GaugeMetricFamily("kerma_archive_objects", "What the archive holds", labels=("kind",))
    for kind in ("patients", "studies", "series", "instances", "quarantined"):
        if kind in archive:
            kinds.add_metric((kind,), archive[kind])
    yield kinds
    if "size" in archive:
        yield GaugeMetricFamily("kerma_archive_bytes", "Bytes of the instances in the archive", value=archive["size"])
