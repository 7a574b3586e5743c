"""Install links: create one, copy it, see the ones created here, revoke one."""

from __future__ import annotations

import re
from typing import Final

from flask import abort, flash, request, url_for
from flask.typing import ResponseReturnValue

from onboarding.ledger.audit import Action
from onboarding.ledger.links import Created
from onboarding.web import auditing
from onboarding.web.admin import door, filters, link_form, link_words, show
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
    link_id = link_form.once(link)
    if link_id == link.id:
        auditing.record(door.me().name, Action.MINTED, link.id, f"for {show.owner(link)}")
    flash(link_words.LINK_READY, "good")
    return render.see_other(url_for("admin.links", link=link_id))


@admin_pages.post("/links/<link_id>/revoke")
def revoke(link_id: str) -> ResponseReturnValue:
    if not LINK_ID.fullmatch(link_id):
        abort(404)
    wiring().minting.revoke(link_id)
    auditing.record(door.me().name, Action.REVOKED, link_id)
    flash(link_words.REVOKED, "good")
    return render.see_other(url_for("admin.links"))


def _show(form: Form, status: int = 200) -> ResponseReturnValue:
    after, chosen = (request.args.get(name, "") for name in ("after", "link"))
    integration = request.args.get("integration", "").strip()
    listed, next_page = wiring().minting.page(
        PER_PAGE, after if LINK_ID.fullmatch(after) else None, integration or None
    )
    default = wiring().settings.apps.default
    return show.page(
        "links.html",
        "Links",
        status,
        form=form,
        is_open=bool(form.problems) or "new" in request.args or not (listed or chosen or integration),
        listed=listed,
        next_page=next_page,
        integration=integration,
        apps=filters.apps(integration),
        chosen=wiring().minting.find(chosen) if LINK_ID.fullmatch(chosen) else None,
        standing_of=_standing,
        default_integration=default.integration if default else "",
        longest=render.in_words(wiring().settings.link_max_age),
        units=UNITS,
        destinations=link_words.DESTINATIONS,
    )


def _standing(created: Created) -> tuple[str, str, str]:
    if created.is_revoked:
        return link_words.IS_REVOKED
    if created.is_expired:
        return link_words.EXPIRED
    return link_words.USED if created.is_used else link_words.ACTIVE
