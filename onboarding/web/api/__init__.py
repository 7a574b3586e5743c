"""The HTTP API for host back ends, and what describes it. All of it answers 404 while there is no API key."""

from onboarding.web.api import connections, events, upkeep
from onboarding.web.api.views import api_calls

__all__ = ["api_calls", "connections", "events", "upkeep"]
