"""The status page: what operators see, and what they may do about it."""

from onboarding.web.admin import attempts, audit, connections, export, links, overview, sign_in
from onboarding.web.admin.door import admin_pages

__all__ = ["admin_pages", "attempts", "audit", "connections", "export", "links", "overview", "sign_in"]
