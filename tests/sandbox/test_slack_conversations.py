"""The conversations methods: which channels the app may see, page by page, and how it gets in."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.sandbox.clients import SlackSite, answer_of

SCOPES = "chat:write,channels:read,groups:read,im:read,im:write,channels:join"
HOME = "T9TK3CUKW"
BIG = "T0GL0BEX20"
DANA = "U9TK3CUKW"
LEE = "U9TK3CUKW001"
BOTH = "public_channel,private_channel"


@dataclass(frozen=True, slots=True)
class App:
    site: SlackSite
    token: str
    team: str = HOME

    def get(self, method: str, **query: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        return answer_of(self.site.session.get(f"{self.site.url}/api/{method}", params=query, headers=headers))

    def post(self, method: str, **form: str) -> dict[str, Any]:
        return self.site.call(method, self.token, **form)

    def pages(self, method: str, **query: Any) -> list[list[dict[str, Any]]]:
        found, cursor = [], ""
        while True:
            answer = self.get(method, cursor=cursor, **query)
            found.append(answer["channels"])
            cursor = answer["response_metadata"]["next_cursor"]
            if not cursor:
                return found

    def names(self, method: str, **query: Any) -> list[str]:
        return [channel["name"] for page in self.pages(method, **query) for channel in page]

    def id_of(self, name: str) -> str:
        found = self.site.state.channel_named(self.team, name)
        assert found is not None
        return found.id


def installed(site: SlackSite, team: str = HOME, scope: str = SCOPES, **changes: str) -> App:
    return App(site, site.install(workspace=team, scope=scope, **changes)["access_token"], team)


@pytest.fixture
def app(slack_site: SlackSite) -> App:
    return installed(slack_site)


def test_public_channels_are_listed_unless_asked_otherwise(app: App) -> None:
    channels = app.get("conversations.list")["channels"]
    assert not any(channel["is_private"] for channel in channels)
    assert {"general", "deploys", "お知らせ", "launch-2019"} <= {channel["name"] for channel in channels}
    assert max(len(channel["name"]) for channel in channels) == 80


def test_private_channels_are_listed_where_the_app_was_invited(app: App) -> None:
    assert app.names("conversations.list", types="private_channel") == ["incident-room"]
    app.site.state.invite(app.id_of("leadership"))
    assert app.names("conversations.list", types="private_channel") == ["leadership", "incident-room"]
    app.site.state.remove(app.id_of("incident-room"))
    assert app.names("conversations.list", types="private_channel") == ["leadership"]


def test_a_listed_channel_says_what_it_is(app: App) -> None:
    channels = {channel["name"]: channel for channel in app.get("conversations.list", types=BOTH)["channels"]}
    assert channels["general"]["is_general"] is True
    assert (channels["general"]["num_members"], channels["general"]["is_member"]) == (8, False)
    assert (channels["incident-room"]["num_members"], channels["incident-room"]["is_member"]) == (3, True)
    assert channels["launch-2019"]["is_archived"] is True
    assert channels["ext-hooli-pilot"]["is_ext_shared"] is channels["ext-initech-support"]["is_shared"] is True
    assert channels["ext-hooli-pilot"]["conversation_host_id"] != HOME
    assert channels["deploys"]["topic"]["value"] == "What went live, and when"


def test_archived_channels_can_be_left_out(app: App) -> None:
    app.site.state.archive(app.id_of("deploys"))
    left = app.names("conversations.list", exclude_archived="true")
    assert not {"launch-2019", "deploys"} & set(left)
    app.site.state.archive(app.id_of("deploys"), False)
    assert "deploys" in app.names("conversations.list", exclude_archived="1")


def test_a_query_string_is_read_except_for_a_token(app: App) -> None:
    url = f"{app.site.url}/api/conversations.list"
    assert answer_of(app.site.session.get(url, params={"token": app.token}))["error"] == "not_authed"
    assert len(app.get("conversations.list", limit=2)["channels"]) == 2
    assert len(app.post("conversations.list", limit="2")["channels"]) == 2


def test_json_carries_numbers_and_booleans(app: App) -> None:
    body, headers = {"limit": 3, "exclude_archived": True}, {"Authorization": f"Bearer {app.token}"}
    answer = app.site.session.post(f"{app.site.url}/api/conversations.list", json=body, headers=headers)
    assert len(answer_of(answer)["channels"]) == 3


def test_pages_follow_one_another_to_the_end(app: App) -> None:
    pages = app.pages("conversations.list", limit=5, types=BOTH)
    assert [len(page) for page in pages] == [5, 5, 2]
    assert len({channel["id"] for page in pages for channel in page}) == 12


@pytest.mark.parametrize("limit", ["1000", "-1", "many", "1e3", "9" * 30])
def test_a_limit_is_at_most_999(app: App, limit: str) -> None:
    for method in ("conversations.list", "users.conversations"):
        assert app.get(method, limit=limit)["error"] == "invalid_limit"
    assert app.get("conversations.list", limit="999")["ok"] is True


@pytest.mark.parametrize("cursor", ["nonsense", "é", "dGVhbTo=", base64.b64encode(b"team:999:1").decode()])
def test_a_cursor_that_was_never_given_is_refused(app: App, cursor: str) -> None:
    assert app.get("conversations.list", cursor=cursor)["error"] == "invalid_cursor"


def test_each_type_needs_its_scope(slack_site: SlackSite) -> None:
    app = installed(slack_site, scope="channels:read")
    refused = app.get("conversations.list", types=f"{BOTH},im")
    assert (refused["error"], refused["needed"], refused["provided"]) == (
        "missing_scope",
        "groups:read,im:read",
        "channels:read",
    )
    assert app.get("conversations.list")["ok"] is True
    assert app.get("conversations.list", types="public")["error"] == "invalid_types"


def test_a_refusal_carries_the_scopes_too(app: App) -> None:
    headers = {"Authorization": f"Bearer {app.token}"}
    answer = app.site.session.get(f"{app.site.url}/api/conversations.info?channel=C1", headers=headers)
    assert answer.headers["X-OAuth-Scopes"] == SCOPES


def test_what_the_app_is_in(app: App) -> None:
    assert app.names("users.conversations", types=BOTH) == ["incident-room"]
    app.site.state.invite(app.id_of("deploys"))
    channels = app.get("users.conversations", types=BOTH)["channels"]
    assert [channel["name"] for channel in channels] == ["deploys", "incident-room"]
    assert not any("is_member" in channel for channel in channels)


def test_what_a_person_is_in_as_far_as_the_app_may_know(app: App) -> None:
    theirs = app.names("users.conversations", types=BOTH, user=DANA)
    assert {"general", "deploys", "incident-room"} <= set(theirs)
    assert not {"leadership", "people-ops", "お知らせ"} & set(theirs)
    app.site.state.invite(app.id_of("leadership"))
    app.site.state.invite(app.id_of("people-ops"))
    assert app.names("users.conversations", types="private_channel", user=DANA) == ["leadership", "incident-room"]
    assert app.names("users.conversations", types="private_channel", user=LEE) == ["incident-room"]


def test_people_join_and_leave(app: App) -> None:
    app.site.state.move(app.id_of("incident-room"), DANA, False)
    app.site.state.move(app.id_of("お知らせ"), DANA, True)
    theirs = app.names("users.conversations", types=BOTH, user=DANA)
    assert "incident-room" not in theirs
    assert "お知らせ" in theirs


@pytest.mark.parametrize("user", ["U404", "dana", "D9TK3CUKW"])
def test_nobody_is_in_anything(app: App, user: str) -> None:
    assert app.get("users.conversations", user=user)["error"] == "user_not_found"


def test_info_of_a_channel(app: App) -> None:
    channel = app.get("conversations.info", channel=app.id_of("deploys"))["channel"]
    assert (channel["name"], "num_members" in channel) == ("deploys", False)
    whole = app.get("conversations.info", channel=app.id_of("deploys"), include_num_members="true")
    assert whole["channel"]["num_members"] == 3


def test_info_hides_private_channels_from_outsiders(app: App) -> None:
    leadership = app.id_of("leadership")
    assert app.get("conversations.info", channel=leadership)["error"] == "channel_not_found"
    app.site.state.invite(leadership)
    assert app.get("conversations.info", channel=leadership)["channel"]["is_private"] is True


@pytest.mark.parametrize("id_", ["C404", "deploys", "C9TK3CUKWZZZ", "C0GL0BEX20000", "c9tk3cukw000", "\0", "D404"])
def test_info_of_what_is_not_there(app: App, id_: str) -> None:
    assert app.get("conversations.info", channel=id_)["error"] == "channel_not_found"


def test_info_of_nothing_names_the_argument(app: App) -> None:
    refused = app.get("conversations.info")
    assert refused["error"] == "invalid_arguments"
    assert refused["response_metadata"]["messages"] == ["[ERROR] missing required field: channel"]


def test_joining_is_for_public_channels(app: App) -> None:
    deploys = app.id_of("deploys")
    assert app.post("conversations.join", channel=deploys)["channel"]["is_member"] is True
    assert app.post("conversations.join", channel=deploys)["warning"] == "already_in_channel"
    assert app.post("conversations.join", channel=app.id_of("launch-2019"))["error"] == "is_archived"
    assert app.post("conversations.join", channel=app.id_of("leadership"))["error"] == "channel_not_found"
    inside = app.post("conversations.join", channel=app.id_of("incident-room"))
    assert inside["error"] == "method_not_supported_for_channel_type"


def test_joining_needs_its_scope(slack_site: SlackSite) -> None:
    app = installed(slack_site, scope="channels:read")
    assert app.post("conversations.join", channel=app.id_of("deploys"))["needed"] == "channels:join"


def test_opening_a_conversation_with_a_person(app: App) -> None:
    assert app.get("conversations.list", types="im")["channels"] == []
    assert app.post("conversations.open", users=DANA)["channel"] == {"id": "D9TK3CUKW"}
    again = app.post("conversations.open", users=DANA, return_im="true")
    assert (again["already_open"], again["channel"]["user"]) == (True, DANA)
    assert [each["user"] for each in app.get("conversations.list", types="im")["channels"]] == [DANA]
    assert app.get("conversations.info", channel="D9TK3CUKW")["channel"]["is_im"] is True


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"users": "U404"}, "user_not_found"),
        ({"users": ",".join(["U1"] * 9)}, "too_many_users"),
        ({"users": LEE, "prevent_creation": "true"}, "channel_not_found"),
        ({"channel": "D9TK3CUKW001"}, "channel_not_found"),
        ({}, "invalid_arguments"),
    ],
)
def test_what_cannot_be_opened_is_named(app: App, form: dict[str, str], error: str) -> None:
    assert app.post("conversations.open", **form)["error"] == error


def test_two_workspaces_share_no_channel(slack_site: SlackSite) -> None:
    first, second = installed(slack_site, "T1"), installed(slack_site, "T2")
    ids = [{channel["id"] for channel in app.get("conversations.list")["channels"]} for app in (first, second)]
    assert not ids[0] & ids[1]
    assert first.get("conversations.info", channel=second.id_of("deploys"))["error"] == "channel_not_found"
    assert installed(slack_site, "T1").id_of("deploys") == first.id_of("deploys")


def test_twenty_thousand_channels_come_in_uneven_pages(slack_site: SlackSite) -> None:
    app = installed(slack_site, BIG)
    pages = app.pages("conversations.list", limit=999)
    ids = {channel["id"] for page in pages for channel in page}
    assert (len(ids), sum(map(len, pages))) == (20_000, 20_000)
    assert [] in pages[:-1]
    assert any(0 < len(page) < 990 for page in pages[:-1])


def test_a_person_is_in_few_of_twenty_thousand(slack_site: SlackSite) -> None:
    app = installed(slack_site, BIG)
    theirs = app.names("users.conversations", limit=10, user="U0GL0BEX20")
    assert len(theirs) == len(set(theirs)) == 59


def test_the_person_who_installs_can_be_chosen(slack_site: SlackSite) -> None:
    def user_of(**form: str) -> Any:
        code = slack_site.decide(None, **form).headers["Location"].partition("code=")[2].partition("&")[0]
        return answer_of(slack_site.redeem(code))["authed_user"]["id"]

    assert user_of() == DANA
    assert user_of(person="lee") == user_of(person=LEE) == LEE
    assert slack_site.decide(person="nobody").status_code == 400
    assert slack_site.state.installations[0].user_id == LEE


def test_leaving_the_workspace_is_leaving_its_channels(app: App) -> None:
    app.site.state.invite(app.id_of("deploys"))
    app.post("auth.revoke")
    again = installed(app.site)
    assert again.names("users.conversations") == []


def test_a_token_names_its_workspaces_address(app: App) -> None:
    answer = app.get("auth.test")
    assert (answer["url"], answer["app_id"]) == ("https://acme-hq.slack.com/", "A0SANDBOX")
    found = app.site.state.channel_named(HOME, "general")
    assert found is not None
    assert found.links[0].startswith(answer["url"])


def test_an_organisations_token_reaches_what_the_app_was_added_to(slack_site: SlackSite) -> None:
    app = App(slack_site, slack_site.install("org_wide", "T0NRTHW1ND", scope=SCOPES)["access_token"], "T0NRTHF00D")
    assert app.get("auth.teams.list")["teams"] == []
    assert app.get("conversations.list")["error"] == "missing_argument"
    assert app.get("conversations.list", team_id="T0NRTHF00D")["error"] == "team_access_not_granted"
    assert app.get("conversations.list", team_id="T9TK3CUKW")["error"] == "team_not_found"
    assert app.get("conversations.info", channel=app.id_of("deploys"))["error"] == "team_access_not_granted"
    slack_site.state.add_workspace("E0NRTHW1ND", "T0NRTHF00D")
    slack_site.state.add_workspace("E0NRTHW1ND", "T0NRTHSH1P")
    assert [team["name"] for team in app.get("auth.teams.list")["teams"]] == ["Northwind Foods", "Northwind Shipping"]
    first = app.get("auth.teams.list", limit="1")
    rest = app.get("auth.teams.list", cursor=first["response_metadata"]["next_cursor"])
    assert [team["id"] for team in first["teams"] + rest["teams"]] == ["T0NRTHF00D", "T0NRTHSH1P"]
    assert len(app.get("conversations.list", team_id="T0NRTHF00D")["channels"]) == 11
    assert app.get("conversations.info", channel=app.id_of("deploys"))["ok"] is True
    mine = app.get("users.conversations", team_id="T0NRTHF00D", user="W0NRTHW1ND", types=BOTH)
    assert "incident-room" in [channel["name"] for channel in mine["channels"]]
    slack_site.state.remove_workspace("E0NRTHW1ND", "T0NRTHSH1P")
    assert len(app.get("auth.teams.list")["teams"]) == 1


def test_a_workspaces_token_lists_its_own_team(app: App) -> None:
    assert app.get("auth.teams.list")["teams"] == [{"id": HOME, "name": "Acme HQ"}]
    assert app.get("conversations.list", team_id="T404")["ok"] is True


def test_calls_are_counted(app: App) -> None:
    before = app.site.state.calls("conversations.list")
    app.get("conversations.list")
    app.get("conversations.list", limit="x")
    assert app.site.state.calls("conversations.list") == before + 2
    told = requests.get(f"{app.site.url}/sandbox/calls", timeout=5).json()["calls"]
    assert told["conversations.list"] == before + 2
    app.site.state.reset()
    assert app.site.state.calls("conversations.list") == 0
