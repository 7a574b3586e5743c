"""What people see of workspaces: channels, messages, and buttons that change who is in."""

from __future__ import annotations

import re
from html import unescape

import pytest

from onboarding.sandbox.slack.mrkdwn import render
from tests.sandbox.clients import SlackSite
from tests.sandbox.test_pages import is_sound
from tests.sandbox.test_slack_messages import DANA, HOME, SCOPES, id_of, post


def shown(site: SlackSite, path: str, **query: str) -> str:
    answer = site.session.get(f"{site.url}{path}", params=query)
    assert answer.status_code == 200
    return answer.text


def press(site: SlackSite, path: str, **form: str) -> int:
    return site.session.post(f"{site.url}{path}", data=form, allow_redirects=False).status_code


def test_every_page_is_sound(slack_site: SlackSite) -> None:
    token = slack_site.install(scope=SCOPES)["access_token"]
    slack_site.install("org_wide", "T0NRTHW1ND")
    post(slack_site, token, DANA, text="<script>alert(1)</script>")
    slack_site.state.faults.set("auth.test", "html", 2)
    paths = ["/", "/workspaces", f"/workspaces/{HOME}", f"/workspaces/{HOME}/{DANA}", "/workspaces/t1"]
    paths += [f"/workspaces/{HOME}/{channel.id}" for channel in slack_site.state.channels(HOME)]
    assert all(is_sound(slack_site.session.get(f"{slack_site.url}{path}")) for path in paths)


def test_home_leads_to_every_workspace(slack_site: SlackSite) -> None:
    assert 'href="/workspaces"' in shown(slack_site, "/")
    page = shown(slack_site, "/workspaces")
    assert 'href="/workspaces/T0GL0BEX20"' in page
    assert "Umbrella &lt;b&gt;" in page
    slack_site.install(workspace="TELSEWHERE")
    assert 'href="/workspaces/TELSEWHERE"' in shown(slack_site, "/workspaces")


@pytest.mark.parametrize("path", ["/workspaces/t", f"/workspaces/{HOME}/C404", f"/workspaces/{HOME}/C0GL0BEX20000"])
def test_what_is_not_there_is_not_found(slack_site: SlackSite, path: str) -> None:
    assert slack_site.session.get(f"{slack_site.url}{path}").status_code == 404


def test_a_message_shows_with_the_apps_name_and_badge(slack_site: SlackSite) -> None:
    token = slack_site.install(scope=SCOPES)["access_token"]
    text = "*Connected* by <@U9TK3CUKW>\n<https://acme.example/?a=1&b=2|Acme &amp; Co>"
    post(slack_site, token, "#deploys", text=text)
    page = shown(slack_site, f"/workspaces/{HOME}/{id_of(slack_site, 'deploys')}")
    assert "<strong>Connected</strong> by @Dana Reyes<br>" in page
    assert '<a href="https://acme.example/?a=1&amp;b=2" rel="noopener noreferrer">Acme &amp; Co</a>' in page
    assert re.search(r"Your product</bdi></strong> <span class=\"badge\">APP</span>", page)
    assert "1 message" in shown(slack_site, f"/workspaces/{HOME}")


def test_direct_messages_have_a_page(slack_site: SlackSite) -> None:
    post(slack_site, slack_site.install(scope=SCOPES)["access_token"], DANA, text="just you")
    for id_ in (DANA, "D9TK3CUKW", "W9TK3CUKW"):
        assert "just you" in shown(slack_site, f"/workspaces/{HOME}/{id_}")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<javascript:alert(1)|x>", "&lt;javascript:alert(1)|x&gt;"),
        (
            '<https://x.example/"onclick="y|z>',
            '<a href="https://x.example/&#34;onclick=&#34;y" rel="noopener noreferrer">z</a>',
        ),
        ("<https://x.example>", '<a href="https://x.example" rel="noopener noreferrer">https://x.example</a>'),
        ("*<https://x.example|x>*", '<strong><a href="https://x.example" rel="noopener noreferrer">x</a></strong>'),
        ("&lt;b&gt; &amp;lt;", "&lt;b&gt; &amp;lt;"),
        ("2*3*4 and * no *", "2*3*4 and * no *"),
        ("\x000\x00", "0"),
        ("<img src=x>", "&lt;img src=x&gt;"),
        ("a\r\nb\nc", "a<br>b<br>c"),
    ],
)
def test_markup_is_rendered_safely(text: str, html: str) -> None:
    assert render(text) == html


def test_the_app_is_invited_and_removed(slack_site: SlackSite) -> None:
    leadership = id_of(slack_site, "leadership")
    path = f"/workspaces/{HOME}/{leadership}"
    assert "Invite the app" in shown(slack_site, path)
    assert press(slack_site, path, action="invite") == 303
    assert "Remove the app" in shown(slack_site, path)
    assert press(slack_site, path, action="remove") == 303
    assert "Invite the app" in shown(slack_site, path)


