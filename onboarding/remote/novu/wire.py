"""Novu's JSON, read and written. Tolerates new fields and values; drops every token on the way in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from onboarding.model import Connection, ConnectionMode, Context, Grant, InstallLink, Secret, Workspace, contexts_of
from onboarding.model.destinations import Endpoint, EndpointType
from onboarding.model.errors import NovuError
from onboarding.remote import retry_after
from onboarding.remote.http import Answer

LONGEST_MESSAGE: Final = 300
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
TARGET_FIELDS: Final[Mapping[str, str]] = {EndpointType.CHANNEL: "channelId", EndpointType.PERSON: "userId"}
"""What the target is called in an endpoint of each type."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `next` and `previous` are cursors for `Filter.after` and `Filter.before`."""

    connections: tuple[Connection, ...]
    next: str | None
    previous: str | None
    total: int | None


@dataclass(frozen=True, slots=True)
class Integration:
    """What connections are made under. An older Novu may leave out all but the identifier."""

    identifier: str
    provider: str | None
    is_active: bool


def create_body(link: InstallLink, grant: Grant) -> dict[str, Any]:
    body: dict[str, Any] = {
        "identifier": link.identifier,
        "connectionMode": link.mode.value,
        "integrationIdentifier": link.integration,
        **update_body(grant),
    }
    if link.contexts:
        body["context"] = {context.type: _context(context) for context in link.contexts}
    if link.owner.subscriber_id is not None and link.mode is ConnectionMode.SUBSCRIBER:
        body["subscriberId"] = link.owner.subscriber_id
    return body


def update_body(grant: Grant) -> dict[str, Any]:
    """Workspace and auth, both whole: Novu replaces them and keeps nothing of the old ones."""
    workspace = {"id": grant.workspace.id, "name": grant.workspace.name}
    if grant.bot_user_id:
        workspace["botUserId"] = grant.bot_user_id
    auth = {"accessToken": grant.bot_token.reveal()}
    if grant.refresh_token:
        auth["refreshToken"] = grant.refresh_token.reveal()
    if grant.expires_at:
        auth["expiresAt"] = _moment(grant.expires_at)
    return {"workspace": workspace, "auth": auth}


def renamed_body(body: object, name: str) -> dict[str, Any]:
    """What Novu holds of a connection, under a new name. Refuses where Novu hides the token: it would be erased."""
    held = body.get("data") if isinstance(body, dict) else None
    workspace, auth = (held.get("workspace"), held.get("auth")) if isinstance(held, dict) else (None, None)
    if not isinstance(workspace, dict) or not isinstance(auth, dict) or read_token(body) is None:
        raise NovuError("Novu does not show the token, so renaming would erase it", status=409)
    return {"workspace": {**workspace, "name": name}, "auth": auth}


def read_connection(body: object) -> Connection:
    """A single object, inside its `data` envelope or without."""
    fields = _single(body)
    if fields is None or not (identifier := _text(fields.get("identifier"))):
        raise NovuError("the answer is not a channel connection")
    return Connection(
        identifier=identifier,
        integration=_text(fields.get("integrationIdentifier")) or "",
        subscriber_id=_text(fields.get("subscriberId")),
        context_keys=_keys(fields),
        workspace=_read_workspace(fields.get("workspace")),
        channel=_text(fields.get("channel")) or "",
        provider=_text(fields.get("providerId")) or "",
        created_at=_read_moment(fields.get("createdAt")),
        updated_at=_read_moment(fields.get("updatedAt")),
    )


def endpoint_body(endpoint: Endpoint) -> dict[str, Any]:
    """Contexts by their ids alone: Novu has them since the connection was made."""
    body: dict[str, Any] = {
        "identifier": endpoint.identifier,
        "subscriberId": endpoint.subscriber_id,
        "integrationIdentifier": endpoint.integration,
        "connectionIdentifier": endpoint.connection,
        "type": endpoint.type,
        **target_body(endpoint),
    }
    if endpoint.context_keys:
        body["context"] = contexts_of(endpoint.context_keys)
    return body


def target_body(endpoint: Endpoint) -> dict[str, Any]:
    """All that can be changed of an endpoint."""
    return {"endpoint": {TARGET_FIELDS[endpoint.type]: endpoint.target}}


def read_endpoint(body: object) -> Endpoint:
    """A single object, inside its `data` envelope or without."""
    fields = _single(body)
    if fields is None or not (identifier := _text(fields.get("identifier"))):
        raise NovuError("the answer is not a channel endpoint")
    kind, target = _text(fields.get("type")) or "", fields.get("endpoint")
    return Endpoint(
        identifier=identifier,
        connection=_text(fields.get("connectionIdentifier")),
        integration=_text(fields.get("integrationIdentifier")) or "",
        subscriber_id=_text(fields.get("subscriberId")),
        context_keys=tuple(sorted(_keys(fields))),
        type=kind,
        target=_text(target.get(TARGET_FIELDS.get(kind, ""))) if isinstance(target, dict) else None,
    )


