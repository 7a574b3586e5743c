"""A local Novu and a local Slack per test, and the clients that talk to them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from onboarding.sandbox.novu import Options, create_novu
from onboarding.sandbox.serve import serving
from onboarding.sandbox.slack import SlackApp, create_slack
from tests.contract.clients import Client, Official, Ours
from tests.contract.wire import Tap
from tests.sandbox.clients import NovuSite, SlackSite


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def tap() -> Tap:
    return Tap()


@pytest.fixture
def local(session: requests.Session, tap: Tap) -> Iterator[NovuSite]:
    """With idempotency on: a client that sends a key is to get what it asks for."""
    app = create_novu(idempotency=True, options=Options(slow_seconds=0.3))
    tap.on(app)
    with serving(app) as url:
        yield NovuSite(url, app.extensions["novu"], session)


@pytest.fixture
def slack_site(session: requests.Session) -> Iterator[SlackSite]:
    app = create_slack(SlackApp(), slow_seconds=0.2, hang_seconds=30)
    with serving(app) as url:
        yield SlackSite(url, app.extensions["slack"], session)


@pytest.fixture
def official(local: NovuSite) -> Iterator[Official]:
    client = Official(local.url)
    with client.sdk:
        yield client


@pytest.fixture
def ours(local: NovuSite) -> Ours:
    return Ours(local.url)


@pytest.fixture(params=["novu-py", "ours"])
def client(request: pytest.FixtureRequest, official: Official, ours: Ours) -> Client:
    """Whatever a test says about this holds for both."""
    return official if request.param == "novu-py" else ours
