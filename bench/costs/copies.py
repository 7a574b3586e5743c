"""Makes a small ledger a larger one: copies of what the service has written, each with names of its own.

An index over a few hundred rows fits into a page or two. Over many, every install lands on pages of its own, which is
what the first write after a checkpoint costs.
"""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg import sql

RENAMED: Final = {
    *("id", "owner", "identifier", "subject", "attempt_id", "link_id", "subscriber_id", "workspace_id", "connection"),
    *("browser", "folded", "value", "context"),
}
"""Columns that differ from row to row."""
LEFT_OUT: Final = {"worker", "tally", "history", "schema_migrations", "audit", "problem"}
COLUMNS: Final = """
    SELECT c.relname, array_agg(attname ORDER BY attnum)
    FROM pg_class c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
    GROUP BY 1 ORDER BY 1
"""
COPY: Final = sql.SQL(
    "INSERT INTO {table} ({columns}) SELECT {values} FROM {table} t, generate_series(1, %s) k,"
    " LATERAL jsonb_populate_record(t, {renamed}) r ON CONFLICT DO NOTHING"
)


def multiply(ledger: psycopg.Connection, times: int) -> None:
    """So many more of every row. Triggers stay silent: nothing has happened."""
    with ledger.transaction():
        ledger.execute("SET LOCAL session_replication_role = 'replica'")
        for table, columns in ledger.execute(COLUMNS).fetchall():
            renamed = sorted(RENAMED.intersection(columns))
            if renamed and table not in LEFT_OUT:
                ledger.execute(_copy(table, columns, renamed), [times])
        ledger.execute("DELETE FROM work WHERE kind IN ('expire', 'forget') AND subject <> ''")
    ledger.execute("VACUUM ANALYZE")


def _copy(table: str, columns: list[str], renamed: list[str]) -> sql.Composed:
    """A column may hold no text at all: then it stays as it is."""
    name = sql.SQL(", ").join(
        sql.SQL("{key}, md5(t.{column}::text || '.' || k)").format(key=sql.Literal(each), column=sql.Identifier(each))
        for each in renamed
    )
    kept = sql.SQL("jsonb_strip_nulls(jsonb_build_object({name}))").format(name=name)
    return COPY.format(
        table=sql.Identifier(table),
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        values=sql.SQL(", ").join(sql.SQL("r.{}").format(sql.Identifier(each)) for each in columns),
        renamed=kept,
    )
