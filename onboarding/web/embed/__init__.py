"""What pages of the host product load and read: the element, and an owner's status."""

from onboarding.web.embed.files import embed
from onboarding.web.embed.status import read_status

__all__ = ["embed", "read_status"]
