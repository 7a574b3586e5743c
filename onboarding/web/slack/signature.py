"""Whether a request comes from Slack. https://docs.slack.dev/authentication/verifying-requests-from-slack"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from typing import Final

from werkzeug.datastructures import Headers

from onboarding.model import Secret

TOLERANCE: Final = 300
"""Seconds. An older request may have been recorded and sent again."""


def is_slacks(secrets: Sequence[Secret], headers: Headers, raw: bytes, now: float) -> bool:
    """Compares with every secret, each in constant time. There may be several while one is being replaced."""
    timestamp, given = headers.get("X-Slack-Request-Timestamp", ""), headers.get("X-Slack-Signature", "")
    if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(now - int(timestamp)) > TOLERANCE:
        return False
    signed = b"v0:" + timestamp.encode() + b":" + raw
    expected = [f"v0={hmac.new(secret.reveal().encode(), signed, 'sha256').hexdigest()}" for secret in secrets]
    same = [hmac.compare_digest(each.encode(), given.encode("utf-8", "replace")) for each in expected]
    return True in same
