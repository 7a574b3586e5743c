"""`python -m bench.costs`: measure what each part of the service costs, and write it to bench/costs.json. Ten minutes.

Runs the real service over a private PostgreSQL and Redis and TLS to a local Slack and Novu. At last it lets people do
everything at once and compares what that took with what the parts add up to: status 1 if they are too far apart.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from bench import apps, certificates, processes, remote, service
from bench.apps import App, Choices
from bench.costs import copies, parts
from bench.costs.meter import Meter, reading, used
from bench.costs.parts import Bench, Costs
from bench.load import Crowd
from bench.processes import ROOT
from bench.remote import Remote

COSTS: Final = ROOT / "bench" / "costs.json"
AT_ONCE: Final = 8
FIRST: Final = 200
"""Installs before anything is measured, which are then multiplied."""
TIMES: Final = 100
IDLE_SECONDS: Final = 20
WARM: Final = 32
"""Installs before people are measured, so that connections to Slack and Novu are open, as on any evening."""
COLD: Final = 40
"""Installs after each checkpoint: few, so that they hardly meet on a page."""
TOLERANCE: Final = {"web_ms": 0.25, "postgres_ms": 0.25, "worker_ms": 0.5}
"""How far the parts may be from the whole. A worker that finds events one by one looks for each of them; one that
finds many, as in the part, looks less often."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.costs", description=__doc__)
    parser.add_argument("--installs", type=int, default=400)
    parser.add_argument("--checks", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=3, help="checkpoints")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="measure the service in this folder instead")
    parser.add_argument("--json", type=Path, default=COSTS, metavar="FILE")
    args = parser.parse_args()
    found = _run(args)
    args.json.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")
    sys.stdout.write(f"{json.dumps(found['agreement'], indent=1)}\n")
    return 0 if all(abs(found["agreement"][name]["ratio"] - 1) <= most for name, most in TOLERANCE.items()) else 1


def _run(args: argparse.Namespace) -> dict[str, Any]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        folder.chmod(0o755)
        [app] = stack.enter_context(apps.prepared(folder, Choices(("ours",), args.checkout.resolve())))
        where = stack.enter_context(remote.running(folder, certificates.create(folder)))
        app = _with_host(app, where)
        running = stack.enter_context(service.running(app, where, folder))
        meter = stack.enter_context(reading(app, running, where))
        return _measure(meter, Crowd(app.journey, running.port, AT_ONCE), args)


def _with_host(app: App, where: Remote) -> App:
    settings = {
        **app.settings,
        "WEBHOOK_URL": f"{where.host}/hear",
        "WEBHOOK_SECRETS": "whsec_" + "a" * 32,
        "EMBED_ORIGINS": parts.ORIGIN,
    }
    return replace(app, settings=settings)


def _measure(meter: Meter, crowd: Crowd, args: argparse.Namespace) -> dict[str, Any]:
    bench = Bench(meter, crowd, {})
    _say(f"{FIRST} installs, {TIMES} times each")
    bench.install(bench.people(FIRST))
    bench.events_are_sent()
    copies.multiply(meter.ledger, TIMES)
    bench = replace(bench, idle=_idle(meter))
    sizes, installs = meter.sizes(), args.installs + args.rounds * COLD + args.installs // 4 + WARM
    costs = _costs(bench, args)
    grown = meter.sizes() - sizes
    return {
        "machine": _machine(meter),
        "installs_before": FIRST * (1 + TIMES),
        "idle": bench.idle,
        **{name: _rounded(cost) for name, cost in costs.items()},
        "bytes": {name: round(size / installs) for name, size in grown.items()},
        "memory": {
            "web": processes.memory_bytes(meter.running.web_pid),
            "worker": processes.memory_bytes(meter.running.worker_pid or 0),
        },
        "agreement": _agreement(bench, costs, max(args.installs // 2, 100)),
    }


def _costs(bench: Bench, args: argparse.Namespace) -> dict[str, Costs]:
    _say("requests")
    bench.install(bench.people(WARM))
    bench.events_are_sent()
    with bench.worker_stopped():
        costs = parts.requests(bench, args.installs)
        _say("events")
        costs["event"] = bench.measure_jobs(args.installs, lambda: None, bench.events_are_sent)
    _say("checks")
    costs["check"] = bench.measure_jobs(args.checks, lambda: bench.make_checks_due(args.checks), bench.checks_are_done)
    _say("late deliveries")
    costs["late"] = parts.late_deliveries(bench, args.installs // 4, costs["event"])
    _say("after checkpoints")
    cold = parts.wal_after_checkpoints(bench, COLD, args.rounds)
    return {**costs, **{f"cold_{name}": cost for name, cost in cold.items()}}


def _idle(meter: Meter) -> Costs:
    before = meter.read()
    time.sleep(IDLE_SECONDS)
    after = meter.read()
    return _rounded(used(before, after, {}, 1), after["seconds"] - before["seconds"])


def _agreement(bench: Bench, costs: dict[str, Costs], number: int) -> dict[str, Any]:
    """Everything at once, beside what the parts add up to."""
    _say("everything at once")
    bench.install(bench.people(WARM))
    bench.events_are_sent()
    people = bench.people(number)

    def do() -> None:
        bench.install(people)
        bench.crowd.each(people, parts.see_page)
        bench.events_are_sent()

    found = bench.measure(number, do)
    names = ("landing", "start", "callback", "outcome", "event")
    sums = {name: sum(costs[part].get(name, 0) for part in names) for name in TOLERANCE}
    return {
        name: {
            "parts": round(sums[name], 2),
            "together": round(found[name], 2),
            "ratio": round(found[name] / sums[name], 2),
        }
        for name in TOLERANCE
    }


def _machine(meter: Meter) -> dict[str, Any]:
    names = [line for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines() if line.startswith("model name")]
    version = meter.ledger.execute("SHOW server_version").fetchone()
    return {
        "cores": os.cpu_count(),
        "cpu": names[0].partition(":")[2].strip() if names else platform.machine(),
        "python": platform.python_version(),
        "postgresql": str(version[0]).split(" ")[0] if version else "",
        "redis": str(meter.redis.info("server").get("valkey_version") or meter.redis.info("server")["redis_version"]),
        "load": round(os.getloadavg()[1], 1),
    }


def _rounded(costs: Costs, divisor: float = 1) -> Costs:
    return {name: round(value / divisor, 4) for name, value in sorted(costs.items())}


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
