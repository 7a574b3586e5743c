"""Who did what, and when."""

from __future__ import annotations

from typing import Final

from flask import request
from flask.typing import ResponseReturnValue

from onboarding.ledger.audit import Entries
from onboarding.model.errors import CursorMalformed
from onboarding.web.admin import show, words
from onboarding.web.admin.door import admin_pages
from onboarding.web.context import wiring

PER_PAGE: Final = 50


@admin_pages.get("/audit")
def audit() -> ResponseReturnValue:
    problem = ""
    try:
        page = wiring().ledger.audit.read(PER_PAGE, request.args.get("after") or None)
    except CursorMalformed:
        page, problem = Entries((), None), words.BAD_FILTERS
    return show.page("audit.html", "Audit", 400 if problem else 200, page=page, problem=problem, actions=words.ACTIONS)
