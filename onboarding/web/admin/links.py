"""Install links: create one, copy it, see the ones created here, revoke one."""

from __future__ import annotations

import re
from typing import Final

from flask import abort, flash, request, url_for
from flask.typing import ResponseReturnValue

from onboarding.ledger.audit import Action
from onboarding.web import auditing
from onboarding.web.admin import door, link_form, show, words
from onboarding.web.admin.door import admin_pages
from onboarding.web.admin.link_form import EMPTY, UNITS, Form, FormRefused
from onboarding.web.context import wiring
from onboarding.web.pages import render

PER_PAGE: Final = 50
LINK_ID: Final = re.compile(r"[A-Za-z0-9_-]{22}")


@admin_pages.get("/links")
def links() -> ResponseReturnValue:
    return _show(EMPTY)


@admin_pages.post("/links")
def mint() -> ResponseReturnValue:
    try:
        link = link_form.mint()
    except FormRefused as refused:
        return _show(refused.form, 400)
    wiring().minting.record(link, door.me().name)
    auditing.record(door.me().name, Action.MINTED, link.id, f"for {show.owner(link)}")
    flash(words.LINK_READY, "good")
    return render.see_other(url_for("admin.links", link=link.id))


@admin_pages.post("/links/<link_id>/revoke")
def revoke(link_id: str) -> ResponseReturnValue:
    if not LINK_ID.fullmatch(link_id):
        abort(404)
    wiring().minting.revoke(link_id)
    auditing.record(door.me().name, Action.REVOKED, link_id)
    flash(words.REVOKED, "good")
    return render.see_other(url_for("admin.links"))


def _show(form: Form, status: int = 200) -> ResponseReturnValue:
    after = request.args.get("after", "")
    listed, next_page = wiring().minting.page(PER_PAGE, after if LINK_ID.fullmatch(after) else None)
    chosen = request.args.get("link", "")
    return show.page(
        "links.html",
        "Links",
        status,
        form=form,
        listed=listed,
        next_page=next_page,
        chosen=wiring().minting.find(chosen) if LINK_ID.fullmatch(chosen) else None,
        default_integration=_default_integration(),
        longest=render.in_words(wiring().settings.link_max_age),
        units=UNITS,
        destinations=words.DESTINATIONS,
    )


def _default_integration() -> str:
    default = wiring().settings.apps.default
    return default.integration if default else ""
