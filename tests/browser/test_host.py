"""The journey as a customer makes it: from the product's own settings page to Slack and back, and back again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from onboarding.sandbox.host import create_host
from onboarding.sandbox.serve import serving
from tests.api.host import KEY
from tests.browser.visitor import Visitor
from tests.fakes import LocalSlack
from tests.hosting import NEW
from tests.service import free_port, running
from tests.test_delivery import worker
from tests.witness import Witness


@dataclass(frozen=True, slots=True)
class World:
    """A whole deployment, and the product that uses it."""

    product: str
    slack: LocalSlack


@pytest.fixture
def world(env: dict[str, str], slack: LocalSlack, tmp_path: Path) -> Iterator[World]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    slack.state.outbox.url = f"{url}/slack/events"
    with serving(create_host(url, KEY, NEW)) as product:
        ours = {
            **env,
            "PUBLIC_URL": url,
            "API_KEYS": KEY,
            "SLACK_SIGNING_SECRET": slack.state.app.signing_secret,
            "EMBED_ORIGINS": product,
            "WEBHOOK_URL": f"{product}/webhooks/slack",
            "WEBHOOK_SECRETS": NEW,
        }
        with running(ours, tmp_path / "web", port), worker(ours, tmp_path / "worker"):
            yield World(product, slack)
    slack.state.outbox.url = ""


def shows(page: Page, world: World, text: str) -> None:
    """Events take a moment: the page is opened anew until it says so."""
    for _ in range(40):
        page.goto(f"{world.product}/settings/notifications")
        if text in page.locator("body").inner_text():
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"no {text!r} in: {page.locator('body').inner_text()}")


def test_from_the_products_settings_to_slack_and_healed_with_one_click(
    page: Page, world: World, witness: Witness
) -> None:
    visitor = Visitor(page, witness)
    page.goto(f"{world.product}/settings/notifications")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Add to Slack").click()
    tab = Visitor(opened.value, witness)
    tab.page.get_by_role("button", name="Add to Slack").click()
    tab.allow()
    tab.page.get_by_role("link", name="Choose a channel").click()
    tab.page.get_by_role("radio", name="deploys").check()
    tab.page.get_by_role("button", name="Save").click()
    expect(tab.page.locator("h1")).to_have_text("Sprocket will post to #deploys")
    tab.page.close()
    # The page that was left open has noticed by itself.
    expect(page.get_by_text("to Acme HQ")).to_be_visible()
    shows(page, world, "Acme HQ")

    world.slack.state.remove_app("T9TK3CUKW")
    shows(page, world, "Reconnect")
    page.get_by_role("link", name="Reconnect").or_(page.get_by_role("button", name="Reconnect")).first.click()
    expect(page.locator("h1")).to_have_text("Slack disconnected Acme Inc.")
    visitor.look("landing-broken")
    page.get_by_role("button", name="Add to Slack").click()
    visitor.allow()
    expect(page.locator("h1")).to_have_text("Sprocket will post to #deploys")
    shows(page, world, "Acme HQ")
    assert "Reconnect" not in page.locator("body").inner_text()