def read_endpoints(body: object) -> tuple[Endpoint, ...]:
    """One page of a list."""
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        raise NovuError("the answer is not a list of channel endpoints")
    rows = (row for row in body["data"] if isinstance(row, dict) and _text(row.get("identifier")))
    return tuple(map(read_endpoint, rows))


def read_token(body: object) -> Secret | None:
    """The access token of a single object. Novu can be set to show stars, or nothing, instead."""
    held = body.get("data") if isinstance(body, dict) else None
    auth = held.get("auth") if isinstance(held, dict) else None
    token = _text(auth.get("accessToken")) if isinstance(auth, dict) else None
    return Secret(token) if token and re.fullmatch(r"xox[\x21-\x7e]+", token) else None


def read_page(body: object) -> Page:
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        raise NovuError("the answer is not a list of channel connections")
    total = body.get("totalCount")
    return Page(
        connections=tuple(read_connection(row) for row in body["data"]),
        next=_text(body.get("next")),
        previous=_text(body.get("previous")),
        total=total if isinstance(total, int) else None,
    )


def read_integrations(body: object) -> tuple[Integration, ...]:
    rows = body.get("data") if isinstance(body, dict) else body
    if not isinstance(rows, list):
        raise NovuError("the answer is not a list of integrations")
    return tuple(
        Integration(identifier, _text(row.get("providerId")), row.get("active") is not False)
        for row in rows
        if isinstance(row, dict) and (identifier := _text(row.get("identifier")))
    )


def read_error(answer: Answer, secret_key: Secret) -> NovuError:
    """What Novu says went wrong. It may repeat what it was sent, the key included: that stays here."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    wait = retry_after.seconds(answer.headers)
    if not isinstance(body, dict) or not body.keys() & {"statusCode", "message"}:
        return _not_from_novu(answer, wait)
    field_errors = [_shorten(_safe(line, secret_key)) for line in _field_errors(body.get("errors"))]
    return NovuError(
        _shorten(": ".join(filter(None, (_safe(_message(body, answer), secret_key), "; ".join(field_errors))))),
        status=answer.status,
        field_errors=field_errors,
        retry_after=wait,
    )


def _not_from_novu(answer: Answer, wait: float | None) -> NovuError:
    """Novu answers in JSON of its own, so this came from an ingress, a firewall or a CDN, and says nothing for good.

    A status that speaks of the request is not passed on: nobody may take it for Novu's word about a connection or key.
    """
    words = f"{answer.status} from something in front of Novu"
    return NovuError(words, status=None if 400 <= answer.status < 500 else answer.status, retry_after=wait)


def _single(body: object) -> Mapping[str, Any] | None:
    if isinstance(body, dict) and isinstance(body.get("data"), dict):
        body = body["data"]
    return body if isinstance(body, dict) else None


def _keys(fields: Mapping[str, Any]) -> tuple[str, ...]:
    keys = fields.get("contextKeys")
    return tuple(filter(None, map(_text, keys))) if isinstance(keys, list) else ()


def _read_workspace(value: object) -> Workspace:
    fields = value if isinstance(value, dict) else {}
    workspace_id = _text(fields.get("id")) or ""
    return Workspace(workspace_id, _text(fields.get("name")) or workspace_id)


def _context(context: Context) -> str | Mapping[str, Any]:
    return context.id if context.data is None else {"id": context.id, "data": dict(context.data)}


def _message(body: Mapping[str, Any], answer: Answer) -> str:
    """Usually a sentence; a list of them if Novu refuses several things at once."""
    said = body.get("message")
    sentences = [line for line in said if isinstance(line, str)] if isinstance(said, list) else [_text(said) or ""]
    return "; ".join(filter(None, sentences)) or answer.reason or "no message"


def _field_errors(errors: object) -> Iterator[str]:
    """`{field: {"messages": [...]}}`, where `general` is no field; or `[{"path": [...], "message": ...}]`."""
    if isinstance(errors, list):
        for problem in errors:
            if isinstance(problem, dict):
                path = problem.get("path")
                yield from _lines(".".join(map(str, path)) if isinstance(path, list) else "", problem.get("message"))
    for field, problem in errors.items() if isinstance(errors, dict) else ():
        yield from _lines(
            "" if field == "general" else field, problem.get("messages") if isinstance(problem, dict) else problem
        )


def _lines(field: str, messages: object) -> Iterator[str]:
    for message in messages if isinstance(messages, list) else [messages]:
        if isinstance(message, str):
            yield f"{field}: {message}" if field else message


def _safe(message: str, secret_key: Secret) -> str:
    """No key, no token, no control characters."""
    readable = "".join(c if c.isprintable() else " " for c in message.replace(secret_key.reveal(), "…"))
    return re.sub(r"xox[a-z]?[.-]\S+", "…", readable, flags=re.IGNORECASE)


def _shorten(message: str) -> str:
    return message if len(message) <= LONGEST_MESSAGE else f"{message[: LONGEST_MESSAGE - 1]}…"


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read_moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _text(value: object) -> str | None:
    """Half a surrogate pair is not text: nobody could send, store or show it again."""
    return value if isinstance(value, str) and value and not _SURROGATE.search(value) else None
