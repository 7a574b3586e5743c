"""`onboarding check-config --live`: each problem is named by the setting behind it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from onboarding.clock import utc_now
from onboarding.clock.deadline import Deadline
from onboarding.ephemeral import store as storage
from onboarding.flows.apps import Parties, Party
from onboarding.flows.checkup import Checkup
from onboarding.model.errors import Problem
from onboarding.remote.http import Http, Outgoing
from onboarding.remote.novu import Novu
from onboarding.remote.slack import Slack
from onboarding.sandbox import embedded_postgres
from onboarding.settings import environment
from tests.fakes import LocalNovu, LocalSlack
from tests.forward import Proxy, forwarding
from tests.person import Person
from tests.scripted import Script, answer, scripted
from tests.service import free_port
from tests.test_config import COMPLETE
from tests.tls import DAY, authority


def check(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "onboarding.cli", "check-config", "--live"]
    full = {"PATH": os.environ["PATH"], **env}
    return subprocess.run(command, env=full, capture_output=True, text=True, timeout=30, check=False)


CARELESS = "DATABASE_URL: fsync is off: a crash of the server would lose what customers approved\n"
"""True of the server that tests share."""


@pytest.fixture
def durable() -> Iterator[str]:
    """The address of a PostgreSQL that production could use."""
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        server = embedded_postgres.start(Path(folder))
        yield embedded_postgres.url(Path(folder))
        server.stop()


def test_all_is_well(env: dict[str, str], durable: str) -> None:
    done = check({**env, "DATABASE_URL": durable})
    assert (done.returncode, done.stdout.splitlines()[-1], done.stderr) == (0, "The configuration works.", "")
    assert "WRONG" not in done.stdout
    assert "unknown" not in done.stdout


def worth_knowing(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Whatever is worth knowing, apart from the missing signing secret of these tests' app."""
    told = [line.strip() for line in done.stdout.splitlines() if "Worth knowing" in line]
    assert told[0].startswith("Worth knowing: SLACK_SIGNING_SECRET is not set") or len(told) > 1
    return [line for line in told if "SLACK_SIGNING_SECRET" not in line]


ALL_SCOPES = "chat:write,chat:write.public,channels:read,groups:read"


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("channels:read", "people cannot choose a channel from a list"),
        ("chat:write.public", "people have to invite the app to a channel"),
        ("groups:read", "people do not see private channels"),
    ],
)
def test_what_is_lost_without_a_scope_is_worth_knowing(
    env: dict[str, str], durable: str, scope: str, words: str
) -> None:
    scopes = ",".join(each for each in ALL_SCOPES.split(",") if each != scope)
    done = check({**env, "DATABASE_URL": durable, "SLACK_SCOPES": scopes})
    [known] = worth_knowing(done)
    assert known.startswith(f"Worth knowing: SLACK_SCOPES lacks {scope}: {words}")
    assert (done.returncode, done.stdout.splitlines()[-1], done.stderr) == (0, "The configuration works.", "")


def test_without_the_scope_to_post_nothing_works(env: dict[str, str]) -> None:
    done = check({**env, "SLACK_SCOPES": "channels:read,chat:write.public,groups:read"})
    assert done.returncode == 1
    told = "SLACK_SCOPES: lacks chat:write, and Novu cannot post without it\n"
    assert ("The configuration works" in done.stdout, done.stderr.removeprefix(CARELESS)) == (False, told)


def test_customers_who_granted_less_are_worth_knowing(env: dict[str, str], person: Person, link: str) -> None:
    person.install(link)
    assert worth_knowing(check(env)) == []
    more = {**env, "SLACK_SCOPES": f"{ALL_SCOPES},im:write,users:read"}
    assert worth_knowing(check(more)) == [
        "Worth knowing: the newest connection, to T9TK3CUKW, was granted without im:write, users:read. Customers from "
        "before have to add the app again, with their link or a new one."
    ]


