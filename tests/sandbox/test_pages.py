"""What people see: no token anywhere, one heading, safe headers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests

from onboarding.sandbox.novu import create_novu
from onboarding.sandbox.serve import serving
from onboarding.sandbox.slack import SlackApp, create_slack
from tests.sandbox.clients import NovuSite, SlackSite

LINKS = [("The service", "http://127.0.0.1:8000/"), ("A & B", "http://127.0.0.1:8002/")]


@pytest.fixture
def linked() -> Iterator[list[str]]:
    with (
        serving(create_slack(SlackApp(name="A <i>product</i>"), LINKS)) as slack,
        serving(create_novu(links=LINKS)) as novu,
    ):
        yield [slack, novu]


def heading_of(page: requests.Response) -> str:
    headings = re.findall(r"<h1>(.*?)</h1>", page.text)
    assert len(headings) == 1
    return str(headings[0])


def is_sound(page: requests.Response) -> bool:
    title = re.search(r"<title>(.*?)</title>", page.text)
    return bool(
        title
        and title[1] == heading_of(page)
        and "Sandbox" in page.text
        and "default-src 'self'" in page.headers["Content-Security-Policy"]
        and page.headers["X-Content-Type-Options"] == "nosniff"
        and page.headers["Cache-Control"] == "no-store"
        and not re.search(r"<script| style=| on\w+=", page.text)
    )


def test_every_page_is_sound(slack_site: SlackSite, novu_site: NovuSite) -> None:
    slack_site.install()
    novu_site.created()
    novu_site.suffer("slow", times="3")
    pages = [slack_site.show(), slack_site.show(client_id="9.9")]
    pages += [
        slack_site.session.get(f"{site.url}{path}") for site in (slack_site, novu_site) for path in ("/", "/nope")
    ]
    assert all(map(is_sound, pages))


def test_pages_lead_to_one_another(linked: list[str]) -> None:
    for url in linked:
        page = requests.get(url, timeout=5).text
        assert '<a href="http://127.0.0.1:8000/">The service</a>' in page
        assert "A &amp; B" in page
        assert "<i>" not in page


def test_slacks_page_names_installations_without_their_tokens(slack_site: SlackSite) -> None:
    answers = [slack_site.install(workspace=id_) for id_ in ("T0VMBRE11A", "T0RT1EM0J1")]
    org = slack_site.install("org_wide", "T0NRTHW1ND")
    page = slack_site.session.get(slack_site.url).text
    assert "Umbrella &lt;b&gt;&amp;&lt;/b&gt; Sons" in page
    assert "Northwind Group" in page
    for answer in (*answers, org):
        assert answer["access_token"] not in page


def test_novus_page_shows_the_kind_of_token_only(novu_site: NovuSite) -> None:
    novu_site.created(context={"tenant": "a"}, auth={"accessToken": "xoxb-1-2-secret"})
    novu_site.created(context={"tenant": "b"}, auth={"accessToken": "something-else"})
    novu_site.created(context={"tenant": "c"}, auth={"accessToken": "xoxe.xoxb-1-abc", "refreshToken": "xoxe-1-def"})
    page = novu_site.session.get(novu_site.url).text
    assert "<code>xoxb-…</code>" in page
    assert "<code>xoxe.xoxb-…</code>" in page
    assert "<code>…</code>" in page
    assert not re.search("secret|something|1-abc|1-def", page)


def test_novus_page_escapes_what_it_holds(novu_site: NovuSite) -> None:
    novu_site.created(identifier="<script>", workspace={"id": "<b>", "name": "<i>"})
    page = novu_site.session.get(novu_site.url).text
    assert not re.search("<script>|<b>|<i>", page)


@pytest.mark.parametrize(
    ("form", "status"),
    [({"subscriberId": " new-one "}, 303), ({"subscriberId": " "}, 400), ({}, 400)],
)
def test_a_subscriber_is_added_by_form(novu_site: NovuSite, form: dict[str, str], status: int) -> None:
    answer = novu_site.session.post(f"{novu_site.url}/subscribers", data=form, allow_redirects=False)
    assert answer.status_code == status
    assert ("new-one" in novu_site.state.environment.subscribers) is (status == 303)


def test_an_integration_is_added_by_form_once(novu_site: NovuSite) -> None:
    form, url = {"identifier": "slack-eu", "providerId": "slack"}, f"{novu_site.url}/integrations"
    statuses = [novu_site.session.post(url, data=form, allow_redirects=False).status_code for _ in range(2)]
    assert statuses == [303, 400]
    assert novu_site.created(integrationIdentifier="slack-eu")["channel"] == "chat"


def test_the_failure_that_is_on_is_named(novu_site: NovuSite) -> None:
    novu_site.suffer("error_twice")
    novu_site.send("GET")
    page = novu_site.session.get(novu_site.url).text
    assert "On: Two errors." in page
    assert "1 more request." in page


def test_nothing_is_logged(slack_site: SlackSite, novu_site: NovuSite, capfd: pytest.CaptureFixture[str]) -> None:
    slack_site.install()
    novu_site.created()
    novu_site.suffer("error_twice")
    novu_site.send("GET")
    assert capfd.readouterr() == ("", "")
