"""Checks a connection for operators, and creates links to reconnect one."""

from __future__ import annotations

from flask import url_for

from onboarding.flows.check import Silence
from onboarding.ledger.audit import Action
from onboarding.model.destinations import MadeConnection
from onboarding.model.errors import LinkMalformed
from onboarding.web.admin import connection_words as words
from onboarding.web.admin import link_form
from onboarding.web.admin.changed import Changed
from onboarding.web.context import wiring


def check(identifier: str) -> Changed:
    """Ask Novu and Slack now."""
    made = _made(identifier)
    if made is None or made.is_ended:
        return Changed(Action.CHECKED, words.HAS_ENDED if made else words.NOT_KNOWN, "stop")
    try:
        found = wiring().check.run(made)
    except Silence as silence:
        return Changed(Action.CHECKED, words.silent(silence), "wait")
    if found is None or not _is_news(made, found):
        return Changed(Action.CHECKED, words.UNDER_WAY, "wait")
    return Changed(Action.CHECKED, *words.checked(found))


def reconnect(identifier: str) -> Changed:
    """A link for the same owner, shown on the page of links to be copied."""
    made = _made(identifier)
    if made is None:
        return Changed(Action.RECONNECT_MINTED, words.NOT_KNOWN, "stop")
    try:
        link = wiring().minting.reconnect(made)
    except LinkMalformed as error:
        problems = "; ".join(map(str, error.problems))
        return Changed(Action.RECONNECT_MINTED, words.NO_LINK.format(problems=problems), "stop")
    link_id = link_form.once(link)
    place = url_for("admin.links", link=link_id)
    return Changed(Action.RECONNECT_MINTED, words.LINK_READY, "good", place=place, noted=f"link {link_id}")


def _is_news(before: MadeConnection, now: MadeConnection) -> bool:
    """Whether the check was recorded. It is not while the customer is being connected again or disconnected."""
    return now.is_ended or now.checked_at != before.checked_at


def _made(identifier: str) -> MadeConnection | None:
    return wiring().ledger.connections.find(identifier)
