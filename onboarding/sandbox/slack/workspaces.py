"""The workspaces this Slack offers, chosen for the trouble that their names and owners cause."""

from __future__ import annotations

import re
from typing import Final

from onboarding.sandbox.slack.model import Enterprise, Workspace

OFFERED: Final = (
    Workspace("T9TK3CUKW", "Acme HQ"),
    Workspace("T0NRTHW1ND", "Northwind Research", Enterprise("E0NRTHW1ND", "Northwind Group")),
    Workspace("T0VMBRE11A", "Umbrella <b>&</b> Sons"),
    Workspace("T0RT1EM0J1", "\u202eoлleH\u202c Studio \N{ROCKET}\N{FAMILY}"),
)
DEFAULT: Final = OFFERED[0]

_BY_ID: Final = {workspace.id: workspace for workspace in OFFERED}
_ID: Final = re.compile(r"T[A-Z0-9]{1,30}")


def find(id_: str) -> Workspace | None:
    """An offered workspace, or one made up for any well-formed id, so that tests can have many."""
    return _BY_ID.get(id_) or (Workspace(id_, id_) if _ID.fullmatch(id_) else None)
