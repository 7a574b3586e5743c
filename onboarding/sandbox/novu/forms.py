"""What the forms on the local Novu's pages say."""

from __future__ import annotations

from collections.abc import Callable

from flask import abort, redirect, request
from werkzeug.wrappers import Response

from onboarding.sandbox.fake import refuse_cross_site
from onboarding.sandbox.novu.answer import NovuError, ValidationFailed
from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.state import local_novu


def submit(act: Callable[[], object], then: str) -> Response:
    """Do it, unless another site asked for it, and go on to a page. What Novu would refuse shows as a page."""
    refuse_cross_site()
    try:
        act()
    except NovuError as error:
        abort(404 if error.status == 404 else 400, _words(error))
    return redirect(then, 303)


def chosen_environment() -> Environment:
    """The environment a form is about; the first one if it does not say."""
    id_, novu = field("environment"), local_novu()
    found = [each for each in novu.environments if each.id == id_]
    if id_ and not found:
        abort(400, "No such environment.")
    return found[0] if found else novu.environment


def field(name: str) -> str:
    return request.form.get(name, "").strip()


def _words(error: NovuError) -> str:
    return "; ".join(error.messages) if isinstance(error, ValidationFailed) else error.message
