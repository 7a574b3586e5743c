"""The admin: what operators see, and what they may do about it."""

from onboarding.web.admin import (
    astray,
    attempt,
    attempts,
    audit,
    claim,
    clean,
    connection,
    connections,
    customers,
    events,
    export,
    links,
    overview,
    sign_in,
)
from onboarding.web.admin.door import admin_pages

__all__ = [
    "admin_pages",
    "astray",
    "attempt",
    "attempts",
    "audit",
    "claim",
    "clean",
    "connection",
    "connections",
    "customers",
    "events",
    "export",
    "links",
    "overview",
    "sign_in",
]
