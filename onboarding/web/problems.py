"""A page for everything that can go wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from flask import Flask, Response, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from onboarding.model import Attempt, InstallLink, Reason
from onboarding.model.errors import (
    LinkExpired,
    LinkForged,
    LinkMalformed,
    LinkRevoked,
    NotClaimable,
    OnboardingError,
    OtherBrowser,
    OtherIntegration,
    OtherWorkspace,
    Problem,
    StateExpired,
    StateUnknown,
    StoreUnavailable,
    TooManyStarts,
)
from onboarding.settings.log import LOGGER
from onboarding.web.admin import show, words
from onboarding.web.api import problems as api_problems
from onboarding.web.context import request_id, wiring
from onboarding.web.overload import RETRY_AFTER, Overloaded
from onboarding.web.pages import cookies, messages, render
from onboarding.web.pages.about import About, Name, about_attempt, expected
from onboarding.web.pages.install import IncompleteReturn, NoState
from onboarding.web.pages.messages import Message
from onboarding.web.pages.opened import OtherChooser


def install(app: Flask) -> None:
    handlers: dict[type[Exception], Callable[..., Response]] = {
        LinkForged: _link_forged,
        LinkMalformed: _link_malformed,
        LinkExpired: _link_expired,
        LinkRevoked: _link_revoked,
        TooManyStarts: _too_many_starts,
        NoState: _no_state,
        StateUnknown: _state_unknown,
        IncompleteReturn: _incomplete_return,
        StateExpired: _state_expired,
        OtherBrowser: _other_browser,
        OtherChooser: _other_chooser,
        OtherIntegration: _other_integration,
        OtherWorkspace: _other_workspace,
        NotClaimable: _not_claimable,
        StoreUnavailable: _store_unavailable,
        Overloaded: _overloaded,
        CSRFError: _no_csrf,
        HTTPException: _http,
        OnboardingError: _unexpected,
    }
    for error, handler in handlers.items():
        app.register_error_handler(error, _suiting(handler))


def _suiting(handler: Callable[..., Response]) -> Callable[[Exception], Response]:
    """People get a page, host back ends a problem document."""

    def handle(error: Exception) -> Response:
        return api_problems.answer(error) if request.path.startswith("/v1/") else handler(error)

    return handle


def _link_forged(_: LinkForged) -> Response:
    return _refuse(messages.FORGED_LINK, 404)


def _link_malformed(error: LinkMalformed) -> Response:
    LOGGER.warning("malformed link problems=%s request=%s", error, request_id())
    return _refuse(messages.MALFORMED_LINK, 400, problems=error.problems)


def _link_expired(error: LinkExpired) -> Response:
    life = render.in_words(wiring().settings.link_max_age)
    return _refuse(messages.EXPIRED_LINK, 410, About(error.link, names={"life": life}))


def _link_revoked(error: LinkRevoked) -> Response:
    return _refuse(messages.REVOKED_LINK, 410, About(error.link, support_code=error.attempt_id))


def _too_many_starts(error: TooManyStarts) -> Response:
    wait = render.in_words(timedelta(seconds=error.retry_after))
    message = messages.TOO_MANY_INSTALLS if request.endpoint == "direct.install" else messages.TOO_MANY_STARTS
    response = _refuse(message, 429, About(error.link, names={"wait": wait}))
    response.headers["Retry-After"] = str(error.retry_after)
    return response


def _no_state(_: NoState) -> Response:
    return _refuse(messages.NO_STATE, 400)


def _state_unknown(_: StateUnknown) -> Response:
    return _refuse(messages.UNKNOWN_STATE, 400)


def _incomplete_return(_: IncompleteReturn) -> Response:
    return _refuse(messages.INCOMPLETE_RETURN, 400)


def _state_expired(error: StateExpired) -> Response:
    try:
        attempt = wiring().ledger.attempts.get(error.attempt_id)
    except StoreUnavailable:
        attempt = None
    about = about_attempt(attempt, may_restart=cookies.is_same_browser(attempt)) if attempt else None
    is_direct = attempt is not None and attempt.link.is_direct
    return _refuse(messages.WITHOUT_LINK[Reason.TIMED_OUT] if is_direct else messages.TIMED_OUT, 410, about)


def _other_browser(error: OtherBrowser) -> Response:
    return _refuse(messages.OTHER_BROWSER, 403, _elsewhere(error.attempt))


def _other_chooser(error: OtherChooser) -> Response:
    return _refuse(messages.CHOOSE_ELSEWHERE, 403, _elsewhere(error.attempt))


def _elsewhere(attempt: Attempt) -> About:
    """Nothing of an attempt but its app and its support code: somebody else may be looking."""
    return About(attempt.link, support_code=attempt.id)


def _other_integration(error: OtherIntegration) -> Response:
    return _refuse(messages.NOT_FOUND, 404, About(error.link))


def _other_workspace(error: OtherWorkspace) -> Response:
    names = {"expected": _expected(error.link)}
    about = About(error.link, error.attempt, may_restart=True, support_code=error.attempt.id, names=names)
    return _refuse(messages.OTHER_WORKSPACE, 409, about)


def _expected(link: InstallLink) -> Name:
    with suppress(StoreUnavailable):
        if name := expected(link):
            return name
    return Name(link.workspace_id or "")


def _not_claimable(error: NotClaimable) -> Response:
    attempt = error.attempt
    about = About(error.link, attempt, may_restart=True, support_code=attempt.id if attempt else None)
    return _refuse(messages.NOT_CLAIMABLE, 410, about)


def _store_unavailable(error: StoreUnavailable) -> Response:
    LOGGER.error("store unavailable error=%s request=%s", error, request_id())
    if request.path.startswith("/admin"):
        return show.page("refused.html", f"{error.store} does not answer", 503, problem=words.STORE_SILENT[error.store])
    return render.show(messages.STORE_UNAVAILABLE, 503, About(support_code=request_id()))


def _overloaded(_: Overloaded) -> Response:
    response = render.show(messages.OVERLOADED, 503)
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def _no_csrf(_: CSRFError) -> Response:
    return _refuse(messages.NO_CSRF, 400)


def _unexpected(error: OnboardingError) -> Response:
    raise error


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if status >= 500:
        message = messages.UNEXPECTED
    else:
        message = messages.NOT_FOUND if status == 404 else messages.REQUEST_REFUSED
    response = _refuse(message, status)
    response.headers.extend((name, value) for name, value in error.get_headers() if name == "Allow")
    return response


def _refuse(
    message: Message,
    status: int,
    about: About | None = None,
    *,
    problems: Sequence[Problem] = (),
) -> Response:
    """The page of a problem. If its support code is not an attempt's, the admin finds it all the same."""
    about = about or About()
    if about.support_code is None:
        link = about.link
        _note(message, status, link.id if link and not link.is_direct else "")
        about = replace(about, support_code=request_id())
    return render.show(message, status, about, problems=problems)


def _note(message: Message, status: int, link_id: str) -> None:
    route = request.url_rule.rule if request.url_rule else "-"
    try:
        wiring().ledger.problems.note(request_id(), status, message.heading, route, link_id)
    except StoreUnavailable as error:
        LOGGER.warning("problem not noted error=%s request=%s", error, request_id())
