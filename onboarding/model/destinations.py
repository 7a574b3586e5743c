"""Where notifications go: the destination somebody chose, and Novu's channel endpoint that leads there."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from onboarding.model import Workspace


class ConnectionState(StrEnum):
    """How a connection does, as last found. Unknown: nobody can ask."""

    WORKING = "working"
    BROKEN = "broken"
    UNKNOWN = "unknown"
    ENDED = "ended"


class EndpointType(StrEnum):
    """Novu's words. Messages to a person arrive in the app's direct messages."""

    CHANNEL = "slack_channel"
    PERSON = "slack_user"


@dataclass(frozen=True, slots=True)
class Destination:
    """A channel or a person in Slack. Only a public channel has its name here: others may not know private ones."""

    type: EndpointType
    id: str
    name: str | None = None

    @property
    def is_person(self) -> bool:
        return self.type is EndpointType.PERSON

    @property
    def told(self) -> str:
        """As timelines say it. Whoever reads them may know people and public channels, and no others."""
        return f"{self.type} {self.id}" if self.is_person or self.name else str(self.type)

    def to_json(self) -> str:
        """As the ledger keeps it."""
        fields = {"type": self.type.value, "id": self.id, "name": self.name}
        return json.dumps({name: value for name, value in fields.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A Novu channel endpoint. `target` is the id of a channel or person; None if it is of a kind unknown here."""

    identifier: str
    connection: str | None
    integration: str
    subscriber_id: str | None
    context_keys: tuple[str, ...]
    type: str
    target: str | None

    def leads_like(self, other: Endpoint) -> bool:
        """Whether the two differ in their target only, which Novu lets one change."""
        return replace(self, target=None) == replace(other, target=None)


@dataclass(frozen=True, slots=True)
class MadeConnection:
    """A channel connection that this service made, as it remembers it. Novu holds the truth.

    `subscriber_id` is the one that the link names, also if the connection is shared. `attempt_id` names the attempt
    that made it, `installer_id` the person who approved; `removed_at` is when Slack told that the app was removed. A
    destination that `is_being_placed` is chosen, and not at Novu yet; a connection that `is_ending` is to be
    disconnected, and is not yet.
    """

    owner: str
    identifier: str
    integration: str
    subscriber_id: str | None
    context_keys: tuple[str, ...]
    workspace: Workspace
    app_id: str | None
    installer_id: str | None
    attempt_id: str
    connected_at: datetime
    state: ConnectionState
    reason: str | None
    since: datetime
    checked_at: datetime | None
    link_id: str | None
    is_shared: bool
    reconnect_link: str | None
    removed_at: datetime | None
    missing_scopes: tuple[str, ...]
    destination: Destination | None = None
    is_being_placed: bool = False
    is_ending: bool = False

    @property
    def is_broken(self) -> bool:
        return self.state is ConnectionState.BROKEN

    @property
    def is_ended(self) -> bool:
        return self.state is ConnectionState.ENDED

    @property
    def endpoint_identifier(self) -> str:
        """The owner's own endpoint identifier: there is never more than one endpoint of ours."""
        return endpoint_identifier(self.owner)

    def endpoint(self, destination: Destination) -> Endpoint:
        """What Novu has to hold. It compares neither subscriber nor context with the connection's, so we do."""
        return Endpoint(
            identifier=self.endpoint_identifier,
            connection=self.identifier,
            integration=self.integration,
            subscriber_id=self.subscriber_id,
            context_keys=self.context_keys,
            type=destination.type.value,
            target=destination.id,
        )


def endpoint_identifier(owner: str) -> str:
    return f"chendp_{owner.removeprefix('chconn_')}"
