"""Connects what somebody added in Slack without a link to a customer whom an operator knows."""

from __future__ import annotations

from flask import flash, url_for
from flask.typing import ResponseReturnValue

from onboarding.ledger.audit import Action
from onboarding.model.errors import NotClaimable
from onboarding.web import auditing
from onboarding.web.admin import attempt, attempt_words, door, link_form, show
from onboarding.web.admin.door import admin_pages
from onboarding.web.admin.link_form import FormRefused
from onboarding.web.context import wiring
from onboarding.web.pages import render


@admin_pages.post("/attempts/<attempt_id>/claim")
def claim(attempt_id: str) -> ResponseReturnValue:
    found = attempt.find(attempt_id)
    try:
        link = link_form.mint(integration=found.link.integration, workspace="", lasts="")
    except FormRefused as refused:
        return attempt.page(found, refused.form, 400)
    wiring().minting.record(link, door.me().name)
    try:
        wiring().claims.claim_for(link, attempt_id)
    except NotClaimable:
        wiring().minting.forget(link)
        outcome, tone = attempt_words.NOT_CLAIMED, "stop"
    else:
        outcome, tone = attempt_words.claimed(attempt.find(attempt_id))
    auditing.record(door.me().name, Action.CLAIMED, attempt_id, f"for {show.owner(link)}: {outcome}")
    flash(outcome, tone)
    return render.see_other(url_for("admin.attempt", attempt_id=attempt_id))
