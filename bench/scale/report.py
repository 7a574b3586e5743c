"""One scenario in words: what is full first, how long people and work wait, and what lies on the disk."""

from __future__ import annotations

from bench.scale import days, ladder, peak, storage
from bench.scale.costs import Costs
from bench.scale.days import Days
from bench.scale.scenario import Scenario, Setup


def render(costs: Costs, setup: Setup | None, scenario: Scenario, seed: int) -> str:
    setup = setup or ladder.find(costs, scenario).setup
    found = days.simulate(costs, setup, scenario, seed)
    seen = peak.simulate(costs, setup, scenario, scenario.busiest, seed)
    lines = [
        f"{scenario.installs:,.0f} installs a day, {scenario.busiest:.2g} a second in the busiest minute; "
        f"{scenario.connections:,.0f} connections",
        f"{setup.web} web processes, {setup.workers} workers, PostgreSQL with {setup.postgres_cores} cores, "
        f"{setup.novu:g} requests a second at Novu, {setup.slack_apps} Slack apps",
        "",
        "In use in the busiest minute, fullest first:",
        *_uses(found),
        "",
        f"A callback in the busiest minute waits {seen.waited_p50 * 1000:.0f} ms for us (p50), "
        f"{seen.waited_p99 * 1000:.0f} ms (p99), takes {seen.took_p50:.2f} s and {seen.took_p99:.2f} s; "
        f"{seen.refused:.1%} get 503",
        f"In {days.DAYS} days {found.people:,} people came, {found.connected:,} were connected, and "
        f"{found.sent_back:,} had to come again",
        *(
            [f"{found.without_thread / found.without_novu:.0%} found no thread without Novu"]
            if found.without_novu
            else []
        ),
        *(_backlog(found, kind) for kind in days.KINDS),
        "",
        f"PostgreSQL: {storage.history(costs, scenario) / 1e9:.2g} GB of history and "
        f"{storage.connections(costs, scenario) / 1e9:.2g} GB of connections in the long run",
    ]
    return "\n".join(lines)


def _uses(found: Days) -> list[str]:
    uses = sorted(found.most.items(), key=lambda each: -each[1])
    return [f"  {part:<30} {share:>7.1%}{'  FULL' if share >= 1 else ''}" for part, share in uses]


def _backlog(found: Days, kind: str) -> str:
    backlog = found.backlogs[kind]
    last = f"; the last that had to be tried again was done on day {_moment(backlog.last_retried)}"
    return (
        f"{kind}: {backlog.came:,} came, {backlog.done:,} were done, {backlog.waiting:,} wait; "
        f"at most {found.most_waiting[kind]:,} waited{last if backlog.last_retried else ''}"
    )


def _moment(minute: int) -> str:
    return f"{minute // 1440 + 1} at {minute % 1440 // 60}:{minute % 60:02}"
