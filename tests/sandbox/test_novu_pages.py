"""The local Novu's pages for endpoints, subscribers and activity: what they say, and what their buttons do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest
import requests

from onboarding.sandbox.novu import create_novu
from onboarding.sandbox.serve import serving
from tests.sandbox.clients import NovuSite
from tests.sandbox.novu_clients import EndpointSite
from tests.sandbox.test_pages import is_sound
from tests.scripted import Script, answer, scripted

ROOMS = ("/", "/endpoints", "/subscribers", "/activity")
TENANT = {"tenant": "a"}


@pytest.fixture
def slack() -> Script:
    return Script([answer(200, b'{"ok":true}')], takes=100)


@pytest.fixture
def site(session: requests.Session, slack: Script) -> Iterator[EndpointSite]:
    with scripted(slack) as slack_url:
        app = create_novu("one", "two", slack_url=slack_url)
        with serving(app) as url:
            headers = {"Authorization": "ApiKey one"}
            yield EndpointSite(NovuSite(url, app.extensions["novu"], session, headers))
        app.extensions["novu"].close()


def page(site: EndpointSite, path: str) -> requests.Response:
    return site.novu.session.get(f"{site.novu.url}{path}")


def words(site: EndpointSite, path: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page(site, path).text)).split())


def push(site: EndpointSite, path: str, **form: object) -> requests.Response:
    return site.novu.session.post(f"{site.novu.url}{path}", data=form, allow_redirects=False)


@pytest.fixture
def stocked(site: EndpointSite) -> EndpointSite:
    site.novu.created(identifier="acme", context=TENANT)
    site.created(identifier="mine", connectionIdentifier="acme", context=TENANT)
    site.created(identifier="astray", connectionIdentifier="acme", type="slack_user", endpoint={"userId": "U9"})
    site.created(identifier="loose", context={"tenant": "b"})
    hook = {"url": "https://hooks.slack.com/services/hush", "channel": "#news"}
    site.created(identifier="hook", type="webhook", endpoint=hook)
    return site


def test_every_page_is_sound_and_leads_to_the_others(stocked: EndpointSite) -> None:
    stocked.delivered(context=TENANT)
    for path in ROOMS:
        shown = page(stocked, path)
        assert is_sound(shown), path
        assert all(f'<a href="{other}"' in shown.text for other in ROOMS)
        assert f'<a href="{path}" aria-current="page">' in shown.text
        assert "xoxb-1-2" not in shown.text
        assert "hush" not in shown.text


def test_empty_pages_say_what_is_missing(site: EndpointSite) -> None:
    assert "None yet. Without one, a connection delivers nothing." in words(site, "/endpoints")
    assert "No connection and no endpoint yet." in words(site, "/subscribers")
    assert "Nothing yet." in words(site, "/activity")


def test_endpoints_tell_where_they_lead_and_what_is_wrong(stocked: EndpointSite) -> None:
    shown = words(stocked, "/endpoints")
    assert "mine subscriber-123 tenant:a C0123 slack_channel slack-prod acme" in shown
    assert "acme That connection has another context: messages go out without a token." in shown
    assert "It names no connection: messages go out without a token." in shown
    assert "#news webhook slack-prod none needed" in shown
    stocked.novu.send("DELETE", "/acme")
    assert "acme That connection is missing: messages go out without a token." in words(stocked, "/endpoints")


def test_only_the_latest_endpoints_are_shown(site: EndpointSite) -> None:
    for number in range(101):
        site.created(identifier=f"e-{number}")
    shown = page(site, "/endpoints").text
    assert "The latest 100 of 101." in shown
    assert "<code>e-100</code>" in shown
    assert "<code>e-0</code>" not in shown


def test_an_endpoint_and_a_connection_are_deleted_by_button(stocked: EndpointSite) -> None:
    environment = stocked.novu.state.environment.id
    done = push(stocked, "/connections/delete", environment=environment, identifier="acme")
    assert (done.status_code, done.headers["Location"]) == (303, "/")
    assert stocked.novu.state.connections == ()
    assert len(stocked.novu.state.endpoints) == 4
    done = push(stocked, "/endpoints/delete", environment=environment, identifier="mine")
    assert (done.status_code, done.headers["Location"]) == (303, "/endpoints")
    assert [each.identifier for each in stocked.novu.state.endpoints] == ["astray", "loose", "hook"]
    again = push(stocked, "/endpoints/delete", environment=environment, identifier="mine")
    assert again.status_code == 404
    assert "not found" in again.text


def test_a_subscriber_has_a_button_for_each_context(stocked: EndpointSite) -> None:
    stocked.novu.state.environment.add_subscriber("lonely")
    shown = page(stocked, "/subscribers").text
    assert shown.count("Send a notification to this subscriber") == 3
    said = words(stocked, "/subscribers")
    assert "Context: tenant:a Connections acme Acme HQ Endpoints mine slack_channel C0123" in said
    assert "Context: none Connections none of its own Endpoints astray slack_user U9" in said
    assert "lonely No connection and no endpoint yet." in said


def test_the_button_notifies_in_exactly_that_context(stocked: EndpointSite, slack: Script) -> None:
    form = {"subscriberId": "subscriber-123", "contextKeys": ["tenant:a"]}
    done = push(stocked, "/notifications", **form)
    assert (done.status_code, done.headers["Location"]) == (303, "/activity")
    [request] = slack.seen
    assert b"Bearer xoxb-1-2-secret" in request
    assert b"A notification from the local Novu" in request
    said = words(stocked, "/activity")
    assert "Completed for subscriber-123 At least one endpoint took it. MESSAGE_SENT Taken C0123 mine" in said
    assert "Context tenant:a Workflow sandbox" in said


def test_the_activity_explains_failures(stocked: EndpointSite, slack: Script) -> None:
    push(stocked, "/notifications", subscriberId="subscriber-123", contextKeys="tenant:nobody")
    assert "exactly this context, so nothing was posted. SUBSCRIBER_NO_ACTIVE_CHANNEL" in words(stocked, "/activity")
    slack.answers = [answer(200, b'{"ok":false,"error":"not_authed"}')]
    push(stocked, "/notifications", subscriberId="subscriber-123", contextKeys="tenant:b")
    said = words(stocked, "/activity")
    assert "Not taken C0123 loose Slack API Error: not_authed The token was empty" in said


def test_a_slow_slack_does_not_hold_the_button(stocked: EndpointSite, slack: Script) -> None:
    slack.delay = 2
    push(stocked, "/notifications", subscriberId="subscriber-123", contextKeys="tenant:a")
    assert "1 is still on the way. Look again" in words(stocked, "/activity")


def test_forms_of_another_environment_act_there(stocked: EndpointSite) -> None:
    second = stocked.novu.state.environments[1]
    assert push(stocked, "/endpoints/delete", environment=second.id, identifier="mine").status_code == 404
    push(stocked, "/notifications", environment=second.id, subscriberId="subscriber-123")
    assert stocked.novu.state.activity.activities[0].environment == second.id
    assert push(stocked, "/notifications", environment="nonsense", subscriberId="x").status_code == 400
    assert push(stocked, "/notifications", environment=second.id, subscriberId="nobody").status_code == 404


def test_another_site_cannot_push_the_buttons(stocked: EndpointSite) -> None:
    for path in ("/connections/delete", "/endpoints/delete", "/notifications", "/subscribers", "/integrations"):
        form = {"identifier": "acme", "subscriberId": "subscriber-123"}
        headers = {"Sec-Fetch-Site": "cross-site"}
        answer_ = stocked.novu.session.post(f"{stocked.novu.url}{path}", data=form, headers=headers)
        assert answer_.status_code == 403
    assert len(stocked.novu.state.connections) == 1
    assert stocked.novu.state.activity.activities == ()


def test_pages_escape_what_they_hold(site: EndpointSite) -> None:
    site.created(
        identifier="<script>", endpoint={"channelId": "<b>"}, subscriberId="<i>", createSubscriberIfMissing=True
    )
    site.delivered(to="<i>", name="<u>")
    for path in ROOMS:
        assert not re.search("<script>|<b>|<i>|<u>", page(site, path).text)
