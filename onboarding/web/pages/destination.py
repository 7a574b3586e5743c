"""Where notifications go: the page to choose it on, for whoever approved, and the test message."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from flask import Blueprint, Response, abort, request, session, url_for
from flask.typing import ResponseReturnValue

from onboarding.flows.channels import PERSON, Offer, Place
from onboarding.flows.pasted import CHANNEL, Pasted
from onboarding.model import Attempt, Reason, Status
from onboarding.model.destinations import Destination, EndpointType, MadeConnection
from onboarding.model.errors import (
    ConnectionChanged,
    DestinationRefused,
    NoDestination,
    NotRecorded,
    NotThere,
    NovuError,
    OnboardingError,
    Remedy,
    SlackSaysNo,
    StoreUnavailable,
    TokenHidden,
    TooOften,
)
from onboarding.settings.log import LOGGER
from onboarding.web.context import wiring
from onboarding.web.pages import cookies, messages, render
from onboarding.web.pages.messages import Message
from onboarding.web.pages.render import About

destination_pages = Blueprint("destination", __name__)

TEAM: Final = re.compile(r"T[A-Z0-9]{1,63}")
LONGEST_SEARCH: Final = 80
LONGEST_RETRY_AFTER: Final = 120


@dataclass(frozen=True, slots=True)
class Opened:
    """An attempt in front of its own browser, and the connection it made."""

    attempt: Attempt
    connection: MadeConnection

    @property
    def about(self) -> About:
        return render.about_attempt(self.attempt, may_restart=True)

    @property
    def person(self) -> str | None:
        """Who approved. Slack's word is all we know, so it has to look like a person."""
        installer = self.connection.installer_id
        return installer if installer and PERSON.fullmatch(installer) else None


class OtherChooser(OnboardingError):
    """Somebody wants to choose for an attempt that another browser has made."""


