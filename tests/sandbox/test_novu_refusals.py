"""How the local Novu says no: keys, bodies, envelopes."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from onboarding.sandbox.novu.contexts import STRUCTURE
from tests.sandbox.clients import KEY, NovuSite, complaints_of, connection, message_of


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "Missing authorization header"),
        ("Basic abc", 'Invalid authentication scheme: "Basic"'),
        (f"apikey {KEY}", 'Invalid authentication scheme: "apikey"'),
        ("ApiKey", "Unauthorized"),
        ("ApiKey wrong", "API Key not found"),
        ("Bearer abc", "Unauthorized"),
    ],
)
def test_every_bad_key_has_its_words(novu_site: NovuSite, header: str | None, message: str) -> None:
    answer = novu_site.session.get(
        f"{novu_site.url}/v1/channel-connections", headers={"Authorization": header} if header else {}
    )
    assert message_of(answer) == (401, message)
    assert ("error" in answer.json()) is (message != "Unauthorized")
    assert not [name for name in answer.headers if name.startswith("RateLimit")]


def test_an_error_repeats_its_context_at_top_level(novu_site: NovuSite) -> None:
    body = novu_site.send("GET", "/x?a=b%20c").json()
    assert body.pop("timestamp").endswith("Z")
    assert body == {
        "error": "Not Found",
        "statusCode": 404,
        "path": "/v1/channel-connections/x?a=b%20c",
        "message": "Channel connection with identifier 'x' not found",
        "ctx": {"error": "Not Found", "statusCode": 404},
    }


def test_governed_answers_tell_the_rate_limit(novu_site: NovuSite) -> None:
    for answer in (novu_site.send("GET"), novu_site.send("GET", "/x"), novu_site.create()):
        assert answer.headers["RateLimit-Limit"] == "100"
        assert 'category="configuration"' in answer.headers["RateLimit-Policy"]


def test_an_empty_body_lacks_four_things(novu_site: NovuSite) -> None:
    answer = novu_site.send("POST", json={})
    assert complaints_of(answer) == [
        "integrationIdentifier should not be null or undefined",
        "integrationIdentifier must be a string",
        "workspace should not be null or undefined",
        "auth should not be null or undefined",
    ]
    assert answer.json()["ctx"] == {}
    assert answer.json()["errors"]["general"]["value"] == "No Value Recorded"


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        ({"identifier": 1}, ["identifier must be a string"]),
        ({"subscriberId": []}, ["subscriberId must be a string"]),
        (
            {"connectionMode": "x"},
            ["connectionMode must be one of the following values: subscriber, shared"],
        ),
        (
            {"connectionMode": {}},
            [
                "connectionMode must be one of the following values: subscriber, shared",
                "connectionMode must be a string",
            ],
        ),
        (
            {"workspace": None},
            [
                "workspace should not be null or undefined",
                "nested property workspace must be either object or array",
            ],
        ),
        ({"workspace": "x"}, ["nested property workspace must be either object or array"]),
        (
            {"workspace": {}},
            ["workspace.id should not be null or undefined", "workspace.id must be a string"],
        ),
        ({"workspace": {"id": "T1", "name": 1}}, ["workspace.name must be a string"]),
        (
            {"auth": {"accessToken": None}},
            ["auth.accessToken should not be null or undefined", "auth.accessToken must be a string"],
        ),
        ({"auth": {"accessToken": "x", "expiresAt": 1}}, ["auth.expiresAt must be a string"]),
        ({"context": {}}, [STRUCTURE]),
        ({"context": []}, [STRUCTURE]),
        ({"context": {"tenant": "a:b"}}, [STRUCTURE]),
        ({"context": {"tenant": "x" * 101}}, [STRUCTURE]),
        ({"context": {"tenant": "a\n"}}, [STRUCTURE]),
        ({"context": {"tenant": {"data": {}}}}, [STRUCTURE]),
        ({"context": {"tenant": {"id": "a", "data": []}}}, [STRUCTURE]),
        (
            {"context": {str(number): "a" for number in range(6)}},
            ["Too many contexts: 6 provided, maximum allowed is 5"],
        ),
        (
            {"context": {"tenant": {"id": "a", "data": {"x": "y" * 65536}}}},
            ["Context 'tenant' Data is too large: 65KB exceeds 64KB limit"],
        ),
    ],
)
def test_a_bad_field_is_told_what_is_wrong(novu_site: NovuSite, change: dict[str, Any], messages: list[str]) -> None:
    assert complaints_of(novu_site.create(**change)) == messages


def test_odd_but_good_bodies_pass(novu_site: NovuSite) -> None:
    data = {"id": "a", "data": {"x": "y" * 60_000}}
    assert novu_site.created(context={"a b:c": data})["contextKeys"] == ["a b:c:a"]
    assert novu_site.created(workspace=[], auth=[])["auth"] == {"accessToken": ""}
    assert novu_site.session.get(novu_site.url).status_code == 200


def test_patch_asks_for_both(novu_site: NovuSite) -> None:
    novu_site.created(identifier="mine")
    answer = novu_site.send("PATCH", "/mine", json={"auth": {"accessToken": "x"}})
    assert complaints_of(answer) == ["workspace should not be null or undefined"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"null", 400),
        (b"NaN", 400),
        (b'"text"', 400),
        (b"[" * 90_000, 400),
        (b"[" * 40_000 + b"]" * 40_000, 400),
        (b'{"workspace":' * 500 + b"1" + b"}" * 500, 400),
        (b"\xff\xfe{}", 400),
        (b'{"a":' + b"1" * 5000 + b"}", 400),
        (b"[]", 422),
        (b"[{}]", 422),
        (b"", 422),
        (b'{"workspace":{"id":1e999},"auth":{},"integrationIdentifier":{"\\u0000":[]}}', 422),
        (b"x" * 110_000, 413),
    ],
)
def test_no_body_breaks_it(novu_site: NovuSite, body: bytes, status: int) -> None:
    for method, path in (("POST", ""), ("PATCH", "/x")):
        answer = novu_site.send(method, path, data=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == answer.json()["statusCode"] == status


def test_a_form_is_not_read_as_json(novu_site: NovuSite) -> None:
    assert len(complaints_of(novu_site.send("POST", data={"integrationIdentifier": "slack-prod"}))) == 4


def test_characters_that_break_encoders_are_kept_harmless(novu_site: NovuSite) -> None:
    novu_site.send(
        "POST",
        data=b'{"subscriberId":"subscriber-123","integrationIdentifier":"slack-prod","identifier":"a\\u0000\\ud800",'
        b'"workspace":{"id":"T1","name":"\\udfff\\u202e<b>","n":1e999},"auth":{"accessToken":"x\\ud83d\\ude80"}}',
        headers={"Content-Type": "application/json"},
    )
    assert novu_site.rows() == ["a\0\ufffd"]
    assert novu_site.send("GET").json()["data"][0]["workspace"] == {"id": "T1", "name": "\ufffd\u202e<b>", "n": None}
    assert novu_site.session.get(novu_site.url).status_code == 200


@pytest.mark.parametrize("path", ["/%00", "/%ed%a0%80", "/%ff", "/..%2f..", "/" + "x" * 5000, "/'\"<b>"])
def test_no_path_breaks_it(novu_site: NovuSite, path: str) -> None:
    assert novu_site.send("GET", path).status_code == 404


@pytest.mark.parametrize(
    "identifier", ["a/b", "/", "a%2Fb", "a?b#c", "a b", "ü/\N{ROCKET}", "connect:user-1:agent", "a//b"]
)
def test_an_identifier_may_hold_anything_that_is_encoded(novu_site: NovuSite, identifier: str) -> None:
    path = f"/{quote(identifier, safe='')}"
    assert message_of(novu_site.send("GET", path))[1] == f"Channel connection with identifier '{identifier}' not found"
    made = novu_site.created(identifier=identifier)
    assert made["identifier"] == identifier
    assert novu_site.send("GET", path).json()["data"] == made
    assert novu_site.send("PATCH", path, json=connection()).status_code == 200
    assert novu_site.send("POST", f"{path}/verify").status_code == 200
    assert novu_site.send("DELETE", path).status_code == 204


@pytest.mark.parametrize(("method", "path"), [("PUT", ""), ("DELETE", ""), ("POST", "/x"), ("GET", "/x/y")])
def test_an_unknown_route_is_a_404_for_every_method(novu_site: NovuSite, method: str, path: str) -> None:
    expected = f"Cannot {method} /v1/channel-connections{path}"
    assert message_of(novu_site.send(method, path, json=connection())) == (404, expected)
