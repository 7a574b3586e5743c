"""Which redirect URIs the app may use, and how an answer is added to one.

Equal to a configured URL or below its path: https://docs.slack.dev/authentication/installing-with-oauth
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlencode, urlsplit

from onboarding.sandbox.slack.model import SlackApp

UNSAFE: Final = re.compile(r"[^!-~]|[#\\]")


def is_permitted(app: SlackApp, uri: str) -> bool:
    passed = _parse(uri)
    if passed is None:
        return False
    if passed.scheme != "https" and not (passed.scheme == "http" and _is_loopback(passed)):
        return False
    if not app.redirect_uris:
        return passed.scheme == "http"
    return any(_covers(configured, passed) for configured in map(_parse, app.redirect_uris) if configured)


def add_answer(uri: str, answer: Mapping[str, str]) -> str:
    joint = "&" if urlsplit(uri).query else "?"
    return f"{uri.removesuffix('?')}{joint}{urlencode(answer)}"


def _parse(uri: str) -> SplitResult | None:
    if UNSAFE.search(uri):
        return None
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    climbs = any(step.replace("%2e", ".") in {".", ".."} for step in parts.path.lower().split("/"))
    return None if "@" in parts.netloc or not parts.hostname or climbs else parts


def _is_loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _covers(configured: SplitResult, passed: SplitResult) -> bool:
    if _origin(configured) != _origin(passed):
        return False
    if configured.query and configured.query != passed.query:
        return False
    base = configured.path.rstrip("/")
    return passed.path == configured.path or passed.path.startswith(f"{base}/")


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
