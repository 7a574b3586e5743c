"""Links as they come out of mail programs, chats and clipboards."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, quote

import pytest
from flask import Flask

from onboarding.wiring import Wiring
from tests.conftest import MintLink
from tests.person import Person

AROUND = [
    *((".", ""), (",", ""), (")", ""), ("]", ""), ("”", ""), ("'", ""), ('"', ""), (">", ""), ("*", ""), ("!", "")),
    *(("/", ""), ("//", ""), ("\n", ""), ("\r\n", ""), (" ", ""), ("\u00a0", ""), ("\u200b", ""), (">.", "<")),
    *(("&utm_source=mail", ""), (";", ""), ("", "<"), ("", "("), ("", " "), ("", "“"), ("%3E", ""), ("…", "")),
    ("%00", ""),
    *(("_", "_"), ("_", ""), ("-", ""), ("", "-"), ("", "_"), ("", "."), ("", "..."), ("__", "__"), ("**", "**")),
    *(("/.", ""), ("/)", ""), ("/ ", ""), ("/>", ""), (" please", ""), ("\nThanks", ""), ("\r\n\r\n-- \r\nAda", "")),
]


@pytest.fixture(params=["long", "short"])
def token(request: pytest.FixtureRequest, mint: MintLink, wiring: Wiring) -> str:
    if request.param == "long":
        return mint().rpartition("/")[2]
    link = wiring.minting.mint({"subscriberId": "subscriber-123", "account": "Acme Inc."}, None)
    wiring.minting.record(link, "a test")
    return wiring.minting.url(link).rpartition("/")[2]


@pytest.mark.parametrize(("after", "before"), AROUND)
def test_what_stands_around_a_link_does_not_matter(person: Person, token: str, before: str, after: str) -> None:
    page = person.open(f"/install/{quote(before)}{token}{quote(after, safe='/%&;')}")
    assert (page.status, page.heading) == (200, "Connect Acme Inc. to Slack")


@pytest.mark.parametrize("broken", [" ", "\n", "\r\n\t", "=\r\n", "\u00ad", "\u2060"])
def test_a_link_that_was_broken_into_lines_is_whole_again(person: Person, token: str, broken: str) -> None:
    page = person.open(f"/install/{token[:20]}{quote(broken)}{token[20:]}")
    assert page.status == 200


@pytest.mark.parametrize("query", ["utm_source=mail", "fbclid=x", "mc_eid=1&_hsenc=2", "q=%00"])
def test_parameters_that_trackers_add_do_not_matter(person: Person, token: str, query: str) -> None:
    assert person.open(f"/install/{token}?{query}").status == 200


def test_the_button_works_on_a_decorated_address_too(person: Person, token: str) -> None:
    assert person.press(f"/install/{token}.").status == 303


@pytest.mark.parametrize(
    "damage",
    [
        *(lambda token: token[:-1], lambda token: f"x{token}", lambda token: token[1:], lambda token: f"{token}x"),
        *(lambda token: f"{token}.x", lambda token: f"{token}/x", lambda token: f"x {token[1:]} y"),
    ],
)
def test_a_damaged_token_stays_unknown(person: Person, token: str, damage: Callable[[str], str]) -> None:
    assert person.open(f"/install/{damage(token)}").status == 404


@pytest.mark.parametrize("path", ["/slack/oauth_redirect/", "//slack/oauth_redirect", "/slack//oauth_redirect//"])
def test_a_slash_too_many_on_the_way_back_changes_nothing(person: Person, link: str, app: Flask, path: str) -> None:
    came = person.come_back(link).partition("?")[2]
    page = person.open("/", environ_overrides={"PATH_INFO": path, "QUERY_STRING": came})
    assert page.status == 303
    assert person.follow(page).heading == "Acme HQ is connected"


@pytest.mark.parametrize("behind", ["%20", ".", "%3E", "%0A", "%29", "%22", "...", "%C2%A0", "%20%0D%0A"])
@pytest.mark.parametrize("last", ["state", "code", "path"])
def test_what_is_copied_along_on_the_way_back_changes_nothing(
    person: Person, link: str, last: str, behind: str
) -> None:
    path, _, query = person.come_back(link).partition("?")
    came = parse_qs(query)
    dirt = {last: behind}
    page = person.open(
        f"{path}{dirt.get('path', '')}?code={came['code'][0]}{dirt.get('code', '')}"
        f"&state={came['state'][0]}{dirt.get('state', '')}"
    )
    assert page.status == 303
    assert person.follow(page).heading == "Acme HQ is connected"


@pytest.mark.parametrize("dirt", ["x", "%20x", "_", "-", "%00"])
def test_a_damaged_state_stays_unknown(person: Person, link: str, dirt: str) -> None:
    back = person.come_back(link)
    state = parse_qs(back.partition("?")[2])["state"][0]
    assert person.open(back.replace(state, state + dirt)).status == 400
    assert person.open(back).status == 303


def test_links_created_here_have_no_part_that_hidden_files_have(wiring: Wiring) -> None:
    for _ in range(50):
        link = wiring.minting.mint({"subscriberId": "subscriber-123"}, None)
        assert "/." not in wiring.minting.url(link)


def test_the_form_leads_to_our_public_address_whatever_name_the_page_was_opened_under(app: Flask, link: str) -> None:
    page = app.test_client().get(link, headers={"Host": "localhost:8000"})
    assert re.findall(r'<form method="post" action="([^"]*)"', page.text) == [f"http://127.0.0.1:8000{link}"]
