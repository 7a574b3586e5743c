"""Calls to Novu's channel-endpoints API: where the notifications of a subscriber arrive.

https://docs.novu.co/api-reference/channel-endpoints
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

from onboarding.clock.deadline import Deadline
from onboarding.model.destinations import Endpoint
from onboarding.model.errors import NovuError
from onboarding.remote.novu import wire
from onboarding.remote.novu.calls import Calls

PATH: Final = "/v1/channel-endpoints"
PER_PAGE: Final = 100
MOST_PAGES: Final = 20
"""Of endpoints to delete. What is left after so many is deleted the next time."""


class Endpoints:
    """The channel endpoints of one Novu environment. Every call raises `NovuError` when Novu did not do it."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def put(self, wanted: Endpoint, key: str, deadline: Deadline) -> None:
        """Let `wanted` be what its identifier names, whatever that named before. There are never two of them.

        Only the target of an endpoint can be changed: one that differs otherwise is deleted first. `key` makes each
        write idempotent; safe to repeat, under another key too.
        """
        found = self._create(wanted, key, deadline)
        if found is None or found == wanted:
            return
        if found.leads_like(wanted):
            self.update(wanted, f"{key}.update", deadline)
            return
        self.delete(wanted.identifier, deadline)
        self.create(wanted, f"{key}.again", deadline)

    def list(self, connection: str, deadline: Deadline) -> tuple[Endpoint, ...]:
        """The first page of what hangs on a connection."""
        query = urlencode({"connectionIdentifier": connection, "limit": str(PER_PAGE)})
        return wire.read_endpoints(self._calls.call("GET", f"{PATH}?{query}", deadline))

    def create(self, endpoint: Endpoint, key: str, deadline: Deadline) -> Endpoint:
        return _about(endpoint, self._calls.call("POST", PATH, deadline, key, wire.endpoint_body(endpoint)))

    def retrieve(self, identifier: str, deadline: Deadline) -> Endpoint:
        return wire.read_endpoint(self._calls.call("GET", _path(identifier), deadline))

    def update(self, endpoint: Endpoint, key: str, deadline: Deadline) -> Endpoint:
        """Change where it leads."""
        path, body = _path(endpoint.identifier), wire.target_body(endpoint)
        return _about(endpoint, self._calls.call("PATCH", path, deadline, key, body))

    def delete(self, identifier: str, deadline: Deadline) -> None:
        """Does nothing if it is gone."""
        try:
            self._calls.call("DELETE", _path(identifier), deadline)
        except NovuError as error:
            if error.status != 404:
                raise

    def delete_all(self, connection: str, deadline: Deadline) -> None:
        """Delete everything that hangs on a connection, whoever made it."""
        for _ in range(MOST_PAGES):
            found = [each for each in self._list(connection, deadline) if each.connection == connection]
            for endpoint in found:
                self.delete(endpoint.identifier, deadline)
            if not found:
                return
        raise NovuError("there are more endpoints than can be deleted at once")

    def _list(self, connection: str, deadline: Deadline) -> tuple[Endpoint, ...]:
        try:
            return self.list(connection, deadline)
        except NovuError as error:
            if error.status == 404:
                return ()  # A Novu from before there were endpoints.
            raise

    def _create(self, wanted: Endpoint, key: str, deadline: Deadline) -> Endpoint | None:
        """Create it, or give what its identifier names already."""
        try:
            self.create(wanted, key, deadline)
        except NovuError as error:
            if error.status != 409 or error.is_transient:
                raise
            return self._holder(wanted, error, deadline)
        return None

    def _holder(self, wanted: Endpoint, conflict: NovuError, deadline: Deadline) -> Endpoint:
        try:
            return self.retrieve(wanted.identifier, deadline)
        except NovuError as error:
            if error.status == 404:
                # Gone between two requests, or its refusal is kept under the key: another try will do.
                raise NovuError(conflict.message) from None
            raise


def _about(endpoint: Endpoint, body: object) -> Endpoint:
    """The endpoint, if Novu's answer is about it. If not, asking again finds out what Novu holds."""
    answered = wire.read_endpoint(body)
    if (answered.identifier, answered.target) != (endpoint.identifier, endpoint.target):
        raise NovuError("the answer is about another endpoint")
    return answered


def _path(identifier: str) -> str:
    return f"{PATH}/{quote(identifier, safe='')}"
