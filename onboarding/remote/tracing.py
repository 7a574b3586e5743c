"""Spans for a collector that speaks OTLP over HTTP. Imported only if one is configured.

Nobody waits for the collector: spans are queued, a thread of the SDK sends them, and too many are dropped. Only what
`ATTRIBUTES` names is told, and exceptions by their type alone.
"""

from __future__ import annotations

import atexit
import logging
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Link, NoOpTracer, Span, StatusCode, Tracer, format_trace_id, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from onboarding.model.version import VERSION
from onboarding.settings.log import LOGGER, TRACE_ID

SERVICE: Final = "slack-onboarding-for-novu"
CLOSE_SECONDS: Final = 3.0
ATTRIBUTES: Final = {
    "attempt": "onboarding.attempt.id",
    "event": "onboarding.event.id",
    "event_type": "onboarding.event.type",
    "integration": "onboarding.integration",
    "outcome": "onboarding.outcome",
    "reason": "onboarding.reason",
    "status": "http.response.status_code",
    "tries": "onboarding.tries",
}


class Tracing:
    """The spans of this process. Its threads are started by the first span: after gunicorn's fork."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._tracer: Tracer | None = None
        self._provider: _Provider | None = None

    @contextmanager
    def span(self, name: str, traceparent: str | None = None, **about: Any) -> Iterator[_Told]:
        with self._open().start_as_current_span(
            name,
            attributes=_attributes(about),
            links=_links(traceparent),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            shown = TRACE_ID.set(_id(span))
            try:
                yield _Told(span)
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(StatusCode.ERROR)
                raise
            finally:
                TRACE_ID.reset(shown)

    def close(self) -> None:
        with self._lock:
            provider, self._provider, self._tracer = self._provider, None, None
        if provider:
            provider.close()

    def _open(self) -> Tracer:
        with self._lock:
            if self._tracer is None:
                self._tracer = self._begin()
            return self._tracer

    def _begin(self) -> Tracer:
        """Whatever the SDK thinks of its other settings, customers connect."""
        try:
            self._provider = _Provider(self._url)
        except Exception as error:  # noqa: BLE001
            LOGGER.error("no tracing error=%s", type(error).__name__)
            return NoOpTracer()
        atexit.register(self.close)
        return self._provider.tracer


class _Told:
    def __init__(self, span: Span) -> None:
        self._span = span

    def note(self, *, is_error: bool = False, **about: Any) -> None:
        self._span.set_attributes(_attributes(about))
        if is_error:
            self._span.set_status(StatusCode.ERROR)


class _Provider:
    """The SDK, and a thread that ends it: once the interpreter is on its way out, none can be started any more."""

    def __init__(self, url: str) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # It quotes URLs; `_Exporter` says what failed.
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(_Exporter(url)))
        self.tracer = self._provider.get_tracer("onboarding", VERSION)
        self._is_over, self._has_ended = threading.Event(), threading.Event()
        threading.Thread(target=self._end, name="spans", daemon=True).start()

    def close(self) -> None:
        self._is_over.set()
        if not self._has_ended.wait(CLOSE_SECONDS):
            LOGGER.warning("spans lost: the collector did not take them in time")

    def _end(self) -> None:
        self._is_over.wait()
        self._provider.shutdown()
        self._has_ended.set()


class _Exporter(SpanExporter):
    """The SDK's own, with a line in the log for what could not be sent."""

    def __init__(self, url: str) -> None:
        self._session = _Session()
        self._exporter = OTLPSpanExporter(url, session=self._session)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            LOGGER.warning("spans not exported number=%d error=%s", len(spans), self._session.ended)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


class _Session(requests.Session):
    """Takes neither proxy nor certificates from the environment, and remembers how its last request ended."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.ended = ""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        try:
            answer = super().request(*args, **kwargs)
        except Exception as error:
            self.ended = type(error).__name__
            raise
        self.ended = f"http_{answer.status_code}"
        return answer


def _resource() -> Resource:
    """Who tells. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have the last word."""
    ours = {"service.name": SERVICE, "service.version": VERSION, "service.instance.id": str(uuid.uuid4())}
    return Resource.create({**ours, **OTELResourceDetector().detect().attributes})


def _attributes(about: Mapping[str, Any]) -> dict[str, str | int]:
    return {
        ATTRIBUTES[name]: value if isinstance(value, int) else str(value)
        for name, value in about.items()
        if value is not None
    }


def _id(span: Span) -> str:
    context = span.get_span_context()
    return format_trace_id(context.trace_id) if context.is_valid else ""


def _links(traceparent: str | None) -> list[Link]:
    if traceparent is None:
        return []
    said = TraceContextTextMapPropagator().extract({"traceparent": traceparent})
    context = get_current_span(said).get_span_context()
    return [Link(context)] if context.is_valid else []
