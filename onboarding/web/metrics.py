"""What `/metrics` tells: the ledger's numbers, the same on every replica, and what this replica's processes have done.

Imported only if somebody may read it. Labels are words of this program; none names a customer, a link or an attempt.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Final

import prometheus_client
from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from onboarding.ledger.numbers import Standings
from onboarding.model import Secret
from onboarding.model.errors import StoreUnavailable
from onboarding.model.version import VERSION
from onboarding.remote.http import Call
from onboarding.settings.log import LOGGER
from onboarding.web.shell import method, route

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where all processes of a replica keep their numbers. Its name has to be there before prometheus_client is loaded."""
KEPT_SECONDS: Final = 0.25
HTTP_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)
UPSTREAM_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)

Read = Callable[[], Standings]


class Metrics:
    """Counts in this process."""

    def __init__(self) -> None:
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._own = CollectorRegistry()
        self._requests = Counter(
            "onboarding_http_requests", "Requests answered.", ("route", "method", "status"), registry=self._own
        )
        self._seconds = Histogram(
            "onboarding_http_request_duration_seconds",
            "From the request's arrival at the application to its answer.",
            ("route", "method", "status"),
            registry=self._own,
            buckets=HTTP_SECONDS,
        )
        self._upstream = Histogram(
            "onboarding_upstream_duration_seconds",
            "Calls to Slack, Novu and the OpenID issuer, by how they ended.",
            ("upstream", "call", "outcome"),
            registry=self._own,
            buckets=UPSTREAM_SECONDS,
        )
        # Looking for a series takes prometheus_client longer than counting in it.
        self._of_answers = cache(lambda *labels: (self._requests.labels(*labels), self._seconds.labels(*labels)))
        self._of_calls = cache(self._upstream.labels)

    def called(self, call: Call, outcome: str, seconds: float) -> None:
        self._of_calls(call.upstream, call.name, outcome).observe(seconds)

    def answered(self, response: Response) -> Response:
        number, duration = self._of_answers(route(), method(), response.status_code)
        number.inc()
        duration.observe(time.monotonic() - g.began)
        return response

    def text(self, accept: str, standings: Standings | None) -> Response:
        registry = CollectorRegistry(support_collectors_without_names=True)
        folder = os.environ.get(FOLDER)
        if folder:
            MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        else:
            registry.register(self._own)
        registry.register(_Gauges(standings))
        encode, content_type = choose_encoder(accept)
        return Response(encode(registry), content_type=content_type)


class Shared:
    """Reads the ledger for everybody who asks at about the same time. None while PostgreSQL is away."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._until = 0.0
        self._known: Standings | None = None

    def get(self) -> Standings | None:
        with self._lock:
            if time.monotonic() >= self._until:
                self._known = self._ask()
                self._until = time.monotonic() + KEPT_SECONDS
            return self._known

    def _ask(self) -> Standings | None:
        try:
            return self._read()
        except StoreUnavailable as error:
            LOGGER.error("metrics without the ledger error=%s", error)
            return None


def install(app: Flask, metrics: Metrics, token: Secret, read: Read) -> None:
    shared = Shared(read)

    def show() -> Response:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if token != Secret(given.strip()) or scheme.lower() != "bearer":
            return Response("a bearer token is needed\n", 401, {"WWW-Authenticate": "Bearer"}, mimetype="text/plain")
        return metrics.text(request.headers.get("Accept", ""), shared.get())

    app.add_url_rule("/metrics", "metrics", show)
    app.after_request(metrics.answered)


class _Gauges(Collector):
    """What is the same in every process: which version this is, and where the ledger stands."""

    def __init__(self, standings: Standings | None) -> None:
        self._standings = standings

    def collect(self) -> Iterable[Metric]:
        yield _by("build_info", "The version that runs.", "version", {VERSION: 1})
        yield _one("ledger_up", "Whether PostgreSQL answered just now.", float(self._standings is not None))
        if self._standings is not None:
            yield from _of_ledger(self._standings)


def _of_ledger(standings: Standings) -> Iterable[Metric]:
    yield _by("attempts", "Attempts in the ledger.", "status", standings.attempts)
    yield _by("connections", "Connections in the ledger.", "state", standings.connections)
    yield _by("work_due", "Work that waits for a worker; more than 10,000 reads as that.", "kind", standings.work_due)
    yield _one(
        "oldest_undelivered_seconds",
        "How long the grant has waited that has waited longest for Novu; 0 if none does.",
        standings.oldest_undelivered,
    )
    yield _one(
        "events_pending",
        "Events for the host that are not delivered yet; more than 10,000 reads as that.",
        standings.events_pending,
    )
    yield _one("workers", "Workers that gave a sign of life within half a minute.", standings.workers)


def _one(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"onboarding_{name}", help_text, value=value)


def _by(name: str, help_text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"onboarding_{name}", help_text, labels=[label])
    for each, value in values.items():
        family.add_metric([each], value)
    return family
