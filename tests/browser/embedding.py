"""A product of another origin whose pages are as strict as pages can be, and a person who looks at one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from flask import Flask, Response
from playwright.sync_api import Locator, Page, expect

from onboarding.sandbox.serve import serving
from tests.browser.visitor import PICTURES

LISTEN = """
    window.heard = [];
    window.complaints = [];
    for (const name of ["change", "expired"])
      window.addEventListener(`slack-connect:${name}`, (event) => heard.push([name, event.detail, event.target.id]));
    document.addEventListener("securitypolicyviolation", (event) => complaints.push(event.violatedDirective));
"""
LOOKING = """isLooking => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => !isLooking });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@dataclass(slots=True)
class Product:
    """The product's only page. Its parts are there from the start of the next request."""

    service: str = ""
    url: str = ""
    body: str = ""
    head: str = ""
    attributes: str = 'lang="en"'

    @property
    def policy(self) -> str:
        return (
            f"default-src 'none'; script-src {self.service}; connect-src {self.service}; base-uri 'none'; "
            "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
        )

    def page(self) -> Response:
        script = f'<script type="module" src="{self.service}/embed/v1.js"></script>'
        return Response(
            f"<!doctype html><html {self.attributes}><head><meta charset=utf-8><title>Settings</title>{script}"
            f"{self.head}</head><body><main><h1>Settings</h1>{self.body}</main></body></html>",
            headers={
                "Content-Security-Policy": self.policy,
                "Cross-Origin-Opener-Policy": "same-origin",
                "Cross-Origin-Embedder-Policy": "require-corp",
            },
        )


@contextmanager
def embedding() -> Iterator[Product]:
    product, app = Product(), Flask("product")
    app.add_url_rule("/settings", view_func=product.page)
    with serving(app) as url:
        product.url = f"{url}/settings"
        yield product


@dataclass
class Onlooker:
    """Somebody in front of the product's page. `calls` are the answers that it got from the service."""

    page: Page
    product: Product
    calls: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.add_init_script(LISTEN)
        self.page.on("response", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _note(self, response: Any) -> None:
        if response.url.endswith("/embed/status") and response.request.method == "GET":
            self.calls.append(response.status)

    def open(self, body: str, url: str = "") -> None:
        self.product.body = body
        self.page.goto(url or self.product.url)
        self.until("!!customElements.get('slack-connect')")

    def until(self, expression: str) -> None:
        """Playwright's own way to wait needs eval, which the page forbids."""
        for _ in range(100):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(expression)

    @property
    def element(self) -> Locator:
        return self.page.locator("slack-connect").first

    @property
    def button(self) -> Locator:
        return self.element.get_by_role("link")

    @property
    def said(self) -> Locator:
        return self.element.get_by_role("status")

    def shows(self, button: str | None, said: str = "") -> None:
        expect(self.said).to_have_text(said)
        if button is None:
            expect(self.button).to_have_count(0)
        else:
            expect(self.button).to_have_text(button)
            expect(self.button).to_be_visible()

    def look(self, is_looking: bool) -> None:
        self.page.evaluate(LOOKING, is_looking)

    def set(self, name: str, value: str | None) -> None:
        change = "([name, value]) => document.querySelector('slack-connect')"
        act = ".removeAttribute(name)" if value is None else ".setAttribute(name, value)"
        self.page.evaluate(change + act, [name, value])

    def heard(self, element: str = "") -> list[tuple[str, dict[str, Any]]]:
        return [(name, detail) for name, detail, id_ in self.page.evaluate("heard") if id_ == element]

    def states(self, element: str = "") -> list[str]:
        return [detail["state"] for name, detail in self.heard(element) if name == "change"]

    def has_no_complaints(self) -> None:
        assert self.errors == []
        assert self.page.evaluate("complaints.map(String)") == []

    def judge(self, name: str) -> None:
        """For every reader, in both themes, on the smallest screen."""
        PICTURES.mkdir(exist_ok=True)
        for theme in ("light", "dark"):
            self.page.emulate_media(color_scheme=theme)
            found = Axe().run(self.page)
            assert found.violations_count == 0, found.generate_report()
            self.page.screenshot(path=PICTURES / f"{name}-{theme}.png")
        self.page.set_viewport_size({"width": 320, "height": 640})
        self.page.screenshot(path=PICTURES / f"{name}-320.png")
        assert self.page.evaluate("document.documentElement.scrollWidth") <= 320
