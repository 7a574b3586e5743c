"""Keeps the addresses of lists short enough to be sent to somebody: only what was filled in stands in them."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from flask import request
from flask.typing import ResponseReturnValue

from onboarding.web.admin.door import admin_pages
from onboarding.web.pages import render

LISTS: Final = {"admin.attempts", "admin.connections", "admin.links", "admin.events", "admin.audit"}


@admin_pages.before_request
def drop_empty_fields() -> ResponseReturnValue | None:
    """Without a script, a form sends the fields that nobody filled in, too."""
    if request.method != "GET" or request.endpoint not in LISTS or all(request.args.to_dict().values()):
        return None
    filled = [(name, value) for name, value in request.args.items(multi=True) if value]
    return render.see_other(f"{request.path}?{urlencode(filled)}".rstrip("?"))
