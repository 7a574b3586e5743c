"""The Lua scripts of this package. Those that move attempts keep the lists too, in the same step."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from onboarding.ephemeral.store import Redis

PREFIX: Final = "onboarding"


def register(client: Redis, name: str) -> Any:
    """A script, ready to be called with its keys and arguments."""
    folder = files(__package__)
    return client.register_script(
        "".join(folder.joinpath(f"{each}.lua").read_text("utf-8") for each in ("lists", name))
    )
