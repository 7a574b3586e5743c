"""What is measured, in the order and in the words of the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Measure:
    """`name` is the key in a sample. For `more_is_better` a ratio above 1 is good news, for the others below 1."""

    name: str
    words: str
    digits: int = 2
    more_is_better: bool = False


COMPARED: Final = (
    Measure("fast_cpu_web", "CPU per install: web, ms"),
    Measure("fast_cpu_all", "CPU per install: web and worker, ms"),
    Measure("slow_cpu_web", "CPU, Slack far away: web, ms"),
    Measure("slow_cpu_all", "CPU, Slack far away: web and worker, ms"),
    Measure("fast_rate", "Installs per second", 0, more_is_better=True),
    Measure("slow_rate", "Installs per second, far away", 0, more_is_better=True),
    Measure("calm_callback_p50", "Callback, far away: p50, ms", 0),
    Measure("calm_callback_p99", "Callback, far away: p99, ms", 0),
    Measure("memory_web", "Memory: web, MB", 0),
    Measure("memory", "Memory: web and worker, MB", 0),
    Measure("cold_start", "Cold start, s"),
    Measure("fast_connections", "Connections opened per install"),
    Measure("fast_requests", "Requests to Slack and Novu per install"),
)
INFORMATION: Final = (
    Measure("landing", "CPU: landing page, ms"),
    Measure("outcome", "CPU: page of the attempt and its status, ms"),
    Measure("fast_cpu_redis", "CPU per install: Redis, ms"),
    Measure("fast_cpu_postgres", "CPU per install: PostgreSQL, ms"),
    Measure("fast_cpu_remote", "CPU per install: local Slack and Novu, ms"),
    Measure("fast_cpu_load", "CPU per install: the load itself, ms"),
)
NOTES: Final = """\
An install is the click (ours: POST /install/<link>; the others: GET /slack/install) and the callback. Ours also has a
landing page before and a page of the attempt after them, which are measured by themselves and count in no ratio.
CPU: user and system time of all processes of the app, read once it is idle again. Its stores are listed by themselves.
Each app runs under gunicorn with 2 processes of 32 threads. {at_once} people install at once, each over a connection of
their own. Far away: Slack and Novu take 200 ms for each answer. Callbacks are timed with {calm} people at once, so that
nobody waits for a thread. Memory: PSS after all installs. Cold start: from exec to the first answer of web.
{peers}
Ratios: the median of the ratios of all rounds, and their range. ↑: more is better."""
