"""What the app does in a workspace with its bot token: looks at channels and posts messages.

Every call raises `SlackSaysNo`. Nothing here is tried again: the caller decides, and a message must not be sent twice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from onboarding.clock.deadline import Deadline
from onboarding.model import Secret, Workspace
from onboarding.model.errors import ChannelUnknown, Remedy, SlackRefused, SlackSaysNo
from onboarding.model.names import clean_name
from onboarding.remote import retry_after
from onboarding.remote.failure import NoAnswer
from onboarding.remote.http import Answer, Http
from onboarding.remote.slack.errors import no
from onboarding.remote.slack.wire import call, read_fields, read_id, read_text

PER_PAGE: Final = 999
MOST_PAGES: Final = 5
"""Of private channels, workspaces of an organisation and the like."""
MOST_BYTES: Final = 8_388_608
"""A page of channels with all their topics is larger than anything else that Slack answers."""
LONGEST_RETRY_AFTER: Final = 3600
POSTS_ANYWHERE: Final = "chat:write.public"
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as the app sees it. `is_external` ones are shared with another company."""

    id: str
    name: str
    is_private: bool = False
    is_archived: bool = False
    is_member: bool = False
    is_external: bool = False


@dataclass(frozen=True, slots=True)
class ChannelPage:
    """One page of a list. It may be short, or empty, and still have a `next` one."""

    channels: tuple[Channel, ...]
    next: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A channel, and what the token may do."""

    channel: Channel
    scopes: frozenset[str]

    @property
    def posts_anywhere(self) -> bool:
        """Whether the app may post to public channels that it is not in. If Slack does not say, a message will show."""
        return not self.scopes or POSTS_ANYWHERE in self.scopes


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a token belongs to: the host name of the workspace, and what the token may do."""

    host: str
    scopes: frozenset[str]


class Bot:
    def __init__(self, url: str, http: Http) -> None:
        self._url = url
        self._http = http

    def public_channels(self, token: Secret, team: str, cursor: str, deadline: Deadline) -> ChannelPage:
        """One page of all that are open to everybody in the workspace."""
        asked = {"types": "public_channel", "cursor": cursor, "team_id": team}
        return self._page("conversations.list", token, asked, deadline)

    def private_channels(self, token: Secret, person: str, team: str, deadline: Deadline) -> list[Channel]:
        """Those that the person and the app are both members of."""
        asked = {"types": "private_channel", "user": person, "team_id": team, "cursor": ""}
        found: list[Channel] = []
        for _ in range(MOST_PAGES):
            page = self._page("users.conversations", token, asked, deadline)
            found += page.channels
            if not page.next or page.next == asked["cursor"]:
                break
            asked["cursor"] = page.next
        return found

    def channel(self, token: Secret, channel_id: str, deadline: Deadline) -> Seen:
        answer, fields = self._ask("conversations.info", token, {"channel": channel_id}, deadline)
        channel = _channel(fields.get("channel"))
        if channel is None or channel.id != channel_id:
            raise no("channel_not_found")
        return Seen(channel, _scopes(answer))

    def find_person(self, token: Secret, person: str, deadline: Deadline) -> None:
        """Refuses if nobody of that id can be written to. Opens nothing; needs the scope `im:write`."""
        # Slack knows the person of a conversation that it says is not there: it was not to be opened.
        with suppress(ChannelUnknown):
            self._ask("conversations.open", token, {"users": person, "prevent_creation": "true"}, deadline)

    def post(self, token: Secret, target: str, text: str, deadline: Deadline) -> None:
        """Post to a channel, or to a person's messages."""
        asked = {"channel": target, "text": text, "unfurl_links": "false"}
        self._ask("chat.postMessage", token, asked, deadline)

    def identity(self, token: Secret, deadline: Deadline) -> Identity:
        answer, fields = self._ask("auth.test", token, {}, deadline)
        return Identity(_host(fields.get("url")), _scopes(answer))

    def workspaces(self, token: Secret, deadline: Deadline) -> list[Workspace]:
        """Those of an organisation that the app was added to."""
        _, fields = self._ask("auth.teams.list", token, {"limit": "200"}, deadline)
        rows = fields.get("teams")
        found = (_workspace(row) for row in (rows if isinstance(rows, list) else ()))
        return [workspace for workspace in found if workspace]

    def _page(self, method: str, token: Secret, asked: Mapping[str, str], deadline: Deadline) -> ChannelPage:
        form = {**asked, "exclude_archived": "true", "limit": str(PER_PAGE)}
        _, fields = self._ask(method, token, form, deadline)
        rows, after = fields.get("channels"), fields.get("response_metadata")
        if not isinstance(rows, list):
            raise no("fatal_error")
        channels = (_channel(row) for row in rows)
        cursor = read_text(after.get("next_cursor")) or "" if isinstance(after, dict) else ""
        is_cursor = re.fullmatch(r"[\x21-\x7e]{1,1024}", cursor)
        return ChannelPage(
            tuple(each for each in channels if each and not each.is_archived), cursor if is_cursor else ""
        )

    def _ask(
        self, method: str, token: Secret, asked: Mapping[str, str], deadline: Deadline
    ) -> tuple[Answer, Mapping[str, Any]]:
        headers = {"Authorization": f"Bearer {token.reveal()}", "Content-Type": FORM}
        body = urlencode({name: value for name, value in asked.items() if value}).encode()
        try:
            url, called = f"{self._url}/api/{method}", call(method)
            answer = self._http.ask("POST", url, headers, body, deadline, call=called, most_bytes=MOST_BYTES)
            fields = read_fields(answer)
        except NoAnswer as error:
            raise SlackSaysNo(error.failure.value, Remedy.LATER) from None
        except SlackRefused as refusal:
            raise SlackSaysNo(refusal.detail, Remedy.LATER, _retry_after(answer)) from None
        if fields.get("ok") is True:
            return answer, fields
        raise no(fields.get("error"), _retry_after(answer))


def _channel(row: object) -> Channel | None:
    """None for what is no channel: a conversation of two people, or of a few."""
    if not isinstance(row, dict) or row.get("is_im") is True or row.get("is_mpim") is True:
        return None
    channel_id, name = read_id(row.get("id")), clean_name(read_text(row.get("name")) or "")
    if channel_id is None or not name:
        return None
    return Channel(
        id=channel_id,
        name=name,
        # Whatever Slack does not say: as if fewer people may see it.
        is_private=row.get("is_private") is not False,
        is_archived=row.get("is_archived") is True,
        is_member=row.get("is_member") is True,
        is_external=row.get("is_ext_shared") is True,
    )


def _workspace(row: object) -> Workspace | None:
    workspace_id = read_id(row.get("id")) if isinstance(row, dict) else None
    if not isinstance(row, dict) or workspace_id is None:
        return None
    return Workspace(workspace_id, clean_name(read_text(row.get("name")) or "") or workspace_id)


def _scopes(answer: Answer) -> frozenset[str]:
    listed = answer.headers.get("X-OAuth-Scopes") or ""
    return frozenset(scope for part in listed.split(",") if (scope := part.strip()))


def _host(url: object) -> str:
    try:
        return urlsplit(url).hostname or "" if isinstance(url, str) else ""
    except ValueError:
        return ""


def _retry_after(answer: Answer) -> int:
    """Seconds; 0 if Slack did not say."""
    return min(math.ceil(retry_after.seconds(answer.headers) or 0), LONGEST_RETRY_AFTER)
