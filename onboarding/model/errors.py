"""What can go wrong, as exceptions that carry facts. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from onboarding.model import Attempt, InstallLink, Reason


class OnboardingError(Exception):
    """Everything this service raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one named setting or field. Never holds the value.

    `is_absence`: it is not there, and whoever does not need it may go on.
    """

    name: str
    message: str
    is_absence: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"


class ConfigError(OnboardingError):
    """The environment cannot be used. Names every problem at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(["The configuration has problems:", *(f"  {problem}" for problem in self.problems)]))


class LinkForged(OnboardingError):
    """Not signed by us, or damaged on the way."""


class LinkMalformed(OnboardingError):
    """Signed well, but its payload breaks the rules. `problems` names each broken field."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class LinkExpired(OnboardingError):
    """Was good once."""

    def __init__(self, link: InstallLink) -> None:
        self.link = link
        super().__init__(link.id)


class LinkRevoked(OnboardingError):
    """Was good until somebody took it back. `attempt_id` names what had been started from it, if that came to light."""

    def __init__(self, link: InstallLink, attempt_id: str | None = None) -> None:
        self.link = link
        self.attempt_id = attempt_id
        super().__init__(attempt_id or link.id)


class CursorMalformed(OnboardingError):
    """A place in a list that none of our pages gave out."""


class SealBroken(OnboardingError):
    """A sealed grant that none of our keys opens."""


class StoreUnavailable(OnboardingError):
    """PostgreSQL or Redis, whichever `store` names, did not answer in time, or refused."""

    def __init__(self, store: str, detail: str) -> None:
        self.store = store
        self.detail = detail
        super().__init__(f"{store}: {detail}")


class SchemaRefused(StoreUnavailable):
    """This database cannot be used as it is. The message says what to do."""

    def __init__(self, detail: str) -> None:
        super().__init__("PostgreSQL", detail)


class TooManyStarts(OnboardingError):
    """One link was started too often. `retry_after` is in seconds."""

    def __init__(self, retry_after: int, link: InstallLink | None = None) -> None:
        self.retry_after = retry_after
        self.link = link
        super().__init__(f"retry after {retry_after} s")


class TooOften(OnboardingError):
    """Somebody asks for more than they may have. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(f"retry after {retry_after} s")


class StateUnknown(OnboardingError):
    """A state that was never issued, or has left the store."""


class StateExpired(OnboardingError):
    """The person came back too late."""

    def __init__(self, attempt_id: str) -> None:
        self.attempt_id = attempt_id
        super().__init__(attempt_id)


class OtherBrowser(OnboardingError):
    """The state belongs to another browser. The attempt is untouched."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        super().__init__(attempt.id)


class NotClaimable(OnboardingError):
    """Nobody can claim the attempt, or not any more: it was claimed before, took too long, or is forgotten."""

    def __init__(self, link: InstallLink, attempt: Attempt | None = None) -> None:
        self.link = link
        self.attempt = attempt
        super().__init__(attempt.id if attempt else "forgotten")


class OtherIntegration(OnboardingError):
    """The attempt belongs to the Slack app of another integration than the link."""

    def __init__(self, link: InstallLink) -> None:
        self.link = link
        super().__init__(link.id)


class OtherWorkspace(OnboardingError):
    """The link is for another workspace than the attempt's. The attempt is untouched."""

    def __init__(self, link: InstallLink, attempt: Attempt) -> None:
        self.link = link
        self.attempt = attempt
        super().__init__(attempt.id)


class ApprovalUnused(OnboardingError):
    """Another approval, in an attempt that was over. The message is the attempt's id."""


class SlackRefused(OnboardingError):
    """Slack gave no usable grant. `detail` is Slack's own word for it, or the scopes that are missing."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else str(reason))


class Remedy(StrEnum):
    """What helps when Slack refuses something that a bot token was used for."""

    RECONNECT = "reconnect"
    CHOOSE_AGAIN = "choose_again"
    ASK_IN_SLACK = "ask_in_slack"
    OURS = "ours"
    LATER = "later"


class SlackSaysNo(OnboardingError):
    """Slack did not do what a bot token was used for. `word` is Slack's own, `retry_after` is in seconds."""

    def __init__(self, word: str, remedy: Remedy, retry_after: int = 0) -> None:
        self.word = word
        self.remedy = remedy
        self.retry_after = retry_after
        super().__init__(word)


class TokenDead(SlackSaysNo):
    """The bot token no longer works, and will not work again by itself."""


class TokenExpired(TokenDead):
    """The bot token rotates, and nobody has refreshed it in time."""


class RateLimited(SlackSaysNo):
    """Slack was asked too often."""


class TeamUnknown(SlackSaysNo):
    """An organisation has no such workspace, or has not added the app to it."""


class ChannelUnknown(SlackSaysNo):
    """There is no such channel, or the app may not know of it."""


class PersonUnknown(SlackSaysNo):
    """There is nobody of that id who can be written to."""


class ConnectionChanged(OnboardingError):
    """A connection that has ended, or was made anew, since somebody looked at it."""


class NotRecorded(OnboardingError):
    """Something was done, and PostgreSQL did not answer when it was to be recorded. A worker sees to that."""


class TokenHidden(OnboardingError):
    """Novu does not show the token of a connection, so that Slack cannot be asked."""


class NoDestination(OnboardingError):
    """Nobody has chosen where notifications go."""


class NotThere(StrEnum):
    """Why notifications cannot go somewhere."""

    NOT_FOUND = "not_found"
    ARCHIVED = "archived"
    NOT_INVITED = "not_invited"
    OTHER_WORKSPACE = "other_workspace"
    NO_LINK = "no_link"
    NO_CHANNEL = "no_channel"
    NO_INSTALLER = "no_installer"
    NO_CHOICE = "no_choice"


class DestinationRefused(OnboardingError):
    """Notifications cannot go there. `why` names what to do about it."""

    def __init__(self, why: NotThere) -> None:
        self.why = why
        super().__init__(why.value)


class SignInRefused(OnboardingError):
    """The issuer did not say who it is, or not in a way that can be trusted. The message names what was wrong."""


class AddressUnproven(SignInRefused):
    """The issuer knows the person, and does not vouch for an address. `email` is what it calls them, if it does."""

    def __init__(self, why: str, email: str = "") -> None:
        self.email = email
        super().__init__(why)


class NothingToRetry(OnboardingError):
    """The attempt cannot be delivered again. The message says why."""


class NovuError(OnboardingError):
    """Novu did not do what was asked. `status` is None without an answer of Novu's own; `retry_after` is in seconds."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        field_errors: Sequence[str] = (),
        retry_after: float | None = None,
    ) -> None:
        self.message = message
        self.status = status
        self.field_errors = tuple(field_errors)
        self.retry_after = retry_after
        super().__init__(f"{status or 'no answer'}: {message}")

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed later without anybody changing anything."""
        if self.status is None or self.status in {408, 425, 429} or not 400 <= self.status < 500:
            return True
        return self.status == 409 and self.retry_after is not None

    @property
    def is_about_key(self) -> bool:
        """Whether Novu refused our key, which says nothing about what was asked."""
        return self.status in {401, 403}


class RefreshRefused(NovuError):
    """Novu asked Slack for a new token in exchange for the refresh token, and Slack refused."""


class AppMissing(NovuError):
    """No Slack app of this configuration is for an integration. Everything waits until an operator has added it."""

    def __init__(self, integration: str) -> None:
        super().__init__(f"no Slack app is configured for the integration {integration}")


class IdentifierTaken(OnboardingError):
    """The connection identifier belongs to another owner at Novu."""
