"""Install links: signing them, and opening them again without trusting a single field."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from itsdangerous import BadPayload, BadSignature, Signer, URLSafeTimedSerializer

from onboarding.model import ConnectionMode, Context, InstallLink, Secret, WhoChooses
from onboarding.model.errors import LinkExpired, LinkForged, LinkMalformed, Problem
from onboarding.model.names import one_line
from onboarding.settings.addresses import is_secure

SALT: Final = "install-link"
SHORT_SALT: Final = "short-link"
SHORT: Final = re.compile(r"([A-Za-z0-9_-]{22})\.[A-Za-z0-9_-]{27}")
"""The address of a link that was created here: its id and a signature."""
CLOCKS_DIFFER: Final = timedelta(days=1)
"""By how much the clock of a host that signs links may be ahead."""
MOST_CONTEXTS: Final = 5
MOST_CONTEXT_BYTES: Final = 65_536
TRACEPARENT: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
"""https://www.w3.org/TR/trace-context/#traceparent-header"""
NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""In JSON: neither Novu nor PostgreSQL can hold one everywhere."""

Payload = Mapping[str, Any]
T = TypeVar("T")


class Links:
    """Signs and opens the links of one deployment."""

    def __init__(
        self,
        secret_keys: Sequence[Secret],
        max_age: timedelta,
        default_integration: str,
        integrations: frozenset[str] | None = None,
    ) -> None:
        """`secret_keys` is oldest first; the last one signs. Links may name these `integrations` only, unless None."""
        keys = [key.reveal() for key in secret_keys]
        self._serializer = URLSafeTimedSerializer(keys, salt=SALT)
        self._signer = Signer(keys, salt=SHORT_SALT)
        self.max_age = max_age
        self._default_integration = default_integration
        self._integrations = integrations

    def mint(self, fields: Payload, expires_in: timedelta | None, now: datetime) -> InstallLink:
        """Make a link from payload fields other than `id` and `expiresAt`. It lives `LINK_MAX_AGE` at most."""
        if expires_in and expires_in > self.max_age:
            raise LinkMalformed([Problem("expiresIn", f"must be at most {self.max_age.total_seconds():.0f} seconds")])
        expires_at = now + (expires_in or self.max_age)
        return self.parse({**fields, "id": secrets.token_urlsafe(16), "expiresAt": expires_at.isoformat()})

    def sign(self, link: InstallLink) -> str:
        """The last part of the link's address: its id if it is a short one, otherwise all of it."""
        token = self._signer.sign(link.id) if link.is_short else self._serializer.dumps(to_payload(link))
        return token if isinstance(token, str) else token.decode()

    def sign_id(self, link_id: str) -> str:
        """The last part of the address of a link that was created here."""
        token = self._signer.sign(link_id)
        return token if isinstance(token, str) else token.decode()

    def short_id(self, token: str) -> str | None:
        """The id behind a short address, None for a long one. Raises `LinkForged`."""
        if not SHORT.fullmatch(token):
            return None
        try:
            return self._signer.unsign(token).decode()
        except BadSignature as error:
            raise LinkForged from error

    def open(self, token: str, now: datetime) -> InstallLink:
        """The link behind `token`. `LINK_MAX_AGE` may bring its `expires_at` forward."""
        try:
            payload, signed_at = self._serializer.loads(token, return_timestamp=True)
        except BadSignature as error:
            raise LinkForged from error
        except BadPayload as error:
            raise LinkMalformed([Problem("payload", "is not JSON")]) from error
        except (ValueError, OverflowError, OSError) as error:
            raise LinkMalformed([Problem("timestamp", "is not a moment")]) from error
        link = self.parse(payload)
        if signed_at > now + CLOCKS_DIFFER:
            raise LinkMalformed([Problem("timestamp", "lies in the future")])
        # Signed in the future, by a clock that is ahead or by somebody who wants longer: counts as signed now.
        expires_at = min(link.expires_at, min(signed_at, now) + self.max_age)
        if expires_at <= now:
            raise LinkExpired(link)
        return replace(link, expires_at=expires_at)

    def parse(self, payload: object) -> InstallLink:
        """Check every field of a payload; `LinkMalformed` names all that are wrong."""
        if not isinstance(payload, dict):
            raise LinkMalformed([Problem("payload", "must be an object")])
        link = _parse(payload, self._default_integration)
        self.check(link)
        return link

    def check(self, link: InstallLink) -> None:
        """Raises `LinkMalformed` if no app here is for the link's integration."""
        if self._integrations is not None and link.integration not in self._integrations:
            said = "is for none of the Slack apps here" if link.integration else "is required: there are several apps"
            raise LinkMalformed([Problem("integrationIdentifier", said)])


