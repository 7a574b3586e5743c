"""The only package that talks to Redis: attempts, their sealed grants, and who was connected to what."""

from onboarding.attempts.store import Attempts, Claim

__all__ = ["Attempts", "Claim"]
