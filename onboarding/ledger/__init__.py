"""The attempts in Redis: their records, their sealed grants, the lists they stand in, and who was connected to what."""

from onboarding.ledger import steps
from onboarding.ledger.attempts import Attempts, Claim, Take, Taken
from onboarding.ledger.lists import Day, Found, Lists, Standing, Wanted
from onboarding.ledger.terms import Match

__all__ = ["Attempts", "Claim", "Day", "Found", "Lists", "Match", "Standing", "Take", "Taken", "Wanted", "steps"]