@pytest.mark.parametrize("method", ["auth.test", "none"])
def test_if_nobody_can_tell_what_was_granted_nothing_is_said(
    env: dict[str, str], person: Person, link: str, slack: LocalSlack, novu: LocalNovu, method: str
) -> None:
    person.install(link)
    if method == "auth.test":
        slack.state.faults.set(method, "server_error")
    else:
        novu.suffer("down")
    done = check({**env, "SLACK_SCOPES": f"{ALL_SCOPES},im:write"})
    novu.suffer("none")
    slack.state.faults.clear()
    assert (worth_knowing(done), "Traceback" in done.stderr) == ([], False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "redis://127.0.0.1:9"),
        ("SLACK_CLIENT_ID", "1.1"),
        ("SLACK_CLIENT_SECRET", "another-secret"),
        ("SLACK_URL", "http://127.0.0.1:9"),
        ("NOVU_SECRET_KEY", "another-key"),
        ("NOVU_URL", "http://127.0.0.1:9"),
        ("NOVU_INTEGRATION_IDENTIFIER", "nothing"),
    ],
)
def test_a_wrong_setting_is_named(env: dict[str, str], name: str, value: str) -> None:
    done = check({**env, name: value})
    assert done.returncode == 1
    assert [line.split(":")[0] for line in done.stderr.removeprefix(CARELESS).splitlines()] == [name]
    assert env["NOVU_SECRET_KEY"] not in done.stderr


def test_the_command_takes_the_way_out_that_is_set(env: dict[str, str], tmp_path: Path) -> None:
    our = authority(tmp_path)
    slack = Script([SLACK_KNOWS_US], takes=9)
    proxy = Proxy({}, "user:hidden-word")
    with scripted(slack, our.server("slack.test")) as url, forwarding(proxy):
        proxy.knows["slack.test"] = int(url.rpartition(":")[2])
        way = {"OUTGOING_PROXY": f"http://user:hidden-word@127.0.0.1:{proxy.port}", "CA_FILE": our.file}
        done = check({**env, **way, "SLACK_URL": "https://slack.test"})
    assert done.stderr == CARELESS
    assert len(slack.seen) == 1


def test_problems_are_named_together(env: dict[str, str]) -> None:
    done = check({**env, "SLACK_URL": "http://127.0.0.1:9", "NOVU_SECRET_KEY": "another-key"})
    assert done.returncode == 1
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["DATABASE_URL", "SLACK_URL", "NOVU_SECRET_KEY"]


def test_looking_leaves_nothing_behind(env: dict[str, str], store: redis.Redis, novu: LocalNovu) -> None:
    check(env)
    assert store.dbsize() == 0
    assert novu.state.connections == ()


SLACK_KNOWS_US = answer(200, b'{"ok": false, "error": "invalid_code"}')
INTEGRATIONS = answer(200, b'{"data": [{"identifier": "slack-prod"}]}')
CONNECTIONS = answer(200, b'{"data": [], "next": null, "previous": null, "totalCount": 0}')


def remote_problems(**changes: str) -> list[Problem]:
    """What is wrong with Slack and Novu, seen with these settings."""
    settings = environment.load({**COMPLETE, **changes})
    http = Http(Outgoing(settings.outgoing_proxy, settings.ca_file))
    app = settings.apps.first
    party = Party(app, Slack(app.slack, utc_now, http), Novu(app.novu, http))
    checkup = Checkup(storage.connect(settings.redis_url), Parties(settings.apps, {app.integration: party}), settings)
    return [*checkup.ask_slack(Deadline(2)), *checkup.ask_novu(Deadline(2))]


