"""From Slack's Direct Install URL to the first notification, as people make it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visitor import Visitor
from tests.conftest import MintLink
from tests.fakes import LocalNovu
from tests.service import Service, free_port, running
from tests.witness import Witness


@pytest.fixture
def service(base_env: dict[str, str], env: dict[str, str], tmp_path: Path, witness: Witness) -> Iterator[Service]:
    """One that is open to people without a link."""
    port, log = free_port(), tmp_path / "log"
    ours = {**env, "DIRECT_INSTALL": "1", "PRIVACY_URL": "https://sprocket.example/privacy"}
    with running({**ours, "PUBLIC_URL": f"http://127.0.0.1:{port}"}, log, port) as service:
        yield service
    witness.saw(log.read_text("utf-8"))


def test_added_in_slack_first_and_connected_with_a_link(
    visitor: Visitor, stranger: Visitor, service: Service, mint: MintLink, novu: LocalNovu
) -> None:
    visitor.open(service.url)
    visitor.look("home-direct")
    visitor.page.get_by_role("link", name="Add to Slack").click()
    visitor.page.get_by_role("button", name="Allow").wait_for()
    visitor.allow()
    expect(visitor.page.locator("h1")).to_have_text("Sprocket was added to Acme HQ")
    visitor.look("unclaimed")
    place = visitor.page.url

    link = mint()
    stranger.open(link)
    assert stranger.heading == "Connect Acme Inc. to Slack"
    stranger.open(place)
    assert "The browser that added it" in stranger.text

    visitor.open(link)
    assert visitor.heading == "Connect Acme HQ to Acme Inc.?"
    visitor.look("claim")
    visitor.page.get_by_role("button", name="Connect Acme HQ").click()
    expect(visitor.page.locator("h1")).to_have_text("Acme HQ is connected")
    assert visitor.page.url == place
    visitor.page.get_by_role("link", name="Choose a channel").click()
    expect(visitor.page.locator("h1")).to_have_text("Where should Sprocket post?")
    visitor.page.get_by_label("general", exact=False).first.check()
    visitor.page.get_by_role("button", name="Save").click()
    expect(visitor.page.locator("h1")).to_contain_text("Sprocket will post to")
    assert len(novu.state.connections) == 1
    assert len(novu.state.endpoints) == 1


def test_the_form_of_one_browser_is_refused_in_another(
    visitor: Visitor, stranger: Visitor, browser: Browser, service: Service, mint: MintLink
) -> None:
    link = mint()
    visitor.open(f"{service.url}/slack/install")
    visitor.allow()
    attempt = visitor.page.url.rsplit("/", 1)[1]
    stranger.open(link)
    # As somebody would who has seen the attempt's address: with a form of their own.
    stranger.page.evaluate(
        """([place, attempt]) => {
            const form = document.querySelector("form");
            form.action = place;
            form.insertAdjacentHTML("beforeend", `<input type="hidden" name="attempt" value="${attempt}">`);
        }""",
        [f"{link}/claim", attempt],
    )
    stranger.page.get_by_role("button", name="Add to Slack").click()
    expect(stranger.page.locator("h1")).to_have_text("Please finish where you started")
    stranger.look("claim-in-another-browser")
    visitor.page.reload()
    assert visitor.heading == "Sprocket was added to Acme HQ"
