"""One person with a browser of their own, who opens the same link again when something went wrong."""

from __future__ import annotations

import html
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

from onboarding.flows.browsers import attempt_id
from onboarding.model import Reason, Secret
from onboarding.web.pages import messages
from tests.chaos.plan import Install
from tests.fakes import LocalSlack

MOST_TRIES: Final = 12
PAUSE: Final = 0.5
WATCHES: Final = 12
"""How often a page that says it is still checking is looked at before the link is opened again."""
PAGE_SECONDS: Final = 10
CALLBACK_SECONDS: Final = 40


class Ending(StrEnum):
    """What a person is content with."""

    CONNECTED = "connected"
    FINISHING = "finishing"
    SUPERSEDED = "superseded"
    KEPT_SAFE = "kept safe"
    GAVE_UP = "gave up"


@dataclass(frozen=True, slots=True)
class Try:
    """One way through Slack. `broken` is when a callback left and when its connection broke without an answer."""

    attempt_id: str
    state: str
    code: str
    broken: tuple[tuple[float, float], ...]
    told: Ending | None


@dataclass(frozen=True, slots=True)
class Visit:
    install: Install
    ending: Ending
    tries: tuple[Try, ...]
    troubles: Counter[str]


class Visitor:
    def __init__(self, install: Install, link: str, slack: LocalSlack) -> None:
        self._install = install
        self._link = link
        self._slack = slack
        self._browser = requests.Session()
        self._browser.trust_env = False
        self._workspace = ""
        self._tries: list[Try] = []
        self._troubles: Counter[str] = Counter()

    def visit(self) -> Visit:
        ending = None
        for number in range(MOST_TRIES):
            try:
                ending = self._go(number)
            except requests.RequestException as error:
                self._troubles[type(error).__name__] += 1
            if ending:
                break
            time.sleep(PAUSE)
        if self._install.removes and ending in {Ending.CONNECTED, Ending.FINISHING}:
            self._remove()
        self._browser.close()
        return Visit(self._install, ending or Ending.GAVE_UP, tuple(self._tries), self._troubles)

    def _remove(self) -> None:
        """Remove the app in Slack and, perhaps, install it once more."""
        with suppress(ValueError):
            self._slack.state.remove_app(self._workspace)
        for number in range(MOST_TRIES, 2 * MOST_TRIES) if self._install.comes_back else ():
            try:
                if self._go(number):
                    return
            except requests.RequestException as error:
                self._troubles[type(error).__name__] += 1
            time.sleep(PAUSE)

    def _go(self, number: int) -> Ending | None:
        """Once from the link to the result; None is a reason to try again."""
        landing = self._browser.get(self._link, timeout=PAGE_SECONDS)
        if number and _ending(landing) is Ending.CONNECTED:
            return Ending.CONNECTED
        field = re.search(r'name="csrf_token" value="([^"]+)"', landing.text)
        if not field:
            self._note(landing)
            return None
        form = {"csrf_token": field[1]}
        started = self._browser.post(self._link, data=form, allow_redirects=False, timeout=PAGE_SECONDS)
        if started.status_code != 303:
            self._note(started)
            return None
        self._workspace = f"T{self._install.number:05}{number:02}"
        return self._come_back(self._slack.answer(started.headers["Location"], workspace=self._workspace))

    def _come_back(self, callback: str) -> Ending | None:
        returns = _Returns(callback, self._browser.cookies.get_dict())
        answer = returns.send(self._install.returns)
        if answer is None and self._install.reloads:
            answer = returns.send(1)
        told = None
        try:
            told = self._follow(answer) if answer is not None else None
        finally:
            self._troubles["callback broke"] += len(returns.broken)
            self._tries.append(_try(callback, returns.broken, told))
        return told

    def _follow(self, answer: requests.Response) -> Ending | None:
        if answer.status_code != 303:
            self._note(answer)
            return None
        self._browser.cookies.update(answer.cookies)
        address = urljoin(answer.url, answer.headers["Location"])
        for _ in range(WATCHES):
            page = self._browser.get(address, timeout=PAGE_SECONDS)
            if ending := _ending(page):
                return ending
            if _heading(page) != messages.CHECKING.heading:
                break
            time.sleep(PAUSE)
        self._note(page)
        return None

    def _note(self, page: requests.Response) -> None:
        self._troubles[f"{page.status_code} {_heading(page)}"] += 1


class _Returns:
    """Sends one callback, once or several times at once, and remembers which broke."""

    def __init__(self, callback: str, cookies: dict[str, str]) -> None:
        self._callback = callback
        self._cookies = cookies
        self.broken: list[tuple[float, float]] = []

    def send(self, times: int) -> requests.Response | None:
        """The best answer: one that leads on, if there is one."""
        with ThreadPoolExecutor(times) as pool:
            answers = [answer for answer in pool.map(self._send, range(times)) if answer is not None]
        return min(answers, key=lambda answer: answer.status_code, default=None)

    def _send(self, _: int) -> requests.Response | None:
        sent = time.monotonic()
        try:
            return requests.get(self._callback, cookies=self._cookies, allow_redirects=False, timeout=CALLBACK_SECONDS)
        except requests.RequestException:
            self.broken.append((sent, time.monotonic()))
            return None


def _try(callback: str, broken: list[tuple[float, float]], told: Ending | None) -> Try:
    query = parse_qs(urlsplit(callback).query)
    state, code = query["state"][0], query["code"][0]
    return Try(attempt_id(Secret(state)), state, code, tuple(broken), told)


def _heading(page: requests.Response) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page.text, re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", "", found[1])).strip() if found else "no page"


def _ending(page: requests.Response) -> Ending | None:
    heading = _heading(page)
    if " is connected" in heading or heading.startswith("Slack disconnected") or " will post to " in heading:
        return Ending.CONNECTED
    if heading == messages.FINISHING.heading:
        return Ending.FINISHING
    if heading == messages.OUTCOMES[Reason.SUPERSEDED].heading:
        return Ending.SUPERSEDED
    return Ending.KEPT_SAFE if "no need to do it again" in page.text else None
