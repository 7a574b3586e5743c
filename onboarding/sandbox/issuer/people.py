"""The people this issuer offers: one for each answer that an access rule can give."""

from __future__ import annotations

from typing import Final

from onboarding.sandbox.issuer.model import Person

OFFERED: Final = (
    Person("operator@sprocket.example", "Olivia Operator"),
    Person("viewer@sprocket.example", "Vic Viewer"),
    Person("stranger@elsewhere.example", "Sam Stranger"),
    Person("unverified@sprocket.example", "Una Unverified", email_verified=False),
)
DEFAULT: Final = OFFERED[0]
LONGEST: Final = 254

_BY_EMAIL: Final = {person.email: person for person in OFFERED}


def offered(email: str) -> Person | None:
    return _BY_EMAIL.get(email)


def anybody(email: str) -> Person | None:
    """An offered person, or one made up for any address, well-formed or not."""
    if not 0 < len(email) <= LONGEST:
        return None
    return offered(email) or Person(email, email.partition("@")[0] or email)
