"""The only module that talks to the job queue: Dramatiq over Redis. Messages carry an attempt's id, nothing else."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker

from onboarding.ephemeral import store
from onboarding.ephemeral.store import Redis
from onboarding.model import Secret

NAMESPACE: Final = "onboarding:queue"
QUEUE: Final = "delivery"
ACTOR: Final = "deliver"
THREADS: Final = 8
HEARTBEAT: Final = timedelta(seconds=8)
"""A worker that is silent for longer is dead: its jobs go back to the queue."""
ALWAYS: Final = 1_000_000
"""The chance, in a million, that a command looks for dead workers."""
SILENCE: Final = 2 * HEARTBEAT
"""A worker that gave no sign of life for so long is not there."""
IDLE: Final = 500
STOP_WITHIN: Final = 20_000
"""Milliseconds; longer than one delivery may take."""

Deliver = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Backlog:
    """Jobs that are due, since when the oldest one waits, and how many consumers gave a sign of life lately."""

    due: int
    oldest: datetime | None
    consumers: int


class Queue:
    """Puts deliveries on the queue."""

    def __init__(self, client: Redis) -> None:
        self._redis = client
        self._broker = _Producer(client=client, namespace=NAMESPACE, middleware=[])
        self._broker.declare_queue(QUEUE)

    def schedule(self, attempt_id: str, delay: timedelta) -> None:
        message: dramatiq.Message[None] = dramatiq.Message(QUEUE, ACTOR, (attempt_id,), {}, {})
        milliseconds = int(delay.total_seconds() * 1000)
        with store.answering():
            self._broker.enqueue(message, delay=milliseconds or None)

    def backlog(self, now: datetime) -> Backlog:
        """What is due and not done yet, and whether anybody is there to do it."""
        alive_after = (now - SILENCE).timestamp() * 1000
        with store.answering():
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.llen(f"{NAMESPACE}:{QUEUE}")
                pipe.lindex(f"{NAMESPACE}:{QUEUE}", 0)
                pipe.zcount(f"{NAMESPACE}:__heartbeats__", alive_after, "+inf")
                due, oldest, workers = pipe.execute()
            message = self._redis.hget(f"{NAMESPACE}:{QUEUE}.msgs", oldest) if oldest else None
        since = datetime.fromtimestamp(json.loads(str(message))["message_timestamp"] / 1000, UTC) if message else None
        return Backlog(due, since, workers)


class _Producer(RedisBroker):
    """Enqueues without a heartbeat: who fetches nothing cannot die with it. Otherwise every idle web process would
    count as a dead worker, and Dramatiq looks for what those held with KEYS."""

    def do_enqueue(self, queue_name: str, message_id: str, data: bytes) -> None:
        name = f"{self.namespace}:{queue_name}"
        with self.client.pipeline(transaction=True) as pipe:
            pipe.hset(f"{name}.msgs", message_id, data)
            pipe.rpush(name, message_id)
            pipe.execute()


class Consumer:
    """Calls `deliver` with the id of each attempt that is due, several at a time."""

    def __init__(self, url: Secret, deliver: Deliver) -> None:
        broker = RedisBroker(
            client=_connect_steadily(url),
            namespace=NAMESPACE,
            middleware=[],
            heartbeat_timeout=int(HEARTBEAT.total_seconds() * 1000),
            maintenance_chance=ALWAYS,
        )
        dramatiq.actor(broker=broker, queue_name=QUEUE, actor_name=ACTOR)(deliver)
        self._worker = dramatiq.Worker(broker, worker_threads=THREADS, worker_timeout=IDLE)

    def start(self) -> None:
        logging.getLogger("dramatiq").setLevel(logging.CRITICAL)
        self._worker.start()

    @property
    def is_alive(self) -> bool:
        return all(thread.is_alive() for thread in (*self._worker.workers, *self._worker.consumers.values()))

    def stop(self) -> None:
        """Finish what is under way and hand the rest back."""
        self._worker.stop(timeout=STOP_WITHIN)


class _Lost(redis.ConnectionError, dramatiq.ConnectionClosed):
    """A lost connection in both languages: some of Dramatiq's own steps expect the one, some the other."""


def _connect_steadily(url: Secret) -> Redis:
    """Dramatiq's consumers outlive a lost connection, but not a time-out or a refusal: all three look alike here."""
    client = store.connect(url, decode_responses=False)
    ask: Callable[..., Any] = client.execute_command

    def execute_command(*args: Any, **options: Any) -> Any:
        try:
            return ask(*args, **options)
        except redis.exceptions.NoScriptError:
            raise
        except redis.RedisError as error:
            raise _Lost(str(error)) from error

    client.execute_command = execute_command  # type: ignore[method-assign]
    return client
