"""Slack's consent page: what it refuses to show, and what it sends back."""

from __future__ import annotations

from html import unescape

import pytest

from onboarding.sandbox.slack import SlackApp
from onboarding.sandbox.slack.redirects import is_permitted
from tests.sandbox.clients import REDIRECT_URI, SlackSite, query_of


def test_the_page_shows_scopes_in_words_and_every_workspace(slack_site: SlackSite) -> None:
    page = unescape(slack_site.show().text)
    assert "Post messages" in page
    assert "Umbrella <b>&</b> Sons" in page
    assert "Umbrella <b>" not in slack_site.show().text


def test_the_page_takes_state_back_as_it_came(slack_site: SlackSite) -> None:
    state = "a+b/c= &\"<>'é\0"
    answer = slack_site.decide(slack_site.ask | {"state": state})
    assert query_of(answer.headers["Location"])["state"] == state


def test_without_a_state_an_empty_one_comes_back(slack_site: SlackSite) -> None:
    ask = {name: value for name, value in slack_site.ask.items() if name != "state"}
    assert query_of(slack_site.decide(ask).headers["Location"])["state"] == ""


def test_allow_sends_a_code_to_the_redirect_uri(slack_site: SlackSite) -> None:
    answer = slack_site.decide()
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{REDIRECT_URI}?code=")
    assert list(query_of(answer.headers["Location"])) == ["code", "state"]


def test_the_redirect_uris_own_query_is_kept(slack_site: SlackSite) -> None:
    answer = slack_site.decide(slack_site.ask | {"redirect_uri": f"{REDIRECT_URI}?tenant=a"})
    assert answer.headers["Location"].startswith(f"{REDIRECT_URI}?tenant=a&code=")


def test_cancel_comes_with_a_description(slack_site: SlackSite) -> None:
    answer = query_of(slack_site.decide(decision="cancel").headers["Location"])
    assert (answer["error"], answer["state"]) == ("access_denied", "state-1")
    assert answer["error_description"].startswith("The user has denied access to the scope(s)")


def test_not_permitted_comes_without_a_description(slack_site: SlackSite) -> None:
    answer = query_of(slack_site.decide(outcome="not_permitted").headers["Location"])
    assert answer == {"error": "access_denied", "state": "state-1"}


def test_an_unexpected_error_carries_markup(slack_site: SlackSite) -> None:
    answer = query_of(slack_site.decide(outcome="unexpected_error").headers["Location"])
    assert "<b>" in answer["error"]


@pytest.mark.parametrize(
    "change",
    [{"client_id": "9.9"}, {"redirect_uri": "http://evil.example/"}, {"redirect_uri": "http://127.0.0.1:1/x#y"}],
)
def test_a_bad_client_or_redirect_uri_sends_nobody_anywhere(slack_site: SlackSite, change: dict[str, str]) -> None:
    for answer in (slack_site.show(**change), slack_site.decide(slack_site.ask | change)):
        assert answer.status_code == 400
        assert "Location" not in answer.headers


@pytest.mark.parametrize("scope", ["chat:wirte", "", "chat:write,<b>"])
def test_a_bad_scope_goes_back_as_invalid_scope(slack_site: SlackSite, scope: str) -> None:
    answer = slack_site.show(scope=scope)
    assert answer.status_code == 302
    assert query_of(answer.headers["Location"])["error"] == "invalid_scope"


@pytest.mark.parametrize("form", [{"workspace": "t1"}, {"outcome": "nonsense"}, {"decision": "perhaps"}])
def test_a_form_that_the_page_never_sends_is_refused(slack_site: SlackSite, form: dict[str, str]) -> None:
    assert slack_site.decide(None, **form).status_code == 400


def test_another_sites_form_is_refused(slack_site: SlackSite) -> None:
    slack_site.session.headers["Sec-Fetch-Site"] = "cross-site"
    assert slack_site.decide().status_code == 403


def test_the_policy_lets_the_form_lead_back_to_the_app(slack_site: SlackSite) -> None:
    assert "form-action" not in slack_site.show().headers["Content-Security-Policy"]
    assert "form-action 'self'" in slack_site.session.get(slack_site.url).headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("uri", "permitted"),
    [
        ("https://x.example/path", True),
        ("https://x.example/path/sub", True),
        ("https://x.example:443/path", True),
        ("https://x.example/path?tenant=a", True),
        ("https://x.example/pathological", False),
        ("https://x.example/", False),
        ("https://x.example/path/../other", False),
        ("https://x.example/path/%2E%2e/other", False),
        ("http://x.example/path", False),
        ("https://x.example:8443/path", False),
        ("https://x.example.evil.example/path", False),
        ("https://x.example@evil.example/path", False),
        ("https://x.example\\@evil.example/path", False),
        ("https://x.example/path#fragment", False),
        ("https://x.example/path\r\nSet-Cookie: a=b", False),
        ("https://[x/path", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_a_redirect_uri_is_a_configured_one_or_below_it(uri: str, permitted: bool) -> None:
    assert is_permitted(SlackApp(redirect_uris=("https://x.example/path",)), uri) is permitted


def test_without_configured_uris_only_loopback_is_permitted() -> None:
    hosts = ("localhost:1", "127.0.0.1", "[::1]:2")
    assert all(is_permitted(SlackApp(), f"http://{host}/x") for host in hosts)
    assert not any(is_permitted(SlackApp(), uri) for uri in ("http://10.0.0.1/x", "https://x.example/x"))
