"""A local Slack and a local Novu, new for each test, with pauses a test can afford."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from onboarding.sandbox.novu import Options, create_novu
from onboarding.sandbox.serve import serving
from onboarding.sandbox.slack import SlackApp, create_slack
from tests.sandbox.clients import NovuSite, SlackSite


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def slack_site(session: requests.Session) -> Iterator[SlackSite]:
    app = create_slack(SlackApp(), slow_seconds=0.2, hang_seconds=30)
    with serving(app) as url:
        yield SlackSite(url, app.extensions["slack"], session)


@pytest.fixture
def novu_site(session: requests.Session) -> Iterator[NovuSite]:
    app = create_novu(options=Options(slow_seconds=0.2))
    with serving(app) as url:
        yield NovuSite(url, app.extensions["novu"], session)


@pytest.fixture
def idempotent_novu(session: requests.Session) -> Iterator[NovuSite]:
    app = create_novu(idempotency=True)
    with serving(app) as url:
        yield NovuSite(url, app.extensions["novu"], session)
