"""Install links: create one, copy it, see the ones created here, revoke one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from flask import abort, flash, request, url_for
from flask.typing import ResponseReturnValue

from onboarding.ledger.audit import Action
from onboarding.model.errors import LinkMalformed, Problem
from onboarding.web import auditing
from onboarding.web.admin import door, show, words
from onboarding.web.admin.door import admin_pages
from onboarding.web.context import wiring
from onboarding.web.pages import render

PER_PAGE: Final = 50
LINK_ID: Final = re.compile(r"[A-Za-z0-9_-]{22}")
UNITS: Final = {"days": 86_400, "hours": 3_600, "minutes": 60}
FIELDS: Final = {
    "subscriber": "subscriberId",
    "context": "context",
    "shared": "connectionMode",
    "integration": "integrationIdentifier",
    "account": "account",
    "return_url": "returnUrl",
    "destination": "destination",
    "workspace": "workspaceId",
    "lasts": "expiresIn",
}
"""The fields of the form, and what each is called in a link."""


@dataclass(frozen=True, slots=True)
class Form:
    """The form as it was filled in, and what is wrong with it, by field."""

    given: Mapping[str, str]
    problems: Mapping[str, str]


@admin_pages.get("/links")
def links() -> ResponseReturnValue:
    return _show(Form({}, {}))


@admin_pages.post("/links")
def mint() -> ResponseReturnValue:
    given = {name: request.form.get(name, "").strip() for name in (*FIELDS, "unit")}
    try:
        link = wiring().minting.mint(_payload(given), _lasts(given))
    except LinkMalformed as error:
        return _show(Form(given, _by_field(error.problems)), 400)
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


def _payload(given: Mapping[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "subscriberId": given["subscriber"],
        "context": _context(given["context"]),
        "connectionMode": "shared" if given["shared"] else None,
        "integrationIdentifier": given["integration"],
        "account": given["account"],
        "returnUrl": given["return_url"],
        "destination": given["destination"],
        "workspaceId": given["workspace"],
    }
    return {name: value or None for name, value in fields.items()}


def _context(text: str) -> dict[str, str]:
    """One `type=id` a line."""
    pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
    if len({type_.strip() for type_, _, _ in pairs}) < len(pairs):
        raise LinkMalformed([Problem("context", "names one type twice")])
    return {type_.strip(): context_id.strip() for type_, _, context_id in pairs}


def _lasts(given: Mapping[str, str]) -> timedelta | None:
    if not given["lasts"]:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,6}", given["lasts"]) or given["unit"] not in UNITS:
        raise LinkMalformed([Problem("expiresIn", "must be a whole number of days, hours or minutes")])
    return timedelta(seconds=int(given["lasts"]) * UNITS[given["unit"]])


def _by_field(problems: tuple[Problem, ...]) -> dict[str, str]:
    fields = {name: field for field, name in FIELDS.items()}
    return {fields.get(problem.name, problem.name): problem.message for problem in problems}
