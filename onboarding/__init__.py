"""Slack onboarding for Novu: install links, Slack's OAuth flow, channel connections."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app(env: Mapping[str, str] | None = None) -> Flask:
    """The web application, configured by `env`, or by the environment of the process."""
    from onboarding.web.app import build  # noqa: PLC0415 (a worker imports this package too, and needs no Flask)

    return build(os.environ if env is None else env)
