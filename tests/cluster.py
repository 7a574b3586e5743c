"""A Redis Cluster on loopback: three primaries, a replica of the first, and a node that has no slots."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import redis
from redis.crc import key_slot

from onboarding.sandbox import embedded_redis
from onboarding.sandbox.processes import Process
from tests.service import free_port
from tests.test_delivery import until

SHARES: Final = ((0, 5460), (5461, 10922), (10923, 16383))
QUICK: Final = 1_000
STEADY: Final = 30_000
"""Machines that run tests may be busy for a while."""


class Node:
    """One server. `take` gives it slots, `port` is also its name."""

    def __init__(self, folder: Path, *options: str, port: int | None = None) -> None:
        self.port = port or free_port()
        self.bus = free_port()
        folder.mkdir(exist_ok=True)
        clustered = ("--cluster-enabled", "yes", "--cluster-port", str(self.bus), "--cluster-node-timeout", str(QUICK))
        quick = ("--repl-diskless-sync-delay", "0", "--save", "", "--appendonly", "no")
        place = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder))
        self.process = Process("redis", [embedded_redis.binary(), *place, *clustered, *quick, *options], quiet=True)
        self.client = redis.Redis(port=self.port, decode_responses=True, socket_timeout=2)
        self.process.wait_until(self._answers)

    def do(self, *words: object) -> Any:
        return self.client.execute_command(*words)

    @property
    def id(self) -> str:
        return str(self.do("CLUSTER MYID"))

    def take(self, share: tuple[int, int]) -> None:
        self.do("CLUSTER ADDSLOTSRANGE", *share)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def end(self) -> None:
        self.process.kill()
        self.client.close()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False


class Nodes:
    def __init__(self, primaries: Sequence[Node], replica: Node, spare: Node) -> None:
        self.primaries = primaries
        self.replica = replica
        self.spare = spare
        self.all = [*primaries, replica, spare]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ", ".join(f"127.0.0.1:{node.port}" for node in self.primaries)

    def owner(self, key: str) -> Node:
        slot = key_slot(key.encode())
        return next(node for node, (_, last) in zip(self.primaries, SHARES, strict=True) if slot <= last)

    def held(self) -> dict[str, int]:
        """All keys, and the seconds that each has left."""
        return {key: node.client.ttl(key) for node in self.primaries for key in node.client.scan_iter()}

    def signal(self, number: signal.Signals) -> None:
        for node in self.all:
            node.signal(number)

    def give_up_after(self, milliseconds: int) -> None:
        """How long a node may be silent before the others call it dead."""
        for node in self.all:
            if node.process.exit_code is None:
                node.do("CONFIG SET", "cluster-node-timeout", milliseconds)


@contextmanager
def clustered(folder: Path) -> Iterator[Nodes]:
    with ExitStack() as stack:
        started = []
        for name in "abcde":
            started.append(Node(folder / name))
            stack.callback(started[-1].end)
        nodes = Nodes(started[:3], *started[3:])
        _join(nodes)
        nodes.give_up_after(STEADY)
        yield nodes


def _join(nodes: Nodes) -> None:
    first = nodes.primaries[0]
    for node, share in zip(nodes.primaries, SHARES, strict=True):
        node.take(share)
    for number, node in enumerate(nodes.all):
        node.do("CLUSTER SET-CONFIG-EPOCH", number + 1)
        first.do("CLUSTER MEET", "127.0.0.1", node.port, node.bus)
    until(lambda: all(_sees(node, len(nodes.all)) for node in nodes.all), 10)
    nodes.replica.do("CLUSTER REPLICATE", first.id)
    until(lambda: nodes.replica.client.info("replication").get("master_link_status") == "up", 10)
    until(lambda: all(len(node.do("CLUSTER SLOTS")) == len(SHARES) for node in nodes.all), 10)
    until(lambda: str(nodes.replica.port) in str(nodes.primaries[1].do("CLUSTER SLOTS")), 10)


def _sees(node: Node, known: int) -> bool:
    info = node.do("CLUSTER INFO")
    return bool(info["cluster_state"] == "ok" and info["cluster_known_nodes"] == str(known))