@pytest.fixture
def remotes() -> Iterator[dict[str, str]]:
    """A Slack and a Novu that find nothing wrong."""
    with ExitStack() as stack:
        slack = stack.enter_context(scripted(Script([SLACK_KNOWS_US], takes=9)))
        novu = stack.enter_context(scripted(Script([INTEGRATIONS, CONNECTIONS], takes=9)))
        yield {"SLACK_URL": slack, "NOVU_URL": novu}


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ([{"providerId": "discord", "active": True}], "is for discord, not for Slack"),
        ([{"providerId": "slack", "active": False}], "is switched off"),
        ([{"providerId": "slack", "active": False}, {"providerId": "discord", "active": True}], "is switched off"),
    ],
)
def test_an_integration_that_delivers_nothing_to_slack_is_named(
    remotes: dict[str, str], listed: list[dict[str, object]], words: str
) -> None:
    body = json.dumps({"data": [{"identifier": "slack-prod", **each} for each in listed]}).encode()
    with scripted(Script([answer(200, body), CONNECTIONS], takes=9)) as url:
        [problem] = remote_problems(**{**remotes, "NOVU_URL": url})
    assert problem.name == "NOVU_INTEGRATION_IDENTIFIER"
    assert words in problem.message


@pytest.mark.parametrize("others", [[], [{"active": False}], [{"providerId": "discord"}]])
def test_one_good_integration_of_that_name_is_enough(remotes: dict[str, str], others: list[dict[str, object]]) -> None:
    """An older Novu lists those of all environments."""
    listed = [*others, {"providerId": "slack", "active": True}]
    body = json.dumps({"data": [{"identifier": "slack-prod", **each} for each in listed]}).encode()
    with scripted(Script([answer(200, body), CONNECTIONS], takes=9)) as url:
        assert remote_problems(**{**remotes, "NOVU_URL": url}) == []


def test_slack_and_novu_have_nothing_to_complain_about(remotes: dict[str, str]) -> None:
    assert remote_problems(**remotes) == []


@pytest.mark.parametrize(
    "missing",
    [
        answer(404, json.dumps({"statusCode": 404, "message": "Cannot GET /v1/channel-connections"}).encode()),
        answer(404, b"Cannot GET /v1/channel-connections", "Content-Type: text/html\r\n"),
        answer(404, b'{"statusCode": 404, "message": "Feature not enabled"}'),
    ],
)
def test_a_novu_without_channel_connections_is_named(remotes: dict[str, str], missing: bytes) -> None:
    script = Script([INTEGRATIONS, missing], takes=9)
    with scripted(script) as url:
        [problem] = remote_problems(**{**remotes, "NOVU_URL": url})
    assert problem.name == "NOVU_URL"
    assert "this Novu has no channel connections" in problem.message
    assert script.seen[1].startswith(b"GET /v1/channel-connections?limit=1 HTTP/1.1\r\n")


def test_both_that_are_missing_at_novu_are_named(remotes: dict[str, str]) -> None:
    with scripted(Script([answer(200, b'{"data": []}'), answer(404, b"")], takes=9)) as url:
        found = remote_problems(**{**remotes, "NOVU_URL": url})
    assert [problem.name for problem in found] == ["NOVU_INTEGRATION_IDENTIFIER", "NOVU_URL"]


@pytest.mark.parametrize(
    ("status", "body", "name"),
    [
        (401, b'{"statusCode": 401, "message": "API Key not found"}', "NOVU_SECRET_KEY"),
        (403, b'{"statusCode": 403, "message": "Forbidden"}', "NOVU_SECRET_KEY"),
        (403, b"<html>Request blocked</html>", "NOVU_URL"),
        (502, b"<html>", "NOVU_URL"),
    ],
)
def test_a_page_in_front_of_novu_says_nothing_of_our_key(
    remotes: dict[str, str], status: int, body: bytes, name: str
) -> None:
    with scripted(Script([answer(status, body)], takes=9)) as url:
        [problem] = remote_problems(**{**remotes, "NOVU_URL": url})
    assert problem.name == name
    assert str(status) in problem.message


