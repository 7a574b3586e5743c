"""A collector on loopback that speaks OTLP over HTTP, and remembers every span and every byte."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

ERROR = Status.STATUS_CODE_ERROR


@dataclass(frozen=True, slots=True)
class Told:
    """A span as it arrived, with who told it."""

    name: str
    attributes: dict[str, Any]
    links: list[tuple[str, str]]
    """The ids of a trace and of a span in it."""
    is_error: bool
    trace_id: str
    source: dict[str, Any]
    says_more: bool
    """Whether it has what no span of ours may have: events, or words beside its status."""


@dataclass(slots=True)
class Collector:
    url: str = ""
    status: int = 200
    bodies: list[bytes] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)

    @property
    def spans(self) -> list[Told]:
        return [span for body in self.bodies for span in _parsed(body)]

    def named(self, name: str) -> list[Told]:
        return [span for span in self.spans if span.name == name]

    def outcomes(self, name: str) -> list[Any]:
        return [span.attributes.get("onboarding.outcome") for span in self.named(name)]

    @property
    def text(self) -> str:
        """Every byte of every request: texts in protobuf are as they are."""
        return "\n".join([*self.heads, *(body.decode("latin-1") for body in self.bodies)])


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.heads.append(f"{self.path} {self.headers}")
            if collector.status == 200:
                collector.bodies.append(body)
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            with suppress(ConnectionError):
                self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _parsed(body: bytes) -> Iterator[Told]:
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        source = _values(group.resource.attributes)
        for scope in group.scope_spans:
            yield from (_told(span, source) for span in scope.spans)


def _told(span: Span, source: dict[str, Any]) -> Told:
    return Told(
        span.name,
        _values(span.attributes),
        [(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
        span.status.code == ERROR,
        span.trace_id.hex(),
        source,
        bool(span.events or span.status.message),
    )


def _values(pairs: Any) -> dict[str, Any]:
    def value(pair: KeyValue) -> Any:
        return getattr(pair.value, pair.value.WhichOneof("value") or "string_value")

    return {pair.key: value(pair) for pair in pairs}
