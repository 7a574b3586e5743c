"""What can go wrong between us and a remote, each in one word that may be logged and shown."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from enum import Enum, StrEnum, auto
from http.client import HTTPException, IncompleteRead, InvalidURL
from typing import Final

from requests import RequestException
from urllib3 import exceptions as urllib3

EXPIRED: Final = 10
ANOTHER_HOST: Final = {62, 64}
"""OpenSSL's X509_V_ERR_… https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/"""


class Failure(StrEnum):
    NAME_UNKNOWN = "name_unknown"
    NOT_PUBLIC = "not_public"
    NO_CONNECTION = "no_connection"
    PROXY_UNREACHABLE = "proxy_unreachable"
    PROXY_REFUSED = "proxy_refused"

    NO_TLS = "no_tls"
    TLS_FAILED = "tls_failed"
    CERTIFICATE_NOT_TRUSTED = "certificate_not_trusted"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_OF_ANOTHER_HOST = "certificate_of_another_host"

    CANNOT_BE_SENT = "cannot_be_sent"
    NO_ANSWER = "no_answer"
    TIMED_OUT = "timed_out"
    NOT_HTTP = "not_http"
    TOO_LARGE = "too_large"


class NoAnswer(Exception):
    """A request to which no usable answer came."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.value)


class NotPermitted(urllib3.NewConnectionError):
    """The name leads to an address that must not be connected to."""


class Stage(Enum):
    """How far an exchange has come: to a proxy that is asked for a tunnel, to the handshake of TLS, to the request."""

    CONNECTING = auto()
    TUNNEL = auto()
    HANDSHAKE = auto()
    REQUEST = auto()


NEVER_SENT: Final = (RequestException, InvalidURL, ValueError)
KINDS: Final = (
    (NotPermitted, Failure.NOT_PUBLIC),
    (urllib3.NameResolutionError, Failure.NAME_UNKNOWN),
    (urllib3.NewConnectionError, Failure.NO_CONNECTION),
    ((TimeoutError, urllib3.TimeoutError), Failure.TIMED_OUT),
    ((OSError, IncompleteRead, urllib3.ProtocolError), Failure.NO_ANSWER),
    ((HTTPException, urllib3.HTTPError), Failure.NOT_HTTP),
)
"""The first kind that an error is of decides."""
SILENT: Final = {Failure.NO_ANSWER, Failure.TIMED_OUT, Failure.NOT_HTTP}
SILENT_AT: Final = {Stage.TUNNEL: Failure.PROXY_REFUSED, Stage.HANDSHAKE: Failure.NO_TLS}


def failure_of(error: BaseException, stage: Stage, *, is_overdue: bool) -> Failure:
    """The word for an error of requests or urllib3."""
    causes = list(_causes(error))
    if stage is not Stage.REQUEST and any(isinstance(cause, urllib3.ProxyError) for cause in causes):
        is_unreachable = any(isinstance(cause, urllib3.NewConnectionError) for cause in causes)
        return Failure.PROXY_UNREACHABLE if is_unreachable else Failure.PROXY_REFUSED
    known = next(filter(None, map(_failure, reversed(causes))), Failure.CANNOT_BE_SENT)
    failure = Failure.TIMED_OUT if is_overdue else known
    return SILENT_AT.get(stage, failure) if failure in SILENT else failure


def _causes(error: object) -> Iterator[BaseException]:
    """The error and what it was made of, the innermost last: each library wraps what the one below raised."""
    while isinstance(error, BaseException):
        yield error
        wrapped = (getattr(error, name, None) for name in ("reason", "original_error"))
        error = next((each for each in (*wrapped, *error.args) if isinstance(each, BaseException)), None)


def _failure(error: BaseException) -> Failure | None:
    if isinstance(error, ssl.SSLError):
        return _tls_failure(error)
    if isinstance(error, NEVER_SENT):
        return None
    return next((failure for kinds, failure in KINDS if isinstance(error, kinds)), None)


def _tls_failure(error: ssl.SSLError) -> Failure:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return Failure.TLS_FAILED if "ALERT" in (error.reason or "") else Failure.NO_ANSWER
    if error.verify_code == EXPIRED:
        return Failure.CERTIFICATE_EXPIRED
    is_of_another = error.verify_code in ANOTHER_HOST
    return Failure.CERTIFICATE_OF_ANOTHER_HOST if is_of_another else Failure.CERTIFICATE_NOT_TRUSTED
