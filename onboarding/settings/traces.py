"""Where spans go, by OpenTelemetry's own settings: https://opentelemetry.io/docs/specs/otel/protocol/exporter/."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from onboarding.settings import rules
from onboarding.settings.reader import Reader

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
DISABLED: Final = "OTEL_SDK_DISABLED"
PROTOCOL: Final = "OTEL_EXPORTER_OTLP_PROTOCOL"
SPOKEN: Final = "http/protobuf"
EXPORTER: Final = "opentelemetry.exporter.otlp.proto.http"


def traces_url(read: Reader) -> str | None:
    """None without tracing: then nothing of it has to be installed."""
    if not read.has(ENDPOINT) or read.text(DISABLED, "").lower() == "true":
        return None
    base = read.text(ENDPOINT, check=rules.http_url)
    if read.text(PROTOCOL, SPOKEN) != SPOKEN:
        read.refuse(PROTOCOL, f"must be {SPOKEN}: nothing else is spoken here")
    if not _is_installed():
        read.refuse(ENDPOINT, "needs OpenTelemetry, which is not installed here: install the extra `tracing`")
    return f"{base.rstrip('/')}/v1/traces"


def _is_installed() -> bool:
    try:
        return find_spec(EXPORTER) is not None
    except ImportError:
        return False
