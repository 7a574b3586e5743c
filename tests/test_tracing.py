"""Spans for OpenTelemetry: what ran, for how long, and what came of it. Off by default, and nobody waits for them."""

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
import requests
from flask import Flask

from onboarding.flows.check import Silence
from onboarding.model.version import VERSION
from onboarding.remote.tracing import ATTRIBUTES, CLOSE_SECONDS
from onboarding.settings import environment
from onboarding.settings.traces import ENDPOINT
from onboarding.wiring import Wiring
from tests.aging import Database
from tests.api.host import KEY, NEW_LINK
from tests.api.host import Host as Caller
from tests.collector import Collector, Told, collecting
from tests.fakes import LocalNovu, LocalSlack
from tests.hosting import NEW, Host, hosting
from tests.person import Person
from tests.scripted import Script, scripted
from tests.service import Service, free_port, running
from tests.test_config import COMPLETE, problems
from tests.test_delivery import until, worker
from tests.witness import Witness

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PROMPTLY = {"OTEL_BSP_SCHEDULE_DELAY": "100"}


@pytest.fixture
def collector(witness: Witness) -> Iterator[Collector]:
    with collecting() as collector:
        yield collector
        witness.saw(collector.text)


@pytest.fixture
def host() -> Iterator[Host]:
    with hosting() as host:
        yield host


@pytest.fixture
def ours(env: dict[str, str], collector: Collector, host: Host) -> dict[str, str]:
    """Without an address: each service has its own."""
    hooks = {"WEBHOOK_URL": host.url, "WEBHOOK_SECRETS": NEW, "API_KEYS": KEY}
    rest = {name: value for name, value in env.items() if name != "PUBLIC_URL"}
    return {**rest, **hooks, **PROMPTLY, ENDPOINT: collector.url, "OTEL_SERVICE_NAME": "slack-connect"}


@pytest.fixture
def traced(make_app: Callable[..., Flask], collector: Collector) -> Flask:
    """A service in this process. It sends its spans when it is closed."""
    return make_app(**{ENDPOINT: collector.url, "API_KEYS": KEY})


class Customer:
    """Somebody who opens links of a service over real HTTP."""

    def __init__(self, service: Service, slack: LocalSlack, witness: Witness) -> None:
        self._service, self._slack, self._witness = service, slack, witness

    def install(self, outcome: str = "approved", **fields: object) -> str:
        """Gives the id of the attempt."""
        browser = requests.Session()
        link = self._link(fields)
        landing = browser.get(link, timeout=5)
        field = re.search(r'name="csrf_token" value="([^"]+)"', landing.text)
        assert field, landing.text
        asked = browser.post(link, data={"csrf_token": field[1]}, allow_redirects=False, timeout=5)
        back = self._slack.answer(asked.headers["Location"], outcome=outcome)
        page = browser.get(back, timeout=30)
        self._witness.secrets |= {link, back, link.rpartition("/")[2], *re.findall(r"(?:code|state)=([^&]+)", back)}
        self._witness.secrets |= {*browser.cookies.values(), *self._slack.secrets(), KEY, NEW}
        return page.url.rpartition("/")[2]

    def _link(self, fields: dict[str, object]) -> str:
        headers = {"Authorization": f"Bearer {KEY}", "traceparent": TRACEPARENT}
        answer = requests.post(f"{self._service.url}/v1/links", json={**NEW_LINK, **fields}, headers=headers, timeout=5)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["url"])


def about(span: Told) -> dict[str, Any]:
    return {name.removeprefix("onboarding."): value for name, value in span.attributes.items()}


