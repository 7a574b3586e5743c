"""Numbers for Prometheus: the ledger's are the same everywhere, and each replica tells what its processes did."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
import yaml
from flask import Flask

from onboarding.model.version import VERSION
from onboarding.settings import environment
from onboarding.wiring import wire
from tests.aging import Database
from tests.api.host import NO_DATABASE
from tests.fakes import LocalNovu, LocalSlack
from tests.scrape import OPENMETRICS, TOKEN, Scraped, read, scrape
from tests.service import Service, free_port, running
from tests.test_delivery import until, worker
from tests.test_processes import come_back
from tests.witness import Witness

ROOT = Path(__file__).parent.parent
REQUESTS = "onboarding_http_requests_total"
SECONDS = "onboarding_http_request_duration_seconds_count"
UPSTREAM = "onboarding_upstream_duration_seconds_count"
LEDGER = {
    "onboarding_attempts",
    "onboarding_connections",
    "onboarding_work_due",
    "onboarding_oldest_undelivered_seconds",
    "onboarding_events_pending",
    "onboarding_workers",
}

Ask = Callable[..., Any]


@pytest.fixture
def ask(make_app: Callable[..., Flask]) -> Ask:
    """Asks a service in this process."""
    client = make_app(METRICS_TOKEN=TOKEN).test_client()

    def ask(path: str = "/metrics", token: str = TOKEN, **headers: str) -> Any:
        return client.get(path, headers={"Authorization": f"Bearer {token}", **headers})

    return ask


@pytest.fixture
def ours(env: dict[str, str]) -> dict[str, str]:
    """Without an address: each service has its own."""
    return {name: value for name, value in env.items() if name != "PUBLIC_URL"} | {"METRICS_TOKEN": TOKEN}


@pytest.fixture
def replicas(ours: dict[str, str], tmp_path: Path) -> Iterator[tuple[Service, Service]]:
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(running(ours, tmp_path / str(port), port)) for port in (free_port(), free_port())
        )
        yield one, other


def told_by(replicas: tuple[Service, Service]) -> list[Scraped]:
    return [scrape(each.url, OPENMETRICS) for each in replicas]


def install(env: dict[str, str], service: Service, slack: LocalSlack, witness: Witness, **fields: object) -> str:
    """Gives the page of the attempt."""
    made = wire(environment.load({**env, "PUBLIC_URL": service.url}))
    minted = made.links.mint({"subscriberId": "subscriber-123", "account": "Acme Inc.", **fields}, None, made.clock())
    link = f"{service.url}/install/{made.links.sign(minted)}"
    made.close()
    browser = requests.Session()
    back = come_back(browser, link, slack)
    witness.secrets |= {link.rpartition("/")[2], TOKEN, *re.findall(r"(?:code|state)=([^&]+)", back)}
    return browser.get(back, timeout=30).url


def test_without_a_token_there_are_no_metrics(make_app: Callable[..., Flask]) -> None:
    assert make_app().test_client().get("/metrics").status_code == 404


@pytest.mark.parametrize("header", ["", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer "])
def test_only_the_token_opens_them(make_app: Callable[..., Flask], header: str) -> None:
    client = make_app(METRICS_TOKEN=TOKEN).test_client()
    answer = client.get("/metrics", headers={"Authorization": header} if header else {})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "onboarding_" not in answer.text


@pytest.mark.parametrize("token", ["fifteen-letters", "a token with spaces in it", "a-token-with-an-ü"])
def test_a_token_that_is_short_or_fits_no_header_is_refused(env: dict[str, str], token: str) -> None:
    with pytest.raises(Exception, match="METRICS_TOKEN: "):
        environment.load({**env, "METRICS_TOKEN": token})


def test_a_scrape_may_ask_for_openmetrics(ask: Ask) -> None:
    plain, open_ = ask(), ask(Accept=OPENMETRICS)
    assert plain.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert open_.headers["Content-Type"].startswith("application/openmetrics-text")
    assert open_.text.endswith("# EOF\n")
    told = [read(each.text, each.headers["Content-Type"]) for each in (plain, open_)]
    assert told[0].names >= LEDGER
    assert told[0].of_ledger == told[1].of_ledger


def test_every_answer_has_the_headers_of_this_service(ask: Ask) -> None:
    answer = ask()
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_routes_are_patterns_and_labels_name_nobody(ask: Ask) -> None:
    for path in ("/", "/install/a-secret-link", "/attempts/nobodys", "/nothing/there", "/slack/oauth_redirect?code=x"):
        ask(path)
    told = read(ask().text, "text/plain")
    assert told.labels(REQUESTS) & {"/install/<token>", "/attempts/<id>", "-"}
    assert not re.search("a-secret-link|nobodys|nothing|code=", told.text)
    assert told.value(REQUESTS, route="/install/<token>", method="GET", status="404") == 1
    assert told.value(SECONDS, route="/install/<token>", method="GET", status="404") == 1


def test_the_version_is_that_of_the_project(ask: Ask) -> None:
    assert read(ask().text, "").value("onboarding_build_info", version=VERSION) == 1


def test_without_postgresql_only_the_ledgers_numbers_are_missing(make_app: Callable[..., Flask]) -> None:
    client = make_app(METRICS_TOKEN=TOKEN, DATABASE_URL=NO_DATABASE).test_client()
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    told = read(answer.text, "")
    assert answer.status_code == 200
    assert told.value("onboarding_ledger_up") == 0
    assert not told.names & LEDGER
    assert told.value("onboarding_build_info", version=VERSION) == 1


def test_without_redis_every_number_is_there(make_app: Callable[..., Flask]) -> None:
    client = make_app(METRICS_TOKEN=TOKEN, REDIS_URL="unix:///nowhere").test_client()
    told = read(client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text, "")
    assert told.names >= LEDGER
    assert told.value("onboarding_ledger_up") == 1


def test_two_replicas_and_a_worker_tell_one_truth(
    ours: dict[str, str],
    replicas: tuple[Service, Service],
    slack: LocalSlack,
    novu: LocalNovu,
    witness: Witness,
    tmp_path: Path,
    ledger_db: Database,
) -> None:
    one, other = replicas
    before = scrape(one.url)
    assert before.value("onboarding_workers") == 0
    page = install(ours, one, slack, witness)
    novu.suffer("down")
    install(ours, other, slack, witness, context={"tenant": "other"})
    until(lambda: [each.value("onboarding_attempts", status="granted") for each in told_by(replicas)] == [1, 1], 5)
    told = told_by(replicas)
    assert [each.value("onboarding_attempts", status="connected") for each in told] == [1, 1]
    assert [each.value("onboarding_attempts", status="granted") for each in told] == [1, 1]
    assert [each.value("onboarding_connections", state="working") for each in told] == [1, 1]
    assert all((each.value("onboarding_oldest_undelivered_seconds") or 0) > 0 for each in told)
    novu.suffer("none")
    ledger_db.execute("UPDATE work SET due_at = now() - interval '1 second' WHERE kind = 'deliver'")
    until(lambda: scrape(other.url).value("onboarding_work_due", kind="deliver") == 1, 5)
    with worker({**ours, "PUBLIC_URL": one.url}, tmp_path / "worker"):
        until(lambda: scrape(other.url).value("onboarding_attempts", status="connected") == 2, 15)
        until(lambda: scrape(one.url).value("onboarding_workers") == 1, 5)
        until(lambda: {each.value("onboarding_oldest_undelivered_seconds") for each in told_by(replicas)} == {0}, 5)
        first, second = told_by(replicas)
        assert first.of_ledger == second.of_ledger
    until(lambda: scrape(one.url).value("onboarding_workers") == 0, 5)
    # Each replica tells of its own: one install was answered there, with one call that redeems a code.
    for each in map(scrape, (one.url, other.url)):
        assert each.total(REQUESTS, route="/slack/oauth_redirect") == 1
        assert each.value(UPSTREAM, upstream="slack", call="oauth.v2.access", outcome="ok") == 1
    assert scrape(one.url).total(UPSTREAM, upstream="novu", outcome="ok") > 0
    assert scrape(other.url).total(UPSTREAM, upstream="novu", outcome="ok") == 0
    assert scrape(other.url).total(UPSTREAM, upstream="novu") > 0
    for text in (scrape(one.url).text, scrape(other.url, OPENMETRICS).text):
        witness.saw(text)
        for named in ("subscriber-123", "Acme", "T9TK3CUKW", page.rpartition("/")[2], TOKEN, "chconn_"):
            assert named not in text


def test_all_processes_of_a_replica_are_added_up_and_their_dead_still_count(
    ours: dict[str, str], tmp_path: Path
) -> None:
    port = free_port()
    with running(ours, tmp_path / "log", port) as service:
        told = scrape(service.url)
        before = told.total(REQUESTS, route="/")
        for _ in range(40):
            requests.get(service.url, timeout=5)
        assert [scrape(service.url).total(REQUESTS, route="/") - before for _ in range(6)] == [40] * 6
        first = service.workers()
        os.kill(first[0], signal.SIGKILL)
        until(lambda: len(set(service.workers()) - {first[0]}) == 2, 10)
        assert scrape(service.url).total(REQUESTS, route="/") == before + 40
        requests.get(service.url, timeout=5)
        until(lambda: scrape(service.url).total(REQUESTS, route="/") == before + 41, 5)


def test_nothing_is_left_of_an_earlier_run(ours: dict[str, str], tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "temporary"
    folder.mkdir()
    own = {**ours, "TMPDIR": str(folder)}
    with running(own, tmp_path / "log", port) as service:
        requests.get(service.url, timeout=5)
        [made] = folder.glob("onboarding-metrics-*")
        assert made.stat().st_mode & 0o077 == 0
        assert scrape(service.url).total(REQUESTS, route="/") == 1
    assert list(folder.iterdir()) == []
    # A folder that a killed master left behind, and one that a foreign environment names, are nobody's business.
    left = folder / "onboarding-metrics-left"
    left.mkdir()
    with running({**own, "PROMETHEUS_MULTIPROC_DIR": str(left)}, tmp_path / "log", port) as service:
        assert scrape(service.url).total(REQUESTS, route="/") == 0
        assert list(left.iterdir()) == []


def test_without_a_token_nothing_is_counted_or_loaded(env: dict[str, str]) -> None:
    code = "import sys; from onboarding import create_app; create_app(); print('prometheus_client' in sys.modules)"
    for token, loaded in ({}, "False"), ({"METRICS_TOKEN": TOKEN}, "True"):
        full = {"PATH": os.environ["PATH"], **env, **token}
        done = subprocess.run([sys.executable, "-c", code], env=full, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == loaded


def test_connections_are_counted_by_state(ask: Ask, ledger_db: Database) -> None:
    def told() -> dict[str, float | None]:
        return {state: read(ask().text, "").value("onboarding_connections", state=state) for state in states}

    states = ("working", "broken", "unknown", "ended")
    for number in range(3):
        ledger_db.execute(
            "INSERT INTO connection (owner, identifier, integration, context_keys, workspace_id, workspace_name,"
            " attempt_id, connected_at, state, since) VALUES (%s, 'i', 'slack-prod', '{}', 'T1', 'W', 'a', now(),"
            " 'working', now())",
            [f"owner-{number}"],
        )
    assert told() == {"working": 3, "broken": 0, "unknown": 0, "ended": 0}
    wait()
    ledger_db.execute("UPDATE connection SET state = 'broken', reason = 'token_revoked' WHERE owner = 'owner-1'")
    ledger_db.execute("UPDATE connection SET checked_at = now()")
    ledger_db.execute("DELETE FROM connection WHERE owner = 'owner-2'")
    assert told() == {"working": 1, "broken": 1, "unknown": 0, "ended": 0}


def wait() -> None:
    """What was read for one scrape serves others for a moment."""
    time.sleep(0.3)


def expressions() -> list[str]:
    """Of every alert and every panel."""
    rules = yaml.safe_load((ROOT / "deploy/alerts.yaml").read_text("utf-8"))["groups"]
    panels = json.loads((ROOT / "deploy/grafana.json").read_text("utf-8"))["panels"]
    return [rule["expr"] for group in rules for rule in group["rules"]] + [
        target["expr"] for panel in panels for target in panel["targets"]
    ]


def test_every_alert_and_panel_names_what_a_running_service_tells(
    ours: dict[str, str], tmp_path: Path, slack: LocalSlack, witness: Witness
) -> None:
    with running(ours, tmp_path / "log", free_port()) as service:
        install(ours, service, slack, witness)
        told = scrape(service.url)
    named = {name for each in expressions() for name in re.findall(r"\bonboarding_\w+", each)}
    assert len(named) >= 10
    assert named <= told.names
    labels = {(name, key) for (name, had) in told.samples for key, _ in had}
    for expression in expressions():
        for name, selector in re.findall(r"(onboarding_\w+)\{([^}]*)\}", expression):
            for key in re.findall(r"(\w+)=", selector):
                assert (name, key) in labels, expression
        for grouped in re.findall(r"by \(([^)]*)\)", expression):
            keys = {key for name in re.findall(r"onboarding_\w+", expression) for each, key in labels if each == name}
            assert {key.strip() for key in grouped.split(",")} <= keys, expression


def test_every_alert_has_a_runbook() -> None:
    rules = yaml.safe_load((ROOT / "deploy/alerts.yaml").read_text("utf-8"))["groups"]
    alerts = {rule["alert"] for group in rules for rule in group["rules"]}
    book = (ROOT / "docs/operate.md").read_text("utf-8")
    assert {each for each in alerts if f"`{each}`" not in book} == set()


def test_ready_is_asked_of_the_stores_once_a_second(make_app: Callable[..., Flask], store: redis.Redis) -> None:
    client = make_app().test_client()
    assert client.get("/readyz").status_code == 200
    before = reads(store)
    for _ in range(50):
        assert client.get("/readyz").status_code == 200
    assert reads(store) - before <= 4


def reads(store: redis.Redis) -> int:
    stats: Any = store.info("stats")
    return int(stats["total_reads_processed"])
