"""What happens to an installation once it is there, and what Slack tells the app about it."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from flask import Response, request

from tests.sandbox.clients import CLIENT, SlackSite
from tests.sandbox.slack_events import Recorder
from tests.sandbox.test_pages import is_sound
from tests.sandbox.test_slack_methods import BODY_CLIENT, refresh
from tests.sandbox.test_slack_pages import press, shown

HOME, ORG, RESEARCH, FOODS = "T9TK3CUKW", "E0NRTHW1ND", "T0NRTHW1ND", "T0NRTHF00D"
METHODS = ("auth.test", "team.info", "conversations.list", "chat.postMessage", "auth.revoke", "users.conversations")


def told(site: SlackSite, app: Recorder) -> dict[str, Any]:
    """What the app heard, by type: each type once."""
    assert site.state.settle(5)
    assert len(app.types) == len(set(app.types))
    return {each.type: each.body for each in app.heard}


def errors(site: SlackSite, token: str) -> set[str]:
    return {site.call(method, token).get("error", "") for method in METHODS}


def test_removing_the_app_ends_its_tokens_and_tells_twice(site: SlackSite, app: Recorder) -> None:
    granted = site.install(user_scope="search:read")
    bot, user = granted["access_token"], granted["authed_user"]["access_token"]
    site.state.remove_app(HOME)
    assert errors(site, bot) == errors(site, user) == {"account_inactive"}
    heard = told(site, app)
    assert heard.keys() == {"tokens_revoked", "app_uninstalled"}
    tokens = heard["tokens_revoked"]["event"]["tokens"]
    assert tokens == {"oauth": ["U9TK3CUKW"], "bot": [granted["bot_user_id"]]}
    assert heard["app_uninstalled"]["event"] == {"type": "app_uninstalled"}
    assert site.state.installations == ()
    with pytest.raises(ValueError, match="Not installed"):
        site.state.remove_app(HOME)


def test_either_event_may_be_first(site: SlackSite) -> None:
    site.state.outbox.url = ""
    first = set()
    for number in range(60):
        site.install(workspace=f"T{number}")
        site.state.remove_app(f"T{number}")
        first.add(site.state.outbox.events[0].type)
    assert first == {"tokens_revoked", "app_uninstalled"}


@pytest.mark.parametrize("end", ["remove_app", "revoke_token", "deactivate"])
def test_installing_again_gives_a_new_token_that_works(site: SlackSite, end: str) -> None:
    before = site.install()["access_token"]
    getattr(site.state, end)(HOME)
    after = site.install()["access_token"]
    assert after != before
    assert site.call("auth.test", after)["ok"] is True
    assert site.call("auth.test", before)["ok"] is False


def test_revoking_the_last_token_takes_the_app_along(site: SlackSite, app: Recorder) -> None:
    token = site.install()["access_token"]
    site.state.revoke_token(HOME)
    assert errors(site, token) == {"token_revoked"}
    assert told(site, app).keys() == {"tokens_revoked", "app_uninstalled"}
    assert site.state.installations == ()


def test_a_persons_token_is_not_the_bots(site: SlackSite, app: Recorder) -> None:
    granted = site.install(user_scope="search:read")
    site.state.revoke_token(HOME, "user")
    assert told(site, app)["tokens_revoked"]["event"]["tokens"] == {"oauth": ["U9TK3CUKW"]}
    assert app.types == ["tokens_revoked"]
    assert site.call("auth.test", granted["access_token"])["ok"] is True
    with pytest.raises(ValueError, match="No user token"):
        site.state.revoke_token(HOME, "user")


def test_a_rotating_token_is_revoked_and_the_app_stays(site: SlackSite, app: Recorder) -> None:
    granted = site.install("rotation")
    site.state.revoke_token(HOME)
    assert errors(site, granted["access_token"]) == {"token_revoked"}
    assert told(site, app).keys() == {"tokens_revoked"}
    assert refresh(site, granted["refresh_token"])["ok"] is True


def test_removing_the_app_ends_refresh_tokens_too(site: SlackSite) -> None:
    granted = site.install("rotation")
    site.state.remove_app(HOME)
    assert refresh(site, granted["refresh_token"])["error"] == "invalid_refresh_token"
    assert errors(site, granted["access_token"]) == {"account_inactive"}


def test_a_bot_is_deactivated_in_silence(site: SlackSite, app: Recorder) -> None:
    granted = site.install(user_scope="search:read")
    site.state.deactivate(HOME)
    assert errors(site, granted["access_token"]) == {"account_inactive"}
    assert site.call("auth.test", granted["authed_user"]["access_token"])["ok"] is True
    assert told(site, app) == {}
    assert len(site.state.installations) == 1
    site.state.remove_app(HOME)
    assert told(site, app)["tokens_revoked"]["event"]["tokens"] == {"oauth": ["U9TK3CUKW"]}


def test_an_expired_token_says_so(site: SlackSite) -> None:
    with time_machine.travel("2030-01-01T00:00Z", tick=False) as clock:
        token = site.install("rotation")["access_token"]
        clock.shift(timedelta(hours=12))
        assert errors(site, token) == {"token_expired"}


@pytest.mark.parametrize(("method", "form"), [("auth.revoke", {}), ("apps.uninstall", BODY_CLIENT)])
def test_what_the_app_ends_itself_is_told_as_well(
    site: SlackSite, app: Recorder, method: str, form: dict[str, str]
) -> None:
    assert site.call(method, site.install()["access_token"], **form)["ok"] is True
    assert told(site, app).keys() == {"tokens_revoked", "app_uninstalled"}


def test_revoking_a_rotating_token_by_method_tells_nothing(site: SlackSite, app: Recorder) -> None:
    site.call("auth.revoke", site.install("rotation")["access_token"])
    assert told(site, app) == {}


def test_an_organisation_removes_the_app_and_no_team_is_named(site: SlackSite, app: Recorder) -> None:
    token = site.install("org_wide", RESEARCH)["access_token"]
    site.state.remove_app(ORG)
    for body in told(site, app).values():
        assert "team_id" not in body
        assert body["enterprise_id"] == ORG
        assert body["authorizations"][0] | {"user_id": ""} == {
            "enterprise_id": ORG,
            "team_id": None,
            "user_id": "",
            "is_bot": False,
            "is_enterprise_install": True,
        }
    assert site.call("auth.test", token)["error"] == "account_inactive"


def test_a_workspace_of_an_organisation_names_both(site: SlackSite, app: Recorder) -> None:
    site.install(workspace=RESEARCH)
    site.state.remove_app(RESEARCH)
    body = told(site, app)["app_uninstalled"]
    assert (body["team_id"], body["enterprise_id"]) == (RESEARCH, ORG)


def test_an_organisations_workspace_comes_and_goes(site: SlackSite, app: Recorder) -> None:
    token = site.install("org_wide", RESEARCH)["access_token"]
    for _ in range(2):
        site.state.add_workspace(ORG, FOODS)
    assert told(site, app)["team_access_granted"]["event"]["team_ids"] == [FOODS]
    for _ in range(2):
        site.state.remove_workspace(ORG, FOODS)
    body = told(site, app)["team_access_revoked"]
    assert (body["team_id"], body["enterprise_id"], body["event"]["team_ids"]) == (None, ORG, [FOODS])
    assert site.call("auth.test", token)["ok"] is True
    refused = site.call("conversations.list", token, team_id=FOODS)
    assert refused["error"] == "team_access_not_granted"


def test_everything_can_happen_by_button(site: SlackSite, app: Recorder) -> None:
    page, path = f"/workspaces/{HOME}", f"/installations/{HOME}"
    assert "What can happen to the app" not in shown(site, page)
    site.install(user_scope="search:read")
    assert "Revoke the person’s token" in shown(site, page)
    for action in ("rate_limited", "revoke_user", "deactivate"):
        assert press(site, path, action=action, back=HOME) == 303
    assert "none of its tokens work" in shown(site, page)
    assert press(site, path, action="revoke") == 400
    site.install()
    assert press(site, path, action="revoke") == 303
    site.install()
    answer = site.session.post(f"{site.url}{path}", data={"action": "remove", "back": HOME}, allow_redirects=False)
    assert answer.headers["Location"] == page
    assert "What can happen to the app" not in shown(site, page)
    assert site.state.settle(5)
    assert sorted(app.types) == ["app_rate_limited", *["app_uninstalled"] * 2, *["tokens_revoked"] * 3]


def test_an_organisation_has_its_buttons_on_each_workspaces_page(site: SlackSite, app: Recorder) -> None:
    site.install("org_wide", RESEARCH)
    page = unescape(shown(site, f"/workspaces/{RESEARCH}"))
    assert "Remove the app from the organisation" in page
    assert page.count(">Add the app to this workspace<") == 3
    fields = {"team": FOODS, "action": "add", "back": RESEARCH}
    answer = site.session.post(f"{site.url}/organisations/{ORG}", data=fields, allow_redirects=False)
    assert answer.headers["Location"] == f"/workspaces/{RESEARCH}"
    assert "Remove the app from Northwind Foods" in shown(site, f"/workspaces/{FOODS}")
    assert press(site, f"/installations/{ORG}", action="remove", back="//evil.example") == 303
    assert told(site, app).keys() == {"team_access_granted", "tokens_revoked", "app_uninstalled"}


def test_every_page_is_sound(site: SlackSite, app: Recorder) -> None:
    granted = [site.install(user_scope="search:read"), site.install("org_wide", RESEARCH)]
    site.state.send_event(HOME, {"type": "<script>alert(1)</script>"})
    assert site.state.settle(5)
    paths = ("/", "/events", "/workspaces", f"/workspaces/{HOME}", f"/workspaces/{RESEARCH}")
    for came_back in (False, True):
        assert press(site, "/events/verify") == 303
        assert ("Not verified." in shown(site, "/events")) is not came_back
        pages = [site.session.get(f"{site.url}{path}") for path in paths]
        assert all(map(is_sound, pages))
        assert not any(each["access_token"] in page.text for each in granted for page in pages)
        app.answers = [lambda: Response(request.get_json()["challenge"])]
    assert CLIENT[1] not in "".join(page.text for page in pages)


def test_events_go_astray_by_form(site: SlackSite) -> None:
    assert press(site, "/events/mishap", kind="late", seconds="9") == 303
    assert (site.state.outbox.mishap.kind, site.state.outbox.mishap.seconds) == ("late", 9)
    for form in ({"kind": "eaten"}, {"kind": "late", "seconds": "soon"}, {"kind": "late", "seconds": "86401"}, {}):
        assert press(site, "/events/mishap", **form) == 400
    site.state.outbox.url = ""
    assert press(site, "/events/verify") == 400


def test_what_no_page_offers_is_refused(site: SlackSite) -> None:
    assert press(site, f"/installations/{HOME}", action="remove") == 404
    site.install()
    assert press(site, f"/installations/{HOME}", action="explode") == 400
    site.session.headers["Sec-Fetch-Site"] = "cross-site"
    for path in (f"/installations/{HOME}", f"/organisations/{ORG}", "/events/verify", "/events/mishap"):
        assert press(site, path, action="remove", kind="lost", team=RESEARCH) == 403
    assert len(site.state.installations) == 1