def test_every_step_is_told_by_web_and_worker_and_no_secret_is_in_any_byte(
    ours: dict[str, str],
    collector: Collector,
    host: Host,
    slack: LocalSlack,
    novu: LocalNovu,
    witness: Witness,
    tmp_path: Path,
    ledger_db: Database,
) -> None:
    host.answers = [(500, {})]
    with running(ours, tmp_path / "web", free_port()) as service:
        customer = Customer(service, slack, witness)
        first = customer.install()
        refused = customer.install("code_already_used")
        novu.suffer("unavailable")
        stuck = customer.install(context={"tenant": "other"})
        novu.suffer("none")
        with worker({**ours, "PUBLIC_URL": service.url}, tmp_path / "worker"):
            until(lambda: "connected" in collector.outcomes("deliver")[2:], 15)
            ledger_db.execute("UPDATE work SET due_at = now() WHERE kind = 'check'")
            until(lambda: len(collector.named("check")) >= 2, 10)
            until(lambda: set(collector.outcomes("webhook")) == {"delivered", "not_delivered"}, 10)
    assert [about(span) for span in collector.named("redeem")] == [
        {"attempt.id": first, "integration": "slack-prod", "outcome": "granted"},
        {"attempt.id": refused, "integration": "slack-prod", "outcome": "refused", "reason": "code_refused"},
        {"attempt.id": stuck, "integration": "slack-prod", "outcome": "granted"},
    ]
    here = {"integration": "slack-prod"}
    postponed = {"outcome": "postponed", "reason": "novu_unreachable", "http.response.status_code": 503}
    assert [about(span) for span in collector.named("deliver")] == [
        {**here, "attempt.id": first, "tries": 1, "outcome": "connected"},
        {**here, "attempt.id": stuck, "tries": 1, **postponed},
        {**here, "attempt.id": stuck, "tries": 2, "outcome": "connected"},
    ]
    assert {span.attributes["onboarding.attempt.id"] for span in collector.named("check")} == {first, stuck}
    assert set(collector.outcomes("check")) == {"working"}
    [told, *_] = [about(span) for span in collector.named("webhook") if span.is_error]
    event_id = told.pop("event.id")
    assert event_id in {head["webhook-id"] for head, _ in host.came}
    assert told == {
        **here,
        "attempt.id": first,
        "event.type": "connection.connected",
        "tries": 1,
        "outcome": "not_delivered",
        "http.response.status_code": 500,
    }
    errors = [(span.name, about(span)["outcome"]) for span in collector.spans if span.is_error]
    assert sorted(set(errors)) == [("deliver", "postponed"), ("redeem", "refused"), ("webhook", "not_delivered")]
    check_sources(collector.spans)
    check_log(collector, (tmp_path / "web").read_text("utf-8") + (tmp_path / "worker").read_text("utf-8"))
    check_nothing_else_is_told(collector, service)
    witness.saw(collector.text)
    assert len(slack.secrets()) >= 3
    assert witness.leaks() == []


def check_sources(spans: list[Told]) -> None:
    """Every process has its own instance, and the worker is one of them."""
    sources = {span.source["service.instance.id"]: span.source for span in spans}
    of_worker = {span.source["service.instance.id"] for span in spans if span.name in {"check", "webhook"}}
    of_web = {span.source["service.instance.id"] for span in spans if span.name == "redeem"}
    assert len(of_worker) == 1
    assert not of_worker & of_web
    assert {source["service.name"] for source in sources.values()} == {"slack-connect"}
    assert {source["service.version"] for source in sources.values()} == {VERSION}


def check_log(collector: Collector, log: str) -> None:
    """Lines inside a span name its trace; no others name one."""
    named = re.findall(r"(connected|ended|delivery postponed) attempt=(\S+) .*trace_id=(\w+)$", log, re.MULTILINE)
    assert len(named) == 4
    told = {(span.attributes["onboarding.attempt.id"], span.trace_id) for span in collector.spans}
    assert {(attempt, trace) for _, attempt, trace in named} <= told
    assert not re.search(r"attempt started .*trace_id", log)
    assert "Traceback" not in log


def check_nothing_else_is_told(collector: Collector, service: Service) -> None:
    for span in collector.spans:
        assert set(span.attributes) <= set(ATTRIBUTES.values())
        assert not span.says_more
    for text in (
        "http://",
        "Acme",
        "subscriber-123",
        "xox",
        "chconn",
        "tenant",
        "/install",
        service.url.rpartition("/")[2],
    ):
        assert text not in "\n".join(body.decode("latin-1") for body in collector.bodies)


def test_each_process_of_gunicorn_tells_its_own(
    ours: dict[str, str], collector: Collector, slack: LocalSlack, witness: Witness, tmp_path: Path
) -> None:
    with running({**ours, "WEB_CONCURRENCY": "2"}, tmp_path / "log", free_port()) as service:
        customer = Customer(service, slack, witness)
        for _ in range(40):
            customer.install()
            if len({span.source["service.instance.id"] for span in collector.named("redeem")}) == 2:
                return
    pytest.fail("one process only has told anything")


def test_what_is_queued_is_sent_when_a_process_is_told_to_stop(
    ours: dict[str, str], collector: Collector, slack: LocalSlack, witness: Witness, tmp_path: Path
) -> None:
    rarely = {**ours, "OTEL_BSP_SCHEDULE_DELAY": "600000"}
    with running(rarely, tmp_path / "web", free_port()) as service:
        Customer(service, slack, witness).install()
        assert collector.spans == []
    assert sorted(span.name for span in collector.spans) == ["deliver", "redeem"]
    with worker({**rarely, "PUBLIC_URL": service.url}, tmp_path / "worker"):
        until(lambda: "event delivered" in (tmp_path / "worker").read_text("utf-8"), 10)
        assert collector.named("webhook") == []
    assert collector.outcomes("webhook") == ["delivered"]


