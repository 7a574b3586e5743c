"""What a request can reach: the wiring of its app, and its own id."""

from __future__ import annotations

from typing import cast

from flask import current_app, g

from onboarding.wiring import Wiring


def wiring() -> Wiring:
    return cast("Wiring", current_app.extensions["onboarding"])


def request_id() -> str:
    return cast("str", g.request_id)
