"""Whether the database behind `DATABASE_URL` can be used, each problem in words that follow the setting's name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import psycopg
from psycopg import Connection

from onboarding.ledger import connecting, migrations
from onboarding.model import Secret
from onboarding.model.errors import SchemaRefused

SECONDS: Final = 5.0
REFUSALS: Final = (
    ("password authentication failed", "PostgreSQL refuses this user or password"),
    ("no password supplied", "PostgreSQL asks for a password"),
    ("role", "PostgreSQL does not know this user"),
    ("database", "this server has no such database; create it"),
    ("too many clients", "PostgreSQL has no connection left; raise max_connections or use a pooler"),
    ("starting up", "PostgreSQL is starting or stopping"),
    ("certificate", "the certificate of PostgreSQL is not trusted; see sslrootcert"),
    ("SSL", "PostgreSQL and this URL do not agree on TLS; see sslmode"),
)
"""Words of the server's refusal and what they mean. Its own sentence may repeat the user and the host."""


def problems(url: Secret) -> Iterator[str]:
    """Ask the server. Changes nothing."""
    try:
        with connecting.connect(url) as connection, connecting.cut_after(SECONDS, connection):
            yield from _of_server(connection)
            yield from _of_schema(connection)
    except psycopg.Error as error:
        yield _refusal(error)


def newest_connection(url: Secret, integration: str | None) -> tuple[str, str] | None:
    """Identifier and workspace of the connection that was made last; None if there is none, or no answer."""
    statement = """
        SELECT identifier, workspace_id FROM connection WHERE state = 'working'
        AND (%(integration)s::text IS NULL OR integration = %(integration)s) ORDER BY connected_at DESC LIMIT 1
    """
    try:
        with connecting.connect(url) as connection, connecting.cut_after(SECONDS, connection):
            row = connection.execute(statement, {"integration": integration}).fetchone()
    except psycopg.Error:
        return None
    return (row[0], row[1]) if row else None


def _of_server(connection: Connection[Any]) -> Iterator[str]:
    if _show(connection, "server_encoding") != "UTF8":
        yield "the database is not in UTF-8; create it with ENCODING 'UTF8'"
    if _show(connection, "transaction_read_only") == "on":
        yield "this PostgreSQL is read-only; name the primary"
    if _show(connection, "fsync") == "off":
        yield "fsync is off: a crash of the server would lose what customers approved"
    if _show(connection, "synchronous_commit") == "off":
        yield "synchronous_commit is off: a crash of the server would lose what customers approved"


def _of_schema(connection: Connection[Any]) -> Iterator[str]:
    try:
        pending = migrations.pending(connection)
    except SchemaRefused as error:
        yield error.detail
        return
    may_create = connection.execute(
        "SELECT current_schema() IS NOT NULL AND has_schema_privilege(current_schema(), 'CREATE')"
    ).fetchone()
    if pending and may_create != (True,):
        yield "this user may not create tables; grant CREATE on the schema, or run “onboarding migrate” as its owner"


def _show(connection: Connection[Any], name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    return str(row[0]) if row else ""


def _refusal(error: psycopg.Error) -> str:
    words = str(error)
    for part, meaning in REFUSALS:
        if part in words:
            return meaning
    return f"PostgreSQL does not answer ({connecting.describe(error)})"
