"""A service with a status page, and an operator who is signed in to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from tests.admin.operator import CONNECTIONS, PASSWORD, Operator
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Person
from tests.witness import Witness


@pytest.fixture
def app(make_app: Callable[..., Flask], witness: Witness) -> Flask:
    witness.secrets.add(PASSWORD)
    return make_app(ADMIN_PASSWORD=PASSWORD)


@pytest.fixture
def stranger(app: Flask, slack: LocalSlack, witness: Witness) -> Operator:
    """Somebody who knows where the status page is."""
    return Operator(app, slack, witness)


@pytest.fixture
def operator(app: Flask, slack: LocalSlack, witness: Witness) -> Operator:
    operator = Operator(app, slack, witness)
    assert operator.sign_in().status == 303
    return operator


@pytest.fixture
def place(person: Person, link: str, novu: LocalNovu) -> str:
    """The page of the one connection there is."""
    person.install(link)
    return f"{CONNECTIONS}/{novu.state.connections[0].identifier}"
