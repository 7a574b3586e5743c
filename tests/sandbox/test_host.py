"""The local host product beside the real service: its customers connect, come back, test and disconnect."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask

from onboarding.sandbox.host import create_host
from onboarding.sandbox.host.novu import introduce_customers
from onboarding.sandbox.serve import serving
from tests.api.host import KEY, KEYS
from tests.fakes import NOVU_KEY, LocalNovu, LocalSlack
from tests.person import Person
from tests.sandbox.sprocket import SECRET, Sprocket
from tests.sandbox.test_commands import SANDBOX, running
from tests.witness import Witness

CHANNEL = {"type": "slack_channel", "identifier": "endpoint"}


@pytest.fixture
def app(make_app: Callable[..., Flask], witness: Witness) -> Flask:
    witness.secrets.add(KEY)
    return make_app(API_KEYS=KEYS)


@pytest.fixture
def service(app: Flask) -> Iterator[str]:
    with serving(app) as url:
        yield url


@pytest.fixture
def sprocket(service: str) -> Sprocket:
    app = create_host(service, KEY, SECRET, links=[("Service", service)])
    return Sprocket(app, app.test_client())


@pytest.fixture
def install(sprocket: Sprocket, person: Person) -> Callable[..., str]:
    """Press Connect Slack and go all the way. Gives the attempt's id."""

    def install(**answer: str) -> str:
        page = person.install(urlsplit(sprocket.press("/slack/connect").location).path, **answer)
        assert page.status == 200
        return page.text.rpartition("Support code")[2].split()[0]

    return install


def test_connecting_begins_and_ends_here(sprocket: Sprocket, person: Person) -> None:
    assert "Slack: not connected" in sprocket.open("/")
    assert "Connect Slack" in sprocket.open()
    pressed = sprocket.press("/slack/connect")
    assert pressed.status_code == 303
    page = person.install(urlsplit(pressed.location).path)
    back = urlsplit(page.link("Do this later"))
    assert back.path == "/slack/return"
    arrived = sprocket.open(f"{back.path}?{back.query}")
    assert "Slack is connected" in arrived
    assert "to Acme HQ. Nobody has chosen yet" in arrived
    assert "something else" not in arrived
    assert "Acme HQ" in sprocket.open()


def test_the_page_may_be_left_for_the_service_only(sprocket: Sprocket, service: str) -> None:
    policy = sprocket.client.get("/settings/notifications").headers["Content-Security-Policy"]
    assert policy.endswith(f"; form-action 'self' {service}")
    assert f"script-src 'self' {service}; connect-src 'self' {service};" in policy


def test_pressing_twice_makes_one_link(sprocket: Sprocket) -> None:
    once = [sprocket.press("/slack/connect", once="a" * 22).location for _ in range(2)]
    assert once[0] == once[1]
    assert sprocket.press("/slack/connect", once="b" * 22).location != once[0]
    assert sprocket.press("/slack/connect").location != sprocket.press("/slack/connect").location


def test_where_notifications_go_is_asked_anew(
    sprocket: Sprocket, install: Callable[..., str], service: str, slack: LocalSlack
) -> None:
    install()
    sprocket.open()
    sprocket.press("/slack/test")
    assert "nowhere to send it" in sprocket.open()
    identifier, channel = sprocket.state()["connection"], slack.state.channel_named("T9TK3CUKW", "general")
    assert channel
    requests.put(
        f"{service}/v1/connections/{identifier}/destination",
        json={"channelId": channel.id},
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=5,
    ).raise_for_status()
    assert "notifications go to a channel" in sprocket.open()
    sprocket.press("/slack/test")
    assert "Slack took the test message." in sprocket.open()
    assert "Slack took" not in sprocket.open()


@pytest.mark.parametrize("path", ["/slack/test", "/slack/disconnect"])
def test_there_is_nothing_to_test_or_to_end_before(sprocket: Sprocket, path: str) -> None:
    assert sprocket.press(path).status_code == 409


