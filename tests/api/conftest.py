"""The service with keys for two hosts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from tests.api.host import KEY, KEYS, OTHER_KEY, Host
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Person
from tests.witness import Witness


@pytest.fixture
def app(make_app: Callable[..., Flask], witness: Witness) -> Flask:
    witness.secrets |= {KEY, OTHER_KEY}
    return make_app(API_KEYS=KEYS)


@pytest.fixture
def host(app: Flask, witness: Witness) -> Host:
    return Host(app, witness)


@pytest.fixture
def other_host(app: Flask, witness: Witness) -> Host:
    return Host(app, witness, OTHER_KEY)


@pytest.fixture
def connected(person: Person, mint: MintLink, novu: LocalNovu) -> str:
    """The identifier of a connection to Acme HQ. Nobody has chosen where notifications go."""
    person.install(mint(context={"tenant": "org-1"}))
    [connection] = novu.state.connections
    return connection.identifier


@pytest.fixture
def more_subscribers(novu: LocalNovu) -> None:
    """Whom Novu knows besides subscriber-123: s0 to s9."""
    for number in range(10):
        novu.state.environment.add_subscriber(f"s{number}")


@pytest.fixture
def channel_id(slack: LocalSlack) -> Callable[..., str]:
    """The id of a channel by its name."""

    def find(name: str, workspace: str = "T9TK3CUKW") -> str:
        found = slack.state.channel_named(workspace, name)
        assert found
        return found.id

    return find
