"""The only package that talks to Redis: attempts, their sealed grants, and who was connected to what."""

from onboarding.attempts import steps
from onboarding.attempts.store import Attempts, Claim, Take, Taken

__all__ = ["Attempts", "Claim", "Take", "Taken", "steps"]
