"""Somebody in front of a browser. Checks everything that every page has to keep."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

from flask import Flask
from werkzeug.test import TestResponse

from tests.fakes import LocalSlack
from tests.witness import Witness

HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}


@dataclass(frozen=True, slots=True)
class Page:
    """An answer as a person takes it in."""

    status: int
    heading: str
    text: str
    source: str
    location: str
    headers: dict[str, str]

    def link(self, label: str) -> str:
        """Where the link with this label leads."""
        for href, words in re.findall(r'<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>', self.source, re.DOTALL):
            if _text(words) == label:
                return html.unescape(href)
        raise AssertionError(f"no link {label!r} in: {self.text}")


class Person:
    def __init__(self, app: Flask, slack: LocalSlack, witness: Witness) -> None:
        self._client = app.test_client()
        self._slack = slack
        self._witness = witness

    def open(self, path: str, method: str = "GET", **options: object) -> Page:
        response = self._client.open(path, method=method, **options)  # type: ignore[arg-type]
        page = _page(response)
        _check(response, page)
        self._witness.saw(response.text)
        self._witness.saw(str([value for name, value in response.headers if name not in {"Set-Cookie", "Location"}]))
        return page

    def add_to_slack(self, link: str) -> str:
        """Open the link and press the button. Gives the address of Slack's consent page."""
        page = self.press(link)
        assert page.status == 303, page.text
        self._witness.secrets.add(state_of(page.location))
        return page.location

    def press(self, link: str) -> Page:
        landing = self.open(link)
        assert landing.status == 200, landing.text
        found = re.search(r'name="csrf_token" value="([^"]+)"', landing.source)
        assert found
        return self.open(link, "POST", data={"csrf_token": found[1]})

    def submit(self, path: str, to: str = "", **fields: str) -> Page:
        """Open a page and send a form of it, with its CSRF field."""
        page = self.open(path)
        assert page.status == 200, page.text
        found = re.search(r'name="csrf_token" value="([^"]+)"', page.source)
        assert found, page.text
        return self.open(to or path, "POST", data={"csrf_token": found[1], **fields})

    def come_back(self, link: str, **answer: str) -> str:
        """Start, answer Slack, and give the path Slack sends the browser to."""
        return path_of(self._slack.answer(self.add_to_slack(link), **answer))

    def install(self, link: str, **answer: str) -> Page:
        """The whole journey, up to the page of the outcome."""
        return self.follow(self.open(self.come_back(link, **answer)))

    def follow(self, page: Page) -> Page:
        assert page.status == 303, page.text
        return self.open(page.location)

    def move_to(self, app: Flask) -> None:
        """The same browser in front of another instance of the service."""
        client = app.test_client()
        client._cookies = self._client._cookies
        self._client = client

    def keep_cookie(self, name: str, value: str) -> None:
        self._client.set_cookie(name, value)

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.key: cookie.value for cookie in (self._client._cookies or {}).values()}


def state_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["state"][0]


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def set_cookies(response: TestResponse) -> SimpleCookie:
    cookies = SimpleCookie()
    for value in response.headers.getlist("Set-Cookie"):
        cookies.load(value)
    return cookies


def _page(response: TestResponse) -> Page:
    heading = re.search(r"<h1>(.*?)</h1>", response.text, re.DOTALL)
    return Page(
        status=response.status_code,
        heading=_text(heading[1]) if heading else "",
        text=_text(response.text),
        source=response.text,
        location=response.headers.get("Location", ""),
        headers=dict(response.headers),
    )


def _is_title(title: str, heading: str, path: str) -> bool:
    """The heading; in the admin, tabs can be told apart by what follows it."""
    if title == heading:
        return True
    return (
        path.startswith("/admin") and re.fullmatch(rf"{re.escape(heading)}( · [A-Z][a-z]+)? · Admin", title) is not None
    )


def _check(response: TestResponse, page: Page) -> None:
    path = response.request.path
    assert page.status != 500, page.text
    for name, value in HEADERS.items():
        assert response.headers[name] == value, name
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert response.headers["X-Request-ID"]
    if response.mimetype == "text/html" and page.source and not page.location:
        title = re.search(r"<title>(.*?)</title>", page.source, re.DOTALL)
        assert title
        assert _is_title(_text(title[1]), page.heading, path)
        assert page.source.count("<h1>") == 1
        leads_somewhere = page.status >= 400 or path.startswith("/attempts/")
        assert "Support code" in page.text or not leads_somewhere or path.startswith("/admin")
    for form in re.findall(r"<form method=\"post\".*?</form>", page.source, re.DOTALL):
        assert 'name="csrf_token"' in form


def _text(source: str) -> str:
    words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", source)).split())
    return re.sub(r" ([.,?])", r"\1", words)