def to_payload(link: InstallLink) -> dict[str, Any]:
    """The link in Novu's own field names, leaving out what is not set."""
    contexts = {c.type: c.id if c.data is None else {"id": c.id, "data": c.data} for c in link.contexts}
    fields = {
        "id": link.id,
        "subscriberId": link.subscriber_id,
        "context": contexts or None,
        "connectionMode": link.mode.value,
        "integrationIdentifier": link.integration,
        "identifier": link.identifier or None,
        "account": link.account,
        "returnUrl": link.return_url,
        "workspaceId": link.workspace_id,
        "destination": link.destination.value if link.destination is not WhoChooses.CHOOSE else None,
        "traceparent": link.traceparent,
        "expiresAt": link.expires_at.astimezone(UTC).isoformat(),
    }
    return {name: value for name, value in fields.items() if value is not None}


def from_payload(payload: Payload, *, is_short: bool = False) -> InstallLink:
    """The link that `to_payload` wrote down, the placeholder of an attempt without one included."""
    return replace(_parse(payload, default_integration="", is_new=False), is_short=is_short)


def without_nul(link: InstallLink) -> InstallLink:
    """A link from when data could hold a NUL, as it may be made anew: such a context goes by its id, as Novu has it."""
    contexts = (replace(each, data=None) if _has_nul(each) else each for each in link.contexts)
    return replace(link, contexts=tuple(contexts))


def _parse(payload: Payload, default_integration: str, *, is_new: bool = True) -> InstallLink:
    read = _Reader(payload)
    link_id = read.required("id", _link_id)
    subscriber_id = read.optional("subscriberId", lambda value: _text(value, 255))
    contexts = read.optional("context", _contexts) or ()
    mode = read.optional("connectionMode", _mode) or _default_mode(subscriber_id, contexts)
    integration = read.optional("integrationIdentifier", _text) or default_integration
    identifier = read.optional("identifier", _identifier)
    account = read.optional("account", _name)
    return_url = read.optional("returnUrl", _return_url)
    destination = read.optional("destination", _choosing) or WhoChooses.CHOOSE
    workspace_id = read.optional("workspaceId", _workspace_id)
    traceparent = read.optional("traceparent", _traceparent)
    expires_at = read.required("expiresAt", _utc)
    read.check(not is_new or not any(map(_has_nul, contexts)), "context", "must not have a NUL character in its data")
    read.check(mode is not ConnectionMode.SHARED or bool(contexts), "context", "is required for a shared connection")
    read.check(
        mode is ConnectionMode.SHARED or subscriber_id is not None or not is_new,
        "subscriberId",
        "is required, unless context is given",
    )
    read.check(
        destination is not WhoChooses.INSTALLER or subscriber_id is not None,
        "destination",
        "can only be installer if there is a subscriberId: Novu sends to subscribers",
    )
    if read.problems or link_id is None or expires_at is None:
        raise LinkMalformed(read.problems)
    link = InstallLink(
        link_id,
        subscriber_id,
        contexts,
        mode,
        integration,
        identifier or "",
        account,
        return_url,
        expires_at,
        destination,
        workspace_id=workspace_id,
        traceparent=traceparent,
    )
    return link if identifier else replace(link, identifier=link.owner.identifier)


def _default_mode(subscriber_id: str | None, contexts: tuple[Context, ...]) -> ConnectionMode:
    return ConnectionMode.SHARED if subscriber_id is None and contexts else ConnectionMode.SUBSCRIBER


class _Wrong(ValueError):
    """What is wrong with one field, in words that follow its name."""