@pytest.mark.parametrize("remote", ["SLACK_URL", "NOVU_URL"])
@pytest.mark.parametrize(
    ("host", "ends", "trusts", "named", "words"),
    [
        ("localhost", DAY, False, "CA_FILE", "certificate that no authority we trust has signed"),
        ("localhost", -DAY, True, "", "certificate that has expired"),
        ("elsewhere.example", DAY, True, "", "certificate of another host"),
    ],
)
def test_a_certificate_that_proves_nothing_is_told_from_no_tls(
    remotes: dict[str, str],
    tmp_path: Path,
    remote: str,
    host: str,
    ends: timedelta,
    trusts: bool,
    named: str,
    words: str,
) -> None:
    our = authority(tmp_path)
    with scripted(Script([SLACK_KNOWS_US], takes=9), our.server(host, ends)) as url:
        trusted = {"CA_FILE": our.file} if trusts else {}
        [problem] = remote_problems(**{**remotes, **trusted, remote: url})
    assert problem.name == (named or remote)
    assert words in problem.message
    assert "TLS" not in problem.message


@pytest.mark.parametrize("remote", ["SLACK_URL", "NOVU_URL"])
def test_https_where_there_is_only_http_is_named(remotes: dict[str, str], remote: str) -> None:
    with scripted(Script([answer(400, b"Bad Request")])) as url:
        [problem] = remote_problems(**{**remotes, remote: url.replace("http://", "https://")})
    assert problem.name == remote
    assert "does not speak TLS" in problem.message
    assert "certificate" not in problem.message


@pytest.mark.parametrize("remote", ["SLACK_URL", "NOVU_URL"])
def test_http_where_there_is_only_https_is_named(remotes: dict[str, str], tmp_path: Path, remote: str) -> None:
    with scripted(Script([SLACK_KNOWS_US]), authority(tmp_path).server("localhost")) as url:
        [problem] = remote_problems(**{**remotes, remote: url.replace("https://", "http://")})
    assert problem.name == remote


def test_a_proxy_that_is_not_there_is_named_for_both() -> None:
    settings = {"SLACK_URL": "https://slack.test", "NOVU_URL": "https://novu.test"}
    found = remote_problems(**settings, OUTGOING_PROXY=f"http://user:hidden-word@127.0.0.1:{free_port()}")
    assert [problem.name for problem in found] == ["OUTGOING_PROXY", "OUTGOING_PROXY"]
    assert "proxy does not answer" in found[0].message
    assert "hidden-word" not in str(found)


def test_a_proxy_that_refuses_us_is_named() -> None:
    settings = {"SLACK_URL": "https://slack.test", "NOVU_URL": "http://novu.test"}
    with forwarding(Proxy({}, "user:password")) as proxy:
        found = remote_problems(**settings, OUTGOING_PROXY=f"http://user:hidden-word@127.0.0.1:{proxy.port}")
    assert [problem.name for problem in found] == ["OUTGOING_PROXY", "OUTGOING_PROXY"]
    assert "hidden-word" not in str(found)


def test_through_the_proxy_and_with_our_authority_all_is_well(tmp_path: Path) -> None:
    our = authority(tmp_path)
    with ExitStack() as stack:
        slack = stack.enter_context(scripted(Script([SLACK_KNOWS_US], takes=9), our.server("slack.test")))
        novu = stack.enter_context(scripted(Script([INTEGRATIONS, CONNECTIONS], takes=9)))
        ports = {"slack.test": int(slack.rpartition(":")[2]), "novu.test": int(novu.rpartition(":")[2])}
        proxy = stack.enter_context(forwarding(Proxy(ports, "user:password")))
        found = remote_problems(
            SLACK_URL="https://slack.test",
            NOVU_URL="http://novu.test",
            CA_FILE=our.file,
            OUTGOING_PROXY=f"http://user:password@127.0.0.1:{proxy.port}",
        )
    assert found == []
    assert len(proxy.heads) >= 2
