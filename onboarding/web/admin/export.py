"""Attempts and audit as CSV, written as they are read: no spreadsheet takes a cell for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from flask import Response, request
from flask.typing import ResponseReturnValue

from onboarding.ledger.audit import Action, Entry
from onboarding.model import Attempt
from onboarding.web import auditing
from onboarding.web.admin import door, filters, show, words
from onboarding.web.admin.door import admin_pages
from onboarding.web.context import wiring
from onboarding.wiring import Wiring

PER_PAGE: Final = 500
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
INNER_FORMULA: Final = re.compile(r"([,;|\t\r\n][\s\"']*)([=+\-@＝＋－＠])")
BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it Excel takes UTF-8 for the code page of the machine."""
ATTEMPT_COLUMNS: Final = (
    "attempt",
    "startedAt",
    "status",
    "reason",
    "detail",
    "account",
    "subscriberId",
    "contextKeys",
    "integrationIdentifier",
    "workspaceId",
    "workspaceName",
    "connection",
)
AUDIT_COLUMNS: Final = ("at", "actor", "action", "target", "outcome", "address")


@admin_pages.get("/attempts.csv")
def export_attempts() -> ResponseReturnValue:
    chosen = filters.read(request.args)
    if chosen.problems:
        return show.page("refused.html", "These filters make no sense", 400, problem=words.BAD_FILTERS)
    auditing.record(door.me().name, Action.EXPORTED, "attempts")
    wanted = filters.everything(chosen, PER_PAGE)
    rows = map(_attempt_cells, wiring().ledger.lists.each(wanted))
    return _stream("attempts.csv", ATTEMPT_COLUMNS, rows)


@admin_pages.get("/audit.csv")
def export_audit() -> ResponseReturnValue:
    auditing.record(door.me().name, Action.EXPORTED, "audit")
    return _stream("audit.csv", AUDIT_COLUMNS, map(_entry_cells, _entries(wiring())))


def _stream(name: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Response:
    lines = map(_line, chain([columns], rows))
    response = Response(chain([BYTE_ORDER_MARK], lines), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _line(cells: tuple[str, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow([_harmless(cell) for cell in cells])
    return text.getvalue()


def _harmless(cell: str) -> str:
    """Spreadsheets calculate what begins like a formula, and forget the rest of the line at a NUL.

    Most of them split at a comma, semicolon or tab of their own choice, also inside of quotes.
    """
    cell = INNER_FORMULA.sub(r"\1'\2", cell.replace("\0", ""))
    return f"'{cell}" if cell.lstrip(" ").startswith(FORMULA_STARTS) or cell.startswith(FORMULA_STARTS) else cell


def _entries(made: Wiring) -> Iterator[Entry]:
    after = None
    while True:
        page = made.ledger.audit.read(PER_PAGE, after)
        yield from page.entries
        if page.next is None:
            return
        after = page.next


def _attempt_cells(attempt: Attempt) -> tuple[str, ...]:
    link, workspace = attempt.link, attempt.workspace
    return (
        attempt.id,
        attempt.started_at.isoformat(timespec="seconds"),
        attempt.status.value,
        attempt.reason.value if attempt.reason else "",
        attempt.detail or "",
        link.account or "",
        link.subscriber_id or "",
        " ".join(context.key for context in link.contexts),
        link.integration,
        workspace.id if workspace else "",
        workspace.name if workspace else "",
        attempt.connection or "",
    )


def _entry_cells(entry: Entry) -> tuple[str, ...]:
    at = entry.at.isoformat(timespec="seconds")
    return at, entry.actor, entry.action.value, entry.target, entry.outcome, entry.address
