"""The version. It is here and not in a distribution's metadata, because the image holds the code only."""

from __future__ import annotations

VERSION = "0.1.0"
