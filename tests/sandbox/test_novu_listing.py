"""Lists: filters, order and cursors."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.sandbox.clients import NovuSite, complaints_of, connection, message_of


@pytest.fixture
def site(novu_site: NovuSite) -> NovuSite:
    """Five connections, oldest first: plain, a, ab, shared, other."""
    more = {"providerId": "slack", "channel": "chat", "identifier": "slack-eu"}
    novu_site.session.post(f"{novu_site.url}/v1/integrations", json=more, headers=novu_site.headers)
    novu_site.created(identifier="plain")
    novu_site.created(identifier="a", context={"tenant": "a"})
    novu_site.created(identifier="ab", context={"tenant": "a", "region": "b"})
    novu_site.created(identifier="shared", context={"tenant": "a"}, connectionMode="shared", subscriberId=...)
    novu_site.created(identifier="other", integrationIdentifier="slack-eu")
    return novu_site


def page(site: NovuSite, **query: Any) -> dict[str, Any]:
    answer = site.send("GET", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_list_is_not_wrapped_twice(site: NovuSite) -> None:
    answer = page(site)
    assert list(answer) == ["data", "next", "previous", "totalCount", "totalCountCapped"]
    assert [row["identifier"] for row in answer["data"]] == ["other", "shared", "ab", "a", "plain"]
    assert (answer["next"], answer["previous"], answer["totalCount"]) == (None, None, 5)
    assert answer["totalCountCapped"] is False


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({"contextKeys": "tenant:a"}, ["shared", "a"]),
        ({"contextKeys": ["region:b", "tenant:a"]}, ["ab"]),
        ({"contextKeys": ""}, ["other", "plain"]),
        ({"contextKeys": "tenant:a,region:b"}, []),
        ({"contextKeys": "tenant:a", "subscriberId": "subscriber-123"}, ["a"]),
        ({"connectionMode": "shared"}, ["shared"]),
        ({"connectionMode": "subscriber", "contextKeys": "tenant:a"}, ["a"]),
        ({"integrationIdentifier": "slack-eu"}, ["other"]),
        ({"subscriberId": "nobody"}, []),
        ({"subscriberId": "", "integrationIdentifier": "slack-eu"}, ["other"]),
        ({"channel": "chat", "providerId": "slack", "limit": "2.0"}, ["other", "shared"]),
        ({"channel": "email"}, []),
        ({"orderDirection": "ASC", "limit": "2"}, ["plain", "a"]),
        ({"limit": "0"}, ["other", "shared", "ab", "a", "plain"]),
    ],
)
def test_filters_narrow_the_list(site: NovuSite, query: dict[str, Any], rows: list[str]) -> None:
    assert site.rows(**query) == rows


def test_updated_order_follows_changes(site: NovuSite) -> None:
    site.send("PATCH", "/plain", json=connection())
    assert site.rows(orderBy="updatedAt")[0] == "plain"
    assert site.rows(orderBy="createdAt")[0] == "other"


def test_pages_follow_one_another_both_ways(site: NovuSite) -> None:
    first = page(site, limit="2")
    assert re.fullmatch(r"[0-9a-f]{24}", first["next"])
    assert (first["previous"], first["totalCount"]) == (None, 5)
    second = page(site, limit="2", after=first["next"])
    assert [row["identifier"] for row in second["data"]] == ["ab", "a"]
    third = page(site, limit="2", after=second["next"])
    assert [row["identifier"] for row in third["data"]] == ["plain"]
    assert third["next"] is None
    back = page(site, limit="2", before=third["previous"])
    assert back["data"] == second["data"]
    assert page(site, limit="2", before=back["previous"])["data"] == first["data"]


def test_the_cursors_row_can_be_included(site: NovuSite) -> None:
    cursor = page(site, limit="2")["next"]
    assert site.rows(after=cursor, includeCursor="true", limit="2") == ["shared", "ab"]
    assert site.rows(after=cursor, includeCursor="1", limit="2") == ["ab", "a"]
    assert site.rows(before=cursor, includeCursor="true") == ["other", "shared"]


def test_an_unknown_cursor_finds_nothing(site: NovuSite) -> None:
    answer = page(site, after="0" * 24)
    assert answer == {"data": [], "next": None, "previous": None, "totalCount": 0, "totalCountCapped": False}


def test_two_cursors_are_one_too_many(site: NovuSite) -> None:
    answer = site.send("GET", params={"after": "0" * 24, "before": "0" * 24})
    assert message_of(answer) == (
        400,
        'Cannot specify both "before" and "after" cursors at the same time.',
    )


def test_a_malformed_cursor_crashes_as_it_does_at_novu(site: NovuSite) -> None:
    answer = site.send("GET", params={"after": "chconn_x"})
    assert answer.status_code == 500
    assert answer.json()["errorId"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"channel": "x"}, "channel must be one of the following values: in_app, email, sms, chat, push"),
        ({"limit": "ten"}, "limit must be a number conforming to the specified constraints"),
        ({"limit": "1_0"}, "limit must be a number conforming to the specified constraints"),
        ({"limit": "\N{ARABIC-INDIC DIGIT ONE}"}, "limit must be a number conforming to the specified constraints"),
        ({"limit": "1e999"}, "limit must be a number conforming to the specified constraints"),
        ({"limit": "-1"}, "limit must not be less than 1"),
        ({"limit": "101"}, "limit must not be greater than 100"),
        ({"orderBy": "x"}, "orderBy must be one of the following values: createdAt, updatedAt"),
    ],
)
def test_a_bad_query_is_told_what_is_wrong(novu_site: NovuSite, query: dict[str, str], message: str) -> None:
    assert complaints_of(novu_site.send("GET", params=query)) == [message]
