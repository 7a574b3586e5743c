"""Two Slack apps in one deployment: each owner is served by the app of its integration, and by no other."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from flask import Flask
from standardwebhooks import Webhook

from onboarding.clock.deadline import Deadline
from onboarding.flows.checkup import problems
from onboarding.ledger.connection_lists import WantedConnections
from onboarding.ledger.events import Sending, WantedEvents
from onboarding.model import Status
from onboarding.model.errors import LinkMalformed
from onboarding.sandbox.novu import Novu, create_novu
from onboarding.sandbox.serve import serving
from onboarding.wiring import Wiring
from tests.aging import Database
from tests.fakes import LocalNovu, LocalSlack
from tests.hosting import NEW, OLD, Host, hosting
from tests.person import Person
from tests.two_slacks import two_slacks
from tests.witness import Witness

FIRST, SECOND = "sprocket-slack", "gadget-slack"
NOVU_KEYS = {FIRST: "novu-key-of-sprocket", SECOND: "novu-key-of-gadget"}
WORKSPACES = ("T9TK3CUKW", "T0MOONSHOT")


@dataclass(frozen=True, slots=True)
class Site:
    """The service, and the two of everything."""

    app: Flask
    env: dict[str, str]
    file: Path
    slacks: dict[str, LocalSlack]
    novu: Novu
    hosts: dict[str, Host]
    witness: Witness

    def again(self, make_app: Callable[..., Flask]) -> Flask:
        """Another process, with the file as it is now."""
        return make_app(**self.env)

    @property
    def wiring(self) -> Wiring:
        made: Wiring = self.app.extensions["onboarding"]
        return made

    def link(self, integration: str, subscriber: str = "subscriber-123", **fields: object) -> str:
        payload = {"subscriberId": subscriber, "integrationIdentifier": integration, **fields}
        return f"/install/{self.wiring.links.sign(self.wiring.links.mint(payload, None, self.wiring.clock()))}"

    def person(self, integration: str) -> Person:
        return Person(self.app, self.slacks[integration], self.witness)

    def tokens(self, integration: str) -> dict[str, str]:
        """What the integration's Novu environment holds, by subscriber."""
        environment = self.novu.environments[[FIRST, SECOND].index(integration)]
        return {str(each.subscriber_id): each.token for each in environment.connections}


@pytest.fixture
def novu_of_two() -> Iterator[tuple[Novu, str]]:
    app = create_novu(*NOVU_KEYS.values())
    with serving(app) as url:
        for integration, key in NOVU_KEYS.items():
            wanted = {"providerId": "slack", "channel": "chat", "identifier": integration, "credentials": {}}
            made = requests.post(
                f"{url}/v1/integrations", json=wanted, headers={"Authorization": f"ApiKey {key}"}, timeout=5
            )
            assert made.status_code == 201, made.text
        yield app.extensions["novu"], url


@pytest.fixture
def site(
    make_app: Callable[..., Flask], novu_of_two: tuple[Novu, str], tmp_path: Path, witness: Witness
) -> Iterator[Site]:
    novu, novu_url = novu_of_two
    with two_slacks() as (both, slack_url), hosting() as sprocket, hosting() as gadget:
        (tmp_path / "gadget-secret").write_text("secret-2\n")
        file = tmp_path / "apps.toml"
        file.write_text(f"""
            [apps.{FIRST}]
            default = true
            client_id = "1.1"
            client_secret = {{ env = "SPROCKET_SECRET" }}
            signing_secret = "signing-1"
            novu_secret_key = "{NOVU_KEYS[FIRST]}"
            product_name = "Sprocket"
            webhook_url = "{sprocket.url}"
            webhook_secrets = ["{NEW}"]

            [apps.{SECOND}]
            client_id = "2.2"
            client_secret = {{ file = "gadget-secret" }}
            signing_secret = ["signing-2", "signing-old"]
            scopes = ["chat:write", "channels:read"]
            novu_secret_key = "{NOVU_KEYS[SECOND]}"
            product_name = "Gadget"
            support_contact = "help@gadget.example"
            webhook_url = "{gadget.url}"
            webhook_secrets = "{OLD}"
        """)
        witness.secrets |= {"secret-1", "secret-2", *NOVU_KEYS.values()}
        env = {"APPS_FILE": str(file), "SPROCKET_SECRET": "secret-1", "SLACK_URL": slack_url, "NOVU_URL": novu_url}
        env |= dict.fromkeys(
            ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "NOVU_SECRET_KEY", "NOVU_INTEGRATION_IDENTIFIER"), ""
        )
        slacks = {FIRST: both.at(0, slack_url), SECOND: both.at(1, slack_url)}
        yield Site(make_app(**env), env, file, slacks, novu, {FIRST: sprocket, SECOND: gadget}, witness)
        witness.secrets |= slacks[FIRST].secrets() | slacks[SECOND].secrets()


