"""Writes down who did what from where."""

from __future__ import annotations

from flask import request

from onboarding.records.audit import Action, Entry
from onboarding.web.context import wiring


def record(actor: str, action: Action, target: str = "", outcome: str = "") -> None:
    """`actor` is a person's name, or the fingerprint of an API key."""
    entry = Entry(wiring().clock(), actor, action, target, outcome, request.remote_addr or "")
    wiring().records.audit.add(entry)
