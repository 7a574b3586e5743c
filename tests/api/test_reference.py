"""The reference as people read it: all that the document says, on one page."""

from __future__ import annotations

import json
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator
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


def test_the_commands_work(document: dict[str, Any], served: str) -> None:
    """As they stand, with the key of a host back end in the shell's environment."""
    statuses = {}
    for call in reference.of({**document, "servers": [{"url": served}]}).calls:
        statuses[call.id] = curl(call.curl.replace("$API_KEY", KEY))
    of_links = {"createLink": 201, "revokeLink": 204, "listAttempts": 200, "readAttempt": 404, "createStatusToken": 201}
    lists = {"listConnections": 200, "listEvents": 200}
    of_connections = ("readConnection", "endConnection", "checkConnection", "reconnect", "listChannels")
    unknown = dict.fromkeys((*of_connections, "setDestination", "sendTest", "redeliverEvent"), 404)
    assert statuses == {**of_links, **lists, **unknown}


def curl(command: str) -> int:
    """What curl would do, for the options that the page uses."""
    words = ArgumentParser(exit_on_error=False)
    words.add_argument("--request", "-X")
    words.add_argument("--header", "-H", action="append", default=[])
    words.add_argument("--data", "-d")
    words.add_argument("url")
    asked = words.parse_args(shlex.split(command.replace("\\\n", " "))[1:])
    headers = dict(header.split(": ", 1) for header in asked.header)
    method = asked.request or ("POST" if asked.data else "GET")
    return requests.request(method, asked.url, headers=headers, data=asked.data, timeout=5).status_code


def test_other_methods_than_get_are_refused(app: Flask) -> None:
    for path in ("/reference", "/openapi.json"):
        assert app.test_client().post(path).status_code == 405
        assert app.test_client().head(path).status_code == 200


def test_the_document_is_linked(shown: Page, served: str) -> None:
    address = shown.link("openapi.json")
    assert json.loads(requests.get(served + address, timeout=5).text)["info"]["title"] == shown.heading
