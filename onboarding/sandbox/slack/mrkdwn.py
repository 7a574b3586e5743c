"""Slack's markup as safe HTML: links, bold, mentions and line breaks. Anything else stays text.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from typing import Final

from markupsafe import Markup, escape

_LINK: Final = re.compile(r"<(https?://[^\s<>|]+)(?:\|([^<>]*))?>")
_MENTION: Final = re.compile(r"<@([A-Z0-9]{1,40})>")
_BOLD: Final = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")
_MARK: Final = re.compile("\0([0-9]+)\0")


def render(text: str, names: dict[str, str] | None = None) -> Markup:
    """`names` are people's, by id, for mentions."""
    links: list[Markup] = []

    def keep(found: re.Match[str]) -> str:
        label = _plain(found[2] or found[1])
        links.append(Markup('<a href="{}" rel="noopener noreferrer">{}</a>').format(_plain(found[1]), label))
        return f"\0{len(links) - 1}\0"

    marked = _LINK.sub(keep, text.replace("\0", ""))
    marked = _MENTION.sub(lambda found: f"@{(names or {}).get(found[1], found[1])}", marked)
    bold = _BOLD.sub(r"<strong>\1</strong>", str(escape(_plain(marked))))
    whole = _MARK.sub(lambda found: str(links[int(found[1])]), bold)
    return Markup(whole.replace("\r\n", "\n").replace("\n", "<br>"))


def _plain(text: str) -> str:
    """Senders write three characters as entities, and no others."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
