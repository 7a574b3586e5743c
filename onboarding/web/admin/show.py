"""Turns what operators want to know into pages: moments, spans and names as people write them."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Response, get_flashed_messages, make_response, render_template
from markupsafe import escape

from onboarding.model import Attempt, InstallLink, Reason, Status
from onboarding.model.destinations import MadeConnection
from onboarding.web.admin import words
from onboarding.web.admin.door import is_known, me
from onboarding.web.context import request_id, wiring
from onboarding.web.pages import messages, render


def page(template: str, heading: str, status: int = 200, *, support_code: str = "", **extra: object) -> Response:
    """A page of the status page: `heading` becomes its title and its h1."""
    html = render_template(
        f"admin/{template}",
        heading=escape(heading),
        words=messages,
        says=words,
        product=wiring().settings.brand.product_name,
        support_code=support_code or request_id(),
        me=me() if is_known() else None,
        notices=get_flashed_messages(with_categories=True),
        moment=moment,
        ago=ago,
        span=span,
        owner=owner,
        mark=mark,
        **extra,
    )
    return make_response(html, status)


def moment(at: datetime) -> str:
    return f"{at:%-d %b %Y, %H:%M:%S} UTC"


def ago(at: datetime) -> str:
    """How long ago, in words."""
    passed = wiring().clock() - at
    return "just now" if passed < timedelta(seconds=2) else f"{render.in_words(passed)} ago"


def span(length: timedelta) -> str:
    """How long after something else: seconds to the tenth, longer spans in words."""
    seconds = length.total_seconds()
    if seconds >= 60:
        return f"{render.in_words(length)} later"
    return f"{seconds:.1f} s later" if seconds >= 0.05 else "at once"


def owner(link: InstallLink) -> str:
    """Whom a link is for, as operators know them."""
    return ", ".join(filter(None, (link.subscriber_id, *(context.key for context in link.contexts))))


def customer(link: InstallLink) -> str:
    """Whom a link is for, by name if it gives one."""
    return link.account or owner(link) or words.WITHOUT_LINK


def holder(connection: MadeConnection) -> str:
    """Whose a connection is."""
    return connection.subscriber_id or ", ".join(connection.context_keys)


def mark(attempt: Attempt) -> tuple[str, str, str]:
    """Tone, sign and word of an attempt's status."""
    if attempt.status is Status.CONNECTED and attempt.reason:
        return words.DISCONNECTED if attempt.reason is Reason.DISCONNECTED else words.REPLACED
    return words.MARKS[attempt.status]
