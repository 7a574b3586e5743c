"""Gunicorn's settings. Gunicorn reads the names of this module: `gunicorn -c python:onboarding.web.server`."""

from __future__ import annotations

import os
import sys
from typing import Any

from onboarding.model.errors import ConfigError
from onboarding.settings.environment import load

wsgi_app = "onboarding:create_app()"
worker_class = "onboarding.web.refusal.Worker"
workers = os.environ.get("WEB_CONCURRENCY") or "2"
threads = 32
timeout = 60
graceful_timeout = 30
keepalive = 5
limit_request_line = 8190
control_socket_disable = True
accesslog = None
# No header may rewrite paths: addresses come from PUBLIC_URL.
forwarder_headers = ""
forwarded_allow_ips = ""


def on_starting(_server: Any) -> None:
    """Refuse a bad configuration once, in the master, instead of in every worker again and again."""
    try:
        load(os.environ)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
