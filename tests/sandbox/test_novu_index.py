"""The index answers every list as looking at each connection would."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from onboarding.sandbox.novu import Connection, Endpoint, Integration, listing
from onboarding.sandbox.novu.connections import view
from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.labels import audience
from onboarding.sandbox.novu.model import new_id

START = datetime(2030, 1, 1, tzinfo=UTC)
INTEGRATIONS = (Integration(new_id(), "one", "slack", "chat"), Integration(new_id(), "two", "discord", "chat"))
CHECKS: dict[str, Callable[[Connection, Any], bool]] = {
    "subscriberId": lambda row, value: row.subscriber_id == value,
    "integrationIdentifier": lambda row, value: row.integration.identifier == value,
    "providerId": lambda row, value: row.integration.provider_id == value,
    "channel": lambda row, value: row.integration.channel == value,
    "connectionMode": lambda row, value: (row.subscriber_id is None) == (value == "shared"),
    "contextKeys": lambda row, value: {*row.context_keys} == {each for each in value if each},
}
VALUES: dict[str, list[Any]] = {
    "subscriberId": ["s1", "s2", "s3"],
    "integrationIdentifier": ["one", "two"],
    "providerId": ["slack", "discord"],
    "channel": ["chat", "email"],
    "connectionMode": ["subscriber", "shared"],
    "contextKeys": [[""], ["a:1"], ["b:2", "a:1"]],
}


def filled(random_: random.Random) -> Environment:
    environment = Environment()
    for number in range(120):
        at = START + timedelta(seconds=random_.randrange(40))
        environment.channel_connections.save(
            Connection(
                id=new_id(),
                identifier=f"c-{random_.randrange(60)}",
                integration=random_.choice(INTEGRATIONS),
                subscriber_id=random_.choice([None, "s1", "s2"]),
                context_keys=random_.choice([(), ("a:1",), ("a:1", "b:2")]),
                workspace={"id": f"T{number}"},
                auth={"accessToken": "x"},
                created_at=at,
                updated_at=at,
            )
        )
    for row in random_.sample(environment.connections, 20):
        environment.channel_connections.remove(row.identifier)
    for row in random_.sample(environment.connections, 10):
        environment.channel_connections.save(replace(row, updated_at=row.updated_at + timedelta(seconds=5)))
    return environment


def looked_for(environment: Environment, query: dict[str, Any]) -> list[Connection]:
    def admits(row: Connection) -> bool:
        return all(check(row, query[name]) for name, check in CHECKS.items() if name in query)

    def place(row: Connection) -> tuple[datetime, str]:
        return (row.updated_at if query.get("orderBy") == "updatedAt" else row.created_at), row.id

    descending = query.get("orderDirection") != "ASC"
    return sorted(filter(admits, environment.connections), key=place, reverse=descending)


@pytest.mark.parametrize("seed", range(20))
def test_pages_join_up_to_what_a_search_finds(seed: int) -> None:
    random_ = random.Random(seed)
    environment = filled(random_)
    for _ in range(40):
        query = {name: random_.choice(VALUES[name]) for name in random_.sample(sorted(VALUES), random_.randrange(4))}
        query |= random_.choice([{}, {"orderBy": "updatedAt"}, {"orderDirection": "ASC"}])
        expected = [view(row) for row in looked_for(environment, query)]
        seen, after = [], ""
        while True:
            asked = MultiDict({**query, "limit": "7", "after": after})
            page = listing.page(environment.channel_connections, listing.read_query(asked), view)
            assert page["totalCount"] == len(expected)
            seen += page["data"]
            after = page["next"]
            if after is None:
                break
        assert seen == expected


def test_an_endpoint_is_found_by_everything_it_bears_until_it_goes() -> None:
    table, at = Environment().channel_endpoints, START
    rows = [
        Endpoint(
            id=new_id(),
            identifier=f"e-{number}",
            integration=INTEGRATIONS[number % 2],
            connection_identifier=(None, "c-1", "c-2")[number % 3],
            subscriber_id=f"s-{number % 4}",
            context_keys=((), ("a:1",), ("b:2", "a:1"))[number % 3],
            type="slack_channel",
            endpoint={"channelId": "C1"},
            created_at=at + timedelta(seconds=number),
            updated_at=at,
        )
        for number in range(24)
    ]
    for row in rows:
        table.save(row)
    assert table.index.rows(("connectionIdentifier", "c-1")) == rows[1::3]
    assert table.index.rows(audience("s-2", {"a:1", "b:2"})) == rows[2::12]
    assert table.index.rows(("subscriberId", "s-3"), ("integrationIdentifier", "two")) == rows[3::4]
    assert table.index.latest(2) == [rows[23], rows[22]]
    for row in rows:
        table.remove(row.identifier)
    assert table.index.rows() == table.index.rows(("connectionIdentifier", "c-1")) == []


def test_an_emptied_environment_keeps_nothing() -> None:
    environment = filled(random.Random(0))
    for row in environment.connections:
        environment.channel_connections.remove(row.identifier)
    assert environment.channel_connections.index.select((), "createdAt") == []
    assert environment.channel_connections.index.select((("connectionMode", "shared"),), "updatedAt") == []
