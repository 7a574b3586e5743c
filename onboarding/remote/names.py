"""Host names, looked up within a limit.

`getaddrinfo` cannot be interrupted, and with a name server that is silent it takes half a minute. So it runs in a
thread of its own, one for each name at a time, and whoever wants that name waits for it no longer than allowed. This
happens for new connections only.
"""

from __future__ import annotations

import os
import socket
import threading
from concurrent.futures import Future
from typing import Final

Addresses = list[str]

_asked: Final[dict[str, Future[Addresses]]] = {}
_lock = threading.Lock()


def addresses(host: str, seconds: float) -> Addresses:
    """The IP addresses of `host`, the preferred one first. Raises `socket.gaierror` if nobody knows in time."""
    try:
        return _look_up(host, socket.AI_NUMERICHOST)
    except socket.gaierror:
        pass  # It is a name.
    try:
        return _ask(host).result(seconds)
    except TimeoutError:
        raise socket.gaierror(socket.EAI_AGAIN, "no name server answered in time") from None
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None


def _ask(host: str) -> Future[Addresses]:
    with _lock:
        answer = _asked.get(host)
        if answer is None:
            answer = _asked[host] = Future()
            threading.Thread(target=_answer, args=(host, answer), name="names", daemon=True).start()
        return answer


def _answer(host: str, answer: Future[Addresses]) -> None:
    try:
        answer.set_result(_look_up(host))
    except Exception as error:  # noqa: BLE001 (raised again by whoever waits)
        answer.set_exception(error)
    with _lock:
        _asked.pop(host, None)


def _look_up(host: str, flags: int = 0) -> Addresses:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=flags)
    return [str(sockaddr[0]) for *_, sockaddr in found]


def _start_anew() -> None:
    """In a forked process nobody is looking anything up."""
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()
    _asked.clear()


os.register_at_fork(after_in_child=_start_anew)
