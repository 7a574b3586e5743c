"""A person in a real browser. Looks at each page as everybody would, and as few do."""

from __future__ import annotations

import re
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, expect

from tests.witness import Witness

PICTURES = Path("test-results")
ARRIVED = """() => {
    const heading = document.querySelector("h1")?.innerText ?? "";
    const said = heading.split(/\\s+/).join(" ").trim();
    const parts = document.title.split(" · ");
    const isAdmin = location.pathname.startsWith("/admin") && parts.at(-1) === "Admin";
    const isTitle = document.title === said || (isAdmin && document.title.startsWith(`${said} · `));
    return document.readyState === "complete" && isTitle;
}"""
"""Our pages carry their heading as their title, in the admin as its beginning; those of the fakes do not."""


class Visitor:
    def __init__(self, page: Page, witness: Witness) -> None:
        self.page = page
        self._witness = witness
        self._complaints: list[str] = []
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self._complaints.append(str(error)))

    def _listen(self, message: ConsoleMessage) -> None:
        # Chromium itself reports every 4xx and 5xx answer to the console; that is not a mistake of the page.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self._complaints.append(message.text)

    @property
    def heading(self) -> str:
        return self.page.locator("h1").inner_text()

    @property
    def text(self) -> str:
        return self.page.locator("body").inner_text()

    def open(self, url: str) -> None:
        self.page.goto(url)

    def add_to_slack(self, link: str) -> None:
        self.open(link)
        self.page.get_by_role("button", name=re.compile("Add to Slack|Use another workspace")).click()
        self.page.get_by_role("button", name="Allow").wait_for()

    def allow(self, outcome: str = "approved", workspace: str = "T9TK3CUKW") -> None:
        for details in self.page.locator("details:not([open])").all():
            details.evaluate("each => { each.open = true }")
        self.page.locator("[name=workspace]").select_option(workspace)
        self.page.locator(f"input[name=outcome][value={outcome}]").check()
        self.page.get_by_role("button", name="Allow").click()

    def cancel(self) -> None:
        self.page.get_by_role("button", name="Cancel").click()

    def install(self, link: str, outcome: str = "approved", workspace: str = "T9TK3CUKW") -> None:
        self.add_to_slack(link)
        self.allow(outcome, workspace)

    def look(self, name: str) -> None:
        """Judge the page that is arriving: in both themes, on the smallest screen, for every reader."""
        self.page.wait_for_function(ARRIVED)
        self._witness.saw(self.page.content())
        for theme in ("light", "dark"):
            self.page.emulate_media(color_scheme=theme)
            found = Axe().run(self.page)
            assert found.violations_count == 0, found.generate_report()
            self._picture(f"{name}-{theme}")
        self._fits_the_smallest_screen(name)
        assert self._complaints == []

    def _fits_the_smallest_screen(self, name: str) -> None:
        before = self.page.viewport_size
        self.page.set_viewport_size({"width": 320, "height": 640})
        width = self.page.evaluate("document.documentElement.scrollWidth")
        self._picture(f"{name}-320")
        small = self.page.evaluate(
            "[...document.querySelectorAll('a, button, summary')].filter(e => e.offsetParent)"
            ".filter(e => e.getBoundingClientRect().height < 24).map(e => e.textContent)"
        )
        assert before
        self.page.set_viewport_size(before)
        assert width <= 320
        assert small == [], small

    def _picture(self, name: str) -> None:
        PICTURES.mkdir(exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def go(somebody: Visitor, page: str) -> None:
    """To another page of the admin."""
    somebody.page.get_by_role("navigation", name="Admin").get_by_role("link", name=page).click()
    expect(somebody.page.get_by_role("heading", level=1)).to_have_text(page)
