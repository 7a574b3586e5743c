"""Turns what operators want to know into pages: moments, spans and names as people write them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from flask import Response, get_flashed_messages, make_response, render_template
from markupsafe import escape

from onboarding.model import Attempt, InstallLink, Reason, Status
from onboarding.model.destinations import MadeConnection
from onboarding.web.admin import attempt_words, reason_words
from onboarding.web.admin.door import is_known, me
from onboarding.web.context import request_id, wiring
from onboarding.web.pages import messages, render

LONG_AGO: Final = timedelta(days=14)


def page(
    template: str, heading: str, status: int = 200, *, kind: str = "", support_code: str = "", **extra: object
) -> Response:
    """A page of the admin: `heading` becomes its h1 and, with the `kind` of thing it is about, its title."""
    html = render_template(
        f"admin/{template}",
        heading=escape(heading),
        kind=kind,
        words=messages,
        says=attempt_words,
        reasons=reason_words.REASONS,
        product=wiring().settings.brand.product_name,
        support_code=support_code or (request_id() if status >= 500 else ""),
        me=me() if is_known() else None,
        notices=get_flashed_messages(with_categories=True),
        moment=moment,
        when=when,
        ago=ago,
        span=span,
        owner=owner,
        customer=customer,
        mark=mark,
        **extra,
    )
    return make_response(html, status)


def moment(at: datetime) -> str:
    return f"{at:%-d %b %Y, %H:%M:%S} UTC"


def when(at: datetime) -> str:
    """How long ago or ahead, in words; the day if that is long."""
    passed = wiring().clock() - at
    if abs(passed) > LONG_AGO:
        return f"{at:%-d %b %Y}"
    return ago(at) if passed >= timedelta(0) else f"in {render.in_words(-passed)}"


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


def counted(number: int, thing: str) -> str:
    """A number of things: `1 install`, `2 installs`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def owner(link: InstallLink) -> str:
    """Whom a link is for, as operators know them."""
    return ", ".join(filter(None, (link.subscriber_id, *(context.key for context in link.contexts))))


def customer(link: InstallLink) -> str:
    """Whom a link is for, by name if it gives one."""
    return link.account or owner(link) or attempt_words.WITHOUT_LINK


def accounts(attempt_ids: Iterable[str]) -> dict[str, str]:
    """What the links behind these attempts call their customers, for each that gives a name."""
    found = wiring().ledger.lists.some([*attempt_ids])
    return {attempt_id: attempt.link.account for attempt_id, attempt in found.items() if attempt.link.account}


def holder(connection: MadeConnection) -> str:
    """Whose a connection is."""
    return connection.subscriber_id or ", ".join(connection.context_keys)


def mark(attempt: Attempt) -> tuple[str, str, str]:
    """Tone, sign and word of an attempt's status."""
    if attempt.status is Status.CONNECTED and attempt.reason:
        return attempt_words.DISCONNECTED if attempt.reason is Reason.DISCONNECTED else attempt_words.REPLACED
    return attempt_words.MARKS[attempt.status]