@pytest.fixture(params=["away", "hangs", "drips"])
def bad_collector(request: pytest.FixtureRequest) -> Iterator[str]:
    with ExitStack() as stack:
        if request.param == "away":
            yield f"http://127.0.0.1:{free_port()}"
        elif request.param == "hangs":
            yield stack.enter_context(scripted(Script([b""], hangs=True)))
        else:
            yield stack.enter_context(scripted(Script([b"HTTP/1.1 200 OK\r\n\r\n"], drip=b"x")))


def test_a_collector_that_does_not_answer_delays_neither_an_install_nor_the_end(
    ours: dict[str, str], bad_collector: str, slack: LocalSlack, witness: Witness, tmp_path: Path, host: Host
) -> None:
    ours = {**ours, ENDPOINT: bad_collector}
    with running(ours, tmp_path / "web", free_port()) as service:
        customer = Customer(service, slack, witness)
        began = time.monotonic()
        for number in range(3):
            customer.install(context={"tenant": str(number)})
        assert time.monotonic() - began < 6
        with worker({**ours, "PUBLIC_URL": service.url}, tmp_path / "worker") as working:
            until(lambda: len(host.came) >= 3, 10)
            assert ends_within(working) < CLOSE_SECONDS + 3
        assert ends_within(service.process) < CLOSE_SECONDS + 3
    logs = (tmp_path / "web").read_text("utf-8") + (tmp_path / "worker").read_text("utf-8")
    assert "Traceback" not in logs
    assert bad_collector.rpartition(":")[2] not in logs.replace(service.url, "")
    assert "spans" in logs


def ends_within(process: subprocess.Popen[bytes]) -> float:
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(45)
    return time.monotonic() - began


def test_what_a_collector_refuses_is_logged_without_its_address(
    ours: dict[str, str], collector: Collector, slack: LocalSlack, witness: Witness, tmp_path: Path
) -> None:
    collector.status = 401
    with running({**ours, ENDPOINT: f"{collector.url}/path-of-ours"}, tmp_path / "log", free_port()) as service:
        Customer(service, slack, witness).install()
        until(lambda: "spans not exported" in (tmp_path / "log").read_text("utf-8"), 5)
    log = (tmp_path / "log").read_text("utf-8")
    assert re.search(r"spans not exported number=\d error=http_401", log)
    assert "path-of-ours" not in log
    assert collector.heads[0].startswith("/path-of-ours/v1/traces ")


def test_what_the_sdk_refuses_ends_tracing_and_no_install(
    ours: dict[str, str], collector: Collector, slack: LocalSlack, novu: LocalNovu, witness: Witness, tmp_path: Path
) -> None:
    with running({**ours, "OTEL_BSP_MAX_QUEUE_SIZE": "0"}, tmp_path / "log", free_port()) as service:
        Customer(service, slack, witness).install()
    assert len(novu.state.connections) == 1
    log = (tmp_path / "log").read_text("utf-8")
    assert "no tracing error=ValueError" in log
    assert "trace_id" not in log
    assert collector.spans == []


def test_redeem_and_deliver_are_linked_to_the_trace_in_which_the_host_asked_for_the_link(
    traced: Flask, collector: Collector, slack: LocalSlack, witness: Witness
) -> None:
    caller, person = Caller(traced, witness), Person(traced, slack, witness)
    for traceparent in (TRACEPARENT, "00-nonsense", None):
        headers = {} if traceparent is None else {"traceparent": traceparent}
        body = json.dumps(NEW_LINK).encode()
        made = caller.call("POST", "/v1/links", headers, data=body, content_type="application/json")
        assert made.status == 201
        person.install(made.body["url"].removeprefix("http://127.0.0.1:8000"))
    traced.extensions["onboarding"].close()
    assert [(span.name, span.links) for span in collector.spans] == [
        (name, links) for links in ([tuple(TRACEPARENT.split("-")[1:3])], [], []) for name in ("redeem", "deliver")
    ]
    assert len({span.trace_id for span in collector.spans} | {TRACEPARENT[3:35]}) == 7


def test_a_host_cannot_say_it_in_the_body(traced: Flask, witness: Witness) -> None:
    assert Caller(traced, witness).create({**NEW_LINK, "traceparent": TRACEPARENT}).broken == ["traceparent"]


