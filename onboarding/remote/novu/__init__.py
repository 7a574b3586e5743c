"""The only package that talks to Novu: its channel connections, as typed calls."""

from onboarding.remote.novu.client import Filter, Novu
from onboarding.remote.novu.wire import Page

__all__ = ["Filter", "Novu", "Page"]
