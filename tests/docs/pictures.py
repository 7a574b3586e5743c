"""`python -m tests.docs.pictures`: makes the pictures of the README anew, from a running sandbox, in light and dark."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tests import chromium
from tests.service import free_port

FOLDER = Path(__file__).parents[2] / ".github"
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
FONT = "body, button, input, select { font-family: Inter, 'Noto Sans', 'Noto Sans CJK SC', sans-serif !important }"
"""What people see who have a font for interfaces; the machine that takes pictures may have none by default."""


def main() -> None:
    with _sandbox() as said, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.find(), chromium_sandbox=os.geteuid() != 0, args=list(chromium.FLAGS)
        )
        _landing(browser, _address(said, "Install link"))
        _admin(browser, said)
        browser.close()


@contextmanager
def _sandbox() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "onboarding.cli", "sandbox"],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "PORT": str(free_port())},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        try:
            yield said
        finally:
            process.terminate()
            process.wait(30)


def _address(said: str, label: str) -> str:
    found = re.search(rf"{label} +(\S+)", said)
    assert found, said
    return found[1]


def _landing(browser: Browser, link: str) -> None:
    page = browser.new_page(viewport={"width": 560, "height": 880}, device_scale_factor=2, bypass_csp=True)
    page.goto(link)
    _picture(page, "landing")


def _admin(browser: Browser, said: str) -> None:
    """After some people have been there, each with another outcome."""
    for outcome in ("approved", "not_permitted", "approved"):
        page = browser.new_page()
        page.goto(_address(said, "Install link"))
        page.get_by_role("button", name=re.compile("Add to Slack|Use another workspace")).click()
        for details in page.locator("details:not([open])").all():
            details.evaluate("each => { each.open = true }")
        page.locator(f"input[name=outcome][value={outcome}]").check()
        page.get_by_role("button", name="Allow").click()
        page.wait_for_url("**/attempts/**")
        page.close()
    page = browser.new_page(viewport={"width": 1200, "height": 860}, device_scale_factor=2, bypass_csp=True)
    page.goto(re.search(r"(http\S+/admin)\b", said)[1])  # type: ignore[index]
    page.get_by_label("Password").fill(_address(said, "Password"))
    page.get_by_role("button", name="Sign in").click()
    _picture(page, "admin")


def _picture(page: Page, name: str) -> None:
    page.add_style_tag(content=FONT)
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        page.screenshot(path=FOLDER / f"{name}-{theme}.png")


if __name__ == "__main__":
    main()