def test_two_hundred_interleaved_installs_end_at_the_novu_of_their_own_app(site: Site) -> None:
    for environment in site.novu.environments:
        for number in range(100):
            environment.add_subscriber(f"s{number}")

    def install(number: int) -> None:
        integration = (FIRST, SECOND)[number % 2]
        page = site.person(integration).install(
            site.link(integration, f"s{number // 2}"), workspace=WORKSPACES[number // 2 % 2]
        )
        assert page.status == 200, page.text

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(install, range(200)))
    for integration in (FIRST, SECOND):
        granted = {grant.token for grant in site.slacks[integration].state.grants}
        held = site.tokens(integration)
        assert sorted(held) == sorted(f"s{number}" for number in range(100))
        assert set(held.values()) == granted
        assert len(granted) == len(WORKSPACES)
    assert not set(site.tokens(FIRST).values()) & set(site.tokens(SECOND).values())


def test_every_page_speaks_for_the_app_of_its_link(site: Site) -> None:
    for integration, product, other in ((FIRST, "Sprocket", "Gadget"), (SECOND, "Gadget", "Sprocket")):
        link = site.link(integration)
        landing = site.person(integration).open(link)
        assert product in landing.text
        assert other not in landing.text
        page = site.person(integration).install(link)
        assert product in page.text
        assert other not in page.text


def test_pages_of_what_went_wrong_speak_for_the_app_of_their_link_too(site: Site, ledger_db: Database) -> None:
    def short(integration: str) -> str:
        fields = {"subscriberId": "subscriber-123", "integrationIdentifier": integration}
        link = site.wiring.minting.mint(fields, None)
        site.wiring.minting.record(link, "a test")
        return urlsplit(site.wiring.minting.url(link)).path

    for integration, product, other in ((FIRST, "Sprocket", "Gadget"), (SECOND, "Gadget", "Sprocket")):
        here, elsewhere = site.person(integration), site.person(integration)
        revoked, expired, often = short(integration), short(integration), short(integration)
        site.wiring.minting.revoke(site.wiring.minting.open(revoked.rpartition("/")[2]).id)
        ledger_db.execute("UPDATE link SET expires_at = now() WHERE id = %s", [expired.rpartition("/")[2][:22]])
        back, withdrawn = here.come_back(site.link(integration)), short(integration)
        late = here.come_back(withdrawn)
        site.wiring.minting.revoke(site.wiring.minting.open(withdrawn.rpartition("/")[2]).id)
        done = here.install(site.link(integration))
        place = re.findall(r"/attempts/[A-Za-z0-9_-]{22}", done.source)[0]
        pages = [elsewhere.open(path) for path in (revoked, expired, back, f"{place}/destination")]
        pages.append(here.open(late))
        pages.append([here.press(often) for _ in range(31)][-1])
        assert [page.status for page in pages] == [410, 410, 403, 403, 410, 429]
        for page in pages:
            assert f" {product[0]} " in page.text, "the tile with the product's initial"
            assert other not in page.text


def test_pages_of_no_app_in_particular_speak_for_the_default_unless_the_environment_names_the_product(
    site: Site, make_app: Callable[..., Flask]
) -> None:
    site.env.update(PRODUCT_NAME="", DIRECT_INSTALL="1")
    home = Person(site.again(make_app), site.slacks[FIRST], site.witness).open("/")
    assert "Sprocket posts notifications" in home.text
    assert "private channels" in home.text, "what the default app asks for"
    site.env.update(PRODUCT_NAME="Widgets Inc.")
    ours = Person(site.again(make_app), site.slacks[FIRST], site.witness)
    assert "Widgets Inc. posts notifications" in ours.open("/").text


