"""Carries out one statement over a connection, in one blocking call of libpq.

psycopg's cursors do the same in small steps, which suits many ways to wait and costs three times as much CPU. Values
are still turned into PostgreSQL's and back by psycopg's own adapters.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, TypeVar

import psycopg
from psycopg import Connection, abc
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult

Row = TypeVar("Row")
Key = tuple["Frequent", tuple[int, ...]]
DONE: Final = {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}


STANDING: Final = "(status || '')"
"""Has an index for whoever looks for all of one status. What is looked for by owner or id must not use it:
migrations/0011_months.sql."""


class Frequent(str):
    """A statement that every install takes. PostgreSQL takes longer to plan one than to carry it out."""

    __slots__ = ()


def frequent(statement: str) -> Frequent:
    """The same on one line."""
    return Frequent(" ".join(statement.split()))


class ConnectionLost(psycopg.OperationalError):
    """Nothing more comes over this connection. Whether the statement was carried out, nobody knows."""


class Pooled(Connection[Any]):
    """A connection that knows when it was used last, and what its server has prepared."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.used_at = time.monotonic()
        self.may_prepare = False
        self._names: dict[Key, bytes] = {}

    def find_out(self) -> None:
        """Whether it leads to one server for good.

        A pooler names a process of its own. One that cannot prepare, and gives every statement another server, would
        answer with whatever somebody else has prepared there.
        """
        self.may_prepare = self.execute("SELECT pg_backend_pid()").fetchone() == (self.info.backend_pid,)

    def prepared(self, statement: Frequent, text: bytes, types: tuple[int, ...]) -> bytes:
        """The name under which its server knows the statement, with values of these types."""
        name = self._names.get((statement, types))
        if name is None:
            name = f"s{len(self._names)}".encode()
            _check(self, self.pgconn.prepare(name, text, types))
            self._names[statement, types] = name
        return name


class Result:
    """What came back."""

    def __init__(self, result: PGresult, transformer: abc.Transformer) -> None:
        transformer.set_pgresult(result)
        self._result = result
        self._transformer = transformer

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        return self._transformer.load_rows(0, self._result.ntuples, tuple)

    def objects(self, kind: Callable[..., Row]) -> list[Row]:
        """Each row as an object whose fields are called like the columns."""
        names = [(self._result.fname(number) or b"").decode() for number in range(self._result.nfields)]
        return [kind(**dict(zip(names, row, strict=True))) for row in self.rows]

    @property
    def touched(self) -> int:
        """How many rows it returned or, if it returns none, changed."""
        return self._result.ntuples or self._result.command_tuples or 0


def carry_out(connection: Pooled, statement: str, parameters: Mapping[str, Any]) -> Result:
    """Raises what psycopg raises."""
    text, names = _numbered(statement)
    transformer: abc.Transformer = Transformer(connection)
    values = transformer.dump_sequence([parameters[name] for name in names], [PyFormat.AUTO] * len(names))
    if connection.may_prepare and isinstance(statement, Frequent):
        name = connection.prepared(statement, text, transformer.types or ())
        result = connection.pgconn.exec_prepared(name, list(values), transformer.formats)  # type: ignore[arg-type]
    else:
        result = connection.pgconn.exec_params(text, values, transformer.types, transformer.formats)
    return Result(_check(connection, result), transformer)


def _check(connection: Pooled, result: PGresult) -> PGresult:
    if connection.pgconn.status != ConnStatus.OK:
        raise ConnectionLost
    if result.status in DONE:
        return result
    error = error_from_result(result)
    # Without a state it is libpq's own: it could not send all of it, and may still call the connection good.
    raise error if error.sqlstate else ConnectionLost


@lru_cache(256)
def _numbered(statement: str) -> tuple[bytes, list[str]]:
    """The statement with `$1` for the first name, and so on, and the names."""
    names: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f"${names.setdefault(match[1], len(names) + 1)}"

    return re.sub(r"%\((\w+)\)s", number, statement).encode(), list(names)