class _NotNow(OnboardingError):
    """There is nothing to choose at the moment: the attempt's own page says why."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        super().__init__(attempt.id)


@destination_pages.get("/attempts/<attempt_id>/destination")
def choose(attempt_id: str) -> ResponseReturnValue:
    try:
        return _show(_open(attempt_id))
    except _NotNow:
        return _to_attempt(attempt_id)


@destination_pages.post("/attempts/<attempt_id>/destination")
def save(attempt_id: str) -> ResponseReturnValue:
    return _doing(attempt_id, _save)


@destination_pages.post("/attempts/<attempt_id>/destination/test")
def test(attempt_id: str) -> ResponseReturnValue:
    return _doing(attempt_id, _test)


def _doing(attempt_id: str, do: Callable[[Opened], ResponseReturnValue]) -> ResponseReturnValue:
    """Do it, and say in its own words what kept us from it."""
    try:
        opened = _open(attempt_id)
    except _NotNow as error:
        return _problem(messages.NOT_CONNECTED_NOW, 409, error.attempt)
    try:
        return do(opened)
    except ConnectionChanged:
        return _problem(messages.NOT_CONNECTED_NOW, 409, opened.attempt)
    except SlackSaysNo as error:
        return _slack_says_no(error, opened)
    except NovuError as error:
        LOGGER.warning("destination not changed attempt=%s error=%s", attempt_id, error)
        return _problem(messages.NOVU_SILENT if error.is_transient else messages.NOVU_REFUSED, 503, opened.attempt)


def _save(opened: Opened) -> ResponseReturnValue:
    try:
        destination = _chosen(opened)
    except DestinationRefused as refused:
        return _show(opened, refused.why)
    try:
        wiring().choosing.choose(opened.connection, destination)
    except (NotRecorded, StoreUnavailable) as error:
        LOGGER.error("choice maybe not saved attempt=%s error=%s", opened.attempt.id, error)
        return _problem(messages.MAYBE_SAVED, 503, opened.attempt)
    return _to_attempt(opened.attempt.id)


def _test(opened: Opened) -> ResponseReturnValue:
    try:
        wiring().proof.send(opened.connection)
    except NoDestination:
        return _problem(messages.NOTHING_TO_TEST, 409, opened.attempt)
    except TokenHidden:
        return _problem(messages.CANNOT_TEST, 409, opened.attempt)
    except TooOften as error:
        return _later(messages.TOO_MANY_TESTS, 429, opened.attempt, error.retry_after)
    session["tested"] = opened.attempt.id
    return _to_attempt(opened.attempt.id)


def _open(attempt_id: str) -> Opened:
    """For whoever approved, and nobody else."""
    attempt = wiring().install.find(attempt_id)
    if attempt is None or not attempt.link.has_destination or attempt.reason is Reason.REPLACED:
        abort(404)
    if not cookies.is_same_browser(attempt):
        raise OtherChooser(attempt_id)
    if attempt.status is not Status.CONNECTED or attempt.is_disconnected:
        raise _NotNow(attempt)
    connection = wiring().choosing.open_to(attempt)
    return Opened(attempt, connection) if connection else abort(404)


def _chosen(opened: Opened) -> Destination:
    """What the form names, if notifications can go there. Raises `DestinationRefused`."""
    given, place = request.form.get("destination", ""), _place(opened)
    match given:
        case "":
            raise DestinationRefused(NotThere.NO_CHOICE)
        case "me":
            if opened.person is None:
                raise DestinationRefused(NotThere.NO_INSTALLER)
            return Destination(EndpointType.PERSON, opened.person)
        case "link":
            return wiring().channels.pasted(place, opened.person, request.form.get("link", ""))
    if not CHANNEL.fullmatch(given):
        raise DestinationRefused(NotThere.NOT_FOUND)
    return wiring().channels.channel(place, opened.person, Pasted(given))


def _place(opened: Opened) -> Place:
    team = request.values.get("team", "")
    is_team = opened.connection.workspace.is_organisation and TEAM.fullmatch(team)
    return Place(opened.connection, team if is_team else "")


def _show(opened: Opened, why: NotThere | None = None) -> ResponseReturnValue:
    """The page to choose on. With `why`, it says what is wrong with what was chosen."""
    place, search = _place(opened), request.values.get("q", "").strip()[:LONGEST_SEARCH]
    if place.needs_team:
        found = _ask_which(opened)
        if isinstance(found, Response):
            return found
        place = found
    try:
        offer = wiring().channels.offer(place, opened.person, search)
    except NovuError as error:
        LOGGER.warning("no channels to choose from attempt=%s error=%s", opened.attempt.id, error)
        return _problem(messages.NOVU_SILENT, 503, opened.attempt)
    return _choose_page(opened, offer, why, search=search, team=place.team)


def _ask_which(opened: Opened) -> Response | Place:
    """The workspace of an organisation: the only one, or a page to choose it on."""
    try:
        teams = wiring().channels.workspaces(opened.connection)
    except TokenHidden:
        return Place(opened.connection)
    except SlackSaysNo as error:
        return _slack_says_no(error, opened)
    except NovuError:
        return _problem(messages.NOVU_SILENT, 503, opened.attempt)
    if len(teams) == 1:
        return Place(opened.connection, teams[0].id)
    if not teams:
        return render.show(messages.NO_WORKSPACE_YET, about=opened.about)
    return render.show(messages.WHICH_WORKSPACE, about=opened.about, template="workspaces.html", teams=teams)


def _choose_page(opened: Opened, offer: Offer, why: NotThere | None, *, search: str, team: str) -> Response:
    about, now = opened.about, opened.connection.destination
    if now:
        about = replace(about, names={"place": render.place(now, is_theirs=True)})
    return render.show(
        messages.CHOOSE_PAGE,
        200 if why is None else 422,
        about,
        "destination.html",
        offer=offer,
        problem=messages.REFUSED_DESTINATIONS[why] if why else "",
        given=request.form,
        search=search,
        team=team,
        now=now,
        person=opened.person,
        invite=render.invite(),
    )


def _slack_says_no(error: SlackSaysNo, opened: Opened) -> Response:
    LOGGER.warning("Slack refused attempt=%s word=%s", opened.attempt.id, error.word)
    if error.remedy is Remedy.LATER:
        return _later(messages.SLACK_SILENT, 503, opened.attempt, min(error.retry_after, LONGEST_RETRY_AFTER))
    words = messages.SLACK_WORDS.get(error.word, messages.SLACK_REMEDIES[error.remedy])
    return _problem(replace(messages.NOT_SENT, body=(words,)), 422, opened.attempt)


def _later(message: Message, status: int, attempt: Attempt, seconds: int) -> Response:
    wait = render.in_words(timedelta(seconds=seconds))
    response = _problem(message, status, attempt, wait=wait)
    if seconds:
        response.headers["Retry-After"] = str(seconds)
    return response


def _problem(message: Message, status: int, attempt: Attempt, **names: str) -> Response:
    about = render.about_attempt(attempt, may_restart=True)
    return render.show(message, status, replace(about, names=names), attempt=attempt)


def _to_attempt(attempt_id: str) -> Response:
    return render.see_other(url_for("outcome.attempt", attempt_id=attempt_id))
