"""What the app asks for in Slack, in words: each thing once, with why it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Permission:
    """What a scope lets the app do, and why it is asked. Scopes of one `icon` are shown as one permission."""

    icon: str
    can: str
    why: str
    also: str = ""
    """Added to the reason of the first of its kind."""


PERMISSIONS: Final = {
    "chat:write": Permission("post", "Post messages", "to deliver your notifications"),
    "incoming-webhook": Permission(
        "post",
        "Post to one channel that you choose",
        "to deliver your notifications",
        "to one channel that you choose in Slack",
    ),
    "chat:write.public": Permission(
        "post",
        "Post in public channels without being invited",
        "so that you can pick any of them",
        "also in public channels, without an invitation",
    ),
    "channels:join": Permission(
        "post",
        "Join public channels",
        "to post where you want notifications",
        "joining public channels to do so",
    ),
    "chat:write.customize": Permission(
        "post",
        "Post under a name of its own",
        "so that you see what a message is about",
        "under a name of its own",
    ),
    "files:write": Permission("post", "Upload files", "to attach them to notifications", "with files attached"),
    "channels:read": Permission("channels", "See channel names", "to let you choose where notifications go"),
    "groups:read": Permission(
        "channels",
        "See private channels it was added to",
        "to let you choose where notifications go",
        "including private channels it was added to",
    ),
    "im:write": Permission("direct", "Start direct messages", "to send a notification to one person"),
    "im:read": Permission(
        "direct",
        "See whom it has direct messages with",
        "to send a notification to one person",
        "and to see whom it has direct messages with",
    ),
    "users:read": Permission("people", "See who is in the workspace", "to let you choose who gets notifications"),
    "users:read.email": Permission(
        "people",
        "See e-mail addresses",
        "to match people with their {product} accounts",
        "with e-mail addresses, to match people with their {product} accounts",
    ),
    "team:read": Permission("workspace", "See the name of the workspace", "to show you where you are connected"),
    "commands": Permission("commands", "Add slash commands", "to let you control notifications from Slack"),
    "channels:history": Permission("read", "Read messages", "in public channels it was added to"),
    "groups:history": Permission("read", "Read messages", *["in private channels it was added to"] * 2),
    "im:history": Permission("read", "Read messages", *["in direct messages with it"] * 2),
    "mpim:history": Permission("read", "Read messages", *["in group conversations it was added to"] * 2),
}
"""In the order in which they are shown."""

CANNOT_READ: Final = "It can't read your messages."
READING: Final = ("search:", "app_mentions:", "pins:", "stars:", "links:", "admin")
"""How scopes begin that show messages to an app. All those that end in `:history` do, too."""


def grouped(scopes: Sequence[str]) -> list[Permission]:
    """One permission for each kind of thing that scopes allow."""
    order = [*PERMISSIONS, *scopes]
    kinds: dict[str, list[Permission]] = {}
    for scope in sorted(set(scopes), key=order.index):
        kinds.setdefault(PERMISSIONS[scope].icon if scope in PERMISSIONS else scope, []).append(_of(scope))
    return [_together(kind) for kind in kinds.values()]


def reads_messages(scopes: Sequence[str]) -> bool:
    return any(scope.endswith(":history") or scope.startswith(READING) for scope in scopes)


def _of(scope: str) -> Permission:
    return PERMISSIONS.get(scope) or Permission("other", f"Use {scope}", "because {product} asks for it")


def _together(kind: list[Permission]) -> Permission:
    first, *others = kind
    return replace(first, why=", ".join((first.why, *(other.also for other in others))))
