"""The background worker: `python -m onboarding.worker`. Delivers what no request could, until told to stop."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Final

from onboarding.flows.deliver import Delivery
from onboarding.ledger.queue import Consumer, Deliver
from onboarding.model.errors import ConfigError, StoreUnavailable
from onboarding.settings import environment, log
from onboarding.settings.log import LOGGER
from onboarding.wiring import Wiring, wire

SWEEP_EVERY: Final = 5.0


def main() -> int:
    try:
        settings = environment.load(os.environ)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    log.configure(settings.log_level, as_json=settings.is_https)
    made = wire(settings)
    return _work(Consumer(settings.redis_url, _job(made.delivery)), made)


def _job(delivery: Delivery) -> Deliver:
    def deliver(attempt_id: str) -> None:
        try:
            delivery.deliver(attempt_id)
        except StoreUnavailable as error:
            # The sweep schedules it again: what is undelivered stands in the store, not in the queue alone.
            LOGGER.error("store in trouble attempt=%s error=%s", attempt_id, error)
        except Exception:  # noqa: BLE001 (one job may not end the worker)
            LOGGER.exception("unexpected error attempt=%s", attempt_id)

    return deliver


def _work(consumer: Consumer, made: Wiring) -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    consumer.start()
    LOGGER.info("worker started")
    while not stop.wait(SWEEP_EVERY):
        if not consumer.is_alive:
            LOGGER.critical("worker lost a thread")
            return 1
        _sweep(made)
    consumer.stop()
    LOGGER.info("worker stopped")
    return 0


def _sweep(made: Wiring) -> None:
    try:
        made.delivery.sweep()
        made.lists.lapse()
    except StoreUnavailable as error:
        LOGGER.error("store in trouble error=%s", error)


if __name__ == "__main__":
    sys.exit(main())
