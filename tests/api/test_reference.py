"""The reference as people read it: all that the document says, on one page."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from flask import Flask

from onboarding.sandbox.serve import serving
from onboarding.web.api import reference
from tests.api.host import KEY
from tests.person import Page, Person


@pytest.fixture
def shown(person: Person) -> Page:
    answer = person.open("/reference")
    assert answer.status == 200
    return answer


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = app.test_client().get("/openapi.json").json or {}
    return found


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    with serving(app) as url:
        yield url


def test_the_page_needs_no_key_and_no_script(shown: Page) -> None:
    assert shown.heading == "API reference"
    assert "<script" not in shown.source
    assert " style=" not in shown.source


def test_the_page_says_what_the_document_says(shown: Page, document: dict[str, Any]) -> None:
    def words(text: str) -> str:
        return " ".join(text.replace("`", " ").split()).replace(" .", ".").replace(" ,", ",")

    for item in document["paths"].values():
        for operation in (item[method] for method in item if method != "parameters"):
            assert operation["summary"] in shown.text
            assert words(operation["description"]) in shown.text
            assert all(parameter["name"] in shown.text for parameter in operation.get("parameters", ()))
    for name, schema in document["components"]["schemas"].items():
        assert f'id="shape-{name}"' in shown.source
        for field, described in schema.get("properties", {}).items():
            assert field in shown.text
            assert words(described.get("description", "")) in shown.text
    for header in document["components"]["headers"]:
        assert header in shown.text


def test_every_link_on_the_page_leads_somewhere(shown: Page) -> None:
    ids = re.findall(r'id="([^"]+)"', shown.source)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', shown.source)) <= set(ids)


def test_each_call_shows_what_it_sends_and_what_it_gets(shown: Page, document: dict[str, Any]) -> None:
    for call in reference.of(document).calls:
        section = shown.source.split(f'aria-labelledby="{call.id}"')[1].split("</section>")[0]
        blocks = [
            html.unescape(each) for each in re.findall(r'<pre tabindex="0"><code>(.*?)</code>', section, re.DOTALL)
        ]
        answers = [answer.example for answer in call.good if answer.example]
        assert blocks == [*(sample.code for sample in call.samples), *answers]
        assert all(f"Answer {answer.status}" in section for answer in call.good)


def test_the_contents_lead_to_every_call_in_order(shown: Page, document: dict[str, Any]) -> None:
    calls = [call.id for call in reference.of(document).calls]
    contents = re.findall(r'<nav.*?aria-label="Contents">(.*?)</nav>', shown.source, re.DOTALL)
    assert len(contents) == 2, "folded on narrow screens, at the side on wide ones"
    for each in contents:
        assert re.findall('href="#([^"]+)"', each) == [*calls, "bodies", "headers"]


def test_whatever_is_shown_is_of_this_deployment(make_app: Callable[..., Flask]) -> None:
    """Somebody who copies a sample sends a key along: it must not go to another host."""
    app = make_app(API_KEYS=KEY, PUBLIC_URL="https://slack.sprocket.example")
    text = app.test_client().get("/reference").text
    hosts = set(re.findall(r"https?://[a-z0-9.:-]+", text))
    assert hosts == {"https://slack.sprocket.example", "https://app.example.com"}


def test_every_field_of_an_answer_is_always_there(document: dict[str, Any]) -> None:
    """The page says so once instead of at each field."""
    taken = {call.body.name for call in reference.of(document).calls if call.body} | {"Context"}
    for name, schema in document["components"]["schemas"].items():
        if name not in taken:
            assert schema["required"] == [*schema["properties"]], name


def test_other_methods_than_get_are_refused(app: Flask) -> None:
    for path in ("/reference", "/openapi.json"):
        assert app.test_client().post(path).status_code == 405
        assert app.test_client().head(path).status_code == 200


def test_the_document_is_linked(shown: Page, served: str) -> None:
    address = shown.link("openapi.json")
    assert json.loads(requests.get(served + address, timeout=5).text)["info"]["title"] == shown.heading
