"""One request to the app: signed, posted, at most two redirects followed, and what the answer means to Slack.

https://docs.slack.dev/apis/events-api and https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

import requests

SECONDS: Final = 3.0
REDIRECTS: Final = 2
REDIRECTING: Final = frozenset({301, 302, 303, 307, 308})
LARGEST_ANSWER: Final = 4096
AGENT: Final = "Slackbot 1.0 (+https://api.slack.com/robots)"


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is None if none came. `reason` is Slack's word for what went wrong, and empty for 2xx."""

    status: int | None
    reason: str = ""
    may_retry: bool = True
    text: str = ""


def sign(secret: str, timestamp: int, body: bytes) -> str:
    basis = b"v0:%d:%b" % (timestamp, body)
    return f"v0={hmac.new(secret.encode(), basis, hashlib.sha256).hexdigest()}"


def deliver(url: str, secret: str, body: bytes, *, attempt: int = 0, because: str = "") -> Answer:
    """`attempt` counts from 0; a later one says `because` of which failure it is made."""
    timestamp = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": AGENT,
        "X-Slack-Request-Timestamp": str(timestamp),
        "X-Slack-Signature": sign(secret, timestamp, body),
    }
    if attempt:
        headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": because}
    try:
        return _post(url, body, headers)
    except requests.exceptions.SSLError:
        return Answer(None, "ssl_error")
    except requests.Timeout:
        return Answer(None, "http_timeout")
    except requests.ConnectionError:
        return Answer(None, "connection_failed")
    except (requests.RequestException, ValueError):
        return Answer(None, "unknown_error")


def _post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    deadline = time.monotonic() + SECONDS
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(REDIRECTS + 1):
            left = max(0.01, deadline - time.monotonic())
            with session.post(
                url, data=body, headers=headers, timeout=left, allow_redirects=False, stream=True
            ) as response:
                if response.status_code not in REDIRECTING or "Location" not in response.headers:
                    return _read(response)
                url = urljoin(url, response.headers["Location"])
    return Answer(response.status_code, "too_many_redirects")


def _read(response: requests.Response) -> Answer:
    text = next(response.iter_content(LARGEST_ANSWER), b"").decode("utf-8", "replace")
    if 200 <= response.status_code < 300:
        return Answer(response.status_code, text=text)
    return Answer(response.status_code, "http_error", response.headers.get("X-Slack-No-Retry") != "1", text)
