"""The attempts in Redis: their records, their sealed grants, the lists they stand in, and who was connected to what."""

from onboarding.attempts import steps
from onboarding.attempts.lists import Day, Found, Lists, Standing, Wanted
from onboarding.attempts.store import Attempts, Claim, Take, Taken
from onboarding.attempts.terms import Match

__all__ = ["Attempts", "Claim", "Day", "Found", "Lists", "Match", "Standing", "Take", "Taken", "Wanted", "steps"]
