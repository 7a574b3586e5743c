"""What the fakes share: the look of their pages, and strict reading of forms and JSON.

Knows none of them, and nothing of the service.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias
from urllib.parse import urlsplit

from flask import Flask, Response, abort, render_template, request
from werkzeug.exceptions import HTTPException

HERE: Final = Path(__file__).parent
LARGEST_BODY: Final = 1024 * 1024
DEEPEST: Final = 100
POLICY: Final = "default-src 'self'; base-uri 'none'; frame-ancestors 'none'"

Links: TypeAlias = Sequence[tuple[str, str]]


def create_fake(name: str, subtitle: str, links: Links) -> Flask:
    app = Flask(name, template_folder=HERE / "templates", static_folder=HERE / "static")
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.context_processor(lambda: {"subtitle": subtitle, "links": tuple(links)})
    app.after_request(_add_headers)
    app.register_error_handler(HTTPException, show_problem)
    return app


def show_problem(error: HTTPException) -> tuple[str, int]:
    """The page for an HTTP error; `abort(400, "Sentence.")` brings its own words."""
    return render_template("problem.html", title=error.name, sentence=error.description), error.code or 500


def refuse_cross_site() -> None:
    """Nobody signs in here, but another site must not press the buttons either."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        allowed = site in {"same-origin", "none"}
    else:
        origin = request.headers.get("Origin")
        allowed = origin is None or urlsplit(origin).netloc == request.host
    if not allowed:
        abort(403, "This form was sent from another site.")


def read_number(name: str, most: int, least: int = 1) -> int | None:
    """A field of the form that was sent; None if it is empty."""
    text = request.form.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 9 and least <= int(text) <= most):
        abort(400, f"{name} must be a number from {least} to {most}.")
    return int(text)


def parse_json(body: bytes) -> Any:
    """JSON as a strict parser reads it. ValueError for anything else, NaN and absurd nesting included."""
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    _refuse_depth(value)
    return _without_lone_surrogates(value) if b"\\u" in body else value


def _refuse_depth(value: Any) -> None:
    """Python's own limit depends on the call stack: what could be read might be too deep to write again."""
    level, depth = [value], 0
    while level:
        level, depth = [child for item in level for child in _children(item)], depth + 1
        if depth > DEEPEST:
            raise ValueError("nested too deeply")


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _finite(text: str) -> float | None:
    """1e999 is infinite to a parser in JavaScript too, which then writes it as null."""
    number = float(text)
    return number if math.isfinite(number) else None


def _without_lone_surrogates(value: Any) -> Any:
    """Node prints U+FFFD for half a surrogate pair; Python would fail to encode it, much later."""
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _add_headers(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", f"{POLICY}; form-action 'self'")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Robots-Tag"] = "noindex"
    # Not `no-referrer`: browsers then send `Origin: null` with our own forms.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    return response
