"""Sends a test message to where notifications go: what it shows, no page could promise."""

from __future__ import annotations

from typing import Final

from onboarding.clock.deadline import Deadline
from onboarding.ephemeral.limits import TEST_MESSAGES, Limit, Limits
from onboarding.flows.apps import Parties
from onboarding.ledger.attempts import Attempts
from onboarding.model.destinations import MadeConnection
from onboarding.model.errors import NoDestination, TokenHidden
from onboarding.remote.slack import Bot
from onboarding.settings.environment import Settings
from onboarding.settings.log import LOGGER

SECONDS: Final = 10.0
TEXT: Final = "*This is a test message from {product}.*\n{who}, and notifications will arrive here.\n{change}"
CONNECTED: Final = "{person} connected {account} to Slack"
SOMEBODY: Final = "Somebody"
CHANGE: Final = "To change where they go, open <{url}|this page> in the browser that connected Slack."
CHANGE_BY_LINK: Final = "To change where they go, ask {product} for a new connect link."


class Proof:
    def __init__(self, parties: Parties, bot: Bot, limits: Limits, attempts: Attempts, settings: Settings) -> None:
        self._parties = parties
        self._bot = bot
        self._limits = limits
        self._attempts = attempts
        self._settings = settings

    def send(self, connection: MadeConnection) -> None:
        """Raises `NoDestination`, `TokenHidden`, `TooOften` and `NovuError`; `SlackSaysNo` if Slack did not take it."""
        destination, deadline = connection.destination, Deadline(SECONDS)
        if destination is None:
            raise NoDestination(connection.identifier)
        token = self._parties.novu(connection.integration).token(connection.identifier, deadline)
        if token is None:
            raise TokenHidden(connection.identifier)
        self._limits.spend(Limit(TEST_MESSAGES, connection.owner))
        self._bot.post(token, destination.id, self._text(connection), deadline)
        LOGGER.info("test message sent connection=%s", connection.identifier)

    def _text(self, connection: MadeConnection) -> str:
        attempt = self._attempts.get(connection.attempt_id)
        product = self._parties.of(connection.integration).app.brand.product_name
        account = attempt.link.account if attempt and attempt.link.account else product
        may_change = attempt is not None and attempt.link.has_destination
        change = (
            CHANGE.format(url=f"{self._settings.public_url}/attempts/{connection.attempt_id}")
            if may_change
            else CHANGE_BY_LINK
        )
        person = f"<@{connection.installer_id}>" if connection.installer_id else SOMEBODY
        return TEXT.format(
            product=_escape(product),
            who=CONNECTED.format(person=person, account=_escape(account)),
            change=change.format(product=_escape(product)),
        )


def _escape(text: str) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text#escaping"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