def test_a_channel_is_archived_and_brought_back(slack_site: SlackSite) -> None:
    deploys = id_of(slack_site, "deploys")
    for action, archived in (("archive", True), ("unarchive", False)):
        press(slack_site, f"/workspaces/{HOME}/{deploys}", action=action)
        found = slack_site.state.channel(deploys)
        assert found is not None
        assert found.is_archived is archived


def test_a_person_joins_and_leaves(slack_site: SlackSite) -> None:
    room = id_of(slack_site, "people-ops")
    for action, is_in in (("join", True), ("leave", False)):
        press(slack_site, f"/workspaces/{HOME}/{room}", action=action, person=DANA)
        found = slack_site.state.channel(room)
        assert found is not None
        assert (DANA in found.people) is is_in


def test_a_button_that_no_page_has_is_refused(slack_site: SlackSite) -> None:
    path = f"/workspaces/{HOME}/{id_of(slack_site, 'deploys')}"
    assert press(slack_site, path, action="delete") == 400
    assert press(slack_site, path, action="join", person="U404") == 400
    assert press(slack_site, f"/workspaces/{HOME}/{DANA}", action="invite") == 400
    assert press(slack_site, "/messages-tab", on="perhaps") == 400
    assert press(slack_site, "/organisations/E0NRTHW1ND", team=HOME) == 400


def test_another_sites_buttons_are_refused(slack_site: SlackSite) -> None:
    slack_site.session.headers["Sec-Fetch-Site"] = "cross-site"
    paths = ("/faults", "/faults/clear", "/messages-tab", "/organisations/E1")
    for path in (*paths, f"/workspaces/{HOME}/{id_of(slack_site, 'deploys')}"):
        assert press(slack_site, path, action="archive", on="0", method="*", kind="html") == 403


def test_links_to_a_channel_can_be_copied(slack_site: SlackSite) -> None:
    deploys = id_of(slack_site, "deploys")
    page = shown(slack_site, f"/workspaces/{HOME}/{deploys}")
    assert f"https://acme-hq.slack.com/archives/{deploys}" in page
    assert f"https://app.slack.com/client/{HOME}/{deploys}" in page


def test_open_slack_leads_to_the_workspace(slack_site: SlackSite) -> None:
    def leads(query: str) -> str:
        answer = slack_site.session.get(f"{slack_site.url}/app_redirect?{query}", allow_redirects=False)
        return answer.headers["Location"]

    deploys = id_of(slack_site, "deploys")
    assert leads(f"app=A1&team={HOME}") == f"/workspaces/{HOME}"
    assert leads(f"team={HOME}&channel={deploys}") == f"/workspaces/{HOME}/{deploys}"
    assert leads(f"team={HOME}&channel=//evil.example") == f"/workspaces/{HOME}"
    assert (leads("team=E0NRTHW1ND"), leads("")) == ("/workspaces", "/")


def test_of_twenty_thousand_channels_fifty_show(slack_site: SlackSite) -> None:
    page = shown(slack_site, "/workspaces/T0GL0BEX20")
    assert "50 of 20,004 shown" in page
    assert page.count('href="/workspaces/T0GL0BEX20/C') == 50
    found = shown(slack_site, "/workspaces/T0GL0BEX20", find="#guild-maps-00078")
    assert "1 of 1 shown" in found
    assert "guild-maps-00078" in found


def test_an_organisation_adds_the_app_to_a_workspace(slack_site: SlackSite) -> None:
    slack_site.install("org_wide", "T0NRTHW1ND")
    page = unescape(shown(slack_site, "/workspaces"))
    assert page.count(">Add the app to this workspace<") == 3
    assert press(slack_site, "/organisations/E0NRTHW1ND", team="T0NRTHF00D") == 303
    assert slack_site.state.added_workspaces("E0NRTHW1ND") == ("T0NRTHF00D",)
    assert "is not installed in this workspace" not in shown(slack_site, "/workspaces/T0NRTHF00D")
    assert press(slack_site, "/organisations/E0NRTHW1ND", team="T0NRTHF00D", action="remove") == 303
    assert slack_site.state.added_workspaces("E0NRTHW1ND") == ()


def test_the_messages_tab_is_switched_by_button(slack_site: SlackSite) -> None:
    assert press(slack_site, "/messages-tab", on="0") == 303
    assert slack_site.state.app.messages_tab is False
    assert "messages_tab_disabled" in shown(slack_site, "/")


def test_faults_that_are_on_are_named(slack_site: SlackSite) -> None:
    assert press(slack_site, "/faults", method="auth.test", kind="hang", count="2") == 303
    assert "2 more calls." in shown(slack_site, "/")
    assert press(slack_site, "/faults/clear") == 303
    assert "2 more calls." not in shown(slack_site, "/")


def test_the_consent_page_asks_who_you_are(slack_site: SlackSite) -> None:
    page = slack_site.show().text
    assert '<option value="dana">Dana Reyes</option>' in page
    assert "Pat O&#39;Brien &lt;3" in page
