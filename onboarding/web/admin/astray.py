"""What goes wrong inside the admin: a page that keeps its navigation, and says whether anything was changed."""

from __future__ import annotations

from contextlib import suppress

from flask import Response, abort
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from onboarding.model.errors import StoreUnavailable
from onboarding.web.admin import door, show, words
from onboarding.web.admin.door import admin_pages


@admin_pages.route("/<path:_anything>", methods=["GET", "POST"])
def nowhere(_anything: str) -> ResponseReturnValue:
    abort(404)


@admin_pages.errorhandler(CSRFError)
def stale_form(error: CSRFError) -> ResponseReturnValue:
    """Comes before anybody was asked who they are."""
    with suppress(StoreUnavailable):
        door.recognise()
    return _page(words.STALE_FORM, error.code or 400)


@admin_pages.errorhandler(HTTPException)
def refuse(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    told = words.UNEXPECTED if status >= 500 else words.NOT_THERE if status == 404 else words.NOT_UNDERSTOOD
    return _page(told, status)


def _page(told: tuple[str, str], status: int) -> Response:
    heading, problem = told
    return show.page("refused.html", heading, status, problem=problem)
