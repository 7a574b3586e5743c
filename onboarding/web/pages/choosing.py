"""The page to choose a destination on, and what its form says."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from flask import Response, request
from flask.typing import ResponseReturnValue

from onboarding.flows.channels import Offer
from onboarding.flows.listing import TEAM, Place
from onboarding.flows.pasted import CHANNEL, Pasted
from onboarding.model.destinations import Destination, EndpointType
from onboarding.model.errors import DestinationRefused, NotThere, NovuError, SlackSaysNo, TokenHidden
from onboarding.settings.log import LOGGER
from onboarding.web.context import wiring
from onboarding.web.pages import messages, render
from onboarding.web.pages.destination_problems import problem, slack_says_no
from onboarding.web.pages.opened import Opened

LONGEST_SEARCH: Final = 80


def show(opened: Opened, why: NotThere | None = None) -> ResponseReturnValue:
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
        return problem(messages.NOVU_SILENT, 503, opened.attempt)
    return _choose_page(opened, offer, why, search=search, team=place.team)


def _ask_which(opened: Opened) -> Response | Place:
    """The workspace of an organisation: the only one, or a page to choose it on."""
    try:
        teams = wiring().channels.workspaces(opened.connection)
    except TokenHidden:
        return Place(opened.connection)
    except SlackSaysNo as error:
        return slack_says_no(error, opened)
    except NovuError:
        return problem(messages.NOVU_SILENT, 503, opened.attempt)
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
        invite=render.invite(about.brand),
    )


def chosen(opened: Opened) -> Destination:
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
