"""What came of something that an operator did to a connection."""

from __future__ import annotations

from dataclasses import dataclass

from onboarding.ledger.audit import Action


@dataclass(frozen=True, slots=True)
class Changed:
    """What was done, and what came of it in words; `tone` is good, wait or stop."""

    action: Action
    outcome: str
    tone: str
    is_gone: bool = False
