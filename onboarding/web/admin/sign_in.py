"""Signing in, by password or single sign-on, and out again."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Final

from flask import request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from onboarding.ephemeral.limits import SIGN_INS, SINGLE_SIGN_ONS, Limit
from onboarding.ledger.audit import Action
from onboarding.model import Secret
from onboarding.model.errors import AddressUnproven, SignInRefused, TooOften
from onboarding.model.people import SignIn
from onboarding.settings.log import LOGGER
from onboarding.web import auditing, network
from onboarding.web.admin import door, show, words
from onboarding.web.admin.door import OperatorsOnly, admin_pages
from onboarding.web.context import wiring
from onboarding.web.pages import render

if TYPE_CHECKING:
    from onboarding.remote.issuer import Identity

WAY_BACK: Final = re.compile(r"/admin(?:[/?][A-Za-z0-9_\-./?=&%+:~]*)?")
MINUTES: Final = 10


@admin_pages.errorhandler(OperatorsOnly)
def refuse_viewer(_: OperatorsOnly) -> ResponseReturnValue:
    return show.page("refused.html", "Only operators can do that", 403, problem=words.ONLY_LOOK)


@admin_pages.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    if door.is_known():
        return render.see_other(_next())
    return _form()


@admin_pages.post("/sign-in")
def check_password() -> ResponseReturnValue:
    password = wiring().settings.admin_password
    if password is None:
        raise NotFound
    limit = Limit(SIGN_INS, network.address())
    wiring().ephemeral.limits.spend(limit)
    if Secret(request.form.get("password", "")) != password:
        return _refuse("Somebody", "wrong password", words.WRONG_PASSWORD)
    wiring().ephemeral.limits.forgive(limit)
    auditing.record("Operator", Action.SIGNED_IN, outcome="password")
    response = render.see_other(_next())
    door.let_in(response, door.password_session())
    return response


@admin_pages.errorhandler(TooOften)
def refuse_for_now(error: TooOften) -> ResponseReturnValue:
    return _form(words.TOO_MANY_SIGN_INS, 429, {"Retry-After": str(error.retry_after)})


@admin_pages.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    auditing.record(door.me().name, Action.SIGNED_OUT)
    response = render.see_other(url_for("admin.sign_in"))
    door.leave(response)
    return response


@admin_pages.get("/sign-in/start")
def begin_sign_in() -> ResponseReturnValue:
    try:
        started, url = _identity().begin(as_somebody_else="again" in request.args)
    except SignInRefused as error:
        wiring().ephemeral.limits.spend(Limit(SINGLE_SIGN_ONS, network.address()))
        return _refuse("Somebody", str(error), words.ISSUER_SILENT)
    response = render.see_other(url)
    _set_cookie(response, _serializer().dumps([_next(), *dataclasses.astuple(started)]), MINUTES * 60)
    return response


@admin_pages.get("/sign-in/callback")
def finish_sign_in() -> ResponseReturnValue:
    """Strict cookies are not sent along the way from another site, so a page of our own leads on."""
    identity, (way_back, started) = _identity(), _started()
    if not started.state:
        return _form(words.REFUSED_BY_ISSUER, 403)
    limit = Limit(SINGLE_SIGN_ONS, network.address())
    wiring().ephemeral.limits.spend(limit)
    try:
        person = identity.finish(started, request.args)
    except AddressUnproven as error:
        told = words.CLAIM_MISSING if "missing" in str(error) else words.ADDRESS_UNPROVEN
        return _turn_away(error.email, str(error), told)
    except SignInRefused as error:
        return _refuse("Somebody", str(error), words.REFUSED_BY_ISSUER)
    settings = wiring().settings.oidc
    if settings is None or not settings.allows(person.email):
        return _turn_away(person.email, "not allowed", words.NOT_ALLOWED.format(email=person.email))
    wiring().ephemeral.limits.forgive(limit)
    entering = door.person_session(person.email)
    auditing.record(person.email, Action.SIGNED_IN, outcome=f"single sign-on, {entering.role}")
    response = show.page("signed_in.html", "You are signed in", person=entering, way_back=way_back)
    door.let_in(response, entering)
    _set_cookie(response, "", 0)
    return response


def _form(problem: str = "", status: int = 200, headers: dict[str, str] | None = None) -> Response:
    settings = wiring().settings
    response = show.page(
        "sign_in.html",
        "Sign in",
        status,
        problem=problem,
        way_back=_next(),
        has_password=settings.admin_password is not None,
        has_single_sign_on=settings.oidc is not None,
    )
    response.headers.update(headers or {})
    return response


def _refuse(who: str, why: str, problem: str) -> Response:
    LOGGER.warning("sign-in refused who=%s why=%s", who, why)
    auditing.record(who, Action.SIGN_IN_FAILED, outcome=why)
    return _form(problem, 403)


def _turn_away(email: str, why: str, told: str) -> Response:
    """Signing in again as the same person would not help."""
    LOGGER.warning("sign-in refused who=%s why=%s", email or "Somebody", why)
    auditing.record(email or "Somebody", Action.SIGN_IN_FAILED, outcome=why)
    heading, has_password = "You cannot sign in with this account", wiring().settings.admin_password is not None
    return show.page("turned_away.html", heading, 403, told=told, has_password=has_password)


def _next() -> str:
    """Where the person wanted to go, if that is one of our own pages."""
    wanted = request.values.get("next", "")
    return wanted if WAY_BACK.fullmatch(wanted) else url_for("admin.overview")


def _identity() -> Identity:
    build = wiring().identity
    if build is None:
        raise NotFound
    return build()


def _started() -> tuple[str, SignIn]:
    """The sign-in this browser began. Without one, nothing that comes back can match."""
    try:
        held = _serializer().loads(request.cookies.get(_cookie(), ""), max_age=MINUTES * 60)
    except BadSignature:
        return url_for("admin.overview"), SignIn("", "", "")
    way_back, *fields = held
    return way_back, SignIn(*fields)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer([key.reveal() for key in wiring().settings.secret_keys], salt="sign-in")


def _cookie() -> str:
    return "__Host-sign-in" if wiring().settings.is_https else "sign-in"


def _set_cookie(response: Response, value: str, max_age: int) -> None:
    """Lax: it has to come along on the way back from the issuer."""
    secure = wiring().settings.is_https
    response.set_cookie(_cookie(), value, max_age, path="/", secure=secure, httponly=True, samesite="Lax")
