"""The script of the element. Its moving address always leads to the newest; the address with a hash is for good."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue

from onboarding.web.context import wiring

HERE: Final = Path(__file__).parent
SCRIPT: Final = (HERE / "slack-connect.js").read_bytes()
TYPES: Final = (HERE / "slack-connect.d.ts").read_bytes()
HASH: Final = hashlib.sha256(SCRIPT).hexdigest()[:16]
INTEGRITY: Final = f"sha384-{base64.b64encode(hashlib.sha384(SCRIPT).digest()).decode()}"
MOVING: Final = timedelta(minutes=5)
FOR_GOOD: Final = timedelta(days=365)

embed = Blueprint("embed", __name__)
"""Registered only if the settings name origins."""


@embed.get("/embed/v1.js", provide_automatic_options=False)
def script() -> ResponseReturnValue:
    return _file(Response(SCRIPT, mimetype="text/javascript"), MOVING)


@embed.get("/embed/v1.<hash_>.js", provide_automatic_options=False)
def pinned_script(hash_: str) -> ResponseReturnValue:
    """Another release has another one: answering with that would break the page's integrity."""
    if hash_ != HASH:
        abort(404)
    return _file(Response(SCRIPT, mimetype="text/javascript"), FOR_GOOD)


@embed.get("/embed/v1.json", provide_automatic_options=False)
def integrity() -> ResponseReturnValue:
    url = f"{wiring().settings.public_url}/embed/v1.{HASH}.js"
    return _file(jsonify(url=url, integrity=INTEGRITY), MOVING)


@embed.get("/embed/v1.d.ts", provide_automatic_options=False)
def types() -> ResponseReturnValue:
    return _file(Response(TYPES, mimetype="text/plain"), MOVING)


def _file(response: Response, life: timedelta) -> Response:
    """Open to every page, also to isolated ones: there is nothing secret in it."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.cache_control.public = True
    response.cache_control.max_age = int(life.total_seconds())
    if life == FOR_GOOD:
        response.cache_control.immutable = True
    response.add_etag()
    response.make_conditional(request)
    return response
