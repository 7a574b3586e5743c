"""The simulation behind docs/scale.md agrees with queueing theory, loses nobody, and wrote the document's tables."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bench.costs.__main__ import TOLERANCE
from bench.scale import costs, days, document, ladder, parts, peak, tables
from bench.scale.backlog import Backlog, wait_of_event
from bench.scale.chance import Chance
from bench.scale.costs import Costs
from bench.scale.ladder import Step
from bench.scale.queues import Process, Request, waits
from bench.scale.scenario import MINUTES, Outage, Scenario, Setup

CUSTOMERS = 200_000
SMALL = Setup(web=2, workers=1, postgres_cores=2, novu=200)
BUSY = Scenario(20_000, 200_000)


@pytest.fixture(scope="module")
def measured() -> Costs:
    return costs.load()


@pytest.fixture(scope="module")
def steps(measured: Costs) -> list[Step]:
    return ladder.climb(measured)


def arrivals(rate: float, chance: Chance, number: int = CUSTOMERS) -> Iterator[float]:
    return itertools.accumulate(chance.wait(1 / rate) for _ in range(number))


def mean_wait(rate: float, services: list[float], servers: int) -> float:
    return sum(waits(arrivals(rate, Chance(7)), services, servers)) / len(services)


def crommelin(rate: float, service: float, servers: int) -> float:
    """The mean wait of M/D/c (Crommelin 1932), as Tijms writes it."""
    load = rate * service
    total = 0.0
    for turn in range(1, 200):
        chances = [math.exp(j * math.log(turn * load) - turn * load - math.lgamma(j + 1)) for j in range(1000)]
        total += sum(chances[turn * servers :]) - servers / load * sum(chances[turn * servers + 1 :])
    return total * service


def erlang_c(rate: float, service: float, servers: int) -> float:
    """The mean wait of M/M/c."""
    load = rate * service
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    waiting = last / (sum(load**k / math.factorial(k) for k in range(servers)) + last)
    return waiting * service / (servers - load)


def test_one_server_with_equal_services_waits_as_the_formula_says() -> None:
    found = mean_wait(0.8, [1.0] * CUSTOMERS, 1)
    assert found == pytest.approx(0.8 / (2 * (1 - 0.8)), rel=0.05)


@pytest.mark.parametrize("servers", [2, 4])
def test_several_servers_with_equal_services_wait_as_the_formula_says(servers: int) -> None:
    found = mean_wait(0.8 * servers, [1.0] * CUSTOMERS, servers)
    assert found == pytest.approx(crommelin(0.8 * servers, 1.0, servers), rel=0.05)


def test_the_two_formulas_agree_where_both_hold() -> None:
    assert crommelin(0.8, 1.0, 1) == pytest.approx(2.0, rel=0.001)


def test_several_servers_with_services_by_chance_wait_as_the_formula_says() -> None:
    chance = Chance(3)
    found = mean_wait(2.4, [chance.wait(1.0) for _ in range(CUSTOMERS)], 3)
    assert found == pytest.approx(erlang_c(2.4, 1.0, 3), rel=0.05)


def test_a_web_process_is_one_core_with_a_line() -> None:
    """Threads enough and nothing to wait for elsewhere: then it is M/D/1."""
    requests = [Request("callback", moment, [0.01]) for moment in arrivals(70, Chance(5), 50_000)]
    Process(threads=10_000).run(requests)
    found = sum(request.waited for request in requests) / len(requests)
    assert found == pytest.approx(0.01 * 0.7 / (2 * (1 - 0.7)), rel=0.05)


def test_a_web_process_answers_or_refuses_everybody_and_keeps_its_threads() -> None:
    """Four times as many as its threads can serve: the core is idle, the threads are not."""
    requests = [Request("callback", moment, [0.001, 1.0, 0.001]) for moment in arrivals(128, Chance(5), 20_000)]
    Process(threads=32).run(requests)
    served = [request for request in requests if not request.is_refused]
    assert all(request.ended >= request.arrived + 1.002 - 1e-9 for request in served)
    assert len(served) == pytest.approx(len(requests) / 4, rel=0.05)
    assert max(request.waited for request in served) < 2.2


def test_nobody_gets_lost_in_a_day_with_outages(measured: Costs) -> None:
    scenario = replace(BUSY, novu_away=Outage(700, 240, 10.0), host_away=Outage(900, 60, 15.0))
    found = days.simulate(measured, SMALL, scenario)
    grants = found.backlogs["grants"]
    assert found.people == found.connected + grants.waiting + found.still_there
    assert grants.came > 1_000
    for backlog in found.backlogs.values():
        assert backlog.came == backlog.done + backlog.given_up + backlog.counted


def test_a_day_brings_as_many_as_the_scenario_says(measured: Costs) -> None:
    found = days.simulate(measured, SMALL, BUSY, days=1)
    burst = sum(BUSY.installs_a_second(minute) * 60 for minute in range(MINUTES))
    assert found.people == pytest.approx(burst, rel=0.03)
    assert burst == pytest.approx(BUSY.installs, rel=0.03)
    assert max(map(BUSY.installs_a_second, range(MINUTES))) == pytest.approx(BUSY.installs / 86_400 * 6, rel=0.01)


def test_a_day_uses_what_the_arithmetic_says(measured: Costs) -> None:
    """Minute by minute, with chance, beside rates times costs."""
    found = days.simulate(measured, SMALL, BUSY, days=1)
    use = parts.in_use(measured, SMALL, BUSY, BUSY.rates(BUSY.busiest))
    for part in (parts.WEB_CPU, parts.POSTGRES_CPU, parts.NOVU, parts.SLACK):
        assert found.most[part] == pytest.approx(use[part], rel=0.35), part


def test_what_is_too_much_for_slack_starts_again_and_nobody_is_forgotten(measured: Costs) -> None:
    scenario = replace(BUSY, installs=400_000)
    found = days.simulate(measured, replace(SMALL, web=64), scenario)
    assert found.most[parts.SLACK] == pytest.approx(1.0, abs=0.001)
    assert found.sent_back > 1_000
    assert found.people == found.connected + found.still_there
    assert not days.simulate(measured, replace(SMALL, web=64, slack_apps=4), scenario).sent_back


def test_whoever_finds_all_threads_waiting_for_novu_is_counted(measured: Costs) -> None:
    """On a day that is the same at every hour: 64 threads, ten seconds for Novu, a quarter of a second for Slack."""
    steady = Scenario(1_200_000, 0, peak=1.0, burst=1.0, novu_away=Outage(600, 60, 10.0))
    found = days.simulate(measured, replace(SMALL, slack_apps=4), steady, days=1)
    share = found.without_thread / found.without_novu
    assert share == pytest.approx(1 - 64 / 10.25 / (1_200_000 / 86_400), abs=0.02)


def test_an_event_that_nobody_takes_is_tried_ten_times_in_three_days() -> None:
    backlog = Backlog(wait_of_event)
    backlog.add(100, minute=0)
    for minute in range(60):
        backlog.work(minute, 10_000, is_answered=False)
    assert backlog.tries == 400  # at once, after 5 s, after 5 min and after 30 min
    for minute in range(60, 4 * MINUTES):
        backlog.work(minute, 10_000, is_answered=False)
    assert (backlog.tries, backlog.given_up, backlog.counted) == (1_000, 100, 0)


def test_whatever_the_workers_do_not_get_done_waits_for_its_turn() -> None:
    backlog = Backlog(wait_of_event)
    for minute in range(10):
        backlog.add(100, minute)
        assert backlog.work(minute, 30, is_answered=True) == 30
    assert (backlog.done, backlog.overdue, backlog.waiting) == (300, 700, 700)


def test_every_step_of_the_ladder_holds(steps: list[Step], measured: Costs) -> None:
    for step in steps:
        assert not ladder.short(measured, step.setup, step.scenario)
        assert step.peak.waited_p99 <= ladder.LONGEST_WAIT
        assert not ladder.is_late(step.without_novu)


def test_with_one_web_process_less_the_last_step_does_not_hold(steps: list[Step], measured: Costs) -> None:
    less = replace(steps[-1].setup, web=steps[-1].setup.web - 1)
    seen = peak.simulate(measured, less, steps[-1].scenario, steps[-1].scenario.busiest)
    assert ladder.short(measured, less, steps[-1].scenario) or seen.waited_p99 > ladder.LONGEST_WAIT


def test_with_one_worker_less_the_last_step_does_not_hold(steps: list[Step], measured: Costs) -> None:
    less = replace(steps[-1].setup, workers=steps[-1].setup.workers - 1)
    away = replace(steps[-1].scenario, novu_away=ladder.NOVU_AWAY)
    assert ladder.short(measured, less, away) or ladder.is_late(days.simulate(measured, less, away))


def test_the_measured_parts_add_up_to_what_an_install_took_as_a_whole(measured: Costs) -> None:
    agreement: dict[str, Any] = measured.measured["agreement"]
    for part, most in TOLERANCE.items():
        assert abs(agreement[part]["ratio"] - 1) <= most, part


def test_the_tables_of_the_document_are_what_the_program_prints(steps: list[Step], measured: Costs) -> None:
    made = tables.all_of(measured, steps)
    assert document.tables(document.FILE.read_text("utf-8")) == made
