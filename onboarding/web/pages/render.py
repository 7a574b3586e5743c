"""Turns a message of the catalogue into a page, and fills in its names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from flask import Response, make_response, render_template
from markupsafe import Markup, escape

from onboarding.model.destinations import Destination, MadeConnection
from onboarding.settings.apps import NO_NAME, Brand
from onboarding.web.context import wiring
from onboarding.web.pages import accent, addresses, messages
from onboarding.web.pages.about import About, Name
from onboarding.web.pages.brand import initial
from onboarding.web.pages.messages import Button, Message

UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def show(
    message: Message, status: int = 200, about: About | None = None, template: str = "message.html", **extra: object
) -> Response:
    """The page of a message."""
    page = render(template, message.heading, about or About(), message=message, **extra)
    return make_response(page, status)


def see_other(url: str) -> Response:
    """A redirect without a body: what lies in an address does not belong on a page."""
    return Response(status=303, headers={"Location": url}, mimetype="text/plain")


def render(template: str, heading: str, about: About, **extra: object) -> str:
    """Any page: `heading` becomes its title and its h1."""
    names = _names(about)

    def filled(text: str) -> Markup:
        return fill(text, names)

    def address(button: Button) -> str | None:
        return addresses.address(button.action, about)

    return render_template(
        template,
        heading=filled(heading),
        say=filled,
        address=address,
        about=about,
        words=messages,
        product=about.brand.product_name,
        brand=about.brand,
        accent=accent.name(about.brand.accent_color),
        initial=initial(about.brand.product_name),
        support_code=about.support_code,
        to_admin=lambda: _to_admin(about, filled),
        **extra,
    )


def _to_admin(about: About, filled: Callable[[str], Markup]) -> str:
    """What a person can send to the admin of their workspace. Only the browser that has the link may pass it on."""

    def plain(text: str) -> str:
        return filled(text).striptags()

    scopes = about.app.slack.scopes if about.app else ()
    may = [plain(f"- {each.can}, {each.why}") for each in messages.grouped(scopes)]
    cannot = [] if messages.reads_messages(scopes) else [messages.CANNOT_READ]
    parts = [plain(messages.TO_ADMIN), "\n".join((f"{messages.PERMISSIONS_HEADING}:", *may, *cannot))]
    if about.brand.privacy_url:
        parts.append(f"{messages.PRIVACY}: {about.brand.privacy_url}")
    if place := addresses.try_again(about):
        parts.append(f"{plain(messages.TO_ADMIN_LINK)}\n{wiring().settings.public_url}{place}")
    return "\n\n".join([*parts, messages.TO_ADMIN_THANKS])


def invite(brand: Brand) -> str:
    """What a member types in a channel to let the app in. Slack's names of apps have no line breaks either."""
    return messages.INVITE.format(product=brand.product_name)


def fill(text: str, names: Mapping[str, Name]) -> Markup:
    """`text` with its names in place. Names keep their own writing direction and stay text."""
    return Markup(re.sub(r"\{(\w+)\}", lambda m: names[m[1]].at(m.start()), str(escape(text))))  # noqa: S704


def in_words(span: timedelta) -> str:
    """A span, rounded, in the largest unit that it holds almost twice: `7 days`, `25 hours`, `90 seconds`."""
    seconds = max(span.total_seconds(), 1)
    unit, size = next((each for each in UNITS if seconds >= 1.99 * each[1]), UNITS[-1])
    count = round(seconds / size)
    return f"{count} {unit}" + ("s" if count > 1 else "")


def place(destination: Destination, *, is_theirs: bool) -> Name:
    """Where notifications go, for whoever looks at the page."""
    text, is_name = messages.place(destination, is_theirs=is_theirs)
    return Name(text, is_own=is_name)


def breakage(connection: MadeConnection) -> dict[str, str | Name]:
    """Since when a connection is broken, and why."""
    why = messages.BROKEN_BECAUSE.get(connection.reason or "", messages.BROKEN_SOMEHOW)
    return {"date": date(connection.since), "why": why}


def date(moment: datetime) -> str:
    return f"{moment:%-d %B %Y}"


def _names(about: About) -> dict[str, Name]:
    product = about.brand.product_name
    made = about.attempt or about.connection
    workspace = about.workspace or (made.workspace if made else None)
    account = about.link.account if about.link else None
    return {
        "product": Name(product, is_own=product != NO_NAME),
        "account": Name(account) if account else Name("your account", is_own=False),
        "workspace": Name(workspace.name) if workspace else Name("your workspace", is_own=False),
        **{name: Name(given, is_own=False) if isinstance(given, str) else given for name, given in about.names.items()},
    }
