"""One request as curl, Node and Python send it: programs that work as soon as API_KEY is in the environment."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from onboarding.web.api.repeats import KEY

JSON_TYPE: Final = "application/json"
QUOTED_KEY: Final = re.compile(r'^( *)"([A-Za-z_]\w*)":', re.MULTILINE)
"""Names that JavaScript writes without quotes."""
LITERALS: Final = {True: "True", False: "False", None: "None"}


@dataclass(frozen=True, slots=True)
class Request:
    """What a call sends, its key apart. `is_answered` says whether the answer has a body."""

    method: str
    url: str
    is_answered: bool
    key: str | None = None
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """`name` is the language, as CSS and the page's switch know it."""

    name: str
    title: str
    code: str = field(repr=False)


def of(request: Request) -> tuple[Sample, ...]:
    return (
        Sample("curl", "curl", curl(request)),
        Sample("node", "Node", node(request)),
        Sample("python", "Python", python(request)),
    )


def curl(request: Request) -> str:
    method = "" if request.method == ("GET" if request.body is None else "POST") else f"-X {request.method} "
    lines = [f"curl {method}{shlex.quote(request.url)}", '-H "Authorization: Bearer $API_KEY"']
    if request.key:
        lines.append(f"-H {shlex.quote(f'{KEY}: {request.key}')}")
    if request.body is not None:
        lines += [f"-H 'Content-Type: {JSON_TYPE}'", f"-d {shlex.quote(_indented(request.body, 1))}"]
    return " \\\n  ".join(lines)


def node(request: Request) -> str:
    """An ES module for Node's own fetch."""
    lines = [f"const url = {_text(request.url)};", "const answer = await fetch(url, {"]
    lines += [] if request.method == "GET" else [f"  method: {_text(request.method)},"]
    lines += ["  headers: {", "    Authorization: `Bearer ${process.env.API_KEY}`,"]
    lines += [f"    {_text(KEY)}: {_text(request.key)},"] if request.key else []
    lines += [f'    "Content-Type": {_text(JSON_TYPE)},'] if request.body is not None else []
    lines.append("  },")
    if request.body is not None:
        body = QUOTED_KEY.sub(r"\1\2:", _indented(request.body, 1))
        lines.append(f"  body: JSON.stringify({body}),")
    read = "await answer.json()" if request.is_answered else "answer.status"
    return "\n".join([*lines, "});", "if (!answer.ok) throw new Error(await answer.text());", f"console.log({read});"])


def python(request: Request) -> str:
    lines = ["import os", "", "import requests", "", f"answer = requests.{request.method.lower()}("]
    lines += [
        f"    {_text(request.url)},",
        "    headers={",
        '        "Authorization": "Bearer " + os.environ["API_KEY"],',
    ]
    lines += [f"        {_text(KEY)}: {_text(request.key)},"] if request.key else []
    lines.append("    },")
    lines += [f"    json={_literal(request.body, 1)},"] if request.body is not None else []
    read = "answer.json()" if request.is_answered else "answer.status_code"
    return "\n".join([*lines, "    timeout=30,", ")", "answer.raise_for_status()", f"print({read})"])


def _text(text: str) -> str:
    """A string in JSON, which is one in JavaScript and Python, too."""
    return json.dumps(text, ensure_ascii=False)


def _indented(value: Any, depth: int) -> str:
    """JSON whose lines after the first one stand `depth` steps further in."""
    return json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\n" + "  " * depth)


def _literal(value: Any, depth: int) -> str:
    """A value of JSON, as Python writes it."""
    inner = "    " * (depth + 1)
    if isinstance(value, Mapping):
        fields = (f"{inner}{_text(name)}: {_literal(each, depth + 1)},\n" for name, each in value.items())
        return "{\n" + "".join(fields) + "    " * depth + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_literal(each, depth) for each in value) + "]"
    return LITERALS[value] if value is None or isinstance(value, bool) else json.dumps(value, ensure_ascii=False)
