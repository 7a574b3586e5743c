"""The workspaces this Slack offers, chosen because their names, owners and sizes cause problems."""

from __future__ import annotations

import re
from typing import Final

from onboarding.sandbox.slack.model import Enterprise, Workspace

NORTHWIND: Final = Enterprise("E0NRTHW1ND", "Northwind Group")
OFFERED: Final = (
    Workspace("T9TK3CUKW", "Acme HQ", domain="acme-hq"),
    Workspace("T0NRTHW1ND", "Northwind Research", NORTHWIND, "northwind-research"),
    Workspace("T0NRTHF00D", "Northwind Foods", NORTHWIND, "northwind-foods"),
    Workspace("T0NRTHSH1P", "Northwind Shipping", NORTHWIND, "northwind-shipping"),
    Workspace("T0VMBRE11A", "Umbrella <b>&</b> Sons", domain="umbrella-and-sons"),
    Workspace("T0RT1EM0J1", "\u202eoлleH\u202c Studio \N{ROCKET}\N{FAMILY}", domain="hello-studio"),
    Workspace("T0GL0BEX20", "Globex (20,000 channels)", domain="globex", public_channels=20_000),
)
DEFAULT: Final = OFFERED[0]

_BY_ID: Final = {workspace.id: workspace for workspace in OFFERED}
_ID: Final = re.compile(r"T[A-Z0-9]{1,30}")


def find(id_: str) -> Workspace | None:
    """An offered workspace, or one made up for any well-formed id, so that tests can have many."""
    return _BY_ID.get(id_) or (Workspace(id_, id_) if _ID.fullmatch(id_) else None)


def of_organisation(id_: str) -> tuple[Workspace, ...]:
    """An invented organisation has the one workspace that it was invented for."""
    members = tuple(workspace for workspace in OFFERED if workspace.organisation.id == id_)
    invented = find(f"T{id_[1:]}")
    return members or ((invented,) if invented else ())
