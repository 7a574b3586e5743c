"""Carries out one statement over a connection, in one blocking call of libpq.

psycopg's cursors do the same in small steps, which suits many ways to wait and costs three times as much CPU. Values
are still turned into PostgreSQL's and back by psycopg's own adapters.
"""

from __future__ import annotations

import re
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
DONE: Final = {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}


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


def carry_out(connection: Connection[Any], statement: str, parameters: Mapping[str, Any]) -> Result:
    """Raises what psycopg raises."""
    text, names = _numbered(statement)
    transformer: abc.Transformer = Transformer(connection)
    values = transformer.dump_sequence([parameters[name] for name in names], [PyFormat.AUTO] * len(names))
    wire = connection.pgconn
    result = wire.exec_params(text, values, transformer.types, transformer.formats)
    if wire.status != ConnStatus.OK:
        raise psycopg.OperationalError("the connection is lost")
    if result.status not in DONE:
        raise error_from_result(result)
    return Result(result, transformer)


@lru_cache(256)
def _numbered(statement: str) -> tuple[bytes, list[str]]:
    """The statement with `$1` for the first name, and so on, and the names."""
    names: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f"${names.setdefault(match[1], len(names) + 1)}"

    return re.sub(r"%\((\w+)\)s", number, statement).encode(), list(names)
