"""One process at a time does something for an owner: whoever holds the lease in the owner's row."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

LEASE: Final = timedelta(seconds=16)
"""How long a process may hold an owner: a little longer than anything it does may take."""
BUSY_WAIT: Final = timedelta(seconds=1)
"""When a worker looks again after an owner that somebody else holds."""
RELEASE: Final = """
    UPDATE owner SET lease = NULL, leased_until = NULL WHERE id = %(owner)s AND lease = %(lease)s
"""
