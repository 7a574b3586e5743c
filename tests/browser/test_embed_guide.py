"""The page of docs/embed.md, as pasted, in a real browser."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.api.host import KEY
from tests.browser.visitor import Visitor
from tests.docs.guide import python_host, signed_in
from tests.fakes import LocalNovu, LocalSlack
from tests.service import free_port, running


def test_the_button_of_the_guide_connects_and_says_so(
    visitor: Visitor, env: dict[str, str], slack: LocalSlack, novu: LocalNovu, tmp_path: Path
) -> None:
    port, host_port = free_port(), free_port()
    url, host = f"http://127.0.0.1:{port}", f"http://localhost:{host_port}"
    ours = {**env, "PUBLIC_URL": url, "API_KEYS": KEY, "EMBED_ORIGINS": host}
    theirs = {"ONBOARDING_URL": url, "ONBOARDING_KEY": KEY, "WEBHOOK_SECRET": "whsec_" + "a" * 32}
    (folder := tmp_path / "host").mkdir()
    with running(ours, tmp_path / "web", port), python_host(folder, theirs, host_port, url):
        page = visitor.page
        cookies = signed_in(host, "subscriber-123")
        page.context.add_cookies([{"name": name, "value": value, "url": host} for name, value in cookies.items()])
        visitor.open(host)
        with page.expect_popup() as opened:
            page.get_by_role("link", name="Add to Slack").click()
        tab = Visitor(opened.value, visitor._witness)
        tab.page.get_by_role("button", name="Add to Slack").click()
        tab.allow()
        expect(tab.page.locator("h1")).to_have_text("Acme HQ is connected")
        expect(page.get_by_role("status")).to_have_text("Connected to Acme HQ")
        expect(page.locator("body")).to_have_attribute("data-slack", "working Acme HQ")
