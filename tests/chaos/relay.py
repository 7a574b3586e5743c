"""A relay between the service and Redis or PostgreSQL that can cut the wire. A process of its own, to stay quick.

SIGUSR1 cuts the next questions before the server sees them, SIGUSR2 the next answers after it has acted. Every cut is a
line on standard error.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from typing import Final

BURST: Final = 4
CHUNK: Final = 65536
IDLE: Final = b"SKIP LOCKED"
"""In a worker's look for work. There are so many that they would use up every cut."""


class Relay:
    def __init__(self, name: str, upstream: str) -> None:
        self._name = name
        self._upstream = upstream
        self._left = {"before": 0, "after": 0}

    def arm(self, side: str) -> None:
        self._left[side] = BURST

    async def serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        try:
            server, question = await asyncio.open_unix_connection(self._upstream)
        except OSError:
            answer.close()
            return
        line = _Line()
        ends = (self._carry(client, question, "before", line), self._carry(server, answer, "after", line))
        await asyncio.wait([asyncio.ensure_future(end) for end in ends], return_when=asyncio.FIRST_COMPLETED)
        for writer in (answer, question):
            writer.close()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, side: str, line: _Line) -> None:
        with suppress(OSError):
            while chunk := await source.read(CHUNK):
                if side == "before":
                    line.is_idle = IDLE in chunk
                if self._left[side] and not line.is_idle:
                    self._left[side] -= 1
                    sys.stderr.write(f"{self._name}_cut_{side}\n")
                    return
                sink.write(chunk)
                await sink.drain()


class _Line:
    """One connection: whether what was asked last is not worth a cut."""

    is_idle = False


async def main(name: str, listen: str, upstream: str) -> None:
    relay = Relay(name, upstream)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, relay.arm, "before")
    loop.add_signal_handler(signal.SIGUSR2, relay.arm, "after")
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_unix_server(relay.serve, listen)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