class _Reader:
    """Reads one payload and remembers what is wrong with it."""

    def __init__(self, payload: Payload) -> None:
        self._payload = payload
        self.problems: list[Problem] = []

    def required(self, name: str, parse: Callable[[object], T]) -> T | None:
        self.check(self._payload.get(name) is not None, name, "is required")
        return self.optional(name, parse)

    def optional(self, name: str, parse: Callable[[object], T | None]) -> T | None:
        value = self._payload.get(name)
        if value is None:
            return None
        try:
            return parse(value)
        except _Wrong as error:
            self.problems.append(Problem(name, str(error)))
            return None

    def check(self, is_right: bool, name: str, message: str) -> None:
        if not is_right and all(problem.name != name for problem in self.problems):
            self.problems.append(Problem(name, message))


def _text(value: object, longest: int = 200) -> str:
    """Without the white space at its ends, which nobody sees and which would make it another id."""
    text = value.strip() if isinstance(value, str) else ""
    if text and text.isprintable() and len(text) <= longest:
        return text
    raise _Wrong(f"must be 1 to {longest} printable characters")


def _name(value: object) -> str:
    """What people call themselves, joiners and all."""
    text = value.strip() if isinstance(value, str) else ""
    if len(text) <= 200 and "\n" not in text and (name := one_line(text)):
        return name
    raise _Wrong("must be 1 to 200 characters on one line")


def _link_id(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{22}", value):
        return value
    raise _Wrong("must be 22 URL-safe characters")


def _mode(value: object) -> ConnectionMode:
    for mode in ConnectionMode:
        if value == mode.value:
            return mode
    raise _Wrong("must be subscriber or shared")


def _choosing(value: object) -> WhoChooses:
    for choosing in WhoChooses:
        if value == choosing.value:
            return choosing
    raise _Wrong("must be choose, installer or none")


def _workspace_id(value: object) -> str:
    text = _text(value)
    if not re.fullmatch(r"[TE][A-Z0-9]{1,63}", text):
        raise _Wrong("must be the id of a Slack workspace (T…) or organisation (E…)")
    return text


def _traceparent(value: object) -> str | None:
    """Nobody is refused because of it."""
    return value if isinstance(value, str) and TRACEPARENT.fullmatch(value) else None


def _identifier(value: object) -> str:
    text = _text(value)
    if re.search(r"[/?#%\\]", text) or text in {".", ".."}:
        raise _Wrong("must not contain any of / ? # % \\")
    return text


def _contexts(value: object) -> tuple[Context, ...]:
    if not isinstance(value, dict) or not 1 <= len(value) <= MOST_CONTEXTS:
        raise _Wrong(f"must be an object with 1 to {MOST_CONTEXTS} keys")
    contexts = tuple(_context(type_, entry) for type_, entry in value.items())
    if len({context.type for context in contexts}) < len(contexts):
        raise _Wrong("names one type twice")
    return contexts


def _context(type_: object, entry: object) -> Context:
    context_id, content = (entry.get("id"), entry.get("data")) if isinstance(entry, dict) else (entry, None)
    id_ = context_id.strip() if isinstance(context_id, str) else ""
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,100}", id_):
        raise _Wrong("ids must be 1 to 100 letters, digits, underscores or hyphens")
    return Context(_text(type_, 100), id_, _context_data(content))


def _context_data(value: object) -> Mapping[str, Any] | None:
    if value is None:
        return None
    try:
        size = len(json.dumps(value, allow_nan=False, ensure_ascii=False).encode())
    except (ValueError, RecursionError):
        raise _Wrong("has data that is not JSON") from None
    if not isinstance(value, dict) or size > MOST_CONTEXT_BYTES:
        raise _Wrong(f"must have an object of at most {MOST_CONTEXT_BYTES // 1024} KB as data")
    return value


def _has_nul(context: Context) -> bool:
    return context.data is not None and NUL.search(json.dumps(context.data)) is not None


def _return_url(value: object) -> str:
    text = _text(value, 2000)
    if not is_secure(text) or urlsplit(text).username is not None:
        raise _Wrong("must be an https URL, or http on a loopback host")
    return text


def _utc(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if isinstance(value, str) and moment and moment.utcoffset() == timedelta(0):
        return moment
    raise _Wrong("must be a moment in UTC, in ISO 8601")
