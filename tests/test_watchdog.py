"""The watchdog ends what is overdue, and nothing else."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from onboarding.clock import watchdog


def counted() -> tuple[list[float], Callable[[], None]]:
    closed: list[float] = []
    return closed, lambda: closed.append(time.monotonic())


def test_what_is_overdue_is_closed_once_and_in_time() -> None:
    closed, close = counted()
    began = time.monotonic()
    with watchdog.within(0.2, close) as watched:
        time.sleep(0.6)
    assert watched.is_overdue
    assert [0.2 <= at - began < 0.4 for at in closed] == [True]


def test_a_reader_is_woken() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, watchdog.within(0.2, lambda: ours.shutdown(socket.SHUT_RDWR)) as watched:
        ours.settimeout(5)
        began = time.monotonic()
        assert ours.recv(1) == b""
        assert time.monotonic() - began < 1
    assert watched.is_overdue


def test_after_the_block_was_left_nothing_is_closed() -> None:
    closed, close = counted()
    with watchdog.within(0.2, close) as watched:
        pass
    with pytest.raises(ZeroDivisionError), watchdog.within(0.2, close) as failed:
        _ = 1 / 0
    time.sleep(0.5)
    assert closed == []
    assert not watched.is_overdue
    assert not failed.is_overdue


def test_leaving_early_counts() -> None:
    closed, close = counted()
    with watchdog.within(0.1, close) as watched:
        watched.leave()
        time.sleep(0.3)
    assert closed == []
    assert not watched.is_overdue


def test_a_shorter_one_does_not_wait_for_a_longer_one() -> None:
    closed, close = counted()
    began = time.monotonic()
    with watchdog.within(30, lambda: None) as longer, watchdog.within(0.1, close):
        time.sleep(0.4)
    assert [at - began < 0.3 for at in closed] == [True]
    assert not longer.is_overdue


@pytest.mark.parametrize("error", [OSError, ValueError])
def test_one_that_cannot_be_closed_does_not_end_the_watch(error: type[Exception]) -> None:
    def fail() -> None:
        raise error("not open")

    closed, close = counted()
    with watchdog.within(0.1, fail) as failed, watchdog.within(0.2, close):
        time.sleep(0.5)
    assert failed.is_overdue
    assert len(closed) == 1


def test_leaving_waits_for_a_close_that_is_under_way() -> None:
    """Else a socket could be cut that is somebody else's by then."""
    began, may_end, left = threading.Event(), threading.Event(), threading.Event()

    def close() -> None:
        began.set()
        may_end.wait(5)

    def use() -> None:
        with watchdog.within(0.05, close):
            began.wait(5)
        left.set()

    user = threading.Thread(target=use)
    user.start()
    assert began.wait(5)
    assert not left.wait(0.2)
    may_end.set()
    user.join(5)
    assert left.is_set()


def test_a_thousand_exchanges_share_one_thread() -> None:
    closed, close = counted()
    with watchdog.within(5, close):
        before = threading.active_count()
    for _ in range(1000):
        with watchdog.within(5, close):
            assert threading.active_count() <= before
    assert [thread.name for thread in threading.enumerate()].count("watchdog") == 1
    assert closed == []


def test_many_threads_are_each_cut_at_their_own_time() -> None:
    late: list[float] = []

    def use(seconds: float) -> None:
        began = time.monotonic()
        over = threading.Event()
        with watchdog.within(seconds, over.set):
            over.wait(5)
        late.append(time.monotonic() - began - seconds)

    users = [threading.Thread(target=use, args=(0.1 + number % 8 / 10,)) for number in range(64)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert len(late) == 64
    assert all(0 <= each < 0.3 for each in late)


FORKS = """
import os, sys, time
from onboarding.clock import watchdog

def fires():
    closed = []
    with watchdog.within(0.1, lambda: closed.append(1)) as watched:
        time.sleep(0.4)
    return closed == [1] and watched.is_overdue

assert fires()
closed = []
with watchdog.within(0.3, lambda: closed.append(1)):
    child = os.fork()
    if child == 0:
        time.sleep(0.6)
        # What was under way belongs to the parent.
        os._exit(0 if closed == [] and fires() else 1)
    time.sleep(0.6)
assert closed == [1]
assert os.waitpid(child, 0)[1] == 0
assert fires()
"""


def test_a_forked_process_has_a_watch_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
