"""Writes down who did what, and from which address."""

from __future__ import annotations

from flask import request

from onboarding.ledger.audit import Action, Entry
from onboarding.model.errors import StoreUnavailable
from onboarding.settings.log import LOGGER
from onboarding.web.context import wiring


def record(actor: str, action: Action, target: str = "", outcome: str = "") -> None:
    """`actor` is a person's name, or the fingerprint of an API key.

    What happened has happened: if the ledger is gone by now, the log is told instead.
    """
    entry = Entry(wiring().clock(), actor, action, target, outcome, request.remote_addr or "")
    try:
        wiring().ledger.audit.add(entry)
    except StoreUnavailable as error:
        LOGGER.error("not audited entry=%s error=%s", entry, error)