def test_a_value_is_named_where_it_came_from(site: Site, make_app: Callable[..., Flask]) -> None:
    text = site.file.read_text().replace('client_secret = { file = "gadget-secret" }', "")
    site.file.write_text(text.replace('client_secret = { env = "SPROCKET_SECRET" }', 'client_secret = "wrong"'))
    site.env.update(SLACK_CLIENT_SECRET="wrong-as-well", SLACK_SCOPES="")
    wiring: Wiring = site.again(make_app).extensions["onboarding"]
    names = {problem.name for _, found in wiring.checkup.of_each_app() for problem in problems(found)}
    assert names == {f"APPS_FILE [apps.{FIRST}] client_secret", "SLACK_CLIENT_SECRET"}


def test_slack_is_asked_for_the_scopes_of_the_app(site: Site) -> None:
    asked = dict(parse_qsl(urlsplit(site.person(SECOND).add_to_slack(site.link(SECOND))).query))
    assert (asked["client_id"], asked["scope"]) == ("2.2", "chat:write,channels:read")


def test_a_link_without_an_integration_is_the_default_apps(site: Site) -> None:
    link = site.wiring.minting.mint({"subscriberId": "subscriber-123"}, None)
    assert link.integration == FIRST


@pytest.mark.parametrize("integration", ["slack-prod", "SPROCKET-slack", f"{FIRST} x"])
def test_a_link_for_an_integration_without_an_app_is_refused(site: Site, integration: str) -> None:
    with pytest.raises(LinkMalformed, match="integrationIdentifier"):
        site.link(integration)


def test_a_code_of_one_app_with_a_state_of_the_other_connects_nothing(site: Site) -> None:
    """RFC 9700, section 4.4: the code goes to the app that the state was made for, and Slack refuses it there."""
    ours = site.person(FIRST)
    state = dict(parse_qsl(urlsplit(ours.add_to_slack(site.link(FIRST))).query))["state"]
    theirs = site.person(SECOND).come_back(site.link(SECOND))
    code = dict(parse_qsl(urlsplit(theirs).query))["code"]
    page = ours.follow(ours.open(f"/slack/oauth_redirect?{urlencode({'code': code, 'state': state})}"))
    assert "did not accept this approval" in page.heading
    assert site.tokens(FIRST) == site.tokens(SECOND) == {}
    assert site.slacks[SECOND].state.grants == ()


def test_a_state_is_useless_in_the_browser_of_the_other_apps_customer(site: Site) -> None:
    theirs = site.person(SECOND)
    theirs.add_to_slack(site.link(SECOND))
    ours = site.person(FIRST).come_back(site.link(FIRST))
    assert theirs.open(ours).status == 403
    assert site.tokens(FIRST) == site.tokens(SECOND) == {}


def signed(site: Site, path: str, secret: str, event: dict[str, Any]) -> int:
    raw, timestamp = json.dumps(event).encode(), str(int(time.time()))
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + raw, hashlib.sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}
    return site.app.test_client().post(path, data=raw, headers=headers).status_code


def removal(app_id: str) -> dict[str, Any]:
    event = {"type": "app_uninstalled"}
    return {
        "type": "event_callback",
        "event_id": f"Ev{app_id}",
        "team_id": WORKSPACES[0],
        "api_app_id": app_id,
        "event": event,
    }


def test_events_are_heard_under_the_apps_own_address_and_secret_only(site: Site, ledger_db: Database) -> None:
    for integration in (FIRST, SECOND):
        site.person(integration).install(site.link(integration))
    ledger_db.execute("UPDATE work SET due_at = now() + interval '1 day' WHERE kind = 'check'")
    assert signed(site, f"/slack/events/{SECOND}", "signing-1", removal("A0APP2")) == 401
    assert signed(site, "/slack/events", "signing-2", removal("A0APP2")) == 401
    assert signed(site, "/slack/events/slack-prod", "signing-1", removal("A0APP1")) == 404
    assert signed(site, f"/slack/events/{SECOND}", "signing-old", removal("A0APP2")) == 200
    due = ledger_db.execute("SELECT subject FROM work WHERE kind = 'check' AND due_at <= now()").fetchall()
    [connection] = ledger_db.execute("SELECT owner FROM connection WHERE integration = %s", [SECOND]).fetchall()
    assert [row["subject"] for row in due] == [connection["owner"]]


