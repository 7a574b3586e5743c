"""How one local Novu is set up: what real ones differ in, by version, plan or configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Options:
    """`legacy_idempotency` answers a replayed error with 503; `redact` hides every token; `data` outlives a restart."""

    legacy_idempotency: bool = False
    rate_limit: bool = False
    redact: bool = False
    data: Path | None = None
    slow_seconds: float = 3.0


PLAIN: Final = Options()
