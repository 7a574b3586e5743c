"""How a product looks on its pages: its colours as a stylesheet, and its initial where it has no logo."""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from itertools import takewhile
from typing import Final

from flask import Blueprint, Response, abort
from flask.typing import ResponseReturnValue

from onboarding.settings.addresses import origin
from onboarding.settings.apps import NO_NAME, Brand
from onboarding.settings.environment import Settings
from onboarding.web.context import wiring
from onboarding.web.pages import accent

FOR_GOOD: Final = timedelta(days=365)

brand_pages = Blueprint("brand", __name__)


@brand_pages.get("/brand/<name>.css")
def stylesheet(name: str) -> ResponseReturnValue:
    """A name says what is in the stylesheet: no other name is answered with it, and it may be kept for good."""
    found = next((color for color in _colors(wiring().settings) if accent.name(color) == name), None) or abort(404)
    response = Response(accent.stylesheet(found), mimetype="text/css")
    response.cache_control.public = True
    response.cache_control.max_age = int(FOR_GOOD.total_seconds())
    response.cache_control.immutable = True
    return response


def initial(product: str) -> str:
    """The first letter or digit of a name, with the marks that belong to it; empty if there is none."""
    rest = unicodedata.normalize("NFC", "" if product == NO_NAME else product)
    while rest and unicodedata.category(rest[0])[0] not in "LN":
        rest = rest[1:]
    marks = takewhile(lambda character: unicodedata.category(character)[0] == "M", rest[1:])
    letter = rest[:1].upper()
    return (letter if len(letter) == 1 else rest[:1]) + "".join(marks)


def logo_sources(settings: Settings) -> list[str]:
    """Where logos come from, as a Content-Security-Policy names it."""
    return sorted({origin(brand.logo_url) or "data:" for brand in _brands(settings) if brand.logo_url})


def _colors(settings: Settings) -> set[str]:
    return {brand.accent_color for brand in _brands(settings) if brand.accent_color}


def _brands(settings: Settings) -> tuple[Brand, ...]:
    return (settings.brand, *(app.brand for app in settings.apps.all))
