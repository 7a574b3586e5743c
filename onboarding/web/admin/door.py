"""Who may come in: sessions, the cookie they live in, and what each role may do."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, cast

from flask import Blueprint, g, request, session, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, TimestampSigner
from werkzeug.wrappers import Response

from onboarding.ephemeral.sessions import LIFETIME, Role, Session
from onboarding.model import Secret
from onboarding.model.errors import OnboardingError
from onboarding.web.context import wiring
from onboarding.web.pages import render

admin_pages = Blueprint("admin", __name__, url_prefix="/admin")

SALT: Final = "admin-session"
SINGLE_SIGN_ON: Final = "single sign-on"
OPEN_TO_ALL: Final = {"admin.sign_in", "admin.check_password", "admin.begin_sign_in", "admin.finish_sign_in"}
OPEN_TO_VIEWERS: Final = {"admin.sign_out"}


class OperatorsOnly(OnboardingError):
    """A viewer wanted to change something."""


@admin_pages.before_request
def guard() -> ResponseReturnValue | None:
    recognise()
    if request.endpoint in OPEN_TO_ALL:
        return None
    if g.me is None:
        here = request.full_path.rstrip("?") if request.method == "GET" else None
        return render.see_other(url_for("admin.sign_in", next=here))
    if request.method == "POST" and me().role is not Role.OPERATOR and request.endpoint not in OPEN_TO_VIEWERS:
        raise OperatorsOnly
    return None


def recognise() -> None:
    g.me = _session()


def me() -> Session:
    return cast("Session", g.me)


def is_known() -> bool:
    return g.get("me") is not None


def let_in(response: Response, person: Session) -> None:
    """Begin a session of its own, whatever the browser brought along."""
    leave(response)
    secret = wiring().ephemeral.sessions.begin(person)
    signed = _signer().sign(secret.reveal()).decode()
    response.set_cookie(
        _cookie(),
        signed,
        max_age=int(LIFETIME.total_seconds()),
        path="/",
        secure=wiring().settings.is_https,
        httponly=True,
        samesite="Strict",
    )


def leave(response: Response) -> None:
    """End the session for everybody who holds its cookie, and start form fields anew."""
    if secret := _secret():
        wiring().ephemeral.sessions.end(secret)
    session.clear()
    response.delete_cookie(_cookie(), path="/", secure=wiring().settings.is_https, httponly=True, samesite="Strict")


def password_session() -> Session:
    return Session("Operator", Role.OPERATOR, _proofs()[-1])


def person_session(email: str) -> Session:
    settings = wiring().settings.oidc
    role = Role.OPERATOR if settings and settings.makes_operator(email) else Role.VIEWER
    return Session(email, role, SINGLE_SIGN_ON)


def _session() -> Session | None:
    """The session behind the cookie, if what it rested on still holds."""
    secret = _secret()
    found = wiring().ephemeral.sessions.get(secret) if secret else None
    if found is None:
        return None
    if found.proof != SINGLE_SIGN_ON:
        return found if found.proof in _proofs() else None
    settings = wiring().settings.oidc
    return person_session(found.name) if settings and settings.allows(found.name) else None


def _proofs() -> list[str]:
    """What a password session rests on: the password of today, under any key that is not forgotten yet."""
    password = wiring().settings.admin_password
    keys = wiring().settings.secret_keys if password else ()
    text = password.reveal().encode() if password else b""
    return [hmac.new(key.reveal().encode(), text, hashlib.sha256).hexdigest() for key in keys]


def _secret() -> Secret | None:
    try:
        signed = _signer().unsign(request.cookies.get(_cookie(), ""), max_age=int(LIFETIME.total_seconds()))
    except BadSignature:
        return None
    return Secret(signed.decode())


def _signer() -> TimestampSigner:
    return TimestampSigner([key.reveal() for key in wiring().settings.secret_keys], salt=SALT)


def _cookie() -> str:
    return "__Host-admin" if wiring().settings.is_https else "admin"