def test_an_apps_address_does_not_believe_events_of_the_other_app(site: Site, ledger_db: Database) -> None:
    for integration in (FIRST, SECOND):
        site.person(integration).install(site.link(integration))
    ledger_db.execute("UPDATE work SET due_at = now() + interval '1 day' WHERE kind = 'check'")
    assert signed(site, f"/slack/events/{SECOND}", "signing-2", removal("A0APP1")) == 200
    assert not ledger_db.execute("SELECT FROM work WHERE kind = 'check' AND due_at <= now()").fetchall()


def deliver(site: Site, ledger_db: Database) -> None:
    for row in ledger_db.execute("SELECT id FROM event WHERE status = 'pending' ORDER BY at, sequence").fetchall():
        site.wiring.notify.deliver(row["id"])


def test_each_host_hears_of_its_own_customers_under_its_own_secret(site: Site, ledger_db: Database) -> None:
    for integration in (FIRST, SECOND):
        site.person(integration).install(site.link(integration))
    deliver(site, ledger_db)
    for integration, secret in ((FIRST, NEW), (SECOND, OLD)):
        [(headers, body)] = site.hosts[integration].came
        assert Webhook(secret).verify(body, headers)["data"]["integrationIdentifier"] == integration


def test_one_host_that_is_gone_pauses_only_itself(site: Site, ledger_db: Database) -> None:
    site.hosts[SECOND].answers = [(410, {})]
    for integration in (SECOND, FIRST):
        site.person(integration).install(site.link(integration))
    deliver(site, ledger_db)
    found, _ = site.wiring.ledger.events.find(WantedEvents())
    assert {event.data["integrationIdentifier"]: event.sending for event in found} == {
        FIRST: Sending.DELIVERED,
        SECOND: Sending.PAUSED,
    }
    assert site.wiring.notify.resume() == 1
    deliver(site, ledger_db)
    assert [len(site.hosts[each].came) for each in (FIRST, SECOND)] == [1, 2]


def test_a_ping_goes_to_the_host_that_it_is_for(site: Site) -> None:
    assert [site.wiring.notify.ping(hearer).status for hearer in site.wiring.notify.hearers] == [200, 200]
    assert [site.hosts[each].types for each in (FIRST, SECOND)] == [["ping"], ["ping"]]


def test_checks_and_disconnects_ask_the_apps_own_novu(site: Site) -> None:
    for integration in (FIRST, SECOND):
        site.person(integration).install(site.link(integration))
    made = {each.integration: each for each in site.wiring.ledger.connection_lists.find(WantedConnections())[0]}
    checked = site.wiring.check.run(made[SECOND])
    assert checked is not None
    assert checked.state == "working"
    assert site.wiring.upkeep.disconnect(made[SECOND].identifier, revokes=True).is_done
    assert (len(site.tokens(FIRST)), len(site.tokens(SECOND))) == (1, 0)
    assert site.wiring.check.run(made[FIRST]).state == "working"  # type: ignore[union-attr]


def test_what_was_granted_waits_while_its_app_is_missing_from_the_file(
    site: Site, make_app: Callable[..., Flask]
) -> None:
    novu = LocalNovu(site.wiring.settings.apps.first.novu.url, site.novu)
    novu.suffer("unavailable")
    person = site.person(SECOND)
    page = person.install(site.link(SECOND))
    attempt_id = page.source.split("/attempts/")[1].split("/")[0]
    both = site.file.read_text()
    site.file.write_text(both.split(f"[apps.{SECOND}]")[0])
    without: Wiring = site.again(make_app).extensions["onboarding"]
    without.delivery.deliver(attempt_id)
    found = without.ledger.attempts.get(attempt_id)
    assert found is not None
    assert (found.status, found.detail) == (
        Status.GRANTED,
        f"no answer: no Slack app is configured for the integration {SECOND}",
    )
    site.file.write_text(both)
    novu.suffer("none")
    assert site.wiring.delivery.retry(attempt_id).status is Status.CONNECTED
    assert len(site.tokens(SECOND)) == 1


def test_a_connection_that_was_not_made_here_is_found_at_the_novu_that_holds_it(site: Site) -> None:
    site.person(SECOND).install(site.link(SECOND))
    [connection] = site.novu.environments[1].connections
    held = site.wiring.parties.holding(connection.identifier, Deadline(5))
    assert held.app.integration == SECOND
