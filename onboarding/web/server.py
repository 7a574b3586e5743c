"""Gunicorn's settings. Gunicorn reads the names of this module: `gunicorn -c python:onboarding.web.server`."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from typing import TYPE_CHECKING, Any, Final

from onboarding.model.errors import ConfigError

if TYPE_CHECKING:
    from flask import Flask

wsgi_app = "onboarding.web.server:create()"
# Built once, in the master: workers share its memory. Connections are opened after the fork, by their first use.
preload_app = True
worker_class = "onboarding.web.worker.Worker"
workers = os.environ.get("WEB_CONCURRENCY") or "2"
threads = 32
timeout = 60
graceful_timeout = 30
# Longer than load balancers keep theirs, usually 60 s: or else one now and then sends a request into a connection that
# we are closing. Idle connections wait in gunicorn's poller and occupy no thread.
keepalive = 75
limit_request_line = 8190
control_socket_disable = True
accesslog = None
# No header may rewrite paths: addresses come from PUBLIC_URL.
forwarder_headers = ""
forwarded_allow_ips = ""


METRICS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client's own name for it."""


def create() -> Flask:
    """The application, or exit status 2: a bad configuration is refused once, before there are any workers."""
    gc.disable()  # Nothing that is loaded here is garbage; looking for some takes a tenth of the time.
    from onboarding.web.app import build  # noqa: PLC0415 (gunicorn's commands read this module too)

    _make_metrics_folder()
    try:
        app = build(os.environ)
        for party in app.extensions["onboarding"].parties.all:
            party.slack.prepare()
        return app
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        _remove_metrics_folder()
        sys.exit(2)


def on_starting(_server: Any) -> None:
    """What is there before the fork stays: collecting it in a worker would copy its memory."""
    gc.collect()
    gc.freeze()
    gc.enable()


def child_exit(_server: Any, worker: Any) -> None:
    """What a dead worker counted still counts."""
    if METRICS_FOLDER in os.environ:
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:
    _remove_metrics_folder()


def _make_metrics_folder() -> None:
    """A private one for this master and its workers, so that nothing an earlier one counted is told again."""
    os.environ.pop(METRICS_FOLDER, None)
    if os.environ.get("METRICS_TOKEN", "").strip():
        os.environ[METRICS_FOLDER] = tempfile.mkdtemp(prefix="onboarding-metrics-")


def _remove_metrics_folder() -> None:
    shutil.rmtree(os.environ.pop(METRICS_FOLDER, ""), ignore_errors=True)