def test_an_address_proves_nothing(sprocket: Sprocket, install: Callable[..., str], person: Person) -> None:
    person.come_back(urlsplit(sprocket.press("/slack/connect").location).path, decision="cancel")
    attempt = install(decision="cancel")
    page = sprocket.open(f"/slack/return?status=connected&attempt={attempt}")
    assert "Slack is not connected" in page
    assert "You chose Cancel" in page
    assert "says something else" in page
    assert "says something else" not in sprocket.open(f"/slack/return?status=cancelled&attempt={attempt}")


@pytest.mark.parametrize("attempt", ["", "nobody-knows-this-one0", "../links", "x" * 99])
def test_an_address_may_name_an_attempt_that_is_none(sprocket: Sprocket, attempt: str) -> None:
    assert "belongs to another customer" in sprocket.open(f"/slack/return?status=connected&attempt={attempt}", 404)


def test_an_attempt_of_another_customer_is_not_shown(sprocket: Sprocket, install: Callable[..., str]) -> None:
    attempt = install()
    sprocket.be("subscriber-456")
    assert "Acme" not in sprocket.open(f"/slack/return?status=connected&attempt={attempt}", 404)
    assert "Slack: not connected" in sprocket.open()
    assert "Signed in as Globex" in sprocket.open("/")


def test_waiting_for_an_admin_is_said(sprocket: Sprocket, install: Callable[..., str]) -> None:
    install(outcome="not_permitted")
    assert "Waiting for approval" in sprocket.open()
    install()
    assert "Connected to Acme HQ" in sprocket.open()


def test_what_came_to_nothing_leaves_a_connection_as_it_is(sprocket: Sprocket, install: Callable[..., str]) -> None:
    install()
    attempt = install(decision="cancel")
    assert "Connected to Acme HQ" in sprocket.open()
    assert "This try changed nothing." in sprocket.open(f"/slack/return?status=cancelled&attempt={attempt}")


def test_an_event_that_comes_while_asking_outweighs_the_answer(sprocket: Sprocket, install: Callable[..., str]) -> None:
    install()
    before = sprocket.host.of("subscriber-123")
    sprocket.tell("connection.connected", 1)
    [owner] = sprocket.host.known
    sprocket.host.learn(owner, before.standing, before.sequence)
    assert sprocket.state()["status"] == "working"
    sprocket.tell("destination.set", 2, endpoint=CHANNEL)
    assert sprocket.state()["destination"] == "slack_channel"


def test_a_wrong_key_and_a_service_that_is_away_are_said(service: str) -> None:
    for url, key, status in [(service, "wrong", 502), ("http://127.0.0.1:9", KEY, 503)]:
        app = create_host(url, key, SECRET)
        sprocket = Sprocket(app, app.test_client())
        assert "does not answer" in sprocket.open()
        assert sprocket.press("/slack/connect").status_code == status
        assert "does not answer" in sprocket.open("/slack/return?attempt=abc", 503)


def test_other_sites_cannot_press_its_buttons(sprocket: Sprocket) -> None:
    for path in ("/sign-in", "/slack/connect", "/slack/test", "/slack/disconnect", "/webhooks/faults"):
        answer = sprocket.client.post(path, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403
    assert sprocket.press("/sign-in", customer="nobody").status_code == 400
    assert "Not Found" in sprocket.open("/nope", 404)


def test_novu_is_told_of_its_customers(novu: LocalNovu) -> None:
    for _ in range(2):
        introduce_customers(novu.url, NOVU_KEY)
    page = requests.get(f"{novu.url}/subscribers", timeout=5).text
    assert all(f"subscriber-{number}" in page for number in (123, 456, 789))
    with pytest.raises(OSError, match="401"):
        introduce_customers(novu.url, "wrong")


def test_the_command_serves_it() -> None:
    command = [*SANDBOX, "host", "--port", "0", "--onboarding-url", "http://127.0.0.1:9", "--api-key", "a key"]
    with running(1, "--webhook-secret", SECRET, command=command) as (place,):
        url = place.removeprefix("Local host product: ")
        assert requests.get(f"{url}/sandbox/events", timeout=5).json() == {"events": [], "refused": 0}
    done = subprocess.run(
        [*command, "--webhook-secret", "secret"], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "webhook secret" in done.stderr
