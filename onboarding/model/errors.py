"""What can go wrong, as exceptions that carry facts. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onboarding.model import Reason


class OnboardingError(Exception):
    """Everything this service raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one named setting or field. Never holds the value."""

    name: str
    message: str

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
    """Was good once. The message is the link's id."""


class LinkRevoked(OnboardingError):
    """Was good until somebody took it back. `attempt_id` names what had been started from it, if that came to light."""

    def __init__(self, link_id: str = "", attempt_id: str | None = None) -> None:
        self.link_id = link_id
        self.attempt_id = attempt_id
        super().__init__(link_id or attempt_id)


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

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
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

    def __init__(self, attempt_id: str) -> None:
        self.attempt_id = attempt_id
        super().__init__(attempt_id)


class SlackRefused(OnboardingError):
    """Slack gave no usable grant. `detail` is Slack's own word for it, or the scopes that are missing."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else str(reason))


class SignInRefused(OnboardingError):
    """The issuer did not say who it is, or not in a way that can be trusted. The message names what was wrong."""


class AddressUnproven(SignInRefused):
    """The issuer knows the person, and does not vouch for an e-mail address."""


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


class IdentifierTaken(OnboardingError):
    """The connection identifier belongs to another owner at Novu."""
