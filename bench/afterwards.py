"""What the processes of an app do once everybody has gone: work that an install postponed, and waiting for work."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from bench import service
from bench.apps import App
from bench.load import Crowd
from bench.remote import Remote
from bench.service import Service
from bench.visit import Plan, Sample

IDLE_SECONDS: Final = 8


def measure(app: App, remote: Remote, plan: Plan, seconds: int, folder: Path) -> Sample:
    """Milliseconds of CPU per install in the `seconds` after the last one, and per second once that is over."""
    remote.delay(0)
    with service.running(app, remote, folder) as running:
        crowd = Crowd(app.journey, running.port, plan.at_once)
        people = crowd.gather(plan.installs)
        crowd.land(people)
        crowd.install(people)
        running.wait_until_idle()
        used = _cpu_while(running, seconds)
        idle = _cpu_while(running, IDLE_SECONDS) / IDLE_SECONDS
    return {"idle": idle * 1000, "afterwards": (used - idle * seconds) / plan.installs * 1000}


def _cpu_while(running: Service, seconds: int) -> float:
    before = running.cpu_seconds()
    time.sleep(seconds)
    return running.cpu_seconds() - before
