"""The OpenAPI document, made readable: what the page of the reference shows, in its order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from onboarding.web.api import examples, samples
from onboarding.web.api.describing import ON_EVERY_ANSWER
from onboarding.web.api.repeats import KEY
from onboarding.web.api.samples import Request, Sample

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
    phrase: str
    description: str
    shape: str
    headers: tuple[str, ...]
    example: str

    @property
    def is_good(self) -> bool:
        return self.status.startswith("2")


@dataclass(frozen=True, slots=True)
class Shape:
    name: str
    description: str
    rows: tuple[Row, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Call:
    """`body` is the shape of what it takes, if it takes one."""

    id: str
    summary: str
    description: str
    method: str
    path: str
    takes: tuple[Row, ...]
    body: Shape | None
    answers: tuple[Answer, ...]
    samples: tuple[Sample, ...]

    @property
    def good(self) -> tuple[Answer, ...]:
        return tuple(each for each in self.answers if each.is_good)


@dataclass(frozen=True, slots=True)
class Group:
    """The calls about one thing."""

    name: str
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """`shapes` are those that are not the body of a call."""

    groups: tuple[Group, ...]
    shapes: tuple[Shape, ...]
    headers: tuple[Row, ...]

    @property
    def calls(self) -> tuple[Call, ...]:
        return tuple(call for group in self.groups for call in group.calls)


def of(document: Schema) -> Reference:
    components = document["components"]
    groups = tuple(_groups(document))
    taken = {call.body.name for group in groups for call in group.calls if call.body}
    shapes = (_shape(document, name) for name in components["schemas"] if name not in taken)
    return Reference(
        groups=groups,
        shapes=tuple(shapes),
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


def _groups(document: Schema) -> Iterator[Group]:
    """By what comes first in the path, in the order of the document."""
    named = [(path.split("/")[2], call) for path, call in _calls(document)]
    for noun in dict.fromkeys(noun for noun, _ in named):
        calls = tuple(call for each, call in named if each == noun)
        yield Group(noun.replace("-", " ").capitalize(), calls)


def _calls(document: Schema) -> Iterator[tuple[str, Call]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                takes = (*item.get("parameters", ()), *operation.get("parameters", ()))
                yield path, _call(document, path, method.upper(), {**operation, "parameters": takes})


def _call(document: Schema, path: str, method: str, operation: Schema) -> Call:
    responses = {status: _resolved(document, answer) for status, answer in operation["responses"].items()}
    body = operation.get("requestBody")
    answers = tuple(_answer(document, status, answer) for status, answer in responses.items())
    return Call(
        id=operation["operationId"],
        summary=operation["summary"],
        description=operation["description"],
        method=method,
        path=path,
        takes=tuple(_row(each["name"], each) for each in operation["parameters"]),
        body=_shape(document, _last(_content(body))) if body else None,
        answers=tuple(sorted(answers, key=lambda each: each.status)),
        samples=samples.of(_request(document, path, method, operation, answers)),
    )


def _answer(document: Schema, status: str, answer: Schema) -> Answer:
    shape = _last(_content(answer)) if "content" in answer else ""
    return Answer(
        status=status,
        phrase=HTTPStatus(int(status)).phrase,
        description=answer["description"],
        shape=shape,
        headers=tuple(name for name in answer["headers"] if name not in ON_EVERY_ANSWER),
        example=_example(document, document["components"]["schemas"][shape]) if shape else "",
    )


def _row(name: str, described: Schema) -> Row:
    """A parameter or a header."""
    return Row(
        name,
        kind(described["schema"]),
        described["description"],
        described.get("in", ""),
        bool(described.get("required")),
    )


def _shape(document: Schema, name: str) -> Shape:
    schema = document["components"]["schemas"][name]
    required = schema.get("required", ())
    rows = (
        Row(field, kind(each), each.get("description", ""), is_required=field in required)
        for field, each in schema.get("properties", {}).items()
    )
    return Shape(name, schema.get("description", ""), tuple(rows), _example(document, schema))


def _example(document: Schema, schema: Schema) -> str:
    """As this deployment would answer: its links lead here."""
    if "examples" not in schema:
        return ""
    text = json.dumps(schema["examples"][-1], indent=2, ensure_ascii=False)
    return text.replace(examples.PUBLIC_URL, _server(document))


def _request(document: Schema, path: str, method: str, operation: Schema, answers: Sequence[Answer]) -> Request:
    """The call with the examples of whatever has one."""
    given = {(each["in"], each["name"]): each["example"] for each in operation["parameters"] if "example" in each}
    query = urlencode({name: value for (place, name), value in given.items() if place == "query"})
    where = path.format_map({name: value for (place, name), value in given.items() if place == "path"})
    body = operation.get("requestBody")
    return Request(
        method=method,
        url=f"{_server(document)}{where}" + (f"?{query}" if query else ""),
        is_answered=any(each.shape for each in answers if each.is_good),
        key=given.get(("header", KEY)),
        body=_resolved(document, _content(body))["examples"][0] if body else None,
    )


def _server(document: Schema) -> str:
    return str(document["servers"][0]["url"])


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
