"""The OpenAPI document, made readable: what the page of the reference shows, in its order."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from onboarding.web.api.describing import ON_EVERY_ANSWER

Schema = Mapping[str, Any]

RANGES: Final = {
    ("minLength", "maxLength"): "{} to {} characters",
    ("minimum", "maximum"): "{} to {}",
    ("minProperties", "maxProperties"): "{} to {} keys",
}
LIMITS: Final = {
    "minimum": "at least {}",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "default": "{} by default",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter, field or header."""

    name: str
    kind: str
    description: str
    place: str = ""
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a call. `shape` names what its body looks like; `headers` are those that not every answer has."""

    status: str
    description: str
    shape: str
    headers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    id: str
    summary: str
    description: str
    method: str
    path: str
    curl: str
    takes: tuple[Row, ...]
    body: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    name: str
    description: str
    rows: tuple[Row, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Reference:
    calls: tuple[Call, ...]
    shapes: tuple[Shape, ...]
    headers: tuple[Row, ...]


def of(document: Schema) -> Reference:
    components = document["components"]
    return Reference(
        calls=tuple(_calls(document)),
        shapes=tuple(_shape(name, schema) for name, schema in components["schemas"].items()),
        headers=tuple(_row(name, header) for name, header in components["headers"].items()),
    )


def kind(schema: Schema) -> str:
    """A schema in words. Patterns are for machines; descriptions say the same."""
    if "$ref" in schema:
        return _last(schema)
    if "anyOf" in schema and "type" not in schema:
        return " or ".join(kind(each) for each in schema["anyOf"])
    return ", ".join([_type(schema), *_limits(schema)])


def _limits(schema: Schema) -> Iterator[str]:
    ranges = {pair: words for pair, words in RANGES.items() if set(pair) <= set(schema)}
    for (least, most), words in ranges.items():
        yield words.format(schema[least], schema[most])
    for name, words in LIMITS.items():
        if name in schema and not any(name in pair for pair in ranges):
            yield words.format(schema[name])


def _type(schema: Schema) -> str:
    if "enum" in schema or "const" in schema:
        return " or ".join(map(_value, schema.get("enum", [schema.get("const")])))
    if schema["type"] == "array":
        return f"array of {kind(schema['items'])}"
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return " or ".join(types) + (f" ({schema['format']})" if "format" in schema else "")


def _value(value: object) -> str:
    return value if isinstance(value, str) and value else json.dumps(value)


def _calls(document: Schema) -> Iterator[Call]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                takes = (*item.get("parameters", ()), *operation.get("parameters", ()))
                yield _call(document, path, method.upper(), {**operation, "parameters": takes})


def _call(document: Schema, path: str, method: str, operation: Schema) -> Call:
    answers = ((status, _resolved(document, answer)) for status, answer in operation["responses"].items())
    body = operation.get("requestBody")
    return Call(
        id=operation["operationId"],
        summary=operation["summary"],
        description=operation["description"],
        method=method,
        path=path,
        curl=_curl(document, path, method, operation),
        takes=tuple(_row(each["name"], each) for each in operation["parameters"]),
        body=_last(_content(body)) if body else "",
        answers=tuple(_answer(status, answer) for status, answer in answers),
    )


def _answer(status: str, answer: Schema) -> Answer:
    shape = _last(_content(answer)) if "content" in answer else ""
    headers = tuple(name for name in answer["headers"] if name not in ON_EVERY_ANSWER)
    return Answer(status, answer["description"], shape, headers)


def _row(name: str, described: Schema) -> Row:
    """A parameter or a header."""
    return Row(
        name,
        kind(described["schema"]),
        described["description"],
        described.get("in", ""),
        bool(described.get("required")),
    )


def _shape(name: str, schema: Schema) -> Shape:
    required = schema.get("required", ())
    rows = (
        Row(field, kind(each), each.get("description", ""), is_required=field in required)
        for field, each in schema.get("properties", {}).items()
    )
    example = json.dumps(schema["examples"][-1], indent=2, ensure_ascii=False) if "examples" in schema else ""
    return Shape(name, schema.get("description", ""), tuple(rows), example)


def _curl(document: Schema, path: str, method: str, operation: Schema) -> str:
    """A command that works once API_KEY is set in the shell."""
    examples = {each["name"]: each.get("example", "") for each in operation["parameters"]}
    default = "POST" if "requestBody" in operation else "GET"
    parts = ["curl", *([] if method == default else ["-X", method])]
    lines = [" ".join([*parts, document["servers"][0]["url"] + path.format_map(examples)])]
    lines.append('-H "Authorization: Bearer $API_KEY"')
    for name in (each["name"] for each in operation["parameters"] if each["in"] == "header"):
        lines.append(f"-H {shlex.quote(f'{name}: {examples[name]}')}")
    if "requestBody" in operation:
        example = _resolved(document, _content(operation["requestBody"]))["examples"][0]
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(example, ensure_ascii=False))}"]
    return " \\\n  ".join(lines)


def _content(described: Schema) -> Schema:
    """The schema of a body."""
    [content] = described["content"].values()
    schema: Schema = content["schema"]
    return schema


def _resolved(document: Schema, described: Schema) -> Schema:
    if "$ref" not in described:
        return described
    found: Any = document
    for part in described["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    resolved: Schema = found
    return resolved


def _last(schema: Schema) -> str:
    """The name behind a reference."""
    return str(schema["$ref"]).rpartition("/")[2]