def test_an_exception_is_told_by_its_type_alone(
    traced: Flask, collector: Collector, slack: LocalSlack, novu: LocalNovu, witness: Witness
) -> None:
    wiring: Wiring = traced.extensions["onboarding"]
    link = wiring.links.mint({"subscriberId": "subscriber-123"}, None, wiring.clock())
    Person(traced, slack, witness).install(f"/install/{wiring.links.sign(link)}")
    connection = wiring.ledger.connections.find(novu.state.connections[0].identifier)
    assert connection
    slack.state.faults.set("auth.test", "error", 1, error="words_of_slack")
    with pytest.raises(Silence, match="words_of_slack"):
        wiring.check.run(connection)
    wiring.close()
    [span] = collector.named("check")
    assert span.is_error
    assert span.attributes == {
        "onboarding.attempt.id": connection.attempt_id,
        "onboarding.integration": "slack-prod",
        "error.type": "Silence",
    }
    assert not span.says_more
    assert "words_of_slack" not in collector.text


def test_json_lines_name_the_trace_while_a_span_is_under_way(env: dict[str, str], collector: Collector) -> None:
    code = """
from onboarding.settings import log
from onboarding.remote.tracing import Tracing
log.configure("INFO", as_json=True)
tracing = Tracing("http://127.0.0.1:9/v1/traces")
with tracing.span("redeem"):
    log.LOGGER.info("inside")
log.LOGGER.info("outside")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    inside, outside = map(json.loads, done.stderr.splitlines()[:2])
    assert re.fullmatch(r"[0-9a-f]{32}", inside["trace_id"])
    assert "trace_id" not in outside


OFF = [{}, {ENDPOINT: " "}, {ENDPOINT: "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"}]
WORKER = """
import os, sys
import onboarding.worker
from onboarding.settings import environment
spans = onboarding.worker.wire_background(environment.load(os.environ)).spans
"""
WEB = """
import sys
from onboarding import create_app
app = create_app()
assert app.test_client().get("/readyz").status_code == 200
spans = app.extensions["onboarding"].spans
"""
TELL = """
from onboarding.flows.spans import UNTOLD
assert spans is UNTOLD
print([name for name in sys.modules if name.startswith(("opentelemetry", "google", "onboarding.remote.tracing"))])
"""


@pytest.mark.parametrize("settings", OFF)
def test_without_tracing_a_worker_loads_nothing_of_opentelemetry(env: dict[str, str], settings: dict[str, str]) -> None:
    assert in_fresh_process(WORKER + TELL, {**env, **settings}) == "[]\n"


@pytest.mark.parametrize("settings", OFF)
def test_without_tracing_web_needs_nothing_of_opentelemetry(env: dict[str, str], settings: dict[str, str]) -> None:
    """redis-py loads a part of it on its own if it is installed."""
    without = "import sys; sys.modules['opentelemetry'] = None"
    assert in_fresh_process(without + WEB + TELL, {**env, **settings}) == "['opentelemetry']\n"


def in_fresh_process(code: str, env: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_missing_package_is_named_with_everything_else_that_is_wrong() -> None:
    without = "import sys; sys.modules['opentelemetry'] = None; from onboarding.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", without, "check-config"],
        env={"PATH": os.environ["PATH"], **COMPLETE, ENDPOINT: "http://collector:4318", "LOG_LEVEL": "LOUD"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"{ENDPOINT}: needs OpenTelemetry, which is not installed here" in done.stderr
    assert "LOG_LEVEL: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({ENDPOINT: "http://collector:4318"}, "http://collector:4318/v1/traces"),
        ({ENDPOINT: " https://otlp.example/path/ \n"}, "https://otlp.example/path/v1/traces"),
        ({ENDPOINT: "http://all", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "http://all/v1/traces"),
        ({ENDPOINT: "http://all", "OTEL_SDK_DISABLED": "TRUE"}, None),
        ({ENDPOINT: "http://all", "OTEL_SDK_DISABLED": "false"}, "http://all/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, None),
        ({}, None),
    ],
)
def test_spans_go_where_opentelemetrys_own_settings_say(settings: dict[str, str], url: str | None) -> None:
    assert environment.load({**COMPLETE, **settings}).traces_url == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (ENDPOINT, "collector:4317"),
        (ENDPOINT, "https://user:password@otlp.example"),
        (ENDPOINT, "https://otlp.example/?key=x"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
    ],
)
def test_a_collector_that_cannot_be_told_is_refused(name: str, value: str) -> None:
    assert list(problems(**{ENDPOINT: "http://collector:4318", name: value})) == [name]
