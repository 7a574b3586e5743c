"""What came of something that an operator did to a connection."""

from __future__ import annotations

from dataclasses import dataclass

from onboarding.ledger.audit import Action


@dataclass(frozen=True, slots=True)
class Changed:
    """What was done, and what came of it in words; `tone` is good, wait or stop.

    `place` is the page that says so, if it is not the connection's own. The audit keeps `noted` if it needs to know
    more than the page tells.
    """

    action: Action
    outcome: str
    tone: str
    is_gone: bool = False
    place: str = ""
    noted: str = ""
