"""The service with keys for two hosts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from tests.api.host import KEY, KEYS, OTHER_KEY, Host
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
