"""Where notifications go: chosen here, carried out at Novu, and finished by a worker if we are not there to do it.

Novu never has two endpoints of ours for an owner. A choice is recorded before Novu hears of it; if Novu does not take
it, what was there before is restored, so that "nothing was changed" becomes true even if Novu's answer was lost.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from typing import Final

from onboarding.clock.deadline import Deadline
from onboarding.flows.apps import Parties
from onboarding.flows.patience import patiently
from onboarding.ledger.connections import Connections
from onboarding.ledger.destinations import Destinations, Take, Taken
from onboarding.model import Attempt, Status
from onboarding.model.destinations import Destination, MadeConnection
from onboarding.model.errors import ConnectionChanged, NotRecorded, NovuError
from onboarding.settings.log import LOGGER

SECONDS: Final = 10.0
"""For one choice in all. Has to stay under the lease of an owner."""
AGAIN_AFTER: Final = 0.05


class Choosing:
    def __init__(self, parties: Parties, connections: Connections, destinations: Destinations) -> None:
        self._parties = parties
        self._connections = connections
        self._destinations = destinations

    def open_to(self, attempt: Attempt) -> MadeConnection | None:
        """The connection whose destination belongs to this attempt; None if there is none to choose."""
        if not _may_choose(attempt):
            return None
        found = self._connections.by_owner(attempt.link.owner.identifier)
        return found if found and _is_of(attempt, found) else None

    def made_by(self, attempt: Attempt) -> MadeConnection | None:
        """The connection that this attempt made and nobody has made anew, until it has ended."""
        if attempt.status is not Status.CONNECTED or attempt.reason:
            return None
        found = self._connections.by_owner(attempt.link.owner.identifier)
        return found if found and found.attempt_id == attempt.id and not found.is_ended else None

    def is_ending(self, attempt: Attempt) -> bool:
        """Whether what this attempt made is to be disconnected, and is not yet."""
        found = self.made_by(attempt)
        return found is not None and found.is_ending

    def open_to_each(self, attempts: Iterable[Attempt]) -> dict[str, MadeConnection]:
        """The same for many attempts at once, by their ids; those that have none are left out."""
        asking = [attempt for attempt in attempts if _may_choose(attempt)]
        owners = {attempt.link.owner.identifier for attempt in asking}
        found = self._connections.by_owners(sorted(owners)) if owners else {}
        made = ((attempt, found.get(attempt.link.owner.identifier)) for attempt in asking)
        return {attempt.id: connection for attempt, connection in made if connection and _is_of(attempt, connection)}

    def choose(self, connection: MadeConnection, choice: Destination | None) -> None:
        """Let notifications go there, or nowhere. Of several choices at once the last one counts.

        Raises `ConnectionChanged` if the connection is another or none by now, `NovuError` if Novu did not take it.
        """
        number, deadline = self._destinations.propose(connection, choice), Deadline(SECONDS)
        if number is None:
            raise ConnectionChanged(connection.identifier)
        LOGGER.info("destination chosen connection=%s number=%d", connection.identifier, number)
        while not self._is_carried_out(connection.owner, number, deadline):
            if deadline.remaining <= 0 and self._destinations.withdraw(connection.owner, "", number):
                raise NovuError("something else for this customer takes too long")
            time.sleep(AGAIN_AFTER)
        found = self._connections.by_owner(connection.owner)
        if found is None or found.is_ended or found.workspace.id != connection.workspace.id:
            raise ConnectionChanged(connection.identifier)

    def finish(self, owner: str, take: object, deadline: Deadline | None = None) -> str:
        """Carry out what is still to be done. Gives why it is not done yet, and nothing if it is.

        `take` is another one each time: Novu remembers its refusals of a key for a day.
        """
        lease = secrets.token_hex(8)
        taken = self._destinations.take(owner, lease)
        if taken.take is not Take.TAKEN:
            return "something else is under way" if taken.take is Take.BUSY else ""
        if taken.connection is None:
            self._destinations.forget(owner, lease)
            return ""
        deadline = Deadline(min(SECONDS, deadline.remaining if deadline else SECONDS))
        try:
            self._tell_novu(taken.connection, taken, take, deadline)
        except NovuError as error:
            return self._not_finished(taken.connection, taken, lease, error, deadline)
        self._settle(taken.connection, taken, lease)
        return ""

    def _is_carried_out(self, owner: str, number: int, deadline: Deadline) -> bool:
        """Whether a choice is at Novu: because we brought it there, or because somebody else did."""
        if self._destinations.settled(owner) >= number:
            return True
        lease = secrets.token_hex(8)
        taken = self._destinations.take(owner, lease)
        if taken.take is Take.GONE:
            raise ConnectionChanged(owner)
        if taken.take is not Take.TAKEN:
            return taken.take is Take.SETTLED
        if taken.connection is None:
            self._destinations.forget(owner, lease)
            raise ConnectionChanged(owner)
        try:
            self._tell_novu(taken.connection, taken, 0, deadline)
        except NovuError as error:
            LOGGER.warning("destination not taken owner=%s number=%d error=%s", owner, taken.number, error)
            self._destinations.withdraw(owner, lease, taken.number)
            raise
        if patiently(lambda: self._settle(taken.connection, taken, lease), deadline) is None:
            raise NotRecorded(owner)
        return True

    def _tell_novu(self, connection: MadeConnection, taken: Taken, take: object, deadline: Deadline) -> None:
        if taken.choice is None:
            self._parties.novu(connection.integration).endpoints.delete(connection.endpoint_identifier, deadline)
            return
        key = f"{connection.endpoint_identifier}.{taken.number}.{take}"
        self._parties.novu(connection.integration).endpoints.put(connection.endpoint(taken.choice), key, deadline)

    def _settle(self, connection: MadeConnection | None, taken: Taken, lease: str) -> bool:
        if connection and not self._destinations.settle(connection, lease, taken.number, taken.choice):
            # We were away for so long that somebody else went on, and have just overwritten what they did.
            self._destinations.repair(connection.owner, lease)
        LOGGER.info("destination settled number=%d", taken.number)
        return True

    def _not_finished(
        self, connection: MadeConnection, taken: Taken, lease: str, error: NovuError, deadline: Deadline
    ) -> str:
        if error.is_transient or error.is_about_key:
            self._connections.release(connection.owner, lease)
            return str(error)
        LOGGER.error("destination refused connection=%s error=%s", connection.identifier, error)
        if not taken.is_placed:
            self._destinations.withdraw(connection.owner, lease, taken.number, str(error))
            return ""
        return self._give_up(connection, taken, lease, deadline)

    def _give_up(self, connection: MadeConnection, taken: Taken, lease: str, deadline: Deadline) -> str:
        """Novu does not take what it had before: then there is nothing any more, here and there."""
        try:
            self._parties.novu(connection.integration).endpoints.delete(connection.endpoint_identifier, deadline)
        except NovuError as error:
            self._connections.release(connection.owner, lease)
            return str(error)
        self._destinations.settle(connection, lease, taken.number, None)
        return ""


def _may_choose(attempt: Attempt) -> bool:
    return attempt.status is Status.CONNECTED and attempt.link.has_destination


def _is_of(attempt: Attempt, connection: MadeConnection) -> bool:
    """Whether it lives, and it was this attempt that made it."""
    return connection.attempt_id == attempt.id and not (connection.is_ended or connection.is_ending)
